// Package line is the order in which runs get their turn. A run that is due waits here before anything is made for it, because
// Velero restores one at a time and a sandbox costs room beside production. The line is nowhere kept: it follows from the status
// of all RestoreTests, so it is the same after a restart, and for whoever shows it. It is pure.
package line

import (
	"cmp"
	"slices"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/kymaros/kymaros/pkg/apis/restore/v1alpha1"
	"github.com/kymaros/kymaros/pkg/conditions"
)

// defaultStartingDeadline is how late a run may start whose test does not say it.
const defaultStartingDeadline = 24 * time.Hour

// StartingDeadline returns how late a run may start.
func StartingDeadline(schedule *v1alpha1.Schedule) time.Duration {
	if seconds := schedule.StartingDeadlineSeconds; seconds != nil {
		return time.Duration(*seconds) * time.Second
	}
	return defaultStartingDeadline
}

// Waits tells whether rt has a run that waits for its turn.
func Waits(rt *v1alpha1.RestoreTest) bool {
	run := rt.Status.Run
	return run != nil && run.StartTime.IsZero() && run.MissedTime.IsZero() && rt.DeletionTimestamp == nil
}

// Holds tells whether rt has a run that had its turn and for which Velero is not done yet.
func Holds(rt *v1alpha1.RestoreTest) bool {
	return conditions.Active(rt) && rt.DeletionTimestamp == nil &&
		!conditions.Decided(conditions.ForRun(rt, v1alpha1.ConditionRestored)) &&
		!conditions.Is(rt, v1alpha1.ConditionSandboxReady, metav1.ConditionFalse) &&
		!conditions.Is(rt, v1alpha1.ConditionReported, metav1.ConditionTrue)
}

// Compare is negative if the run of a comes before that of b: what somebody asked for by hand comes first, then what is due for
// longer, then whose backup was last shown to be good longer ago, then by name. Both have a run.
func Compare(a, b *v1alpha1.RestoreTest) int {
	return cmp.Or(
		cmp.Compare(rank(a), rank(b)),
		a.Status.Run.ScheduledTime.Compare(b.Status.Run.ScheduledTime.Time),
		verified(a).Compare(verified(b)),
		cmp.Compare(a.Namespace, b.Namespace),
		cmp.Compare(a.Name, b.Name),
	)
}

func rank(rt *v1alpha1.RestoreTest) int {
	if rt.Status.Run.Trigger == v1alpha1.TriggerRequested {
		return 0
	}
	return 1
}

// verified is when a run of rt last passed; zero if none did.
func verified(rt *v1alpha1.RestoreTest) time.Time {
	if last := rt.Status.LastVerified; last != nil {
		return last.Time.Time
	}
	return time.Time{}
}

// Of returns the tests that wait, the head of the line first.
func Of(tests []*v1alpha1.RestoreTest) []*v1alpha1.RestoreTest {
	waiting := slices.DeleteFunc(slices.Clone(tests), func(rt *v1alpha1.RestoreTest) bool { return !Waits(rt) })
	slices.SortFunc(waiting, Compare)
	return waiting
}

// Place returns where rt stands in the line, 1 for its head, and how long the line is; 0 if it does not wait.
func Place(rt *v1alpha1.RestoreTest, tests []*v1alpha1.RestoreTest) (position, length int) {
	waiting := Of(tests)
	return slices.IndexFunc(waiting, func(w *v1alpha1.RestoreTest) bool { return w.Namespace == rt.Namespace && w.Name == rt.Name }) + 1, len(waiting)
}

// Turns returns the first of those waiting, which are in order, that get their turn now: as many as there is room for beside
// those that had theirs. held tells of a run that something other than the line keeps back; the next goes before it meanwhile.
func Turns(waiting []*v1alpha1.RestoreTest, holders, room int, held func(*v1alpha1.RestoreTest) bool) []*v1alpha1.RestoreTest {
	var turns []*v1alpha1.RestoreTest
	for _, rt := range waiting {
		if holders+len(turns) >= room {
			break
		}
		if !held(rt) {
			turns = append(turns, rt)
		}
	}
	return turns
}
