package bench

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	velerov1 "github.com/vmware-tanzu/velero/pkg/apis/velero/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/kymaros/kymaros/pkg/apis/restore/v1alpha1"
	"github.com/kymaros/kymaros/test/e2e/stage"
)

// BenchmarkYield measures how long an emergency restore of the shop waits behind a test that fills a volume with 2 GB, from its creation
// until Velero begins with it: with nothing before it, behind a test that makes way, and behind one that does not (--yield=false).
func BenchmarkYield(b *testing.B) {
	ctx := context.WithoutCancel(b.Context())
	heavy, backup := cluster.Name("heavy"), cluster.Name("heavy-full")
	b.Cleanup(func() {
		if err := cluster.DeleteBackup(ctx, backup); err != nil {
			b.Error(err)
		}
		if err := cluster.DeleteNamespaces(ctx, heavy); err != nil {
			b.Error(err)
		}
		setYield(ctx, b, true)
	})
	if err := cluster.Deploy(ctx, stage.App{File: "heavy.yaml", Namespace: heavy}); err != nil {
		b.Fatal(err)
	}
	if err := cluster.AwaitPods(ctx, heavy, 1); err != nil {
		b.Fatal(err)
	}
	if err := cluster.BackupWithin(ctx, 10*time.Minute, backup, heavy); err != nil {
		b.Fatal(err)
	}
	for range b.N {
		began, ended := emergency(b, "alone")
		b.ReportMetric(began.Seconds(), "alone-begins-s")
		b.ReportMetric(ended.Seconds(), "alone-ends-s")
		for name, yield := range map[string]bool{"with": true, "without": false} {
			setYield(ctx, b, yield)
			rt := cluster.Start(b, cluster.RestoreTest("heavy-"+name, backup, heavy))
			awaitFilling(b, rt)
			began, ended := emergency(b, name)
			b.ReportMetric(began.Seconds(), name+"-begins-s")
			b.ReportMetric(ended.Seconds(), name+"-ends-s")
			settle(b, rt)
		}
	}
	b.ReportMetric(0, "ns/op")
}

// setYield tells the controller whether tests make way.
func setYield(ctx context.Context, b *testing.B, yield bool) {
	b.Helper()
	if err := cluster.SetFlag(ctx, "--yield", fmt.Sprint(yield)); err != nil {
		b.Fatal(err)
	}
}

// settle waits until no run of rt is under way or to come, for one that made way is tried again, and logs how each ended.
func settle(b *testing.B, rt *v1alpha1.RestoreTest) {
	b.Helper()
	stage.Until(b, 10*time.Minute, func(ctx context.Context) error {
		now, err := cluster.Current(ctx, rt)
		if err != nil {
			return err
		}
		if now.Status.Phase != v1alpha1.PhaseCompleted && now.Status.Phase != v1alpha1.PhaseFailed {
			return fmt.Errorf("not over\n%s", stage.Conditions(now))
		}
		if now.Status.LastResult == v1alpha1.ResultInconclusive && now.Status.Run.Trigger != v1alpha1.TriggerRetry {
			return errors.New("it is to be tried again")
		}
		return nil
	})
	reports, err := cluster.Kymaros.RestoreV1alpha1().RestoreReports(rt.Namespace).List(b.Context(), metav1.ListOptions{LabelSelector: v1alpha1.LabelTest + "=" + rt.Name})
	if err != nil {
		b.Fatal(err)
	}
	for i := range reports.Items {
		b.Logf("%s: %s (%s)", rt.Name, reports.Items[i].Status.Result, reports.Items[i].Status.Reason)
	}
}

// awaitFilling waits until Velero fills the volume of rt's sandbox.
func awaitFilling(b *testing.B, rt *v1alpha1.RestoreTest) {
	b.Helper()
	stage.Until(b, 5*time.Minute, func(ctx context.Context) error {
		now, err := cluster.Current(ctx, rt)
		if err != nil {
			return err
		}
		if now.Status.Restore == nil || now.Status.Restore.Name == "" {
			return fmt.Errorf("no Restore yet\n%s", stage.Conditions(now))
		}
		list, err := cluster.Kymaros.VeleroV1().PodVolumeRestores(stage.VeleroNamespace).List(ctx, metav1.ListOptions{
			LabelSelector: velerov1.RestoreNameLabel + "=" + now.Status.Restore.Name,
		})
		if err != nil {
			return err
		}
		for i := range list.Items {
			if p := list.Items[i].Status; p.Phase == velerov1.PodVolumeRestorePhaseInProgress && p.Progress.BytesDone > 0 {
				return nil
			}
		}
		return fmt.Errorf("%d PodVolumeRestores, none has filled anything yet", len(list.Items))
	})
}

// emergency restores the shop as somebody would who needs it, and returns after what time Velero began, and was done.
func emergency(b *testing.B, name string) (began, ended time.Duration) {
	b.Helper()
	name = cluster.Name("emergency-" + name)
	restores := cluster.Kymaros.VeleroV1().Restores(stage.VeleroNamespace)
	start := time.Now()
	_, err := restores.Create(b.Context(), &velerov1.Restore{
		ObjectMeta: metav1.ObjectMeta{Namespace: stage.VeleroNamespace, Name: name},
		Spec:       velerov1.RestoreSpec{BackupName: shop.Full, IncludedNamespaces: []string{shop.Namespace}, NamespaceMapping: map[string]string{shop.Namespace: name}},
	}, metav1.CreateOptions{})
	if err != nil {
		b.Fatal(err)
	}
	stage.Until(b, 15*time.Minute, func(ctx context.Context) error {
		r, err := restores.Get(ctx, name, metav1.GetOptions{})
		if err != nil {
			return err
		}
		if began == 0 && r.Status.StartTimestamp != nil {
			began = time.Since(start)
		}
		if r.Status.CompletionTimestamp == nil {
			return fmt.Errorf("it is %q", r.Status.Phase)
		}
		ended = time.Since(start)
		return nil
	})
	ctx := context.WithoutCancel(b.Context())
	if err := restores.Delete(ctx, name, metav1.DeleteOptions{}); err != nil {
		b.Error(err)
	}
	if err := cluster.DeleteNamespaces(ctx, name); err != nil {
		b.Error(err)
	}
	return began, ended
}
