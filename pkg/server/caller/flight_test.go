package caller

import (
	"crypto/sha256"
	"net/http"
	"sync"
	"testing"
	"testing/synctest"

	authenticationv1 "k8s.io/api/authentication/v1"

	"github.com/kymaros/kymaros/pkg/server/clustertest"
)

// TestSeveralWhoAskTheSameShareOneReview: who comes while somebody asks the same waits for that answer.
func TestSeveralWhoAskTheSameShareOneReview(t *testing.T) {
	bubble(t, func(t *testing.T, s *scene) {
		anna := &Caller{User: authenticationv1.UserInfo{Username: "anna"}}
		var wg sync.WaitGroup
		others := func(want int) {
			for range 5 {
				wg.Go(func() {
					if code := s.status(t, clustertest.OfTeam); code != want {
						t.Errorf("got %d, want %d", code, want)
					}
				})
			}
			synctest.Wait()
		}
		known, allowed := make(chan bool), make(chan bool)
		wg.Go(func() {
			_, _ = s.authn.asking.do(sha256.Sum256([]byte(clustertest.OfTeam)), func() (*Caller, error) { <-known; return anna, nil })
		})
		synctest.Wait()
		wg.Go(func() {
			_, _ = s.authz.asking.do(question{anna.id, listTests}, func() (bool, error) { return <-allowed, nil })
		})
		others(http.StatusForbidden)
		must(t, "reviews of tokens", s.Tokens.Load(), 0)
		close(known)
		synctest.Wait()
		allowed <- false
		wg.Wait()
		must(t, "reviews of tokens and rights", s.Tokens.Load()+s.Rights.Load(), 0)
	})
}
