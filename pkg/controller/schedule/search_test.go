package schedule

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/tools/record"

	"github.com/kymaros/kymaros/pkg/apis/restore/v1alpha1"
	"github.com/kymaros/kymaros/pkg/bounds"
	"github.com/kymaros/kymaros/pkg/controller"
)

// searches has the test search with that many runs at most.
func searches(runs int32) edit {
	return func(rt *v1alpha1.RestoreTest) {
		rt.Spec.OnFailure = &v1alpha1.OnFailure{SearchLastGood: &v1alpha1.SearchLastGood{MaxRuns: runs}}
		if rt.Status.Run != nil {
			rt.Status.Run.Spec.OnFailure = rt.Spec.OnFailure
		}
	}
}

const (
	pass         = v1alpha1.ResultPass
	partial      = v1alpha1.ResultPartial
	fail         = v1alpha1.ResultFail
	inconclusive = v1alpha1.ResultInconclusive
)

// end is how a run ends: that of backup b<n>, which began n days after the first of March, of which older ones there are as many.
// b0 is none.
type end struct {
	n      int
	result v1alpha1.Result
}

func name(n int) string { return fmt.Sprintf("b%d", n) }

func start(n int) *metav1.Time {
	return &metav1.Time{Time: time.Date(2026, 3, 1+n, 1, 0, 0, 0, time.UTC)}
}

// over ends the run of rt, which was given its turn or is made, as cleaned up.
func over(rt *v1alpha1.RestoreTest, e end) {
	run := rt.Status.Run
	run.StartTime = metav1.NewTime(now)
	rt.Status.Restore = &v1alpha1.RestoreStatus{RunID: run.ID}
	if e.n > 0 {
		rt.Status.Restore.BackupName, rt.Status.Restore.BackupTime = name(e.n), start(e.n)
		rt.Status.Restore.BackupChoice = &v1alpha1.BackupChoice{OlderCount: int32(e.n - 1)}
	}
	rt.Status.Report = &v1alpha1.ReportStatus{RunID: run.ID, Result: e.result, Name: "report-" + name(e.n)}
	rt.Status.Cleanup = &v1alpha1.CleanupStatus{RunID: run.ID}
	rt.Status.Conditions = []metav1.Condition{
		{Type: v1alpha1.ConditionReported, Status: metav1.ConditionTrue}, {Type: v1alpha1.ConditionCleanedUp, Status: metav1.ConditionTrue},
	}
}

// step decides at time at, and has rt hold what was decided, as the API server would.
func step(rt *v1alpha1.RestoreTest, at time.Time) plan {
	p := decide(rt, bounds.Bounds{}, at)
	rt.Status.Run, rt.Status.Search, rt.Status.NextRunAt, rt.Status.MissedRuns = p.status.Run, p.status.Search, p.status.NextRunAt, p.status.MissedRuns
	return p
}

