package server

import (
	"compress/gzip"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/kymaros/kymaros/pkg/apis/restore/v1alpha1"
	"github.com/kymaros/kymaros/pkg/server/cached"
	"github.com/kymaros/kymaros/pkg/server/problem"
)

// follow reads pages until there is no other, and returns the names on each.
func follow(t *testing.T, s *scene, path string) [][]string {
	t.Helper()
	var pages [][]string
	for path != "" {
		w := s.get(ofAuditor, path)
		if w.Code != http.StatusOK {
			t.Fatalf("GET %s: %d %s", path, w.Code, w.Body)
		}
		var items []cached.TestItem
		if err := json.Unmarshal(w.Body.Bytes(), &items); err != nil {
			t.Fatal(err)
		}
		var names []string
		for _, item := range items {
			names = append(names, item.Name)
		}
		pages = append(pages, names)
		path, _, _ = strings.Cut(strings.TrimPrefix(w.Header().Get("Link"), "<"), ">")
	}
	return pages
}

func TestPagesAndOrders(t *testing.T) {
	scored := func(score *int32, result v1alpha1.Result) func(*v1alpha1.RestoreTest) {
		return func(rt *v1alpha1.RestoreTest) { rt.Status.LastScore, rt.Status.LastResult = score, result }
	}
	objects := []object{
		newTest("n", "a", "x", scored(new(int32(70)), v1alpha1.ResultPartial)), newTest("n", "b", "x", scored(new(int32(95)), v1alpha1.ResultPass)),
		newTest("n", "c", "x", scored(nil, v1alpha1.ResultInconclusive)), newTest("n", "d", "x"), newTest("n", "e", "x", scored(new(int32(10)), v1alpha1.ResultFail)),
		newTest("m", "f", "x", scored(new(int32(95)), v1alpha1.ResultPass)),
	}
	bubble(t, objects, func(t *testing.T, s *scene) {
		for query, want := range map[string]string{
			"":                     "[[f a b c d e]]",
			"?sort=-name":          "400",
			"?limit=2":             "[[f a] [b c] [d e]]",
			"?sort=score&limit=4":  "[[e a f b] [c d]]",
			"?sort=-score&limit=4": "[[f b a e] [c d]]",
			"?sort=result&limit=5": "[[e a c d f] [b]]",
			"?sort=-result":        "[[f b d c a e]]",
			"?result=pass":         "[[f b]]",
			"?result=never":        "[[d]]",
			"?phase=Idle&limit=6":  "[[f a b c d e]]",
			"?q=N/":                "[[a b c d e]]",
			"?namespace=m":         "[[f]]",
			"?limit=0":             "400",
			"?limit=1001":          "400",
			"?limit=x":             "400",
			"?result=green":        "400",
			"?phase=idle":          "400",
			"?sort=age":            "400",
			"?namespace=../n":      "400",
			"?namespace=":          "400",
			"?continue=x":          "400",
			"?resutl=fail":         "400",
			"?limit=1&limit=2":     "400",
			"?a;b":                 "400",
			"?sort=score&continue=" + url.QueryEscape(strings.Repeat("e", 3000)): "400",
		} {
			if want != "400" {
				must(t, query, fmt.Sprint(follow(t, s, "/api/v1/tests"+query)), want)
				continue
			}
			w := s.get(ofAuditor, "/api/v1/tests"+query)
			var p problem.Error
			if err := json.Unmarshal(w.Body.Bytes(), &p); err != nil {
				t.Fatal(err)
			}
			field, _, _ := strings.Cut(strings.TrimPrefix(query, "?"), "=")
			if w.Code != http.StatusBadRequest || w.Header().Get("Content-Type") != "application/problem+json" || p.Fault == "" || p.Fault != p.Detail || p.Status != 400 ||
				query != "?a;b" && !strings.Contains(query, p.Field+"=") || p.Field == "" && query != "?a;b" {
				t.Errorf("%s (%s): %d %s", query, field, w.Code, w.Body)
			}
		}
		first := s.get(ofAuditor, "/api/v1/tests?sort=score&limit=1").Header().Get("Link")
		link, _, _ := strings.Cut(strings.TrimPrefix(first, "<"), ">")
		if w := s.get(ofAuditor, strings.Replace(link, "sort=score", "sort=-score", 1)); w.Code != http.StatusBadRequest {
			t.Errorf("a cursor of another order: %d", w.Code)
		}
	})
}

