package schedule

import (
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/kymaros/kymaros/pkg/apis/restore/v1alpha1"
)

// lookAgain is how long a run that is due waits before the fence is looked at again.
const lookAgain = 15 * time.Second

// fenced returns the plan, by which a run starts, with what is known of the fence. If it is required and something is wrong
// with it, no run starts: the test stays as it was, and a request stays asked.
func fenced(rt *v1alpha1.RestoreTest, p plan, problem string, required bool) plan {
	if problem == "" {
		p.status.Run.Fence = v1alpha1.FenceIntact
		return p
	}
	if !required {
		p.status.Run.Fence = v1alpha1.FenceNotIntact
		p.condition = condition(rt, metav1.ConditionTrue, v1alpha1.ReasonRunStarted, started(p.status.Run))
		return p
	}
	return plan{
		status: v1alpha1.RestoreTestStatus{Run: rt.Status.Run, Phase: phase(rt), NextRunAt: rt.Status.NextRunAt},
		condition: condition(rt, metav1.ConditionFalse, v1alpha1.ReasonFenceNotIntact,
			"a run is due and does not start, for the admission fence is not in force as it was shipped: "+problem),
		again: lookAgain,
	}
}
