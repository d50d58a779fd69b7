package e2e

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	velerov1 "github.com/vmware-tanzu/velero/pkg/apis/velero/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/sets"

	"github.com/kymaros/kymaros/pkg/apis/restore/v1alpha1"
	"github.com/kymaros/kymaros/test/e2e/stage"
)

// sandboxesOf watches the namespaces of rt until t ends. The function it returns tells which there have been, by UID.
func sandboxesOf(t *testing.T, rt *v1alpha1.RestoreTest) func() sets.Set[string] {
	t.Helper()
	options := metav1.ListOptions{LabelSelector: v1alpha1.LabelTest + "=" + rt.Name, ResourceVersion: rt.ResourceVersion}
	changes, err := cluster.Kube.CoreV1().Namespaces().Watch(t.Context(), options)
	if err != nil {
		t.Fatal(err)
	}
	seen, done := sets.New[string](), make(chan struct{})
	go func() {
		defer close(done)
		for event := range changes.ResultChan() {
			if ns, ok := event.Object.(metav1.Object); ok {
				seen.Insert(ns.GetName() + " " + string(ns.GetUID()))
			}
		}
	}()
	return func() sets.Set[string] {
		changes.Stop()
		<-done
		return seen
	}
}

func TestSandboxesDeletedByHandInMidRun(t *testing.T) {
	t.Parallel()
	cluster.Untouched(t, web)
	hold := stage.Hold(web)
	hold.PodStatus.Timeout = "20s" // it will wait in vain
	rt := cluster.Start(t, cluster.RestoreTest("by-hand", appsBackup, web), hold, webAnswers())
	seen := sandboxesOf(t, rt)
	rt = cluster.AwaitHeld(t, rt)
	// kubectl delete ns -l kymaros.io/test=NAME,kymaros.io/restoretest-namespace=NAMESPACE
	list, err := cluster.Kube.CoreV1().Namespaces().List(t.Context(), metav1.ListOptions{
		LabelSelector: v1alpha1.LabelTest + "=" + rt.Name + "," + v1alpha1.LabelRestoreTestNamespace + "=" + rt.Namespace,
	})
	if err != nil || len(list.Items) != 1 {
		t.Fatalf("namespaces %v, %v", list.Items, err)
	}
	for _, ns := range list.Items {
		if err := cluster.Kube.CoreV1().Namespaces().Delete(t.Context(), ns.Name, metav1.DeleteOptions{}); err != nil {
			t.Fatal(err)
		}
	}
	_, report := cluster.AwaitEnd(t, rt)
	if s := report.Status; s.Result == v1alpha1.ResultPass {
		t.Errorf("report: %s %d, %s: %s", s.Result, s.Score, s.Reason, s.Message)
	}
	if all := seen(); len(all) != 1 {
		t.Errorf("namespaces of the run: %v, want one", sets.List(all))
	}
}

func TestARestoreTestDeletedInMidRun(t *testing.T) {
	t.Parallel()
	cluster.Untouched(t, web)
	rt := cluster.Start(t, cluster.RestoreTest("deleted", appsBackup, web), stage.Hold(web), webAnswers())
	seen := sandboxesOf(t, rt)
	rt = cluster.AwaitHeld(t, rt)
	if err := cluster.Kymaros.RestoreV1alpha1().RestoreTests(rt.Namespace).Delete(t.Context(), rt.Name, metav1.DeleteOptions{}); err != nil {
		t.Fatal(err)
	}
	stage.Until(t, stage.RunTimeout, func(ctx context.Context) error {
		now, err := cluster.Current(ctx, rt)
		if err == nil {
			return fmt.Errorf("it is still there\n%s", stage.Conditions(now))
		}
		return ignoreNotFound(err)
	})
	cluster.NothingLeft(t, rt)
	verdict(t, cluster.Report(t, rt), v1alpha1.ResultInconclusive, v1alpha1.ReasonTestDeleted)
	if all := seen(); len(all) != 1 {
		t.Errorf("namespaces of the run: %v, want one", sets.List(all))
	}
}

func TestABackupDeletedInMidRun(t *testing.T) {
	t.Parallel()
	cluster.Untouched(t, web)
	rt := cluster.AwaitHeld(t, cluster.Start(t, cluster.RestoreTest("no-backup", sparestBackup, web), stage.Hold(web), webAnswers()))
	if err := cluster.AwaitBackupDeleted(t.Context(), sparestBackup); err != nil {
		t.Fatal(err)
	}
	cluster.Release(t, rt, web)
	_, report := cluster.AwaitEnd(t, rt)
	s := report.Status
	// All had come back by then, so the run may pass; but nobody can say any more what the backup left out on purpose.
	if untested := strings.Join(s.ValidationLevels.Completeness.NotTested, "; "); s.Backup.Name != sparestBackup || !strings.Contains(untested, "Backup") {
		t.Errorf("report: %s %d, %s: %s", s.Result, s.Score, s.Reason, s.Message)
		t.Errorf("completeness: %+v", s.ValidationLevels.Completeness)
	}
}

