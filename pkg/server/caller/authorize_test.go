package caller

import (
	"net/http"
	"testing"
	"time"

	"github.com/kymaros/kymaros/pkg/server/clustertest"
)

func TestARightThatIsTakenAwayIsGoneAfterTenSeconds(t *testing.T) {
	bubble(t, func(t *testing.T, s *scene) {
		if code := s.status(t, clustertest.OfTeam); code != http.StatusOK {
			t.Fatal(code)
		}
		s.Govern(nil)
		time.Sleep(VerdictFor - time.Second)
		if code := s.status(t, clustertest.OfTeam); code != http.StatusOK {
			t.Errorf("it is not remembered: %d", code)
		}
		time.Sleep(2 * time.Second)
		if code := s.status(t, clustertest.OfTeam); code != http.StatusForbidden {
			t.Errorf("it is still given: %d", code)
		}
		s.Govern(clustertest.Rules)
		time.Sleep(VerdictFor + time.Second)
		if code := s.status(t, clustertest.OfTeam); code != http.StatusOK {
			t.Errorf("it was given again: %d", code)
		}
	})
}
