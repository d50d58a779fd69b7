package schedule

import (
	"fmt"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/kymaros/kymaros/pkg/apis/restore/v1alpha1"
	"github.com/kymaros/kymaros/pkg/bounds"
	"github.com/kymaros/kymaros/pkg/conditions"
	"github.com/kymaros/kymaros/pkg/cron"
	"github.com/kymaros/kymaros/pkg/line"
	"github.com/kymaros/kymaros/pkg/names"
)

// queued is what Scheduled says while a run waits. It does not change with the line: whoever shows it computes the place.
const queued = "a run is due and waits in line: Velero restores one at a time, and nothing is made for a run before its turn"

// join returns the run of rt that is due and waits for its turn from now on.
func join(rt *v1alpha1.RestoreTest, trigger v1alpha1.Trigger, due, now time.Time) *v1alpha1.RunStatus {
	return &v1alpha1.RunStatus{
		ID:            names.RunID(string(rt.UID), now),
		Spec:          *rt.Spec.DeepCopy(),
		Trigger:       trigger,
		Request:       rt.Annotations[v1alpha1.AnnotationRunRequested],
		ScheduledTime: metav1.NewTime(due.UTC()),
	}
}

// begin returns the plan by which the run that waits has its turn: it takes the spec of now, and its time counts from now.
func begin(rt *v1alpha1.RestoreTest, most bounds.Bounds, now time.Time) plan {
	run := rt.Status.Run.DeepCopy()
	run.Spec = *rt.Spec.DeepCopy()
	if run.Trigger == v1alpha1.TriggerSearch {
		run.Spec.BackupSource.MaxBackupAge = "" // it is of the newest, and an older one is wanted
	}
	limit := defaultTimeout
	if run.Spec.Timeout != nil {
		limit = run.Spec.Timeout.Or(limit)
	}
	limit = most.Life(min(limit, run.Spec.Sandbox.TTL.Or(limit)))
	run.StartTime, run.Deadline = metav1.NewTime(now.UTC()), metav1.NewTime(now.Add(limit).UTC())
	p := plan{status: v1alpha1.RestoreTestStatus{
		Run: run, Phase: v1alpha1.PhaseRunning, NextRunAt: rt.Status.NextRunAt, MissedRuns: rt.Status.MissedRuns,
		Search: rt.Status.Search,
	}}
	p.condition = condition(rt, metav1.ConditionTrue, v1alpha1.ReasonRunStarted, started(rt, &p.status))
	return p
}

// wait tells what becomes of a run that waits for its turn. invalid tells why the spec of now makes it impossible, if it does.
func wait(rt *v1alpha1.RestoreTest, p plan, reason string, invalid error, now time.Time) plan {
	if planned := rt.Status.NextRunAt; planned != nil && !planned.After(now) {
		p.status.NextRunAt = planned // it has come, and waits for the end of this run
	}
	run := rt.Status.Run.DeepCopy()
	p.status.Run = run
	left := run.ScheduledTime.Add(line.StartingDeadline(&rt.Spec.Schedule)).Sub(now)
	switch {
	case invalid != nil:
		run.MissedTime = metav1.NewTime(now.UTC())
		p.condition = condition(rt, metav1.ConditionFalse, reason, invalid.Error())
	case rt.Spec.Suspend && run.Trigger != v1alpha1.TriggerRequested && !asked(rt, run):
		run.MissedTime = metav1.NewTime(now.UTC())
		p.condition = condition(rt, metav1.ConditionFalse, v1alpha1.ReasonSuspended, stopped)
	case run.Trigger == v1alpha1.TriggerSearch && budget(&rt.Spec) == 0:
		run.MissedTime, p.status.Search = metav1.NewTime(now.UTC()), nil
		p.condition = condition(rt, metav1.ConditionTrue, v1alpha1.ReasonNextRunPlanned, "the search for a backup that restores ended: spec asks for none any more")
	case left <= 0 && run.Trigger == v1alpha1.TriggerSearch: // no time of the clock was missed
		run.MissedTime = metav1.NewTime(now.UTC())
		p.status.Search = givenUp(rt.Status.Search, noTurn(rt))
		p.condition = condition(rt, metav1.ConditionTrue, v1alpha1.ReasonMissedTurn, noTurn(rt))
	case left <= 0:
		run.MissedTime = metav1.NewTime(now.UTC())
		p.status.MissedRuns = oneMore(&rt.Status, run.ScheduledTime)
		p.condition = condition(rt, metav1.ConditionTrue, v1alpha1.ReasonMissedTurn, noTurn(rt))
	default:
		if asked(rt, run) { // by hand goes first; the one that waits is that one
			run.Trigger, run.Request = v1alpha1.TriggerRequested, rt.Annotations[v1alpha1.AnnotationRunRequested]
		}
		p.status.Phase = v1alpha1.PhaseQueued
		p.condition = inLine(rt)
		p.again = left
	}
	return p
}

// noTurn says that the run of rt waited for too long.
func noTurn(rt *v1alpha1.RestoreTest) string {
	return fmt.Sprintf("run of %s had no turn within %s (spec.schedule.startingDeadlineSeconds): others were before it, or Velero was busy; ask for a run with the annotation %s",
		rt.Status.Run.ScheduledTime.UTC().Format(time.RFC3339), line.StartingDeadline(&rt.Spec.Schedule), v1alpha1.AnnotationRunRequested)
}

// inLine returns what Scheduled says of a run that waits: what it says already, if that is of the line.
func inLine(rt *v1alpha1.RestoreTest) metav1.Condition {
	if c := conditions.ForRun(rt, v1alpha1.ConditionScheduled); c != nil {
		switch c.Reason {
		case v1alpha1.ReasonQueued, v1alpha1.ReasonVeleroStalled, v1alpha1.ReasonFenceNotIntact:
			return condition(rt, c.Status, c.Reason, c.Message)
		}
	}
	return condition(rt, metav1.ConditionTrue, v1alpha1.ReasonQueued, queued)
}

// oneMore returns the missed runs of status with one more.
func oneMore(status *v1alpha1.RestoreTestStatus, due metav1.Time) *v1alpha1.MissedRuns {
	all := v1alpha1.MissedRuns{Count: 1, Last: due}
	if status.MissedRuns != nil && status.MissedRuns.Last.After(due.Time) {
		all = *status.MissedRuns
	}
	if status.MissedRuns != nil {
		all.Count = min(status.MissedRuns.Count+1, cron.Many+1)
	}
	return &all
}
