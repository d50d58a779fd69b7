package server

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/kymaros/kymaros/pkg/apis/restore/v1alpha1"
)

// TestAnAnswerIsMadeOnceForAllWhoGetTheSame, and for nobody else, nor when anything has changed. Its ETag tells one from another.
func TestAnAnswerIsMadeOnceForAllWhoGetTheSame(t *testing.T) {
	objects := append(team("team-a"), team("team-b")...)
	for i := range 10 {
		objects = append(objects, newReport("team-a", fmt.Sprintf("old-%d", i), "old", v1alpha1.ResultPass, 99, time.Duration(i)*time.Hour))
	}
	bubble(t, objects, func(t *testing.T, s *scene) {
		ask := func(token, path string) string {
			w := s.get(token, path, "Accept-Encoding", "gzip")
			if w.Code != http.StatusOK || w.Header().Get("Content-Encoding") != "gzip" {
				t.Fatalf("%s: %d, %s", path, w.Code, w.Header().Get("Content-Encoding"))
			}
			return w.Header().Get("ETag") + w.Header().Get("Link")
		}
		made := func() int { return s.rows.View().Kept.Len() }
		all := ask(ofAuditor, "/api/v1/reports")
		must(t, "the same for another who sees all", ask(ofAdmin, "/api/v1/reports"), all)
		must(t, "answers that were made", made(), 1)
		if ask(ofTeam, "/api/v1/reports") == all {
			t.Error("who sees one namespace gets what was made for all")
		}
		if page := ask(ofAuditor, "/api/v1/reports?limit=5"); page == all || !strings.Contains(page, "limit=5") {
			t.Errorf("another page is %q", page)
		}
		must(t, "the same page again", ask(ofAuditor, "/api/v1/reports?limit=5"), ask(ofAdmin, "/api/v1/reports?limit=5"))

		recent := ask(ofAuditor, "/api/v1/reports?days=1")
		time.Sleep(20 * time.Hour)
		if ask(ofAuditor, "/api/v1/reports?days=1") == recent {
			t.Error("what was of the last day is, twenty hours later")
		}
		must(t, "all reports twenty hours later", ask(ofAuditor, "/api/v1/reports"), all)

		one := newReport("team-a", "newer", "shop", v1alpha1.ResultFail, 3, 0)
		if err := s.client.Tracker().Add(one); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Second)
		if ask(ofAuditor, "/api/v1/reports") == all {
			t.Error("one more report changes nothing")
		}
	})
}

func TestTheLineTellsOnlyOfWhatTheCallerMaySee(t *testing.T) {
	waits := func(rt *v1alpha1.RestoreTest) {
		rt.Status.Phase = v1alpha1.PhaseQueued
		rt.Status.Run = &v1alpha1.RunStatus{ID: "run", ScheduledTime: metav1.Now()}
	}
	bubble(t, []object{newTest("team-a", "mine", "x", waits), newTest("team-b", "theirs", "x", waits)}, func(t *testing.T, s *scene) {
		names := func(l waitingLine) (all []string) {
			for _, run := range l.Items {
				all = append(all, run.Namespace+"/"+run.Name)
			}
			return all
		}
		mine, whole := read[waitingLine](t, s, ofTeam, "/api/v1/line"), read[waitingLine](t, s, ofAuditor, "/api/v1/line")
		must(t, "what a team sees", names(mine), []string{"team-a/mine"})
		must(t, "what an auditor sees", len(names(whole)), 2)
		must(t, "who knows the whole line", []bool{mine.Complete, whole.Complete}, []bool{false, true})
	})
}