// TestPagesNeitherRepeatNorLeaveOut while rows come and go between them.
func TestPagesNeitherRepeatNorLeaveOut(t *testing.T) {
	var objects []object
	for _, name := range []string{"b", "d", "f", "h"} {
		objects = append(objects, newTest("n", name, "x"))
	}
	bubble(t, objects, func(t *testing.T, s *scene) {
		w := s.get(ofAuditor, "/api/v1/tests?limit=2") // b, d
		api := s.client.RestoreV1alpha1().RestoreTests("n")
		for _, name := range []string{"a", "c", "e"} {
			if _, err := api.Create(t.Context(), newTest("n", name, "x"), metav1.CreateOptions{}); err != nil {
				t.Fatal(err)
			}
		}
		if err := api.Delete(t.Context(), "d", metav1.DeleteOptions{}); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Second)
		link, _, _ := strings.Cut(strings.TrimPrefix(w.Header().Get("Link"), "<"), ">")
		must(t, "what follows", fmt.Sprint(follow(t, s, link)), "[[e f] [h]]")
	})
}

func TestAPageOfTestsCounts(t *testing.T) {
	objects := append(team("team-a"), newTest("team-a", "asleep", "x", func(rt *v1alpha1.RestoreTest) {
		rt.Spec.Suspend, rt.Status.Phase, rt.Status.LastResult = true, v1alpha1.PhaseRunning, v1alpha1.ResultFail
	}))
	bubble(t, objects, func(t *testing.T, s *scene) {
		page := read[testPage](t, s, ofTeam, "/api/v1/namespaces/team-a/tests?result=pass")
		must(t, "total", page.Total, 1)
		must(t, "counts", page.Counts, testCounts{Pass: 1, Fail: 1, Never: 1, Running: 1, Suspended: 1})
		must(t, "name", page.Items[0].Name, "shop")
		must(t, "no page more", page.Continue, "")
	})
}

func TestReports(t *testing.T) {
	objects := []object{
		newReport("n", "shop-1", "shop", v1alpha1.ResultFail, 40, 50*time.Hour), newReport("n", "shop-2", "shop", v1alpha1.ResultPass, 98, time.Hour),
		newReport("n", "crm-1", "crm", v1alpha1.ResultPass, 97, 80*time.Hour), newReport("n", "crm-2", "crm", v1alpha1.ResultInconclusive, 0, 30*time.Hour),
		newReport("m", "shop-3", "shop", v1alpha1.ResultPartial, 80, 2*time.Hour),
	}
	// Two that are no evidence: one has no verdict yet, the other was not written by the controller.
	unfinished := newReport("n", "unfinished", "shop", v1alpha1.ResultPass, 100, 0)
	unfinished.Status = nil
	lie := newReport("n", "lie", "shop", v1alpha1.ResultPass, 100, 0)
	lie.ManagedFields[1].Manager = "kubectl-edit"
	objects = append(objects, unfinished, lie)
	bubble(t, objects, func(t *testing.T, s *scene) {
		for query, want := range map[string]string{
			"":                                 "[shop-2 shop-3 crm-2 shop-1 crm-1]",
			"?test=shop":                       "[shop-2 shop-3 shop-1]",
			"?namespace=n&test=shop":           "[shop-2 shop-1]",
			"?latest=true":                     "[shop-2 shop-3 crm-2]",
			"?latest=true&test=shop":           "[shop-2 shop-3]",
			"?latest=true&result=fail":         "[]",
			"?latest=false&result=fail":        "[shop-1]",
			"?days=2":                          "[shop-2 shop-3 crm-2]",
			"?days=2&test=crm":                 "[crm-2]",
			"?result=inconclusive&namespace=n": "[crm-2]",
			"?limit=2":                         "[shop-2 shop-3]",
		} {
			names := []string{}
			for _, item := range read[[]cached.ReportItem](t, s, ofAuditor, "/api/v1/reports"+query) {
				names = append(names, item.Metadata.Name)
			}
			must(t, query, fmt.Sprint(names), want)
		}
		for _, query := range []string{"?days=0", "?latest=yes", "?test=A", "?result=never"} {
			if w := s.get(ofAuditor, "/api/v1/reports"+query); w.Code != http.StatusBadRequest {
				t.Errorf("%s: %d", query, w.Code)
			}
		}
		for _, name := range []string{"unfinished", "lie"} {
			for _, path := range []string{"/api/v1/namespaces/n/reports/" + name, "/api/v1/namespaces/n/reports/" + name + "/logs", "/api/v1/namespaces/n/reports/" + name + "/evidence", "/api/v1/reports/" + name} {
				if w := s.get(ofAuditor, path); w.Code != http.StatusNotFound {
					t.Errorf("%s: %d", path, w.Code)
				}
			}
		}
		whole := read[v1alpha1.RestoreReport](t, s, ofAuditor, "/api/v1/namespaces/n/reports/shop-2")
		if whole.Kind != "RestoreReport" || whole.Status.Backup.Name != "n-nightly" || len(whole.ManagedFields) > 0 || len(whole.Status.PodLogs) > 0 { //nolint:staticcheck // deprecated, and not to be shown
			t.Errorf("a whole report: %+v", whole)
		}
		logs := read[reportLogs](t, s, ofAuditor, "/api/v1/reports/shop-2/logs")
		must(t, "logs", len(logs.PodLogs)+len(logs.Events), 2)
	})
}

