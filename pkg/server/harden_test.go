package server

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/runtime/schema"
	clienttesting "k8s.io/client-go/testing"
	"k8s.io/klog/v2"
	"k8s.io/klog/v2/textlogger"
)

func TestEveryAnswerIsHardened(t *testing.T) {
	bubble(t, team("team-a"), func(t *testing.T, s *scene) {
		for _, path := range []string{"/api/v1/tests", "/api/v1/me", "/livez", "/nothing", "/api/v1/tests?x=y", "/metrics"} {
			h := s.get(ofTeam, path, "Origin", "https://evil.example").Header()
			csp := h.Get("Content-Security-Policy")
			if !strings.HasPrefix(csp, "default-src 'none'") || strings.Contains(csp, "unsafe") || h.Get("X-Content-Type-Options") != "nosniff" ||
				h.Get("Cache-Control") != "no-store" || h.Get("Referrer-Policy") != "no-referrer" || h.Get("Cross-Origin-Resource-Policy") != "same-origin" {
				t.Errorf("%s: %v", path, h)
			}
			for name := range h {
				if strings.HasPrefix(name, "Access-Control-") {
					t.Errorf("%s lets other origins read: %s", path, name)
				}
			}
		}
	})
}

// TestNothingIsChangedButWithTheCallersToken: whatever is asked for, this program itself only reads.
func TestNothingIsChangedButWithTheCallersToken(t *testing.T) {
	bubble(t, team("team-a"), func(t *testing.T, s *scene) {
		served := map[string][]string{}
		for _, o := range operations {
			path := strings.NewReplacer("{namespace}", "team-a", "{name}", "shop").Replace(o.path)
			served[path] = append(served[path], o.method)
		}
		served["/api/v1/health"], served["/metrics"] = []string{http.MethodGet}, []string{http.MethodGet}
		for path, methods := range served {
			for _, method := range []string{http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete, http.MethodOptions} {
				w := s.do(method, ofAdmin, path)
				if known := slices.Contains(methods, method); known == (w.Code == http.StatusMethodNotAllowed) {
					t.Errorf("%s %s: %d", method, path, w.Code)
				}
				if allow := w.Header().Get("Allow"); w.Code == http.StatusMethodNotAllowed && !strings.Contains(allow, methods[0]) {
					t.Errorf("%s %s: Allow: %q, want %q", method, path, allow, methods)
				}
				s.callers.RemoveAll(func(any) bool { return true })
			}
		}
		for _, path := range []string{"/", "/api/v1", "/api/v1/nothing", "/api/v1/tests/", "/debug/pprof/"} {
			if w := s.get(ofAdmin, path); w.Code != http.StatusNotFound || w.Header().Get("Content-Type") != "application/problem+json" {
				t.Errorf("%s: %d %s", path, w.Code, w.Header().Get("Content-Type"))
			}
		}
		if w := s.do(http.MethodHead, ofTeam, "/api/v1/tests"); w.Code != http.StatusOK {
			t.Errorf("HEAD: %d", w.Code)
		}
		for _, a := range s.client.Actions() {
			if v := a.GetVerb(); v != "list" && v != "watch" && v != "get" {
				t.Errorf("this program did %s %s", v, a.GetResource().Resource)
			}
		}
		if len(s.theirs.Actions()) == 0 {
			t.Error("nothing was asked for with the caller's token")
		}
		for _, token := range s.wrote {
			must(t, "the token", token, ofAdmin)
		}
	})
}

func TestALargeBodyIsNotRead(t *testing.T) {
	bubble(t, nil, func(t *testing.T, s *scene) {
		r := httptest.NewRequest(http.MethodGet, "/api/v1/tests", bytes.NewReader(make([]byte, 10<<20)))
		w := httptest.NewRecorder()
		s.ServeHTTP(w, r)
		if w.Code != http.StatusRequestEntityTooLarge || w.Header().Get("Connection") != "close" {
			t.Errorf("%d %v", w.Code, w.Header())
		}
	})
}

func TestOneUserCannotTakeEverything(t *testing.T) {
	bubble(t, team("team-a"), func(t *testing.T, s *scene) {
		codes := map[int]int{}
		for range 3 * requestsAtOnce {
			codes[s.get(ofTeam, "/api/v1/me").Code]++
		}
		must(t, "answers to one", codes, map[int]int{200: requestsAtOnce, 429: 2 * requestsAtOnce})
		if w := s.get(ofAuditor, "/api/v1/me"); w.Code != http.StatusOK {
			t.Errorf("another gets %d", w.Code)
		}
		time.Sleep(time.Second)
		if w := s.get(ofTeam, "/api/v1/me"); w.Code != http.StatusOK {
			t.Errorf("a second later: %d", w.Code)
		}
	})
}