// What follows stops a part of the cluster, so it runs alone.

func TestAControllerKilledInMidRunGoesOn(t *testing.T) {
	cluster.Untouched(t, web)
	rt := cluster.AwaitHeld(t, cluster.Start(t, cluster.RestoreTest("killed", appsBackup, web), stage.Hold(web), webAnswers()))
	pods := cluster.Kube.CoreV1().Pods(stage.SystemNamespace)
	before := slices.DeleteFunc(cluster.Pods(t, stage.SystemNamespace), func(p corev1.Pod) bool { return p.Labels["app.kubernetes.io/component"] != "controller" })
	for _, pod := range before {
		if err := pods.Delete(t.Context(), pod.Name, now); err != nil {
			t.Fatal(err)
		}
	}
	stage.Until(t, time.Minute, func(ctx context.Context) error {
		_, err := pods.Get(ctx, before[0].Name, metav1.GetOptions{})
		if err == nil {
			return errors.New("the old pod is still there")
		}
		return ignoreNotFound(err)
	})
	if err := cluster.AwaitRollout(t.Context(), stage.SystemNamespace, stage.Controller); err != nil {
		t.Fatal(err)
	}
	cluster.Release(t, rt, web)
	after, report := cluster.AwaitEnd(t, rt)
	verdict(t, report, v1alpha1.ResultPass, "Passed")
	if after.Status.Run.ID != rt.Status.Run.ID || report.Spec.RunID != rt.Status.Run.ID {
		t.Errorf("run %s ended as %s, report of %s", rt.Status.Run.ID, after.Status.Run.ID, report.Spec.RunID)
	}
}

func TestVeleroStopped(t *testing.T) {
	scale(t, 0)
	t.Cleanup(func() { scale(t, 1) })

	t.Run("a Restore that is deleted before it began is lost", func(t *testing.T) {
		cluster.Untouched(t, web)
		rt := cluster.Await(t, cluster.Start(t, cluster.RestoreTest("lost", spareBackup, web), webAnswers()), v1alpha1.ConditionRestored, v1alpha1.ReasonInProgress)
		velero := cluster.Kymaros.VeleroV1()
		if err := velero.Backups(stage.VeleroNamespace).Delete(t.Context(), spareBackup, metav1.DeleteOptions{}); err != nil {
			t.Fatal(err)
		}
		if err := velero.Restores(stage.VeleroNamespace).Delete(t.Context(), rt.Status.Restore.Name, metav1.DeleteOptions{}); err != nil {
			t.Fatal(err)
		}
		rt, report := cluster.AwaitEnd(t, rt)
		verdict(t, report, v1alpha1.ResultInconclusive, v1alpha1.ReasonLost)
		if rt.Status.Phase != v1alpha1.PhaseCompleted { // which shows nothing about the backup
			t.Errorf("phase %s", rt.Status.Phase)
		}
	})

	t.Run("a run waits until the Restore of somebody else has ended", func(t *testing.T) {
		cluster.Untouched(t, web)
		foreign := foreignRestore(t)
		rt := cluster.Await(t, cluster.Start(t, cluster.RestoreTest("queued", appsBackup, web), webAnswers()), v1alpha1.ConditionScheduled, v1alpha1.ReasonQueued)
		if rt.Status.Phase != v1alpha1.PhaseQueued || !rt.Status.Run.StartTime.IsZero() || rt.Status.Run.Deadline.After(time.Now()) {
			t.Errorf("phase %s, run %+v: its time counts from its turn", rt.Status.Phase, rt.Status.Run)
		}
		scale(t, 1)
		_, report := cluster.AwaitEnd(t, rt)
		verdict(t, report, v1alpha1.ResultPass, "Passed")
		first, err := cluster.Kymaros.VeleroV1().Restores(stage.VeleroNamespace).Get(t.Context(), foreign, metav1.GetOptions{})
		if err != nil {
			t.Fatal(err)
		}
		if first.Status.Phase != velerov1.RestorePhaseCompleted {
			t.Errorf("Restore %s is %s", foreign, first.Status.Phase)
		}
	})
}
