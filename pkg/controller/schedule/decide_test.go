package schedule

import (
	"strings"
	"testing"
	"time"

	velerov1 "github.com/vmware-tanzu/velero/pkg/apis/velero/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/kymaros/kymaros/pkg/apis/restore/v1alpha1"
	"github.com/kymaros/kymaros/pkg/bounds"
)

var now = time.Date(2026, 3, 10, 12, 0, 0, 0, time.UTC)

type edit func(*v1alpha1.RestoreTest)

func test(edits ...edit) *v1alpha1.RestoreTest {
	rt := &v1alpha1.RestoreTest{
		ObjectMeta: metav1.ObjectMeta{Namespace: "team", Name: "shop", UID: "uid"},
		Spec: v1alpha1.RestoreTestSpec{
			BackupSource: v1alpha1.BackupSource{Provider: "velero", Namespaces: []v1alpha1.SourceNamespace{{Name: "shop"}}},
			Schedule:     v1alpha1.Schedule{Cron: "0 3 * * *"},
		},
	}
	for _, e := range edits {
		e(rt)
	}
	return rt
}

// ran gives the test a run that started then.
func ran(start time.Time, cleaned bool) edit {
	return func(rt *v1alpha1.RestoreTest) {
		rt.Status.Run = &v1alpha1.RunStatus{ID: "old", StartTime: metav1.NewTime(start), Trigger: v1alpha1.TriggerCron, Deadline: metav1.NewTime(start.Add(time.Hour))}
		if cleaned {
			rt.Status.Cleanup = &v1alpha1.CleanupStatus{RunID: "old"}
			rt.Status.Report = &v1alpha1.ReportStatus{RunID: "old"}
			rt.Status.Conditions = []metav1.Condition{
				{Type: v1alpha1.ConditionReported, Status: metav1.ConditionTrue}, {Type: v1alpha1.ConditionCleanedUp, Status: metav1.ConditionTrue},
			}
		}
	}
}

// planned gives the test a next run at that time.
func planned(at time.Time) edit {
	return func(rt *v1alpha1.RestoreTest) { rt.Status.NextRunAt = &metav1.Time{Time: at} }
}

func scheduled(change func(*v1alpha1.Schedule)) edit {
	return func(rt *v1alpha1.RestoreTest) { change(&rt.Spec.Schedule) }
}

func suspended(rt *v1alpha1.RestoreTest) { rt.Spec.Suspend = true }

func requested(value string) edit {
	return func(rt *v1alpha1.RestoreTest) {
		metav1.SetMetaDataAnnotation(&rt.ObjectMeta, v1alpha1.AnnotationRunRequested, value)
	}
}

func withCron(s string) edit { return func(rt *v1alpha1.RestoreTest) { rt.Spec.Schedule.Cron = s } }

// joins tells whether a run is due by the plan, and waits for its turn.
func joins(p plan) bool { return p.status.Phase == v1alpha1.PhaseQueued }

