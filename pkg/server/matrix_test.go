package server

import (
	"net/http"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/kymaros/kymaros/pkg/server/caller"
	"github.com/kymaros/kymaros/pkg/server/clustertest"
)

// paths are addresses for every route, of one namespace: "" stands for none in the request. what is the resource that the answer
// is about; "" for all.
func paths(ns string) []struct{ path, resource, verb string } {
	all := []struct{ path, resource, verb string }{
		{"/api/v1/tests", tests, "list"},
		{"/api/v1/reports", reports, "list"},
		{"/api/v1/reports?latest=true", reports, "list"},
		{"/api/v1/reports?test=shop&result=fail&days=30", reports, "list"},
		{"/api/v1/summary", "", "list"},
		{"/api/v1/summary/daily", reports, "list"},
		{"/api/v1/recent", reports, "list"},
		{"/api/v1/alerts", reports, "list"},
		{"/api/v1/upcoming", tests, "list"},
		{"/api/v1/config/notifications", tests, "list"},
		{"/api/v1/policies", policies, "list"},
	}
	if ns == "" {
		return all
	}
	for i := range all {
		sep := "?"
		if strings.Contains(all[i].path, "?") {
			sep = "&"
		}
		all[i].path += sep + "namespace=" + ns
	}
	return append(all, []struct{ path, resource, verb string }{
		{"/api/v1/tests/shop?namespace=" + ns, tests, "get"},
		{"/api/v1/reports/shop-1?namespace=" + ns, reports, "get"},
		{"/api/v1/reports/shop-1/logs?namespace=" + ns, reports, "get"},
		{"/api/v1/reports/shop-1/evidence?namespace=" + ns, reports, "get"},
		{"/api/v1/namespaces/" + ns + "/tests", tests, "list"},
		{"/api/v1/namespaces/" + ns + "/tests/shop", tests, "get"},
		{"/api/v1/namespaces/" + ns + "/reports", reports, "list"},
		{"/api/v1/namespaces/" + ns + "/reports/shop-1", reports, "get"},
		{"/api/v1/namespaces/" + ns + "/reports/shop-1/logs", reports, "get"},
		{"/api/v1/namespaces/" + ns + "/reports/shop-1/evidence", reports, "get"},
		{"/api/v1/compare?before=" + ns + "/shop-1&after=" + ns + "/shop-2", reports, "get"},
	}...)
}

// TestWhoGetsWhat asks for every route as everybody, in their own namespace, in that of others, in one that is not there and in
// none.
func TestWhoGetsWhat(t *testing.T) {
	strangers := map[string]string{
		"nobody": "", "a forged token": forged, "an expired token": expired, "a token for somebody else": ofElsewhere,
		"a token that was looked at without its audience": ofUnaware,
	}
	oneTeam := map[string]string{"who may read one namespace": ofTeam, "a script with a token for this API only": ofScripts}
	everywhere := map[string]string{"who may read all namespaces": ofAuditor, "an administrator": ofAdmin}
	bubble(t, append(team("team-a"), team("team-b")...), func(t *testing.T, s *scene) {
		rows := 0
		check := func(who, token, path string, want int) {
			t.Helper()
			rows++
			if rows%80 == 0 { // the budget of a caller is not what is looked at here
				s.callers.RemoveAll(func(any) bool { return true })
			}
			if w := s.get(token, path); w.Code != want {
				t.Errorf("%s: GET %s: %d, want %d: %s", who, path, w.Code, want, w.Body)
			}
		}
		for _, ns := range []string{"", "team-a", "team-b", "team-x"} {
			for _, p := range paths(ns) {
				for who, token := range strangers {
					check(who, token, p.path, http.StatusUnauthorized)
				}
				for who, token := range oneTeam {
					want := http.StatusOK
					if ns == "team-b" || ns == "team-x" { // the same, whether it is there or not
						want = http.StatusForbidden
					}
					check(who, token, p.path, want)
				}
				for who, token := range everywhere {
					want := http.StatusOK
					if ns == "team-x" && p.verb == "get" {
						want = http.StatusNotFound
					}
					check(who, token, p.path, want)
				}
				want := http.StatusOK
				if ns != "" && (ns != "team-a" || p.resource != tests) {
					want = http.StatusForbidden
				}
				check("who may read tests of one namespace only", ofTester, p.path, want)
				want = http.StatusOK
				if ns != "" {
					want = http.StatusForbidden
				}
				check("who may read nothing", ofNobody, p.path, want)
			}
		}
		for who, token := range strangers {
			check(who, token, "/api/v1/me", http.StatusUnauthorized)
			check(who, token, "/metrics", http.StatusUnauthorized)
			for _, open := range []string{"/api/v1/health", "/livez", "/readyz"} {
				check(who, token, open, http.StatusOK)
			}
		}
		check("who may read all namespaces", ofAuditor, "/metrics", http.StatusForbidden)
		check("an administrator", ofAdmin, "/metrics", http.StatusOK)
		if rows < 600 {
			t.Errorf("only %d rows", rows)
		}
	})
}