func TestAWholeTestHasNoAnnotations(t *testing.T) {
	bubble(t, team("team-a"), func(t *testing.T, s *scene) {
		w := s.get(ofTeam, "/api/v1/namespaces/team-a/tests/shop")
		if w.Code != http.StatusOK || strings.Contains(w.Body.String(), "applied") || strings.Contains(w.Body.String(), "managedFields") || !strings.Contains(w.Body.String(), `"cron":"0 3 * * *"`) {
			t.Errorf("%d %s", w.Code, w.Body)
		}
	})
}

func TestSummaries(t *testing.T) {
	objects := []object{
		newTest("n", "shop", "x"), newTest("n", "crm", "x"), newTest("n", "wiki", "y"),
		newReport("n", "shop-0", "shop", v1alpha1.ResultPass, 90, 75*time.Hour),
		newReport("n", "shop-1", "shop", v1alpha1.ResultPass, 100, 50*time.Hour), newReport("n", "shop-2", "shop", v1alpha1.ResultPartial, 80, 20*time.Hour),
		newReport("n", "crm-1", "crm", v1alpha1.ResultPass, 95, 49*time.Hour), newReport("n", "crm-2", "crm", v1alpha1.ResultFail, 40, 2*time.Hour),
		newReport("n", "wiki-1", "wiki", v1alpha1.ResultInconclusive, 0, 73*time.Hour), newReport("n", "wiki-2", "wiki", v1alpha1.ResultInconclusive, 0, time.Hour),
	}
	bubble(t, objects, func(t *testing.T, s *scene) {
		must(t, "the summary", read[summary](t, s, ofAuditor, "/api/v1/summary"), summary{
			AverageScore: 60, TotalTests: 3, TestsLastNight: 3, TotalFailures: 1, TotalPartial: 1, TotalInconclusive: 1, AverageRTO: "1m 30s", NamespacesCovered: 2,
		})
		w := s.get(ofAuditor, "/api/v1/summary/daily")
		must(t, "days", strings.TrimSpace(w.Body.String()), `[{"date":"1999-12-28","score":90,"tests":2,"failures":0,"partial":0,"inconclusive":1},`+
			`{"date":"1999-12-29","score":97.5,"tests":2,"failures":0,"partial":0,"inconclusive":0},{"date":"1999-12-31","score":60,"tests":3,"failures":1,"partial":1,"inconclusive":1}]`)
		must(t, "two days", len(read[[]day](t, s, ofAuditor, "/api/v1/summary/daily?days=2")), 1)
		alerts := read[[]alert](t, s, ofAuditor, "/api/v1/alerts")
		var told []string
		for _, a := range alerts {
			told = append(told, fmt.Sprintf("%s %s %d after %d", a.Report, a.Result, a.Score, a.PrevScore))
		}
		must(t, "alerts", told, []string{"crm-2 fail 40 after 95", "shop-2 partial 80 after 100"})
		if !strings.Contains(alerts[0].Message, "Test crm failed with score 40; score regression from 95 to 40") {
			t.Errorf("the alert says %q", alerts[0].Message)
		}
		must(t, "alerts of an hour", len(read[[]alert](t, s, ofAuditor, "/api/v1/alerts?hours=1")), 0)
	})
}

func TestADayOfWhichNothingIsKnownHasNoScore(t *testing.T) {
	bubble(t, []object{newReport("n", "r", "t", v1alpha1.ResultInconclusive, 0, time.Hour)}, func(t *testing.T, s *scene) {
		if body := s.get(ofAuditor, "/api/v1/summary/daily").Body.String(); !strings.Contains(body, `"score":null,"tests":1`) {
			t.Error(body)
		}
	})
}