func TestDecide(t *testing.T) {
	at := func(day, hour int) time.Time { return time.Date(2026, 3, day, hour, 0, 0, 0, time.UTC) }
	type want struct {
		starts  v1alpha1.Trigger
		missed  int32
		due     time.Time
		next    time.Time
		status  metav1.ConditionStatus
		reason  string
		message string
		phase   v1alpha1.Phase
		again   time.Duration
	}
	for name, c := range map[string]struct {
		rt   *v1alpha1.RestoreTest
		want want
	}{
		"a new test runs at once": {
			test(), want{starts: v1alpha1.TriggerCreated, due: now, next: at(11, 3), status: "True", reason: v1alpha1.ReasonQueued, phase: v1alpha1.PhaseQueued},
		},
		"a test that ran today waits for tomorrow": {
			test(ran(at(10, 3), true)),
			want{next: at(11, 3), status: "True", reason: v1alpha1.ReasonNextRunPlanned, message: "2026-03-11T03:00:00Z", phase: v1alpha1.PhaseCompleted, again: 15 * time.Hour},
		},
		"a run that nobody reported is no success, whatever the one before it was": {
			test(ran(at(10, 3), true), func(rt *v1alpha1.RestoreTest) {
				rt.Status.LastResult, rt.Status.Report.RunID = v1alpha1.ResultPass, "before"
			}),
			want{next: at(11, 3), status: "True", reason: v1alpha1.ReasonNextRunPlanned, phase: v1alpha1.PhaseFailed, again: 15 * time.Hour},
		},
		"any number of missed runs is made up for by one": {
			test(ran(at(3, 3), true), planned(at(4, 3))),
			want{starts: v1alpha1.TriggerCron, due: at(10, 3), missed: 6, next: at(11, 3), status: "True", reason: v1alpha1.ReasonQueued, phase: v1alpha1.PhaseQueued},
		},
		"no run starts while one is not cleaned up": {
			test(ran(at(3, 3), false), planned(at(4, 3))),
			want{next: at(4, 3), status: "True", reason: v1alpha1.ReasonRunStarted, message: "run old", phase: v1alpha1.PhaseRunning},
		},
		"a request starts a run between times": {
			test(ran(at(10, 3), true), requested("x")),
			want{starts: v1alpha1.TriggerRequested, due: now, next: at(11, 3), status: "True", reason: v1alpha1.ReasonQueued, phase: v1alpha1.PhaseQueued},
		},
		"a request that was answered starts nothing": {
			test(ran(at(10, 3), true), requested("x"), func(rt *v1alpha1.RestoreTest) { rt.Status.Run.Request = "x" }),
			want{next: at(11, 3), status: "True", reason: v1alpha1.ReasonNextRunPlanned, phase: v1alpha1.PhaseCompleted, again: 15 * time.Hour},
		},
		"a suspended test waits for nothing": {
			test(ran(at(3, 3), true), planned(at(4, 3)), suspended),
			want{status: "False", reason: v1alpha1.ReasonSuspended, message: "spec.suspend", phase: v1alpha1.PhaseCompleted},
		},
		"a suspended new test does not run": {
			test(suspended), want{status: "False", reason: v1alpha1.ReasonSuspended, phase: v1alpha1.PhaseIdle},
		},
		"a request is answered although the test is suspended": {
			test(suspended, requested("x")),
			want{starts: v1alpha1.TriggerRequested, due: now, status: "True", reason: v1alpha1.ReasonQueued, phase: v1alpha1.PhaseQueued},
		},
		"a bad cron starts nothing and names the field": {
			test(withCron("every day")), want{status: "False", reason: v1alpha1.ReasonInvalidSchedule, message: "spec.schedule.cron", phase: v1alpha1.PhaseIdle},
		},
		"a day that never comes is named": {
			test(withCron("0 0 30 2 *")), want{status: "False", reason: v1alpha1.ReasonInvalidSchedule, message: "never comes", phase: v1alpha1.PhaseIdle},
		},
		"a bad time zone starts nothing and names the field": {
			test(func(rt *v1alpha1.RestoreTest) { rt.Spec.Schedule.Timezone = "Mars/Base" }),
			want{status: "False", reason: v1alpha1.ReasonInvalidSchedule, message: "spec.schedule.timezone", phase: v1alpha1.PhaseIdle},
		},
		"the time zone counts": {
			test(ran(at(9, 7), true), planned(at(10, 7)), scheduled(func(s *v1alpha1.Schedule) { s.Timezone = "America/New_York" })),
			want{starts: v1alpha1.TriggerCron, due: at(10, 7), next: at(11, 7), status: "True", reason: v1alpha1.ReasonQueued, phase: v1alpha1.PhaseQueued},
		},
		"a duration that the CRD never saw is named": {
			test(func(rt *v1alpha1.RestoreTest) { rt.Spec.Sandbox.TTL = "1d" }),
			want{status: "False", reason: v1alpha1.ReasonInvalidSpec, message: `spec.sandbox.ttl: "1d" is not a duration`, phase: v1alpha1.PhaseIdle},
		},
		"after the result fail the phase is Failed": {
			test(ran(at(10, 3), true), func(rt *v1alpha1.RestoreTest) { rt.Status.LastResult = v1alpha1.ResultFail }),
			want{next: at(11, 3), status: "True", reason: v1alpha1.ReasonNextRunPlanned, phase: v1alpha1.PhaseFailed, again: 15 * time.Hour},
		},
	} {
		t.Run(name, func(t *testing.T) {
			p := decide(c.rt, bounds.Bounds{}, now)
			var got want
			got.status, got.reason, got.phase, got.again = p.condition.Status, p.condition.Reason, p.status.Phase, p.again
			if p.status.Run != c.rt.Status.Run {
				got.starts, got.due = p.status.Run.Trigger, p.status.Run.ScheduledTime.Time
			}
			if p.status.MissedRuns != nil {
				got.missed = p.status.MissedRuns.Count
			}
			if p.status.NextRunAt != nil {
				got.next = p.status.NextRunAt.UTC()
			}
			if strings.Contains(p.condition.Message, c.want.message) {
				got.message = c.want.message
			} else {
				got.message = p.condition.Message
			}
			if got != c.want {
				t.Errorf("\n got %+v\nwant %+v", got, c.want)
			}
		})
	}
}

