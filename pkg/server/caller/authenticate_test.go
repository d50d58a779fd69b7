package caller

import (
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	authenticationv1 "k8s.io/api/authentication/v1"
	clienttesting "k8s.io/client-go/testing"

	"github.com/kymaros/kymaros/pkg/server/clustertest"
)

func TestATokenIsRememberedForTenSeconds(t *testing.T) {
	bubble(t, func(t *testing.T, s *scene) {
		ask := func(token string, times int) int32 {
			before := s.Tokens.Load()
			for range times {
				s.status(t, token)
			}
			return s.Tokens.Load() - before
		}
		for who, token := range map[string]string{"a good one": clustertest.OfTeam, "a bad one": clustertest.Forged} {
			must(t, who+", asked five times", ask(token, 5), 1)
			time.Sleep(KnownFor - time.Second)
			must(t, who+", nine seconds later", ask(token, 1), 0)
			time.Sleep(2 * time.Second)
			must(t, who+", after that", ask(token, 1), 1)
		}
	})
}

func TestATokenIsNotRememberedBeyondItsEnd(t *testing.T) {
	bubble(t, func(t *testing.T, s *scene) {
		token := clustertest.JWT(fmt.Sprintf(`{"sub":"short","exp":%d}`, time.Now().Add(3*time.Second).Unix()))
		s.Come(token, clustertest.Person{Name: "short"})
		if _, err := s.who(token); err != nil {
			t.Fatalf("while it is good: %v", err)
		}
		s.Leave(token) // as the API server sees it from then on
		time.Sleep(4 * time.Second)
		if _, err := s.who(token); !errors.Is(err, ErrBadToken) {
			t.Errorf("after its end: %v", err)
		}
	})
}

// TestWrongTokensMakeNoStorm: they cost the API server a bounded number of reviews, and lock nobody out who was there before.
func TestWrongTokensMakeNoStorm(t *testing.T) {
	bubble(t, func(t *testing.T, s *scene) {
		if code := s.status(t, clustertest.OfTeam); code != http.StatusOK {
			t.Fatal(code)
		}
		before := s.Tokens.Load()
		refused := map[int]int{}
		for i := range 10000 {
			refused[s.status(t, fmt.Sprintf("wrong-%d", i))]++
		}
		if n := s.Tokens.Load() - before; n > newAtOnce {
			t.Errorf("10,000 wrong tokens cost %d reviews", n)
		}
		if refused[http.StatusUnauthorized] > newAtOnce || refused[http.StatusServiceUnavailable] < 10000-newAtOnce {
			t.Errorf("they got %v", refused)
		}
		if code := s.status(t, clustertest.OfTeam); code != http.StatusOK {
			t.Errorf("who is known gets %d", code)
		}
		time.Sleep(KnownFor + time.Second) // to be reviewed again
		for i := range 10000 {
			s.status(t, fmt.Sprintf("other-%d", i))
		}
		if code := s.status(t, clustertest.OfTeam); code != http.StatusOK {
			t.Errorf("who was known before gets %d", code)
		}
	})
}

func TestTheAudienceThatIsAskedFor(t *testing.T) {
	bubble(t, func(t *testing.T, s *scene) {
		asked := func(token string) []string {
			s.Kube.ClearActions()
			_, _ = s.who(token)
			for _, a := range s.Kube.Actions() {
				if create, ok := a.(clienttesting.CreateAction); ok {
					if review, ok := create.GetObject().(*authenticationv1.TokenReview); ok {
						return append([]string{"asked"}, review.Spec.Audiences...)
					}
				}
			}
			return nil
		}
		for token, want := range map[string][]string{
			clustertest.OfScripts: {"asked", Audience}, clustertest.OfTester: {"asked"}, clustertest.OfAuditor: {"asked"}, "a.b.c": {"asked"}, clustertest.JWT(`[1]`): {"asked"},
			clustertest.JWT(`{"aud":7}`): {"asked"}, strings.Repeat("x", maxToken+1): nil,
		} {
			must(t, token[:min(40, len(token))], asked(token), want)
		}
		for token, want := range map[string]bool{clustertest.OfScripts: true, clustertest.OfAuditor: false} {
			c, err := s.who(token)
			if err != nil {
				t.Fatal(err)
			}
			must(t, c.User.Username+" may read only", c.ReadOnly, want)
		}
	})
}
