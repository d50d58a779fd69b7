package server

import (
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"

	clienttesting "k8s.io/client-go/testing"

	"github.com/kymaros/kymaros/pkg/server/clustertest"
)

// TestWhoCanNotBeAskedAboutGetsNothing: neither an error nor what the API server said of it is remembered, or told.
func TestWhoCanNotBeAskedAboutGetsNothing(t *testing.T) {
	bubble(t, team("team-a"), func(t *testing.T, s *scene) {
		s.Down.Store(true)
		if w := s.get(ofTeam, "/api/v1/tests"); w.Code != http.StatusServiceUnavailable || strings.Contains(w.Body.String(), "10.0.0.1") {
			t.Errorf("unknown: %d %s", w.Code, w.Body)
		}
		s.Down.Store(false)
		if w := s.get(ofTeam, "/openapi.json"); w.Code != http.StatusOK { // takes a token, and no right
			t.Fatalf("a moment later: %d %s", w.Code, w.Body)
		}
		s.Down.Store(true)
		if w := s.get(ofTeam, "/api/v1/tests"); w.Code != http.StatusServiceUnavailable || strings.Contains(w.Body.String(), "shop") {
			t.Errorf("known, but their rights are not: %d %s", w.Code, w.Body)
		}
		s.Down.Store(false)
		if w := s.get(ofTeam, "/api/v1/me"); w.Code != http.StatusOK {
			t.Errorf("when it answers again: %d %s", w.Code, w.Body)
		}
	})
}

func TestWhatMayBeTold(t *testing.T) {
	bubble(t, append(team("team-a"), team("team-b")...), func(t *testing.T, s *scene) {
		mine := read[me](t, s, ofTester, "/api/v1/me?namespace=team-a")
		must(t, "user", mine.User, "tess")
		must(t, "namespaces", mine.Namespaces, []string{"team-a"})
		must(t, "read only, with a token for this API alone", read[me](t, s, ofScripts, "/api/v1/me").ReadOnly, true)
		must(t, "read only, with a token of the API server", read[me](t, s, ofAuditor, "/api/v1/me").ReadOnly, false)
		for _, r := range mine.Rights {
			if want := r.Resource == tests && (r.Verb == "get" || r.Verb == "list"); r.Allowed != want || (r.Remedy == "") != want {
				t.Errorf("%+v", r)
			}
		}
		if remedy := mine.Rights[2].Remedy; !strings.Contains(remedy, "a Role in namespace team-a") || !strings.Contains(remedy, "resources: [restorereports], verbs: [list]") {
			t.Errorf("the remedy is %q", remedy)
		}
	})
}

// TestHalfOfAListIsNone: where the API server could not be asked of one namespace, the others alone would be taken for all.
func TestHalfOfAListIsNone(t *testing.T) {
	bubble(t, append(team("team-a"), team("team-b")...), func(t *testing.T, s *scene) {
		s.Kube.PrependReactor("create", "subjectaccessreviews", func(a clienttesting.Action) (bool, object, error) {
			if spec, ok := clustertest.Reviewed(a); ok && spec.ResourceAttributes.Namespace == "team-b" {
				return true, nil, errors.New("timeout")
			}
			return false, nil, nil
		})
		for _, path := range []string{"/api/v1/tests", "/api/v1/summary", "/api/v1/tests/shop", "/api/v1/me"} {
			if w := s.get(ofTeam, path); w.Code != http.StatusServiceUnavailable {
				t.Errorf("%s: %d %s", path, w.Code, w.Body)
			}
		}
	})
}

// TestAListCostsFewReviews: one if the caller may list everywhere, one a namespace if not, and none within ten seconds.
func TestAListCostsFewReviews(t *testing.T) {
	var objects []object
	for i := range 40 {
		objects = append(objects, team(fmt.Sprintf("team-%d", i))...)
	}
	bubble(t, objects, func(t *testing.T, s *scene) {
		cost := func(token string) int32 {
			before := s.Rights.Load()
			s.get(token, "/api/v1/reports")
			return s.Rights.Load() - before
		}
		must(t, "who may list everywhere", cost(ofAuditor), 1)
		must(t, "who may not", cost(ofTeam), 41)
		must(t, "the next time", cost(ofTeam), 0)
	})
}