func TestDeadline(t *testing.T) {
	duration := func(d v1alpha1.Duration) *v1alpha1.Duration { return &d }
	for name, c := range map[string]struct {
		timeout *v1alpha1.Duration
		ttl     v1alpha1.Duration
		want    time.Duration
	}{
		"an hour if nothing is given":        {nil, "", time.Hour},
		"the timeout":                        {duration("10m"), "", 10 * time.Minute},
		"the sandbox's life, if shorter":     {duration("10m"), "5m", 5 * time.Minute},
		"a longer life does not lengthen it": {nil, "3h", time.Hour},
	} {
		t.Run(name, func(t *testing.T) {
			rt := test(func(rt *v1alpha1.RestoreTest) { rt.Spec.Timeout, rt.Spec.Sandbox.TTL = c.timeout, c.ttl })
			rt.Status.Run = join(rt, v1alpha1.TriggerCron, now.Add(-3*time.Hour), now.Add(-2*time.Hour))
			if got := begin(rt, bounds.Bounds{}, now).status.Run.Deadline.Sub(now); got != c.want {
				t.Errorf("deadline after %v, want %v", got, c.want)
			}
		})
	}
}

func TestATestThatAsksForMoreThanTheFlagsAllowDoesNotStart(t *testing.T) {
	most := bounds.Bounds{Memory: resource.MustParse("8Gi"), TTL: 30 * time.Minute}
	rt := test(func(rt *v1alpha1.RestoreTest) { rt.Spec.Sandbox.ResourceQuota.Memory = "9Gi" })
	p := decide(rt, most, now)
	if p.status.Run != nil || p.condition.Status != metav1.ConditionFalse || p.condition.Reason != v1alpha1.ReasonInvalidSpec ||
		!strings.Contains(p.condition.Message, "spec.sandbox.resourceQuota.memory: 9Gi") || !strings.Contains(p.condition.Message, "--max-sandbox-memory") {
		t.Errorf("plan %+v", p)
	}
	rt.Spec.Sandbox.ResourceQuota.Memory = "8Gi"
	p = decide(rt, most, now)
	if rt.Status.Run = p.status.Run; rt.Status.Run == nil {
		t.Fatalf("a test within the bounds does not start: %+v", p.condition)
	}
	if got := begin(rt, most, now).status.Run.Deadline.Sub(now); got != 30*time.Minute {
		t.Errorf("a test without a ttl has %v, and the flag allows 30m", got)
	}
}

func TestARunKeepsTheSpecItBeganWith(t *testing.T) {
	rt := test()
	rt.Status.Run = decide(rt, bounds.Bounds{}, now).status.Run
	rt.Spec.BackupSource.Namespaces[0].Name = "edited-while-it-waits"
	run := begin(rt, bounds.Bounds{}, now).status.Run
	rt.Spec.BackupSource.Namespaces[0].Name = "other"
	if got := run.Spec.BackupSource.Namespaces[0].Name; got != "edited-while-it-waits" {
		t.Errorf("the run restores %s, and its turn came before the last edit", got)
	}
}