func TestUpcomingAndNotifications(t *testing.T) {
	at := func(hours int) func(*v1alpha1.RestoreTest) {
		return func(rt *v1alpha1.RestoreTest) {
			when := metav1.NewTime(time.Date(2000, 1, 1, hours, 0, 0, 0, time.UTC))
			rt.Status.NextRunAt = &when
			rt.Spec.Notifications = &v1alpha1.Notifications{
				OnFailure: []v1alpha1.NotificationChannel{{Type: "slack", Channel: "#a", WebhookSecretRef: "s"}},
				OnSuccess: []v1alpha1.NotificationChannel{{Type: "slack", Channel: "#a", WebhookSecretRef: "s"}, {Type: "webhook", WebhookSecretRef: "w"}},
			}
		}
	}
	bubble(t, []object{newTest("n", "late", "x", at(9)), newTest("n", "soon", "x", at(3)), newTest("n", "past", "x", at(-3)), newTest("n", "none", "x")}, func(t *testing.T, s *scene) {
		var names []string
		for _, n := range read[[]next](t, s, ofAuditor, "/api/v1/upcoming") {
			names = append(names, n.Name+" "+n.NextRunAt)
		}
		must(t, "upcoming", names, []string{"soon 2000-01-01T03:00:00Z", "late 2000-01-01T09:00:00Z"})
		must(t, "channels", read[channels](t, s, ofAuditor, "/api/v1/config/notifications").Channels, []channelItem{
			{"slack", "#a", "s", "n", []string{"late", "past", "soon"}}, {"webhook", "", "w", "n", []string{"late", "past", "soon"}},
		})
	})
}

// TestListsThatAreEmptyAreLists: older clients call their methods without a look.
func TestListsThatAreEmptyAreLists(t *testing.T) {
	bubble(t, nil, func(t *testing.T, s *scene) {
		for _, path := range []string{"tests", "reports", "alerts", "upcoming", "summary/daily", "policies"} {
			must(t, path, s.get(ofAuditor, "/api/v1/"+path).Body.String(), "[]\n")
		}
		must(t, "channels", s.get(ofAuditor, "/api/v1/config/notifications").Body.String(), `{"channels":[]}`+"\n")
		if body := s.get(ofAuditor, "/api/v1/namespaces/n/reports").Body.String(); body != `{"items":[],"total":0}`+"\n" {
			t.Error(body)
		}
		must(t, "summary", read[summary](t, s, ofAuditor, "/api/v1/summary"), summary{})
	})
}

func TestWhatACallerHasIsNotSentAgain(t *testing.T) {
	bubble(t, team("team-a"), func(t *testing.T, s *scene) {
		first := s.get(ofTeam, "/api/v1/tests")
		tag := first.Header().Get("ETag")
		for header, want := range map[string]int{tag: 304, `"x", ` + tag: 304, "*": 304, strings.TrimPrefix(tag, "W/"): 304, `W/"other"`: 200, "": 200} {
			w := s.get(ofTeam, "/api/v1/tests", "If-None-Match", header)
			if w.Code != want || (w.Body.Len() == 0) != (want == 304) {
				t.Errorf("If-None-Match %s: %d, %d bytes", header, w.Code, w.Body.Len())
			}
		}
		if w := s.get(ofNobody, "/api/v1/tests", "If-None-Match", tag); w.Code == 304 {
			t.Error("who may see nothing is told that this is still so")
		}
		if _, err := s.client.RestoreV1alpha1().RestoreTests("team-a").Create(t.Context(), newTest("team-a", "more", "x"), metav1.CreateOptions{}); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Second)
		if w := s.get(ofTeam, "/api/v1/tests", "If-None-Match", tag); w.Code != 200 {
			t.Errorf("after a change: %d", w.Code)
		}
	})
}

func TestAnswersArePackedForWhoTakesThat(t *testing.T) {
	var objects []object
	for i := range 50 {
		objects = append(objects, newTest("n", fmt.Sprintf("t-%d", i), "x"))
	}
	bubble(t, objects, func(t *testing.T, s *scene) {
		plain := s.get(ofAuditor, "/api/v1/tests").Body.String()
		for accepts, want := range map[string]bool{"gzip": true, "br, gzip;q=0.5": true, "gzip;q=0": false, "br": false, "": false, "GZIP ; Q=1": true} {
			w := s.get(ofAuditor, "/api/v1/tests", "Accept-Encoding", accepts)
			packed := w.Header().Get("Content-Encoding") == "gzip"
			body := w.Body.String()
			if packed {
				reader, err := gzip.NewReader(w.Body)
				if err != nil {
					t.Fatal(err)
				}
				text, err := io.ReadAll(reader)
				if err != nil {
					t.Fatal(err)
				}
				body = string(text)
			}
			if packed != want || body != plain {
				t.Errorf("Accept-Encoding %q: packed %v, the same: %v", accepts, packed, body == plain)
			}
		}
		if w := s.get(ofAuditor, "/api/v1/me", "Accept-Encoding", "gzip"); !slices.Contains(w.Header().Values("Vary"), "Authorization, Accept-Encoding") {
			t.Errorf("Vary: %q", w.Header().Values("Vary"))
		}
	})
}
