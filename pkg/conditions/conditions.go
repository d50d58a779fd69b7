// Package conditions reads and advances the conditions of a RestoreTest. It is pure: no client, no clock.
package conditions

import (
	"time"

	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/kymaros/kymaros/pkg/apis/restore/v1alpha1"
)

// Next returns the condition to write for want, and whether it differs from what rt has. LastTransitionTime moves with
// the status or with the run. A condition that is decided in this run stays as it is.
func Next(rt *v1alpha1.RestoreTest, want metav1.Condition, now time.Time) (metav1.Condition, bool) {
	want.LastTransitionTime = metav1.NewTime(now.Truncate(time.Second))
	old := meta.FindStatusCondition(rt.Status.Conditions, want.Type)
	if old == nil {
		return want, true
	}
	if !perRun(want.Type) || ofRun(rt, want.Type) {
		if perRun(want.Type) && Decided(old) {
			return *old, false
		}
		if old.Status == want.Status {
			want.LastTransitionTime = old.LastTransitionTime
		}
		return want, want != *old
	}
	return want, true
}

// ForRun returns rt's condition of that type if it belongs to the current run, else nil: until its writer has taken
// notice of a new run, the condition still tells of the last one.
func ForRun(rt *v1alpha1.RestoreTest, conditionType string) *metav1.Condition {
	if !ofRun(rt, conditionType) {
		return nil
	}
	return meta.FindStatusCondition(rt.Status.Conditions, conditionType)
}

// Is tells whether rt's condition of that type has that status in the current run.
func Is(rt *v1alpha1.RestoreTest, conditionType string, status metav1.ConditionStatus) bool {
	c := ForRun(rt, conditionType)
	return c != nil && c.Status == status
}

// Decided tells whether c is True or False. A nil condition is not decided.
func Decided(c *metav1.Condition) bool {
	return c != nil && c.Status != metav1.ConditionUnknown
}

// Began tells whether rt has a run that had its turn, be it over or not.
func Began(rt *v1alpha1.RestoreTest) bool {
	return rt.Status.Run != nil && !rt.Status.Run.StartTime.IsZero()
}

// Active tells whether rt has a run that has begun and is not cleaned up yet.
func Active(rt *v1alpha1.RestoreTest) bool {
	return Began(rt) && !Is(rt, v1alpha1.ConditionCleanedUp, metav1.ConditionTrue)
}

// Expired tells whether the deadline of rt's run has passed, and if not, how long it is until then.
func Expired(rt *v1alpha1.RestoreTest, now time.Time) (bool, time.Duration) {
	left := rt.Status.Run.Deadline.Sub(now)
	return left <= 0, left
}

// perRun: Scheduled and Notified tell of the test as a whole; every other condition belongs to one run.
func perRun(conditionType string) bool {
	return conditionType != v1alpha1.ConditionScheduled && conditionType != v1alpha1.ConditionNotified
}

func ofRun(rt *v1alpha1.RestoreTest, conditionType string) bool {
	status := &rt.Status
	if !perRun(conditionType) {
		return true
	}
	if status.Run == nil {
		return false
	}
	var id string
	switch conditionType {
	case v1alpha1.ConditionSandboxReady:
		if status.Sandbox != nil {
			id = status.Sandbox.RunID
		}
	case v1alpha1.ConditionRestored:
		if status.Restore != nil {
			id = status.Restore.RunID
		}
	case v1alpha1.ConditionHealthChecked:
		if status.Health != nil {
			id = status.Health.RunID
		}
	case v1alpha1.ConditionReported:
		if status.Report != nil {
			id = status.Report.RunID
		}
	case v1alpha1.ConditionCleanedUp:
		if status.Cleanup != nil {
			id = status.Cleanup.RunID
		}
	}
	return id == status.Run.ID
}
