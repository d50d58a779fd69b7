package schedule

import (
	"time"

	velerov1 "github.com/vmware-tanzu/velero/pkg/apis/velero/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/kymaros/kymaros/pkg/apis/restore/v1alpha1"
	"github.com/kymaros/kymaros/pkg/bounds"
	"github.com/kymaros/kymaros/pkg/conditions"
	"github.com/kymaros/kymaros/pkg/line"
)

// defaultTimeout bounds a run whose test gives no timeout.
const defaultTimeout = time.Hour

// stopped is what Scheduled says of a test that is.
const stopped = "spec.suspend is true: no run starts by the clock; set it to false, or ask for one run with the annotation " + v1alpha1.AnnotationRunRequested

// plan is what decide wants done.
type plan struct {
	status    v1alpha1.RestoreTestStatus // schedule's own fields
	condition metav1.Condition
	again     time.Duration // until the next run is due; 0: nothing to wait for
}

// decide tells whether a run is due now, and when the next one is.
func decide(rt *v1alpha1.RestoreTest, most bounds.Bounds, now time.Time) plan {
	p := plan{status: v1alpha1.RestoreTestStatus{Run: rt.Status.Run, Phase: phase(rt), MissedRuns: rt.Status.MissedRuns, Search: rt.Status.Search}}
	a, reason, err := consult(rt, most, now)
	if err == nil && !rt.Spec.Suspend {
		p.status.NextRunAt = &metav1.Time{Time: a.next}
	}

	if conditions.Active(rt) {
		if !a.planned.IsZero() {
			p.status.NextRunAt = rt.Status.NextRunAt // it has come, and waits for the end of the run
		}
		p.condition = condition(rt, metav1.ConditionTrue, v1alpha1.ReasonRunStarted, started(rt, &p.status))
		return p
	}
	if line.Waits(rt) {
		return wait(rt, p, reason, err, now)
	}
	if err != nil {
		p.condition = condition(rt, metav1.ConditionFalse, reason, err.Error())
		return p
	}
	p.status.Search = searched(rt)
	if trigger, due, ok := due(rt, a, p.status.Search, now); ok {
		p.status.MissedRuns = a.missed(&rt.Status, a.due.Add(-time.Second)) // for the last one it makes up
		p.status.Run = join(rt, trigger, due, now)
		p.status.Phase = v1alpha1.PhaseQueued
		p.condition = condition(rt, metav1.ConditionTrue, v1alpha1.ReasonQueued, queued)
		return p
	}
	if rt.Spec.Suspend {
		p.condition = condition(rt, metav1.ConditionFalse, v1alpha1.ReasonSuspended, stopped+found(p.status.Search))
		return p
	}
	p.again = a.next.Sub(now)
	if !a.due.IsZero() { // too late
		p.status.MissedRuns = a.missed(&rt.Status, a.due)
	}
	reason, message := v1alpha1.ReasonNextRunPlanned, nextRun(rt, a)+found(p.status.Search)
	if missedTurn(&p.status) {
		reason, message = v1alpha1.ReasonMissedTurn, message+tooLate(rt, p.status.MissedRuns)
	}
	p.condition = condition(rt, metav1.ConditionTrue, reason, message)
	return p
}

// due tells what starts a run now, if anything does, and since when that was due. A search goes on when nothing else is due.
func due(rt *v1alpha1.RestoreTest, a agenda, search *v1alpha1.SearchStatus, now time.Time) (v1alpha1.Trigger, time.Time, bool) {
	switch {
	case asked(rt, rt.Status.Run):
		return v1alpha1.TriggerRequested, now, true
	case rt.Spec.Suspend:
		return "", time.Time{}, false
	case triesAgain(rt):
		return v1alpha1.TriggerRetry, rt.Status.Run.ScheduledTime.Time, true
	case rt.Status.Run == nil && runsOnCreate(rt):
		return v1alpha1.TriggerCreated, now, true
	case !a.due.IsZero() && startable(&rt.Spec.Schedule, a.due, now):
		return v1alpha1.TriggerCron, a.due, true
	case underWay(search):
		return v1alpha1.TriggerSearch, now, true
	}
	return "", time.Time{}, false
}

// triesAgain tells whether the last run, which is over, is to be tried once more: it showed nothing, for Velero had something more
// urgent to do, or was itself interrupted. A search tries its own again.
func triesAgain(rt *v1alpha1.RestoreTest) bool {
	restored := conditions.ForRun(rt, v1alpha1.ConditionRestored)
	if restored == nil || restored.Status != metav1.ConditionFalse {
		return false
	}
	if trigger := rt.Status.Run.Trigger; trigger == v1alpha1.TriggerRetry || trigger == v1alpha1.TriggerSearch {
		return false
	}
	switch restored.Reason {
	case v1alpha1.ReasonYielded:
		return true
	case v1alpha1.ReasonVeleroStalled:
		// What the server that came next gave up, and does not take up anew. One that ends at it again and again is another thing.
		return rt.Status.Restore.Phase == string(velerov1.RestorePhaseFailed)
	}
	return false
}

// asked tells whether somebody asked for another run since that one began.
func asked(rt *v1alpha1.RestoreTest, run *v1alpha1.RunStatus) bool {
	request := rt.Annotations[v1alpha1.AnnotationRunRequested]
	return request != "" && (run == nil || request != run.Request)
}

// phase tells in one word how things stand before a new run.
func phase(rt *v1alpha1.RestoreTest) v1alpha1.Phase {
	switch {
	case rt.Status.Run == nil:
		return v1alpha1.PhaseIdle
	case line.Waits(rt):
		return v1alpha1.PhaseQueued
	case conditions.Active(rt):
		return v1alpha1.PhaseRunning
	case !conditions.Began(rt) && rt.Status.LastRunAt == nil:
		return v1alpha1.PhaseIdle
	case rt.Status.LastResult == v1alpha1.ResultFail, conditions.Began(rt) && !conditions.Is(rt, v1alpha1.ConditionReported, metav1.ConditionTrue):
		return v1alpha1.PhaseFailed // the last result is that of an earlier run if nobody reported this one
	}
	return v1alpha1.PhaseCompleted
}

func condition(rt *v1alpha1.RestoreTest, status metav1.ConditionStatus, reason, message string) metav1.Condition {
	return metav1.Condition{Type: v1alpha1.ConditionScheduled, Status: status, Reason: reason, Message: message, ObservedGeneration: rt.Generation}
}
