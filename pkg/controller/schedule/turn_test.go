package schedule

import (
	"strings"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/kymaros/kymaros/pkg/apis/restore/v1alpha1"
	"github.com/kymaros/kymaros/pkg/bounds"
)

// inLineSince gives the test a run that waits since then.
func inLineSince(due time.Time) edit {
	return func(rt *v1alpha1.RestoreTest) {
		rt.Status.Run = join(rt, v1alpha1.TriggerCron, due, due)
		rt.Status.Conditions = []metav1.Condition{condition(rt, metav1.ConditionTrue, v1alpha1.ReasonQueued, queued)}
	}
}

func says(status metav1.ConditionStatus, reason, message string) edit {
	return func(rt *v1alpha1.RestoreTest) {
		rt.Status.Conditions = []metav1.Condition{condition(rt, status, reason, message)}
	}
}

func TestWhatBecomesOfARunThatWaits(t *testing.T) {
	hourAgo := now.Add(-time.Hour)
	for name, c := range map[string]struct {
		rt              *v1alpha1.RestoreTest
		waits           bool
		trigger         v1alpha1.Trigger
		reason, message string
		missed          int32
		again           time.Duration
	}{
		"it waits, and says no more than that": {
			test(inLineSince(hourAgo)), true, v1alpha1.TriggerCron, v1alpha1.ReasonQueued, queued, 0, 23 * time.Hour,
		},
		"what the line says of it stays": {
			test(inLineSince(hourAgo), says("True", v1alpha1.ReasonVeleroStalled, "stalled")), true, v1alpha1.TriggerCron, v1alpha1.ReasonVeleroStalled, "stalled", 0, 23 * time.Hour,
		},
		"what the fence says of it stays": {
			test(inLineSince(hourAgo), says("False", v1alpha1.ReasonFenceNotIntact, "missing")), true, v1alpha1.TriggerCron, v1alpha1.ReasonFenceNotIntact, "missing", 0, 23 * time.Hour,
		},
		"somebody asks for it by hand": {
			test(inLineSince(hourAgo), requested("x")), true, v1alpha1.TriggerRequested, v1alpha1.ReasonQueued, queued, 0, 23 * time.Hour,
		},
		"it has waited for as long as it may": {
			test(inLineSince(now.Add(-24 * time.Hour))), false, v1alpha1.TriggerCron, v1alpha1.ReasonMissedTurn, "had no turn within 24h0m0s", 1, 0,
		},
		"its test says how long it may": {
			test(inLineSince(hourAgo), scheduled(func(s *v1alpha1.Schedule) { s.StartingDeadlineSeconds = new(int64(600)) })), false, v1alpha1.TriggerCron,
			v1alpha1.ReasonMissedTurn, "spec.schedule.startingDeadlineSeconds", 1, 0,
		},
		"its test is suspended": {test(inLineSince(hourAgo), suspended), false, v1alpha1.TriggerCron, v1alpha1.ReasonSuspended, "spec.suspend", 0, 0},
		"its test is suspended, and somebody asks for it": {
			test(inLineSince(hourAgo), suspended, requested("x")), true, v1alpha1.TriggerRequested, v1alpha1.ReasonQueued, queued, 0, 23 * time.Hour,
		},
		"its test makes no sense any more": {
			test(inLineSince(hourAgo), withCron("every day")), false, v1alpha1.TriggerCron, v1alpha1.ReasonInvalidSchedule, "spec.schedule.cron", 0, 0,
		},
	} {
		t.Run(name, func(t *testing.T) {
			p := decide(c.rt, bounds.Bounds{}, now)
			run := p.status.Run
			if waits := run.MissedTime.IsZero(); waits != c.waits || waits && p.status.Phase != v1alpha1.PhaseQueued || run.Trigger != c.trigger || !run.StartTime.IsZero() {
				t.Errorf("run %+v, phase %s", run, p.status.Phase)
			}
			if p.condition.Reason != c.reason || !strings.Contains(p.condition.Message, c.message) || p.again != c.again {
				t.Errorf("%s: %s; again after %s", p.condition.Reason, p.condition.Message, p.again)
			}
			if m := p.status.MissedRuns; m == nil && c.missed > 0 || m != nil && m.Count != c.missed {
				t.Errorf("missed %+v", m)
			}
		})
	}
}

func TestARunThatMissedItsTurnIsOverAndSaysSoUntilTheNext(t *testing.T) {
	rt := test(inLineSince(now.Add(-25*time.Hour)), planned(now.Add(-9*time.Hour)))
	rt.Status.LastRunAt, rt.Status.LastResult = &metav1.Time{Time: now.Add(-48 * time.Hour)}, v1alpha1.ResultPass
	p := decide(rt, bounds.Bounds{}, now)
	rt.Status.Run, rt.Status.MissedRuns, rt.Status.NextRunAt = p.status.Run, p.status.MissedRuns, nil
	rt.Status.Conditions = []metav1.Condition{p.condition}
	p = decide(rt, bounds.Bounds{}, now.Add(time.Minute))
	if joins(p) || p.condition.Reason != v1alpha1.ReasonMissedTurn || p.status.NextRunAt == nil || !p.status.NextRunAt.After(now) {
		t.Errorf("%s: %s; next %v", p.condition.Reason, p.condition.Message, p.status.NextRunAt)
	}
	if p.status.Phase != v1alpha1.PhaseCompleted {
		t.Errorf("the phase is %s: the last report stands", p.status.Phase)
	}
	requested("x")(rt)
	if p := decide(rt, bounds.Bounds{}, now.Add(time.Minute)); !joins(p) || p.status.Run.Trigger != v1alpha1.TriggerRequested {
		t.Errorf("a request: %+v", p.status.Run)
	}
}

func TestALineThatDoesNotMove(t *testing.T) {
	waiting := []*v1alpha1.RestoreTest{test(inLineSince(now.Add(-2 * time.Hour)))}
	holder := test(func(rt *v1alpha1.RestoreTest) { rt.Name = "holder" }, ran(now.Add(-90*time.Minute), false))
	for name, c := range map[string]struct {
		holding []*v1alpha1.RestoreTest
		busy    []string
		waiting []*v1alpha1.RestoreTest
		after   time.Duration
		says    string
		again   time.Duration
	}{
		"nobody waits":                  {waiting: nil, holding: []*v1alpha1.RestoreTest{holder}, after: time.Hour},
		"nothing keeps it":              {waiting: waiting, after: time.Hour},
		"a run keeps it, not for long":  {waiting: waiting, holding: []*v1alpha1.RestoreTest{holder}, after: 2 * time.Hour, again: 30 * time.Minute},
		"a run keeps it for long":       {waiting: waiting, holding: []*v1alpha1.RestoreTest{holder}, after: time.Hour, says: "the run of RestoreTest team/holder for 1h0m0s"},
		"a Restore of others keeps it":  {waiting: waiting, busy: []string{"emergency"}, after: time.Hour, says: "Restore emergency for 1h0m0s"},
		"a Restore of others, a moment": {waiting: waiting, busy: []string{"emergency"}, after: 3 * time.Hour, again: time.Hour},
	} {
		message, again := held(c.holding, c.busy, c.after, c.waiting, now)
		if (message == "") != (c.says == "") || !strings.Contains(message, c.says) || again != c.again {
			t.Errorf("%s: %q, again after %s", name, message, again)
		}
	}
}
