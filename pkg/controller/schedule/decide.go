package schedule

import (
	"errors"
	"fmt"
	"time"

	"github.com/robfig/cron/v3"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/kymaros/kymaros/pkg/apis/restore/v1alpha1"
	"github.com/kymaros/kymaros/pkg/bounds"
	"github.com/kymaros/kymaros/pkg/conditions"
	"github.com/kymaros/kymaros/pkg/names"
)

// defaultTimeout bounds a run whose test gives no timeout.
const defaultTimeout = time.Hour

// plan is what decide wants done.
type plan struct {
	status    v1alpha1.RestoreTestStatus // schedule's own fields
	condition metav1.Condition
	again     time.Duration // until the next run is due; 0: nothing to wait for
	starts    bool          // a run starts
}

// decide tells whether a run starts now, and when the next one does.
func decide(rt *v1alpha1.RestoreTest, most bounds.Bounds, now time.Time) plan {
	p := plan{status: v1alpha1.RestoreTestStatus{Run: rt.Status.Run, Phase: phase(rt)}}
	next, reason, err := upcoming(rt, most, now)
	if !next.IsZero() {
		p.status.NextRunAt = &metav1.Time{Time: next}
	}

	if conditions.Active(rt) {
		p.condition = condition(rt, metav1.ConditionTrue, v1alpha1.ReasonRunStarted, started(rt.Status.Run))
		return p
	}
	if err != nil {
		p.condition = condition(rt, metav1.ConditionFalse, reason, err.Error())
		return p
	}
	if trigger, due, ok := due(rt, next, now); ok {
		p.starts = true
		p.status.Run = newRun(rt, most, trigger, due, now)
		p.status.Phase = v1alpha1.PhaseRunning
		if after, _, _ := upcoming(&v1alpha1.RestoreTest{Spec: rt.Spec, Status: p.status}, most, now); !after.IsZero() {
			p.status.NextRunAt = &metav1.Time{Time: after}
		}
		p.condition = condition(rt, metav1.ConditionTrue, v1alpha1.ReasonRunStarted, started(p.status.Run))
		return p
	}
	if rt.Spec.Suspend {
		p.condition = condition(rt, metav1.ConditionFalse, v1alpha1.ReasonSuspended,
			"spec.suspend is true: no run starts by the clock; set it to false, or ask for one run with the annotation "+v1alpha1.AnnotationRunRequested)
		return p
	}
	p.again = next.Sub(now)
	p.condition = condition(rt, metav1.ConditionTrue, v1alpha1.ReasonNextRunPlanned,
		fmt.Sprintf("next run at %s (cron %q, timezone %s)", next.UTC().Format(time.RFC3339), rt.Spec.Schedule.Cron, zone(rt)))
	return p
}

// due tells what starts a run now, if anything does, and since when that was due.
func due(rt *v1alpha1.RestoreTest, next, now time.Time) (v1alpha1.Trigger, time.Time, bool) {
	run, request := rt.Status.Run, rt.Annotations[v1alpha1.AnnotationRunRequested]
	switch {
	case request != "" && (run == nil || request != run.Request):
		return v1alpha1.TriggerRequested, now, true
	case rt.Spec.Suspend:
		return "", time.Time{}, false
	case run == nil:
		return v1alpha1.TriggerCreated, now, true
	case !next.After(now):
		return v1alpha1.TriggerCron, next, true
	}
	return "", time.Time{}, false
}

// upcoming returns when the clock starts the next run: the first time after the start of the last one, so that any number
// of runs that were missed while no controller ran are made up for by one. It is zero for a suspended or invalid test, and
// for one that has not run: that one starts at once.
func upcoming(rt *v1alpha1.RestoreTest, most bounds.Bounds, now time.Time) (next time.Time, reason string, err error) {
	if err := errors.Join(validate(&rt.Spec), most.Exceeded(&rt.Spec)); err != nil {
		return time.Time{}, v1alpha1.ReasonInvalidSpec, err
	}
	schedule, location, err := parse(rt.Spec.Schedule)
	if err != nil {
		return time.Time{}, v1alpha1.ReasonInvalidSchedule, err
	}
	from := now
	if run := rt.Status.Run; run != nil {
		from = run.StartTime.Time
	}
	next = schedule.Next(from.In(location))
	if next.IsZero() {
		return time.Time{}, v1alpha1.ReasonInvalidSchedule,
			fmt.Errorf("spec.schedule.cron: %q never comes: no such day within five years", rt.Spec.Schedule.Cron)
	}
	if rt.Spec.Suspend || rt.Status.Run == nil {
		return time.Time{}, "", nil
	}
	return next, "", nil
}

// parse reads cron and time zone.
func parse(s v1alpha1.Schedule) (cron.Schedule, *time.Location, error) {
	location, err := time.LoadLocation(s.Timezone) // "" is UTC
	if err != nil {
		return nil, nil, fmt.Errorf("spec.schedule.timezone: %q is no IANA time zone; write for example Europe/Brussels", s.Timezone)
	}
	schedule, err := cron.ParseStandard(s.Cron)
	if err != nil {
		return nil, nil, fmt.Errorf("spec.schedule.cron: %q cannot be read (%w); write five fields, for example \"0 3 * * *\", or @daily", s.Cron, err)
	}
	return schedule, location, nil
}

func newRun(rt *v1alpha1.RestoreTest, most bounds.Bounds, trigger v1alpha1.Trigger, due, now time.Time) *v1alpha1.RunStatus {
	spec := rt.Spec.DeepCopy()
	limit := defaultTimeout
	if spec.Timeout != nil {
		limit = spec.Timeout.Or(limit)
	}
	if ttl := spec.Sandbox.TTL.Or(limit); ttl < limit {
		limit = ttl
	}
	limit = most.Life(limit)
	return &v1alpha1.RunStatus{
		ID:            names.RunID(string(rt.UID), now),
		Spec:          *spec,
		Trigger:       trigger,
		Request:       rt.Annotations[v1alpha1.AnnotationRunRequested],
		ScheduledTime: metav1.NewTime(due.UTC()),
		StartTime:     metav1.NewTime(now.UTC()),
		Deadline:      metav1.NewTime(now.Add(limit).UTC()),
	}
}

// phase tells in one word how things stand before a new run.
func phase(rt *v1alpha1.RestoreTest) v1alpha1.Phase {
	switch {
	case rt.Status.Run == nil:
		return v1alpha1.PhaseIdle
	case conditions.Active(rt):
		return v1alpha1.PhaseRunning
	case rt.Status.LastResult == v1alpha1.ResultFail, !conditions.Is(rt, v1alpha1.ConditionReported, metav1.ConditionTrue):
		return v1alpha1.PhaseFailed // the last result is that of an earlier run if nobody reported this one
	}
	return v1alpha1.PhaseCompleted
}

func condition(rt *v1alpha1.RestoreTest, status metav1.ConditionStatus, reason, message string) metav1.Condition {
	return metav1.Condition{Type: v1alpha1.ConditionScheduled, Status: status, Reason: reason, Message: message, ObservedGeneration: rt.Generation}
}

func started(run *v1alpha1.RunStatus) string {
	text := fmt.Sprintf("run %s started (%s); its verdict is due by %s", run.ID, run.Trigger, run.Deadline.UTC().Format(time.RFC3339))
	if run.Fence == v1alpha1.FenceNotIntact {
		text += "; the admission fence is not intact, and --require-fence=false"
	}
	return text
}

func zone(rt *v1alpha1.RestoreTest) string {
	if rt.Spec.Schedule.Timezone == "" {
		return "UTC"
	}
	return rt.Spec.Schedule.Timezone
}