func TestValidate(t *testing.T) {
	for name, c := range map[string]struct {
		edit edit
		want string
	}{
		"no namespaces":      {func(rt *v1alpha1.RestoreTest) { rt.Spec.BackupSource.Namespaces = nil }, "spec.backupSource.namespaces"},
		"a quota of bananas": {func(rt *v1alpha1.RestoreTest) { rt.Spec.Sandbox.ResourceQuota.CPU = "banana" }, "spec.sandbox.resourceQuota.cpu"},
		"two sources in one sandbox": {func(rt *v1alpha1.RestoreTest) {
			rt.Spec.BackupSource.Namespaces = []v1alpha1.SourceNamespace{{Name: "a", SandboxName: "x"}, {Name: "b", SandboxName: "x"}}
		}, "namespaces[1].sandboxName"},
		"the sandbox of one is the source of another": {func(rt *v1alpha1.RestoreTest) {
			rt.Spec.BackupSource.Namespaces = []v1alpha1.SourceNamespace{{Name: "a", SandboxName: "b"}, {Name: "b"}}
		}, "never restores into its source"},
		"a sandbox that policies exempt": {func(rt *v1alpha1.RestoreTest) {
			rt.Spec.BackupSource.Namespaces[0].SandboxName = "openshift-shop"
		}, `spec.backupSource.namespaces[0].sandboxName: "openshift-shop" begins with`},
		"a prefix that policies exempt":              {func(rt *v1alpha1.RestoreTest) { rt.Spec.Sandbox.NamespacePrefix = "kube-test" }, `spec.sandbox.namespacePrefix: "kube-test"`},
		"a prefix that makes names that they exempt": {func(rt *v1alpha1.RestoreTest) { rt.Spec.Sandbox.NamespacePrefix = "kube" }, `spec.sandbox.namespacePrefix: "kube"`},
	} {
		t.Run(name, func(t *testing.T) {
			err := validate(&test(c.edit).Spec)
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %v, want an error with %q", err, c.want)
			}
		})
	}
	for name, good := range map[string]edit{
		"the least there can be": func(*v1alpha1.RestoreTest) {},
		"names that only look like those that policies exempt": func(rt *v1alpha1.RestoreTest) {
			rt.Spec.BackupSource.Namespaces[0].SandboxName, rt.Spec.Sandbox.NamespacePrefix = "kubeshop", "my-kube"
		},
	} {
		if err := validate(&test(good).Spec); err != nil {
			t.Errorf("%s: a good spec is refused: %v", name, err)
		}
	}
}

func TestARunThatShowedNothingForVelerosSakeIsTriedAgainOnce(t *testing.T) {
	restored := func(reason string, phase velerov1.RestorePhase) edit {
		return func(rt *v1alpha1.RestoreTest) {
			rt.Status.Restore = &v1alpha1.RestoreStatus{RunID: rt.Status.Run.ID, Phase: string(phase)}
			rt.Status.Conditions = append(rt.Status.Conditions, metav1.Condition{Type: v1alpha1.ConditionRestored, Status: metav1.ConditionFalse, Reason: reason})
		}
	}
	again := func(rt *v1alpha1.RestoreTest) { rt.Status.Run.Trigger = v1alpha1.TriggerRetry }
	for name, c := range map[string]struct {
		edits []edit
		want  bool
	}{
		"it made way":                     {[]edit{restored(v1alpha1.ReasonYielded, velerov1.RestorePhasePartiallyFailed)}, true},
		"it made way a second time":       {[]edit{restored(v1alpha1.ReasonYielded, velerov1.RestorePhasePartiallyFailed), again}, false},
		"it made way, and is suspended":   {[]edit{restored(v1alpha1.ReasonYielded, velerov1.RestorePhasePartiallyFailed), suspended}, false},
		"Velero's server was killed":      {[]edit{restored(v1alpha1.ReasonVeleroStalled, velerov1.RestorePhaseFailed)}, true},
		"Velero ends at it, again, again": {[]edit{restored(v1alpha1.ReasonVeleroStalled, velerov1.RestorePhaseFinalizing)}, false},
		"the backup is bad":               {[]edit{restored(v1alpha1.ReasonFailed, velerov1.RestorePhaseFailed)}, false},
	} {
		rt := test(append([]edit{ran(now.Add(-time.Minute), true), planned(now.Add(time.Hour))}, c.edits...)...)
		rt.Status.Run.ScheduledTime = metav1.NewTime(now.Add(-time.Minute))
		p := decide(rt, bounds.Bounds{}, now)
		if joins(p) != c.want || c.want && (p.status.Run.Trigger != v1alpha1.TriggerRetry || !p.status.Run.ScheduledTime.Equal(&rt.Status.Run.ScheduledTime)) {
			t.Errorf("%s: %+v", name, p.status.Run)
		}
	}
}