func TestASearchGoesBackUntilABackupPassesOrItsRunsAreSpent(t *testing.T) {
	for title, c := range map[string]struct {
		runs  int32
		ends  []end // the first is of the run by the clock
		state v1alpha1.SearchState
		took  int32
		says  []string
	}{
		"nothing failed":                      {runs: 5, ends: []end{{4, pass}}},
		"nothing was learnt":                  {runs: 5, ends: []end{{4, inconclusive}}},
		"only part was shown":                 {runs: 5, ends: []end{{4, partial}}},
		"nobody wants one":                    {runs: 0, ends: []end{{4, fail}}},
		"there was no backup to restore":      {runs: 5, ends: []end{{0, fail}}},
		"there is no older one":               {runs: 5, ends: []end{{1, fail}}, state: v1alpha1.SearchNotFound, says: []string{"no backup is known that restores: b1 (fail); there is no older one"}},
		"the next passes":                     {runs: 5, ends: []end{{4, fail}, {3, pass}}, state: v1alpha1.SearchFound, took: 1, says: []string{"the newest backup that restores is b3, of 2026-03-04T01:00:00Z (report report-b3)", "b4 (fail)"}},
		"the third passes, the last that may": {runs: 3, ends: []end{{4, fail}, {3, fail}, {2, partial}, {1, pass}}, state: v1alpha1.SearchFound, took: 3, says: []string{"is b1", "b4 (fail), b3 (fail), b2 (partial)"}},
		"none passes":                         {runs: 5, ends: []end{{3, fail}, {2, fail}, {1, fail}}, state: v1alpha1.SearchNotFound, took: 2, says: []string{"none of the 3 backups tried restores: b3 (fail), b2 (fail), b1 (fail); there is no older one"}},
		"its runs are spent":                  {runs: 2, ends: []end{{9, fail}, {8, fail}, {7, fail}}, state: v1alpha1.SearchNotFound, took: 2, says: []string{"none of the 3 backups tried", "raise spec.onFailure.searchLastGood.maxRuns"}},
		"a run that shows nothing is done again, and that one passes": {
			runs: 5, ends: []end{{4, fail}, {3, inconclusive}, {3, pass}}, state: v1alpha1.SearchFound, took: 2, says: []string{"is b3", "or were not shown to: b4 (fail)"},
		},
		"one that shows nothing twice is no backup that failed": {
			runs: 9, ends: []end{{3, fail}, {2, inconclusive}, {2, inconclusive}, {1, fail}}, state: v1alpha1.SearchNotFound, took: 3,
			says: []string{"none of the 2 backups tried restores: b3 (fail), b2 (inconclusive), b1 (fail)"},
		},
		"one that shows nothing takes one of its runs": {
			runs: 1, ends: []end{{3, fail}, {2, inconclusive}}, state: v1alpha1.SearchNotFound, took: 1, says: []string{"no backup is known that restores: b3 (fail)", "maxRuns"},
		},
		"two runs did not come to a restore": {
			runs: 9, ends: []end{{3, fail}, {0, inconclusive}, {0, inconclusive}}, state: v1alpha1.SearchNotFound, took: 2, says: []string{"two runs ended before they had one to restore"},
		},
		"nobody reported a run": {
			runs: 9, ends: []end{{3, fail}, {2, ""}, {2, pass}}, state: v1alpha1.SearchFound, took: 2, says: []string{"is b2"},
		},
	} {
		t.Run(title, func(t *testing.T) {
			rt := test(ran(now, false))
			if c.runs > 0 {
				searches(c.runs)(rt)
			}
			for i, e := range c.ends {
				at := now.Add(time.Duration(i) * time.Second)
				over(rt, e)
				p := step(rt, at)
				if last := i == len(c.ends)-1; joins(p) == last || !last && p.status.Run.Trigger != v1alpha1.TriggerSearch {
					t.Fatalf("after %+v: run %+v, search %+v", e, p.status.Run, p.status.Search)
				}
				if again := step(rt.DeepCopy(), at); joins(p) != joins(again) || cmp.Diff(p.status.Search, again.status.Search) != "" {
					t.Fatalf("after %+v another look changes the search to %+v", e, again.status.Search)
				}
			}
			s := rt.Status.Search
			if c.state == "" {
				if s != nil {
					t.Errorf("search %+v", s)
				}
				return
			}
			if s == nil || s.State != c.state || s.Runs != c.took || s.Again || (s.LastGood != nil) != (c.state == v1alpha1.SearchFound) {
				t.Fatalf("search %+v, want %s after %d runs", s, c.state, c.took)
			}
			for _, b := range s.Tried {
				if b.Result == "" || s.LastGood != nil && b.BackupName == s.LastGood.BackupName {
					t.Errorf("tried %+v", b)
				}
			}
			said := step(rt, now).condition.Message
			for _, part := range c.says {
				if !strings.Contains(s.Message, part) || !strings.Contains(said, part) {
					t.Errorf("%q is not in %q, and in the condition %q", part, s.Message, said)
				}
			}
		})
	}
}

// searching returns a test of which b9 failed, and then b8 in one run of the search; the next waits in line.
func searching(edits ...edit) *v1alpha1.RestoreTest {
	rt := test(ran(now, false), searches(5))
	for i, e := range []end{{9, fail}, {8, fail}} {
		over(rt, e)
		step(rt, now.Add(time.Duration(i-2)*time.Minute))
	}
	for _, e := range edits {
		e(rt)
	}
	return rt
}

