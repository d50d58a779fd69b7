package report

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/kymaros/kymaros/pkg/apis/restore/v1alpha1"
	"github.com/kymaros/kymaros/pkg/score"
)

func TestDecide(t *testing.T) {
	over := func(reason string, since metav1.Time, look bool) decision {
		return decision{over: true, since: since.Time, look: look, cause: score.Cause{Reason: reason, Message: "about " + reason}}
	}
	because := func(d decision, message string) decision { d.cause.Message = message; return d }
	tests := map[string]struct {
		change []func(*v1alpha1.RestoreTest)
		now    metav1.Time
		want   decision
	}{
		"all checks passed ends the run": {
			want: decision{over: true, since: at(23).Time, look: true},
		},
		"a failed check ends the run": {
			change: []func(*v1alpha1.RestoreTest){condition(v1alpha1.ConditionHealthChecked, metav1.ConditionFalse, v1alpha1.ReasonCheckFailed)},
			want:   over(v1alpha1.ReasonCheckFailed, at(23), true),
		},
		"of a sandbox that somebody deleted nothing is looked at": {
			change: []func(*v1alpha1.RestoreTest){func(rt *v1alpha1.RestoreTest) { rt.Status.Sandbox.Namespaces[0].Deleted = true }},
			want:   decision{over: true, since: at(23).Time},
		},
		"pods that the sandbox refused end the run without a cause against the backup": {
			change: []func(*v1alpha1.RestoreTest){condition(v1alpha1.ConditionHealthChecked, metav1.ConditionFalse, v1alpha1.ReasonBlockedBySandboxPolicy)},
			want:   decision{over: true, since: at(23).Time, look: true},
		},
		"a sandbox that cannot be made ends the run": {
			change: []func(*v1alpha1.RestoreTest){stillRestoring, condition(v1alpha1.ConditionSandboxReady, metav1.ConditionFalse, v1alpha1.ReasonNameTaken)},
			want:   over(v1alpha1.ReasonNameTaken, at(23), false),
		},
		"a failed restore ends the run": {
			change: []func(*v1alpha1.RestoreTest){stillRestoring, condition(v1alpha1.ConditionRestored, metav1.ConditionFalse, v1alpha1.ReasonFailed)},
			want:   over(v1alpha1.ReasonFailed, at(23), false),
		},
		"a partly failed restore does not: the checks go on": {
			change: []func(*v1alpha1.RestoreTest){
				stillRestoring, condition(v1alpha1.ConditionRestored, metav1.ConditionFalse, v1alpha1.ReasonPartiallyFailed),
			},
			want: decision{again: 3610 * time.Second, look: true},
		},
		"after a partly failed restore the checks decide": {
			change: []func(*v1alpha1.RestoreTest){condition(v1alpha1.ConditionRestored, metav1.ConditionFalse, v1alpha1.ReasonPartiallyFailed)},
			want:   decision{over: true, since: at(23).Time, look: true},
		},
		"a run that is under way is looked at again when its deadline and the grace have passed": {
			change: []func(*v1alpha1.RestoreTest){stillRestoring}, now: at(100), want: decision{again: 3510 * time.Second},
		},
		"within the grace the phase in charge may speak first": {
			change: []func(*v1alpha1.RestoreTest){stillRestoring}, now: at(3609), want: decision{again: time.Second},
		},
		"after it the deadline ends the run, and says what was under way": {
			change: []func(*v1alpha1.RestoreTest){stillRestoring}, now: at(3610),
			want: because(over(v1alpha1.ReasonUnattended, at(3610), false),
				"The deadline of the run passed while the backup was being restored (InProgress: about InProgress); what sees to that was not at work, else it would have said how far it had come"),
		},
		"a deadline during the checks still looks at the sandbox": {
			change: []func(*v1alpha1.RestoreTest){condition(v1alpha1.ConditionHealthChecked, metav1.ConditionUnknown, v1alpha1.ReasonRunning)}, now: at(3610),
			want: because(over(v1alpha1.ReasonUnattended, at(3610), true),
				"The deadline of the run passed while the application was being checked (Running: about Running); what sees to that was not at work, else it would have said how far it had come"),
		},
		"a deadline after a check has failed": {
			change: []func(*v1alpha1.RestoreTest){condition(v1alpha1.ConditionHealthChecked, metav1.ConditionUnknown, v1alpha1.ReasonRunning), func(rt *v1alpha1.RestoreTest) {
				rt.Status.Health.Checks = []v1alpha1.CheckStatus{{Name: "rows", Status: v1alpha1.CheckFail}}
			}}, now: at(3610),
			want: because(over(v1alpha1.ReasonDeadlineExceeded, at(3610), true), "The deadline of the run passed while the application was being checked (Running: about Running)"),
		},
		"a deadline after a restore in part": {
			change: []func(*v1alpha1.RestoreTest){
				condition(v1alpha1.ConditionRestored, metav1.ConditionFalse, v1alpha1.ReasonPartiallyFailed), condition(v1alpha1.ConditionHealthChecked, metav1.ConditionUnknown, v1alpha1.ReasonRunning),
			}, now: at(3610),
			want: because(over(v1alpha1.ReasonDeadlineExceeded, at(3610), true), "The deadline of the run passed while the application was being checked (Running: about Running)"),
		},
		"a deadline before any phase took notice": {
			change: []func(*v1alpha1.RestoreTest){func(rt *v1alpha1.RestoreTest) {
				rt.Status.Sandbox, rt.Status.Restore, rt.Status.Health = nil, nil, nil
			}}, now: at(3610),
			want: because(over(v1alpha1.ReasonNotStarted, at(3610), false), "The deadline of the run passed while the sandbox was being made"),
		},
		"a deleted test ends its run, whatever it has shown": {
			change: []func(*v1alpha1.RestoreTest){deleted},
			want:   because(over(v1alpha1.ReasonTestDeleted, at(24), false), "The RestoreTest was deleted while its run was under way"),
		},
		"what is there of the last run decides nothing": {
			change: []func(*v1alpha1.RestoreTest){func(rt *v1alpha1.RestoreTest) { rt.Status.Run.ID = "next" }},
			want:   decision{again: 3610 * time.Second},
		},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			now := tc.now.Time
			if now.IsZero() {
				now = runStart
			}
			got := decide(test(tc.change...), now)
			if diff := cmp.Diff(tc.want, got, cmp.AllowUnexported(decision{})); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}
