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
	slow(t)
	for name, c := range map[string]struct {
		test  string
		await func(t *testing.T, rt *v1alpha1.RestoreTest)
	}{
		"while Velero restores": {"node-restore", func(t *testing.T, rt *v1alpha1.RestoreTest) {
			cluster.Await(t, rt, v1alpha1.ConditionRestored, v1alpha1.ReasonInProgress)
		}},
		"while checks run": {"node-checks", func(t *testing.T, rt *v1alpha1.RestoreTest) { cluster.AwaitHeld(t, rt) }},
	} {
		t.Run(name, func(t *testing.T) {
			cluster.Untouched(t, web)
			rt := cluster.Start(t, cluster.RestoreTest(c.test, appsBackup, web), stage.Hold(web), webAnswers())
			c.await(t, rt)
			away(t, "containerd", "kubelet")()
			rt = cluster.AwaitHeld(t, rt)
			cluster.Release(t, rt, web)
			_, report := cluster.AwaitEnd(t, rt)
			verdict(t, report, v1alpha1.ResultPass, "Passed")
		})
	}
}

func TestAnObjectStoreThatIsAwayIsNoFaultOfTheBackup(t *testing.T) {
	slow(t)
	cluster.Untouched(t, web)
	back := away(t, "s3")
	rt := cluster.Start(t, cluster.RestoreTest("no-store", appsBackup, web), webAnswers())
	rt = cluster.Await(t, rt, v1alpha1.ConditionReported, v1alpha1.ReasonReportWritten)
	verdict(t, cluster.Report(t, rt), v1alpha1.ResultInconclusive, v1alpha1.ReasonBackupLocationUnavailable)
	back()
	cluster.AwaitEnd(t, rt) // Velero lets a Restore go when it has deleted its log in the store
	stage.Until(t, stage.RunTimeout, func(ctx context.Context) error {
		location, err := cluster.Kymaros.VeleroV1().BackupStorageLocations(stage.VeleroNamespace).Get(ctx, "default", metav1.GetOptions{})
		if err == nil && location.Status.Phase != velerov1.BackupStorageLocationPhaseAvailable {
			err = fmt.Errorf("the location is %s: %s", location.Status.Phase, location.Status.Message)
		}
		return err
	})
	_, report := cluster.AwaitEnd(t, cluster.Start(t, cluster.RestoreTest("store-back", appsBackup, web), webAnswers()))
	verdict(t, report, v1alpha1.ResultPass, "Passed")
}
