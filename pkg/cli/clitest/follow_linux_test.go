package clitest

import (
	"fmt"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"

	"github.com/kymaros/kymaros/pkg/apis/restore/v1alpha1"
	"github.com/kymaros/kymaros/pkg/cli/exit"
)

// stages are what test shop says of a run that was asked for two minutes ago, one after the other; each has what those before it have.
func stages() []runtime.Object {
	const id = "r3"
	rt := scene()[0].(*v1alpha1.RestoreTest)
	rt.Status.Conditions = nil
	rt.Status.Run = &v1alpha1.RunStatus{
		ID: id, Request: "kubectl-20261126T100000.000000000Z", Trigger: v1alpha1.TriggerRequested, ScheduledTime: ago(2 * time.Minute),
	}
	var all []runtime.Object
	says := func(conditionType string, status metav1.ConditionStatus, reason, message string, since time.Duration) {
		c := metav1.Condition{Type: conditionType, Status: status, Reason: reason, Message: message, LastTransitionTime: ago(since)}
		if n := len(rt.Status.Conditions); n > 0 && rt.Status.Conditions[n-1].Type == conditionType {
			rt.Status.Conditions = rt.Status.Conditions[:n-1]
		}
		rt.Status.Conditions = append(rt.Status.Conditions, c)
		all = append(all, rt.DeepCopy())
	}
	says(v1alpha1.ConditionScheduled, metav1.ConditionTrue, v1alpha1.ReasonQueued, "waiting for its turn", 2*time.Minute)
	rt.Status.Run.StartTime = ago(110 * time.Second)
	rt.Status.Sandbox = &v1alpha1.SandboxStatus{RunID: id}
	says(v1alpha1.ConditionSandboxReady, metav1.ConditionUnknown, v1alpha1.ReasonCreating, "proving the isolation of rp-test-shop-r3", 110*time.Second)
	says(v1alpha1.ConditionSandboxReady, metav1.ConditionTrue, v1alpha1.ReasonGuarded, "1 sandbox is ready and isolated", 104*time.Second)
	rt.Status.Restore = &v1alpha1.RestoreStatus{RunID: id, BackupName: "nightly-20261126020000", StartTime: at(104 * time.Second), Progress: "12/38"}
	says(v1alpha1.ConditionRestored, metav1.ConditionUnknown, v1alpha1.ReasonInProgress, "Velero is restoring the volume of claim 注文データ-of-the-department-of-orders-and-returns", 104*time.Second)
	rt.Status.Restore.Progress = "38/38"
	says(v1alpha1.ConditionRestored, metav1.ConditionTrue, v1alpha1.ReasonCompleted, "Velero's restore is Completed", 40*time.Second)
	rt.Status.Health = &v1alpha1.HealthStatus{RunID: id, Pods: v1alpha1.PodCount{Ready: 11, Total: 12}}
	says(v1alpha1.ConditionHealthChecked, metav1.ConditionUnknown, v1alpha1.ReasonWaitingForPods, "11 of 12 pods ready; waiting for db-0 (Running)", 40*time.Second)
	rt.Status.Health.Pods.Ready, rt.Status.Health.Checks = 12, []v1alpha1.CheckStatus{{Name: "web-answers", Status: v1alpha1.CheckPass}, {Name: "注文データ", Status: v1alpha1.CheckFail}}
	says(v1alpha1.ConditionHealthChecked, metav1.ConditionFalse, v1alpha1.ReasonCheckFailed, "1 of 2 checks failed: 注文データ (812 is not ge 1000)", 10*time.Second)
	rt.Status.Report = &v1alpha1.ReportStatus{RunID: id, Name: "shop-20261125-030000", Result: v1alpha1.ResultFail}
	says(v1alpha1.ConditionReported, metav1.ConditionTrue, v1alpha1.ReasonCheckFailed, "fail, score 61", 8*time.Second)
	return all
}

func TestARunIsFollowedToItsVerdict(t *testing.T) {
	server := ServeChanges(t, stages(), scene()...)
	for _, columns := range []int{0, 80, 200} {
		a := Run(t, server, now, columns, map[string]string{"TERM": "xterm"}, "run", "shop", "-n", "team-web", "--wait", "--timeout", "1m")
		if a.Code != exit.Bad || a.Err != "" {
			t.Errorf("%d columns: exit code %d, want %d; %s", columns, a.Code, exit.Bad, a.Err)
		}
		golden(t, fmt.Sprintf("run-wait.%d", columns), a.Out)
		fits(t, "run --wait", columns, a.Out)
	}
}
