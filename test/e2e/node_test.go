package e2e

import (
	"context"
	"fmt"
	"testing"

	velerov1 "github.com/vmware-tanzu/velero/pkg/apis/velero/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/kymaros/kymaros/pkg/apis/restore/v1alpha1"
	"github.com/kymaros/kymaros/test/e2e/stage"
)

// What follows takes a part of the node, or the object store, away for a while; so it runs alone.

// away takes programs of the cluster away until t ends, or until the function it returns is called.
func away(t *testing.T, programs ...string) (back func()) {
	t.Helper()
	back = func() {
		t.Helper()
		for _, p := range programs {
			must(t, cluster.Program(context.WithoutCancel(t.Context()), "start", p))
		}
	}
	t.Cleanup(back)
	for _, p := range programs {
		must(t, cluster.Program(t.Context(), "stop", p))
	}
	return back
}

func TestANodeWhoseAgentAndRuntimeRestartInMidRun(t *testing.T) {
	for name, moment := range map[string]func(t *testing.T, rt *v1alpha1.RestoreTest) *v1alpha1.RestoreTest{
		"while Velero restores": func(t *testing.T, rt *v1alpha1.RestoreTest) *v1alpha1.RestoreTest {
			return cluster.Await(t, rt, v1alpha1.ConditionRestored, v1alpha1.ReasonInProgress)
		},
		"while checks run": func(t *testing.T, rt *v1alpha1.RestoreTest) *v1alpha1.RestoreTest { return cluster.AwaitHeld(t, rt) },
	} {
		t.Run(name, func(t *testing.T) {
			untouched(t, web)
			rt := moment(t, cluster.Start(t, cluster.RestoreTest("node", appsBackup, web), stage.Hold(web), webAnswers()))
			away(t, "containerd", "kubelet")()
			rt = cluster.AwaitHeld(t, rt)
			cluster.Release(t, rt, web)
			_, report := cluster.AwaitEnd(t, rt)
			verdict(t, report, v1alpha1.ResultPass, "Passed")
		})
	}
}

func TestAnObjectStoreThatIsAwayIsNoFaultOfTheBackup(t *testing.T) {
	untouched(t, web)
	back := away(t, "s3")
	_, report := cluster.AwaitEnd(t, cluster.Start(t, cluster.RestoreTest("no-store", appsBackup, web), webAnswers()))
	t.Logf("%s: %s", report.Status.Reason, report.Status.Message)
	if report.Status.Result != v1alpha1.ResultInconclusive {
		t.Errorf("report: %s %d, %s: %s", report.Status.Result, report.Status.Score, report.Status.Reason, report.Status.Message)
	}
	back()
	stage.Until(t, stage.RunTimeout, func(ctx context.Context) error {
		location, err := cluster.Kymaros.VeleroV1().BackupStorageLocations(stage.VeleroNamespace).Get(ctx, "default", metav1.GetOptions{})
		if err == nil && location.Status.Phase != velerov1.BackupStorageLocationPhaseAvailable {
			err = fmt.Errorf("the location is %s: %s", location.Status.Phase, location.Status.Message)
		}
		return err
	})
	again := cluster.RestoreTest("store-back", appsBackup, web)
	_, report = cluster.AwaitEnd(t, cluster.Start(t, again, webAnswers()))
	verdict(t, report, v1alpha1.ResultPass, "Passed")
}