func TestRequestsAreLoggedWithoutTokens(t *testing.T) {
	bubble(t, team("team-a"), func(t *testing.T, s *scene) {
		var out bytes.Buffer
		logger := textlogger.NewLogger(textlogger.NewConfig(textlogger.Output(&out)))
		ask := func(token, path string) string {
			out.Reset()
			r := httptest.NewRequest(http.MethodGet, path, nil).WithContext(klog.NewContext(t.Context(), logger))
			r.Header.Set("Authorization", "Bearer "+token)
			s.ServeHTTP(httptest.NewRecorder(), r)
			return out.String()
		}
		line := ask(ofTeam, "/api/v1/namespaces/team-a/reports/shop-1")
		for _, want := range []string{`user="anna"`, `verb="GET"`, `route="GET /api/v1/namespaces/{namespace}/reports/{name}"`, `object="team-a/shop-1"`, "status=200", "from="} {
			if !strings.Contains(line, want) {
				t.Errorf("no %s in %s", want, line)
			}
		}
		for what, line := range map[string]string{
			"a good token": line, "a bad one": ask(forged, "/api/v1/tests"), "one in the address": ask(ofTeam, "/api/v1/tests/"+ofTeam), "one in the query": ask(ofTeam, "/api/v1/tests?token="+ofTeam),
		} {
			for _, token := range []string{ofTeam, forged} {
				if strings.Contains(line, token) || line == "" {
					t.Errorf("%s: %s", what, line)
				}
			}
		}
		if line := ask(ofTeam, "/livez"); line != "" {
			t.Errorf("a probe is logged: %s", line)
		}
		s.Down.Store(true)
		if line := ask(ofAdmin, "/api/v1/tests"); strings.Contains(line, ofAdmin) || !strings.Contains(line, "cannot be asked") {
			t.Errorf("while the API server is away: %s", line)
		}
	})
}

// TestAnEmptyCacheAnswersNothing: an empty list would say that there are no tests.
func TestAnEmptyCacheAnswersNothing(t *testing.T) {
	bubble(t, team("team-a"), func(t *testing.T, s *scene) {
		cold, err := New(Options{Kube: s.Kube, Client: s.client})
		if err != nil {
			t.Fatal(err)
		}
		s.Server = cold
		for path, want := range map[string]int{"/api/v1/tests": 503, "/api/v1/summary": 503, "/readyz": 503, "/livez": 200, "/api/v1/health": 200} {
			if w := s.get(ofTeam, path); w.Code != want {
				t.Errorf("%s: %d, want %d", path, w.Code, want)
			}
		}
	})
}

func TestAFailureTellsNothing(t *testing.T) {
	for what, failure := range map[string]struct {
		err  error
		code int
	}{
		"the API server breaks off":     {errors.New("dial tcp 10.0.0.1:6443: etcd password"), 503},
		"this program lacks a right":    {apierrors.NewForbidden(schema.GroupResource{Resource: "restorereports"}, "shop-1", errors.New("password")), 503},
		"it went a moment ago":          {apierrors.NewNotFound(schema.GroupResource{Resource: "restorereports"}, "shop-1"), 404},
		"the API server takes too long": {context.DeadlineExceeded, 503},
	} {
		t.Run(what, func(t *testing.T) {
			bubble(t, team("team-a"), func(t *testing.T, s *scene) {
				s.client.PrependReactor("get", "*", func(clienttesting.Action) (bool, object, error) { return true, nil, failure.err })
				w := s.get(ofTeam, "/api/v1/namespaces/team-a/reports/shop-1")
				if w.Code != failure.code || strings.Contains(w.Body.String(), "password") || strings.Contains(w.Body.String(), "10.0.0.1") {
					t.Errorf("%d %s", w.Code, w.Body)
				}
			})
		})
	}
}

func TestAPanicIsAnAnswer(t *testing.T) {
	bubble(t, team("team-a"), func(t *testing.T, s *scene) {
		s.client.PrependReactor("get", "*", func(clienttesting.Action) (bool, object, error) { panic("oops") })
		if w := s.get(ofTeam, "/api/v1/namespaces/team-a/reports/shop-1"); w.Code != http.StatusInternalServerError || strings.Contains(w.Body.String(), "oops") {
			t.Errorf("%d %s", w.Code, w.Body)
		}
	})
}

func TestHealthTellsMoreToWhoHasAToken(t *testing.T) {
	bubble(t, nil, func(t *testing.T, s *scene) {
		for _, token := range []string{"", forged} {
			must(t, "without", s.get(token, "/api/v1/health").Body.String(), `{"status":"ok"}`+"\n")
		}
		time.Sleep(26*time.Hour + 5*time.Minute)
		var told map[string]string
		if err := json.Unmarshal(s.get(ofNobody, "/api/v1/health").Body.Bytes(), &told); err != nil {
			t.Fatal(err)
		}
		for name, want := range map[string]string{"status": "ok", "version": "v1.2.3", "namespace": "kymaros-system", "pod": "kymaros-api-1", "uptime": "1d 2h 5m", "startedAt": "2000-01-01T00:00:00Z"} {
			if told[name] != want {
				t.Errorf("%s is %q, want %q", name, told[name], want)
			}
		}
		if told["kubernetesVersion"] == "" {
			t.Error("the version of the API server is missing")
		}
	})
}
