package server

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	authenticationv1 "k8s.io/api/authentication/v1"
	authorizationv1 "k8s.io/api/authorization/v1"
	clienttesting "k8s.io/client-go/testing"
)

func sarOf(a clienttesting.Action) (authorizationv1.SubjectAccessReviewSpec, bool) {
	create, ok := a.(clienttesting.CreateAction)
	if !ok {
		return authorizationv1.SubjectAccessReviewSpec{}, false
	}
	review, ok := create.GetObject().(*authorizationv1.SubjectAccessReview)
	if !ok {
		return authorizationv1.SubjectAccessReviewSpec{}, false
	}
	return review.Spec, true
}

func TestATokenIsRememberedForTenSeconds(t *testing.T) {
	bubble(t, team("team-a"), func(t *testing.T, s *scene) {
		ask := func(token string, times int) int32 {
			before := s.tokens.Load()
			for range times {
				s.get(token, "/api/v1/tests")
			}
			return s.tokens.Load() - before
		}
		for who, token := range map[string]string{"a good one": ofTeam, "a bad one": forged} {
			must(t, who+", asked five times", ask(token, 5), 1)
			time.Sleep(knownFor - time.Second)
			must(t, who+", nine seconds later", ask(token, 1), 0)
			time.Sleep(2 * time.Second)
			must(t, who+", after that", ask(token, 1), 1)
		}
	})
}

func TestATokenIsNotRememberedBeyondItsEnd(t *testing.T) {
	bubble(t, nil, func(t *testing.T, s *scene) {
		token := jwt(fmt.Sprintf(`{"sub":"short","exp":%d}`, time.Now().Add(3*time.Second).Unix()))
		come(token, person{name: "short"})
		defer leave(token)
		if w := s.get(token, "/api/v1/me"); w.Code != http.StatusOK {
			t.Fatalf("while it is good: %d", w.Code)
		}
		leave(token) // as the API server sees it from then on
		time.Sleep(4 * time.Second)
		if w := s.get(token, "/api/v1/me"); w.Code != http.StatusUnauthorized {
			t.Errorf("after its end: %d", w.Code)
		}
	})
}

func TestARightThatIsTakenAwayIsGoneAfterTenSeconds(t *testing.T) {
	bubble(t, team("team-a"), func(t *testing.T, s *scene) {
		const path = "/api/v1/namespaces/team-a/tests"
		if w := s.get(ofTeam, path); w.Code != http.StatusOK {
			t.Fatal(w.Code)
		}
		s.govern(nil)
		time.Sleep(verdictFor - time.Second)
		if w := s.get(ofTeam, path); w.Code != http.StatusOK {
			t.Errorf("it is not remembered: %d", w.Code)
		}
		time.Sleep(2 * time.Second)
		if w := s.get(ofTeam, path); w.Code != http.StatusForbidden {
			t.Errorf("it is still given: %d", w.Code)
		}
		s.govern(rules)
		time.Sleep(verdictFor + time.Second)
		if w := s.get(ofTeam, path); w.Code != http.StatusOK {
			t.Errorf("it was given again: %d", w.Code)
		}
	})
}

// TestWrongTokensMakeNoStorm: they cost the API server a bounded number of reviews, and lock nobody out who was there before.
func TestWrongTokensMakeNoStorm(t *testing.T) {
	bubble(t, team("team-a"), func(t *testing.T, s *scene) {
		if w := s.get(ofTeam, "/api/v1/tests"); w.Code != http.StatusOK {
			t.Fatal(w.Code)
		}
		before := s.tokens.Load()
		refused := map[int]int{}
		for i := range 10000 {
			refused[s.get(fmt.Sprintf("wrong-%d", i), "/api/v1/tests").Code]++
		}
		if n := s.tokens.Load() - before; n > newAtOnce {
			t.Errorf("10,000 wrong tokens cost %d reviews", n)
		}
		if refused[http.StatusUnauthorized] > newAtOnce || refused[http.StatusServiceUnavailable] < 10000-newAtOnce {
			t.Errorf("they got %v", refused)
		}
		if w := s.get(ofTeam, "/api/v1/tests"); w.Code != http.StatusOK {
			t.Errorf("who is known gets %d", w.Code)
		}
		time.Sleep(knownFor + time.Second) // to be reviewed again
		for i := range 10000 {
			s.get(fmt.Sprintf("other-%d", i), "/api/v1/tests")
		}
		if w := s.get(ofTeam, "/api/v1/tests"); w.Code != http.StatusOK {
			t.Errorf("who was known before gets %d", w.Code)
		}
	})
}