func TestARunByHandOrByTheClockGoesBeforeTheSearch(t *testing.T) {
	for title, c := range map[string]struct {
		edits   []edit
		trigger v1alpha1.Trigger
		end     end
		search  *v1alpha1.SearchStatus // as it is then; only what is compared
		next    v1alpha1.Trigger
	}{
		"asked for, and it passes: there is nothing to search": {[]edit{requested("x")}, v1alpha1.TriggerRequested, end{9, pass}, nil, ""},
		"asked for, and it fails: the search goes on where it was": {
			[]edit{requested("x")}, v1alpha1.TriggerRequested, end{9, fail}, &v1alpha1.SearchStatus{Failed: v1alpha1.TriedBackup{BackupName: "b9"}, Runs: 2}, v1alpha1.TriggerSearch,
		},
		"due, and a newer one fails: that is the one that failed": {
			[]edit{withCron("0 12 * * *"), planned(now)}, v1alpha1.TriggerCron, end{10, fail}, &v1alpha1.SearchStatus{Failed: v1alpha1.TriedBackup{BackupName: "b10"}, Runs: 2}, v1alpha1.TriggerSearch,
		},
		"due, and nothing is learnt: the search goes on": {
			[]edit{withCron("0 12 * * *"), planned(now)}, v1alpha1.TriggerCron, end{10, inconclusive}, &v1alpha1.SearchStatus{Failed: v1alpha1.TriedBackup{BackupName: "b9"}, Runs: 2}, v1alpha1.TriggerSearch,
		},
	} {
		t.Run(title, func(t *testing.T) {
			rt := searching(func(rt *v1alpha1.RestoreTest) { over(rt, end{7, fail}) })
			for _, e := range c.edits {
				e(rt)
			}
			if p := step(rt, now); !joins(p) || p.status.Run.Trigger != c.trigger || !underWay(p.status.Search) {
				t.Fatalf("run %+v, search %+v", p.status.Run, p.status.Search)
			}
			rt.Status.Run.Spec = rt.Spec
			over(rt, c.end)
			p := step(rt, now.Add(time.Minute))
			if joins(p) != (c.next != "") || c.next != "" && p.status.Run.Trigger != c.next {
				t.Errorf("then run %+v, want %q", p.status.Run, c.next)
			}
			s := p.status.Search
			switch {
			case (s == nil) != (c.search == nil):
				t.Errorf("search %+v", s)
			case s != nil && (s.Failed.BackupName != c.search.Failed.BackupName || s.Runs != c.search.Runs || len(s.Tried) != 2):
				t.Errorf("search %+v, want %+v", s, c.search)
			}
		})
	}
}

func TestWhatHasARunOfASearchLeaveTheLine(t *testing.T) {
	at := now.Add(time.Minute)
	for title, c := range map[string]struct {
		rt     *v1alpha1.RestoreTest
		at     time.Time
		waits  bool
		reason string
		state  v1alpha1.SearchState // "": none is left
		says   string
	}{
		"nothing: it waits like everybody":            {searching(), at, true, v1alpha1.ReasonQueued, v1alpha1.SearchUnderWay, "so far: b9 (fail), b8 (fail)"},
		"the test is suspended, and it goes on later": {searching(suspended), at, false, v1alpha1.ReasonSuspended, v1alpha1.SearchUnderWay, "so far"},
		"it has waited for too long":                  {searching(scheduled(func(s *v1alpha1.Schedule) { s.StartingDeadlineSeconds = new(int64(3600)) })), at.Add(time.Hour), false, v1alpha1.ReasonMissedTurn, v1alpha1.SearchNotFound, "none of the 2 backups tried restores: b9 (fail), b8 (fail); run of 2026-03-10T11:59:00Z had no turn"},
		"nobody wants it any more":                    {searching(func(rt *v1alpha1.RestoreTest) { rt.Spec.OnFailure = nil }), at, false, v1alpha1.ReasonNextRunPlanned, "", ""},
		"a backup is named":                           {searching(func(rt *v1alpha1.RestoreTest) { rt.Spec.BackupSource.BackupName = "b1" }), at, false, v1alpha1.ReasonNextRunPlanned, "", ""},
		"somebody asks for another":                   {searching(requested("x")), at, true, v1alpha1.ReasonQueued, v1alpha1.SearchUnderWay, "so far"},
	} {
		t.Run(title, func(t *testing.T) {
			p := step(c.rt, c.at)
			if run := p.status.Run; run.MissedTime.IsZero() != c.waits || p.condition.Reason != c.reason || p.status.MissedRuns != nil {
				t.Errorf("%s: %s; run %+v, missed %+v", p.condition.Reason, p.condition.Message, run, p.status.MissedRuns)
			}
			switch s := p.status.Search; {
			case (s == nil) != (c.state == ""):
				t.Errorf("search %+v", s)
			case s != nil && (s.State != c.state || !strings.Contains(s.Message, c.says)):
				t.Errorf("search %+v, want %s, %q", s, c.state, c.says)
			}
			if c.waits {
				return
			}
			c.rt.Spec.Suspend = false
			if p := step(c.rt, c.at); joins(p) != (c.state == v1alpha1.SearchUnderWay) {
				t.Errorf("then %s: %s; run %+v", p.condition.Reason, p.condition.Message, p.status.Run)
			}
		})
	}
}