// TestNothingOfOthersIsInAnyAnswer: whether there are other namespaces or not, whoever may not read them gets the same, byte by
// byte, whatever they ask for.
func TestNothingOfOthersIsInAnyAnswer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		alone, among := newScene(t, team("team-a")), newScene(t, append(team("team-a"), team("team-b")...))
		var all []string
		for _, ns := range []string{"", "team-a", "team-b", "team-x"} {
			for _, p := range paths(ns) {
				all = append(all, p.path)
			}
		}
		all = append(all, "/api/v1/compare?before=team-a/shop-1&after=team-b/shop-1", "/api/v1/compare?before=team-b/shop-1&after=team-a/shop-1", "/api/v1/me", "/api/v1/me?namespace=team-b", "/api/v1/health",
			"/api/v1/tests/shop", "/api/v1/tests/team-b-ledger", "/api/v1/reports/shop-1", "/api/v1/reports/team-b-only", "/api/v1/reports/team-b-only/logs",
			"/api/v1/tests?limit=1", "/api/v1/tests?sort=-result&q=ledger", "/api/v1/reports?limit=1", "/api/v1/namespaces/team-a/tests?limit=1", "/api/v1/alerts?limit=1")
		for who, token := range map[string]string{"who may read one namespace": ofTeam, "who may read tests of one": ofTester, "who may read nothing": ofNobody} {
			for _, path := range all {
				a, b := alone.get(token, path), among.get(token, path)
				if a.Code != b.Code || a.Body.String() != b.Body.String() || a.Header().Get("Link") != b.Header().Get("Link") {
					t.Errorf("%s: GET %s: %d %s\nand with others beside: %d %s", who, path, a.Code, a.Body, b.Code, b.Body)
				}
				if a.Code == http.StatusTooManyRequests {
					t.Fatal("the budget of requests is used up")
				}
			}
		}
	})
}

func TestANameThatIsInSeveralNamespaces(t *testing.T) {
	bubble(t, append(team("team-a"), team("team-b")...), func(t *testing.T, s *scene) {
		w := s.get(ofAuditor, "/api/v1/tests/shop")
		if w.Code != http.StatusConflict || !strings.Contains(w.Body.String(), `"namespaces":["team-a","team-b"]`) {
			t.Errorf("who sees both: %d %s", w.Code, w.Body)
		}
		if w := s.get(ofTeam, "/api/v1/tests/shop"); w.Code != http.StatusOK {
			t.Errorf("who sees one of them: %d %s", w.Code, w.Body)
		}
	})
}

// TestOnlyWhatIsAskedForIsReviewed: verb, resource, group, namespace and name are those of the answer.
func TestOnlyWhatIsAskedForIsReviewed(t *testing.T) {
	bubble(t, team("team-a"), func(t *testing.T, s *scene) {
		asked := func(path string) []string {
			s.Kube.ClearActions()
			time.Sleep(caller.VerdictFor + time.Second) // so that nothing is remembered
			s.get(ofTeam, path)
			var all []string
			for _, a := range s.Kube.Actions() {
				if spec, ok := clustertest.Reviewed(a); ok {
					r := spec.ResourceAttributes
					all = append(all, strings.Join([]string{spec.User, strings.Join(spec.Groups, ","), r.Verb, r.Resource, r.Group, r.Namespace, r.Name, r.Subresource}, " "))
				}
			}
			slices.Sort(all)
			return all
		}
		const anna = "anna system:authenticated,team-a "
		for path, want := range map[string][]string{
			"/api/v1/tests":                                 {anna + "list restoretests restore.kymaros.io   ", anna + "list restoretests restore.kymaros.io team-a  "},
			"/api/v1/tests?namespace=team-q":                {anna + "list restoretests restore.kymaros.io team-q  "},
			"/api/v1/policies?namespace=team-a":             {anna + "list healthcheckpolicies restore.kymaros.io team-a  "},
			"/api/v1/namespaces/team-a/reports/shop-1":      {anna + "get restorereports restore.kymaros.io team-a shop-1 "},
			"/api/v1/namespaces/team-a/reports/shop-1/logs": {anna + "get restorereports restore.kymaros.io team-a shop-1 "},
			"/api/v1/tests/shop":                            {anna + "get restoretests restore.kymaros.io team-a shop "},
			"/api/v1/compare?before=team-a/shop-1&after=team-q/shop-2": {
				anna + "get restorereports restore.kymaros.io team-a shop-1 ", anna + "get restorereports restore.kymaros.io team-q shop-2 ",
			},
			"/api/v1/tests/nothing-of-that-name":              nil,
			"/api/v1/namespaces/Team_A/tests":                 nil,
			"/api/v1/namespaces/team-a/tests?result=whatever": nil,
		} {
			must(t, path, asked(path), want)
		}
	})
}
