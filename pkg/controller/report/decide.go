package report

import (
	"fmt"
	"slices"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/kymaros/kymaros/pkg/apis/restore/v1alpha1"
	"github.com/kymaros/kymaros/pkg/conditions"
	"github.com/kymaros/kymaros/pkg/outcome"
	"github.com/kymaros/kymaros/pkg/score"
)

// grace is how long after the deadline the phase in charge may say by itself that the deadline ended it: it knows what was
// under way, and what to do. It needs a few requests for that, of a cluster that may be busy.
const grace = 10 * time.Second

// decision tells whether a run is over.
type decision struct {
	over bool
	// cause of an end without all checks passed; empty if they passed, or all that could run in a sandbox.
	cause score.Cause
	// since is when the run ended.
	since time.Time
	// look tells whether the sandboxes hold a restored application to look at, when the run is over.
	look bool
	// again is how long to wait if the run is not over.
	again time.Duration
}

// decide tells whether rt's run, which must exist, is over and why.
func decide(rt *v1alpha1.RestoreTest, now time.Time) decision {
	sandbox := conditions.ForRun(rt, v1alpha1.ConditionSandboxReady)
	restored := conditions.ForRun(rt, v1alpha1.ConditionRestored)
	health := conditions.ForRun(rt, v1alpha1.ConditionHealthChecked)
	back := is(restored, metav1.ConditionTrue) || is(restored, metav1.ConditionFalse) && restored.Reason == v1alpha1.ReasonPartiallyFailed
	look := back && conditions.DeletedSandbox(rt) == "" // else there is nothing to see, nor a right to

	switch {
	case rt.DeletionTimestamp != nil:
		// The sandboxes may be going already: a look would find things missing that had come back.
		return decision{over: true, since: rt.DeletionTimestamp.Time, cause: score.Cause{
			Reason: v1alpha1.ReasonTestDeleted, Message: "The RestoreTest was deleted while its run was under way",
		}}
	case is(sandbox, metav1.ConditionFalse):
		return ended(sandbox, false)
	case is(restored, metav1.ConditionFalse) && !back:
		return ended(restored, false)
	case is(health, metav1.ConditionFalse) && outcome.Of(health.Reason).Class != outcome.Sandbox:
		return ended(health, look)
	case conditions.Decided(health):
		return decision{over: true, since: health.LastTransitionTime.Time, look: look}
	}
	due := rt.Status.Run.Deadline.Add(grace)
	if now.Before(due) {
		return decision{again: due.Sub(now), look: look}
	}
	cause := score.Cause{Reason: v1alpha1.ReasonUnattended, Message: "The deadline of the run passed while " + underWay(sandbox, restored, health)}
	switch restore := rt.Status.Restore; {
	case restore == nil || restore.RunID != rt.Status.Run.ID || restore.StartTime == nil:
		cause.Reason = v1alpha1.ReasonNotStarted
	case is(restored, metav1.ConditionFalse) || failed(rt):
		cause.Reason = v1alpha1.ReasonDeadlineExceeded // that much is known, whoever was not at work
	default:
		cause.Message += "; what sees to that was not at work, else it would have said how far it had come"
	}
	return decision{over: true, since: due, look: look, cause: cause}
}

// failed tells whether a check of the run has failed.
func failed(rt *v1alpha1.RestoreTest) bool {
	health := rt.Status.Health
	return health != nil && health.RunID == rt.Status.Run.ID &&
		slices.ContainsFunc(health.Checks, func(c v1alpha1.CheckStatus) bool { return c.Status == v1alpha1.CheckFail })
}

func ended(c *metav1.Condition, look bool) decision {
	return decision{over: true, since: c.LastTransitionTime.Time, look: look, cause: score.Cause{Reason: c.Reason, Message: c.Message}}
}

// underWay names the phase that is not decided.
func underWay(sandbox, restored, health *metav1.Condition) string {
	phase, c := "the sandbox was being made", sandbox
	switch {
	case conditions.Decided(restored):
		phase, c = "the application was being checked", health
	case conditions.Decided(sandbox):
		phase, c = "the backup was being restored", restored
	}
	if c == nil || c.Reason == v1alpha1.ReasonWaiting {
		return phase
	}
	return fmt.Sprintf("%s (%s: %s)", phase, c.Reason, c.Message)
}

func is(c *metav1.Condition, status metav1.ConditionStatus) bool {
	return c != nil && c.Status == status
}