func TestARunOfASearchIsOneOfTheTestButForItsBackup(t *testing.T) {
	rt := searching()
	rt.Spec.BackupSource.MaxBackupAge, rt.Spec.BackupSource.ScheduleName = "26h", "nightly"
	p := begin(rt, bounds.Bounds{}, now)
	if source := p.status.Run.Spec.BackupSource; source.MaxBackupAge != "" || source.ScheduleName != "nightly" || cmp.Diff(rt.Status.Search, p.status.Search) != "" {
		t.Errorf("run of %+v, search %+v", source, p.status.Search)
	}
	if rt.Status.Run.Trigger = v1alpha1.TriggerCron; begin(rt, bounds.Bounds{}, now).status.Run.Spec.BackupSource.MaxBackupAge != "26h" {
		t.Error("a run of the newest does not ask how old it is")
	}
	// However often it is looked at, a run counts once.
	rt = searching(suspended, func(rt *v1alpha1.RestoreTest) { over(rt, end{7, fail}) })
	for range 3 {
		if p := step(rt, now); joins(p) || p.status.Search.Runs != 2 || len(p.status.Search.Tried) != 2 {
			t.Errorf("search %+v", p.status.Search)
		}
	}
	rt = searching(func(rt *v1alpha1.RestoreTest) { over(rt, end{7, fail}) })
	if rt.Spec.OnFailure = nil; step(rt, now).status.Search != nil {
		t.Errorf("nobody wants it any more: search %+v", rt.Status.Search)
	}
	// What Velero had to leave for something more urgent is tried again as part of the search, not of the newest.
	rt = searching(func(rt *v1alpha1.RestoreTest) {
		over(rt, end{7, inconclusive})
		rt.Status.Conditions = append(rt.Status.Conditions, metav1.Condition{Type: v1alpha1.ConditionRestored, Status: metav1.ConditionFalse, Reason: v1alpha1.ReasonYielded})
	})
	if p := step(rt, now); p.status.Run.Trigger != v1alpha1.TriggerSearch || !p.status.Search.Again || len(p.status.Search.Tried) != 1 {
		t.Errorf("after one that yielded: run %+v, search %+v", p.status.Run, p.status.Search)
	}
	rt = searching(func(rt *v1alpha1.RestoreTest) {
		over(rt, end{0, inconclusive})
		rt.Status.Conditions = append(rt.Status.Conditions, metav1.Condition{Type: v1alpha1.ConditionRestored, Status: metav1.ConditionFalse, Reason: v1alpha1.ReasonNoOlderBackup})
	})
	if p := step(rt, now); joins(p) || p.status.Search.State != v1alpha1.SearchNotFound || !strings.Contains(p.status.Search.Message, "there is no older one") {
		t.Errorf("after one that found no backup: run %+v, search %+v", p.status.Run, p.status.Search)
	}
}

func TestWhatASearchFoundIsToldOnce(t *testing.T) {
	found := &v1alpha1.SearchStatus{State: v1alpha1.SearchFound, RunID: "a", Message: "is b1"}
	none := &v1alpha1.SearchStatus{State: v1alpha1.SearchNotFound, RunID: "b", Message: "none of them"}
	under := &v1alpha1.SearchStatus{State: v1alpha1.SearchUnderWay, RunID: "b"}
	for title, c := range map[string]struct {
		was, now *v1alpha1.SearchStatus
		want     string
	}{
		"no search":             {nil, nil, ""},
		"one begins":            {nil, under, ""},
		"it finds one":          {under, found, "Normal LastGoodFound is b1"},
		"it finds none":         {under, none, "Warning NoGoodBackup none of them"},
		"there was none to try": {nil, none, "Warning NoGoodBackup none of them"},
		"another finds none":    {found, none, "Warning NoGoodBackup none of them"},
		"nothing new":           {none, none, ""},
	} {
		recorder := record.NewFakeRecorder(9)
		c2 := &Controller{status: controller.StatusWriter{Recorder: recorder}}
		c2.tell(test(func(rt *v1alpha1.RestoreTest) { rt.Status.Search = c.was }), c.now)
		close(recorder.Events)
		if got := <-recorder.Events; got != c.want {
			t.Errorf("%s: %q, want %q", title, got, c.want)
		}
	}
}
