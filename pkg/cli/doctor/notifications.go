package doctor

import (
	"fmt"

	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/kymaros/kymaros/pkg/apis/restore/v1alpha1"
	"github.com/kymaros/kymaros/pkg/outcome"
)

// notifier is the Deployment that tells people. Whoever wants none of it leaves it out.
const notifier = "kymaros-notify"

var ofNotifications = []check{
	{"notifications", "notifier", []Look{LookWorkloads, LookTests}, func(s *Seen) []Result {
		d := s.Deployments[s.System+"/"+notifier]
		var waiting []*v1alpha1.RestoreTest
		for _, rt := range s.Tests {
			if n := rt.Spec.Notifications; n != nil && len(n.OnFailure)+len(n.OnSuccess) > 0 {
				waiting = append(waiting, rt)
			}
		}
		if d == nil && len(waiting) == 0 {
			return ok("no test names anybody to be told")
		}
		consequence := "nobody is told how tests end"
		if len(waiting) > 0 {
			consequence = fmt.Sprintf("%d tests name people to be told, such as %s, and nobody is", len(waiting), nameOf(waiting[0]))
		}
		return workload(d, s.System, notifier, "manifests/55-notify.yaml", consequence)
	}},
	{"notifications", "delivery", []Look{LookTests}, each(func(_ *Seen, rt *v1alpha1.RestoreTest) []Result {
		c := meta.FindStatusCondition(rt.Status.Conditions, v1alpha1.ConditionNotified)
		if c == nil || c.Status != metav1.ConditionFalse {
			return nil
		}
		return fail(fmt.Sprintf("test %s could not tell everybody (%s): %s", nameOf(rt), c.Reason, c.Message), outcome.Of(c.Reason).Remedy)
	}, "no message was given up")},
}
