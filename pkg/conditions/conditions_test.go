package conditions

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/kymaros/kymaros/pkg/apis/restore/v1alpha1"
)

var (
	before = time.Date(2026, 3, 1, 3, 0, 0, 0, time.UTC)
	now    = before.Add(time.Minute)
)

// test returns a RestoreTest in run "b" whose sandbox fragment is of the run ofRun.
func test(ofRun string, condition ...metav1.Condition) *v1alpha1.RestoreTest {
	return &v1alpha1.RestoreTest{Status: v1alpha1.RestoreTestStatus{
		Run:        &v1alpha1.RunStatus{ID: "b", StartTime: metav1.NewTime(before), Deadline: metav1.NewTime(now)},
		Sandbox:    &v1alpha1.SandboxStatus{RunID: ofRun},
		Conditions: condition,
	}}
}

func ready(status metav1.ConditionStatus, reason string, at time.Time) metav1.Condition {
	return metav1.Condition{Type: v1alpha1.ConditionSandboxReady, Status: status, Reason: reason, LastTransitionTime: metav1.NewTime(at)}
}

func TestNext(t *testing.T) {
	for name, c := range map[string]struct {
		rt      *v1alpha1.RestoreTest
		want    metav1.Condition
		next    metav1.Condition
		changed bool
	}{
		"the first condition is a change": {
			rt: test("b"), want: ready("Unknown", "Creating", time.Time{}),
			next: ready("Unknown", "Creating", now), changed: true,
		},
		"the same again is no change": {
			rt: test("b", ready("Unknown", "Creating", before)), want: ready("Unknown", "Creating", time.Time{}),
			next: ready("Unknown", "Creating", before),
		},
		"a new reason keeps the time of the status": {
			rt: test("b", ready("Unknown", "Creating", before)), want: ready("Unknown", "WaitingForQuota", time.Time{}),
			next: ready("Unknown", "WaitingForQuota", before), changed: true,
		},
		"a new status moves the time": {
			rt: test("b", ready("Unknown", "Creating", before)), want: ready("True", "Guarded", time.Time{}),
			next: ready("True", "Guarded", now), changed: true,
		},
		"what is decided stays in its run": {
			rt: test("b", ready("True", "Guarded", before)), want: ready("False", "Rejected", time.Time{}),
			next: ready("True", "Guarded", before),
		},
		"what was decided in another run does not count": {
			rt: test("a", ready("True", "Guarded", before)), want: ready("Unknown", "Creating", time.Time{}),
			next: ready("Unknown", "Creating", now), changed: true,
		},
		"the same words in a new run are a change, at a new time": {
			rt: test("a", ready("True", "Guarded", before)), want: ready("True", "Guarded", time.Time{}),
			next: ready("True", "Guarded", now), changed: true,
		},
	} {
		t.Run(name, func(t *testing.T) {
			next, changed := Next(c.rt, c.want, now)
			if diff := cmp.Diff(c.next, next); diff != "" {
				t.Errorf("condition (-want +got):\n%s", diff)
			}
			if changed != c.changed {
				t.Errorf("changed = %v, want %v", changed, c.changed)
			}
		})
	}
}

func TestScheduledIsNeverFinal(t *testing.T) {
	rt := test("b", metav1.Condition{Type: v1alpha1.ConditionScheduled, Status: "False", Reason: "Suspended"})
	next, changed := Next(rt, metav1.Condition{Type: v1alpha1.ConditionScheduled, Status: "True", Reason: "NextRunPlanned"}, now)
	if !changed || next.Status != "True" {
		t.Errorf("got %v, changed %v; want True: it tells of the test, not of one run", next, changed)
	}
}

func TestForRun(t *testing.T) {
	if c := ForRun(test("a", ready("True", "Guarded", before)), v1alpha1.ConditionSandboxReady); c != nil {
		t.Errorf("a condition of run a counts in run b: %v", c)
	}
	if c := ForRun(test("b", ready("True", "Guarded", before)), v1alpha1.ConditionSandboxReady); c == nil {
		t.Error("the condition of the current run does not count")
	}
	if ForRun(&v1alpha1.RestoreTest{}, v1alpha1.ConditionSandboxReady) != nil {
		t.Error("a test that never ran has a condition of its run")
	}
}

func TestActive(t *testing.T) {
	cleaned := metav1.Condition{Type: v1alpha1.ConditionCleanedUp, Status: "True", Reason: "NothingLeft"}
	rt := test("b", cleaned)
	if !Active(rt) {
		t.Error("a run is over because the last one was cleaned up")
	}
	rt.Status.Cleanup = &v1alpha1.CleanupStatus{RunID: "b"}
	if Active(rt) {
		t.Error("a run goes on although it is cleaned up")
	}
}

func TestExpired(t *testing.T) {
	if expired, left := Expired(test("b"), before); expired || left != time.Minute {
		t.Errorf("a minute before the deadline: expired %v, left %v", expired, left)
	}
	if expired, _ := Expired(test("b"), now); !expired {
		t.Error("not expired at the deadline")
	}
}
