package server

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/kymaros/kymaros/pkg/server/caller"
	"github.com/kymaros/kymaros/pkg/server/clustertest"
)

// TestWhileTheAPIServerIsAway: who was known goes on as they were, and nobody gets more.
func TestWhileTheAPIServerIsAway(t *testing.T) {
	const own, other = "/api/v1/namespaces/team-a/tests", "/api/v1/namespaces/team-b/tests"
	bubble(t, append(team("team-a"), team("team-b")...), func(t *testing.T, s *scene) {
		for path, want := range map[string]int{own: http.StatusOK, other: http.StatusForbidden} {
			if w := s.get(ofTeam, path); w.Code != want || w.Header().Get("Warning") != "" {
				t.Fatalf("before, %s: %d, Warning %q", path, w.Code, w.Header().Get("Warning"))
			}
		}
		s.Down.Store(true)
		time.Sleep(caller.VerdictFor + time.Second)
		s.Govern(nil) // nobody could say so
		for range 3 {
			w := s.get(ofTeam, own)
			if w.Code != http.StatusOK || !strings.HasPrefix(w.Header().Get("Warning"), "110 kymaros-api ") || !strings.Contains(w.Body.String(), "team-a-ledger") {
				t.Errorf("what was allowed: %d, Warning %q: %s", w.Code, w.Header().Get("Warning"), w.Body)
			}
		}
		for path, want := range map[string]int{
			other:                               http.StatusForbidden,          // what was refused
			"/api/v1/namespaces/team-a/reports": http.StatusServiceUnavailable, // what was not asked before
		} {
			if w := s.get(ofTeam, path); w.Code != want {
				t.Errorf("%s: %d, want %d", path, w.Code, want)
			}
		}
		if w := s.get(ofAuditor, own); w.Code != http.StatusServiceUnavailable {
			t.Errorf("who was not there before: %d", w.Code)
		}
		asked := s.Tokens.Load() + s.Rights.Load()
		for range 50 {
			s.get(ofTeam, own)
		}
		if more := s.Tokens.Load() + s.Rights.Load() - asked; more > 2 {
			t.Errorf("%d questions for 50 requests in one moment to who does not answer", more)
		}
		time.Sleep(caller.StaleFor)
		if w := s.get(ofTeam, own); w.Code != http.StatusServiceUnavailable {
			t.Errorf("what was said too long ago still counts: %d", w.Code)
		}
		s.Down.Store(false)
		if w := s.get(ofTeam, own); w.Code != http.StatusForbidden || w.Header().Get("Warning") != "" {
			t.Errorf("when it is back, the right is gone: %d, Warning %q", w.Code, w.Header().Get("Warning"))
		}
	})
}

// TestATokenEndsAlsoWhileTheAPIServerIsAway, if it says when.
func TestATokenEndsAlsoWhileTheAPIServerIsAway(t *testing.T) {
	bubble(t, team("team-a"), func(t *testing.T, s *scene) {
		token := clustertest.JWT(`{"sub":"short","exp":946684830}`) // half a minute after a bubble begins
		s.Come(token, clustertest.Person{Name: "short"})
		if w := s.get(token, "/api/v1/tests"); w.Code != http.StatusOK {
			t.Fatal(w.Code)
		}
		s.Down.Store(true)
		time.Sleep(20 * time.Second)
		if w := s.get(token, "/api/v1/tests"); w.Code != http.StatusOK {
			t.Errorf("before its end: %d", w.Code)
		}
		time.Sleep(11 * time.Second)
		if w := s.get(token, "/api/v1/tests"); w.Code != http.StatusServiceUnavailable {
			t.Errorf("after its end: %d", w.Code)
		}
	})
}
