package server

import (
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/kymaros/kymaros/pkg/apis/restore/v1alpha1"
	"github.com/kymaros/kymaros/pkg/compare"
)

func TestTwoReportsAreCompared(t *testing.T) {
	objects := append(team("team-a"), team("team-b")...)
	forgery := newReport("team-a", "forged", "shop", v1alpha1.ResultPass, 100, time.Minute)
	forgery.ManagedFields = forgery.ManagedFields[:1]
	bubble(t, append(objects, forgery), func(t *testing.T, s *scene) {
		found := read[comparison](t, s, ofTeam, "/api/v1/compare?before=team-a/shop-1&after=team-a/shop-2")
		must(t, "the reports", []string{found.Before.Metadata.Name, found.After.Metadata.Name}, []string{"shop-1", "shop-2"})
		must(t, "why they cannot be compared", found.Incomparable, []string{})
		worse := slices.ContainsFunc(found.Changes, func(c compare.Change) bool { return c.Area == compare.AreaResult && c.Effect == compare.Better })
		if !worse || found.Before.Status.Score != 40 || found.After.Status.RTO.Target != "15m0s" {
			t.Errorf("%+v", found)
		}
		if same := read[comparison](t, s, ofTeam, "/api/v1/compare?before=team-a/shop-2&after=team-a/shop-2"); same.Changes == nil || len(same.Changes) > 0 {
			t.Errorf("a report with itself: %+v", same.Changes)
		}
		other := read[comparison](t, s, ofAuditor, "/api/v1/compare?before=team-a/shop-1&after=team-b/shop-2")
		if len(other.Incomparable) == 0 || slices.ContainsFunc(other.Changes, func(c compare.Change) bool { return c.Effect == compare.Better || c.Effect == compare.Worse }) {
			t.Errorf("of two tests: %+v", other)
		}
		for query, want := range map[string]struct {
			token string
			code  int
			says  string
		}{
			"before=team-a/shop-1&after=team-b/shop-1": {ofTeam, 403, "may not get restorereports.restore.kymaros.io shop-1 in namespace team-b"},
			"before=team-b/shop-1&after=team-a/shop-1": {ofTeam, 403, "may not get restorereports.restore.kymaros.io shop-1 in namespace team-b"},
			"before=team-b/gone&after=team-a/shop-1":   {ofTeam, 403, "may not get restorereports.restore.kymaros.io gone in namespace team-b"},
			"before=team-a/gone&after=team-b/shop-1":   {ofTeam, 403, "in namespace team-b"},
			"before=team-a/gone&after=team-a/shop-1":   {ofTeam, 404, "there is no RestoreReport"},
			"before=team-a/shop-1&after=team-a/gone":   {ofTeam, 404, "there is no RestoreReport"},
			"before=team-a/forged&after=team-a/shop-1": {ofTeam, 404, "there is no RestoreReport"},
			"before=team-a/shop-1":                     {ofTeam, 400, `"field":"after"`},
			"before=shop-1&after=team-a/shop-1":        {ofTeam, 400, `"field":"before"`},
			"before=team-a/../x&after=team-a/shop-1":   {ofTeam, 400, `"field":"before"`},
		} {
			if w := s.get(want.token, "/api/v1/compare?"+query); w.Code != want.code || !strings.Contains(w.Body.String(), want.says) {
				t.Errorf("%s: %d %s, want %d with %s", query, w.Code, w.Body, want.code, want.says)
			}
		}
		if w := s.get("", "/api/v1/compare?before=team-a/shop-1&after=team-a/shop-2"); w.Code != http.StatusUnauthorized {
			t.Errorf("nobody: %d", w.Code)
		}
	})
}