// TestSeveralWhoAskTheSameShareOneReview: who comes while somebody asks the same waits for that answer.
func TestSeveralWhoAskTheSameShareOneReview(t *testing.T) {
	const path = "/api/v1/namespaces/team-a/tests"
	bubble(t, team("team-a"), func(t *testing.T, s *scene) {
		anna := &caller{user: authenticationv1.UserInfo{Username: "anna"}}
		var wg sync.WaitGroup
		others := func(want int) {
			for range 5 {
				wg.Go(func() {
					if w := s.get(ofTeam, path); w.Code != want {
						t.Errorf("got %d, want %d", w.Code, want)
					}
				})
			}
			synctest.Wait()
		}
		known, allowed := make(chan bool), make(chan bool)
		wg.Go(func() {
			_, _ = s.authn.asking.do(sha256.Sum256([]byte(ofTeam)), func() (*caller, error) { <-known; return anna, nil })
		})
		synctest.Wait()
		wg.Go(func() {
			_, _ = s.authz.asking.do(question{anna.id, right{verb: "list", resource: tests, namespace: "team-a"}}, func() (bool, error) { return <-allowed, nil })
		})
		others(http.StatusForbidden)
		must(t, "reviews of tokens", s.tokens.Load(), 0)
		close(known)
		synctest.Wait()
		allowed <- false
		wg.Wait()
		must(t, "reviews of tokens and rights", s.tokens.Load()+s.rights.Load(), 0)
	})
}

// TestWhoCanNotBeAskedAboutGetsNothing: neither an error nor what the API server said of it is remembered, or told.
func TestWhoCanNotBeAskedAboutGetsNothing(t *testing.T) {
	bubble(t, team("team-a"), func(t *testing.T, s *scene) {
		s.down.Store(true)
		if w := s.get(ofTeam, "/api/v1/tests"); w.Code != http.StatusServiceUnavailable || strings.Contains(w.Body.String(), "10.0.0.1") {
			t.Errorf("unknown: %d %s", w.Code, w.Body)
		}
		s.down.Store(false)
		if w := s.get(ofTeam, "/api/v1/me"); w.Code != http.StatusOK {
			t.Fatalf("a moment later: %d %s", w.Code, w.Body)
		}
		s.authz.verdicts.RemoveAll(func(any) bool { return true })
		s.down.Store(true)
		if w := s.get(ofTeam, "/api/v1/tests"); w.Code != http.StatusServiceUnavailable || strings.Contains(w.Body.String(), "shop") {
			t.Errorf("known, but their rights are not: %d %s", w.Code, w.Body)
		}
	})
}

func TestTheAudienceThatIsAskedFor(t *testing.T) {
	bubble(t, nil, func(t *testing.T, s *scene) {
		asked := func(token string) []string {
			s.kube.ClearActions()
			s.get(token, "/api/v1/me")
			for _, a := range s.kube.Actions() {
				if create, ok := a.(clienttesting.CreateAction); ok {
					if review, ok := create.GetObject().(*authenticationv1.TokenReview); ok {
						return append([]string{"asked"}, review.Spec.Audiences...)
					}
				}
			}
			return nil
		}
		for token, want := range map[string][]string{
			ofScripts: {"asked", Audience}, ofTester: {"asked"}, ofAuditor: {"asked"}, "a.b.c": {"asked"}, jwt(`[1]`): {"asked"},
			jwt(`{"aud":7}`): {"asked"}, strings.Repeat("x", maxToken+1): nil,
		} {
			must(t, token[:min(40, len(token))], asked(token), want)
		}
		must(t, "read only", read[me](t, s, ofScripts, "/api/v1/me").ReadOnly, true)
		must(t, "read only, with a token of the API server", read[me](t, s, ofAuditor, "/api/v1/me").ReadOnly, false)
	})
}

func TestWhatMayBeTold(t *testing.T) {
	bubble(t, append(team("team-a"), team("team-b")...), func(t *testing.T, s *scene) {
		mine := read[me](t, s, ofTester, "/api/v1/me?namespace=team-a")
		must(t, "user", mine.User, "tess")
		must(t, "namespaces", mine.Namespaces, []string{"team-a"})
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
		s.kube.PrependReactor("create", "subjectaccessreviews", func(a clienttesting.Action) (bool, object, error) {
			if spec, ok := sarOf(a); ok && spec.ResourceAttributes.Namespace == "team-b" {
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
			before := s.rights.Load()
			s.get(token, "/api/v1/reports")
			return s.rights.Load() - before
		}
		must(t, "who may list everywhere", cost(ofAuditor), 1)
		must(t, "who may not", cost(ofTeam), 41)
		must(t, "the next time", cost(ofTeam), 0)
	})
}
