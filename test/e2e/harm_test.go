package e2e

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	velerov1 "github.com/vmware-tanzu/velero/pkg/apis/velero/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/kymaros/kymaros/pkg/apis/restore/v1alpha1"
	"github.com/kymaros/kymaros/pkg/names"
	"github.com/kymaros/kymaros/pkg/velero"
	"github.com/kymaros/kymaros/test/e2e/stage"
)

// veleroStaysUp fails t if Velero's server was restarted during it.
func veleroStaysUp(t *testing.T) {
	t.Helper()
	before, err := cluster.Restarts(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		after, err := cluster.Restarts(context.WithoutCancel(t.Context()))
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(before, after); diff != "" {
			t.Errorf("Velero's server was restarted (-before +after):\n%s", diff)
		}
	})
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// TestAClaimWithoutAClassDoesNotCrashVelero where no default class gives it one: Velero's finalizer of a Restore would end the server.
// It takes the cluster's default class away, so it runs alone.
func TestAClaimWithoutAClassDoesNotCrashVelero(t *testing.T) {
	source := staticBackup(t, "static") // and so its backup is called
	withoutDefaultClass(t)
	veleroStaysUp(t)

	t.Run("the fence refuses it, and the run says so", func(t *testing.T) {
		rt := cluster.RestoreTest("static", source, source)
		rt.Spec.HealthChecks.PodReadyTimeout = "5s"
		_, report := cluster.AwaitEnd(t, cluster.Start(t, rt))
		if report.Status.Reason == v1alpha1.ReasonVeleroStalled || report.Status.Reason == v1alpha1.ReasonDeadlineExceeded {
			t.Errorf("the run ended with %s: %s", report.Status.Reason, report.Status.Message)
		}
		if s := report.Status; s.Result == v1alpha1.ResultFail || s.Result == v1alpha1.ResultPass {
			t.Errorf("it says nothing about the backup: %s, %s: %s", s.Result, s.Reason, s.Message)
		}
	})
	t.Run("without the fence it gets a class that nobody serves", func(t *testing.T) {
		slow(t)
		target := cluster.Name("classless")
		r := startRestore(t, source, source, target, "kymaros-sandbox-no-class")
		stage.Until(t, 3*time.Minute, func(ctx context.Context) error {
			now, err := cluster.Kymaros.VeleroV1().Restores(stage.VeleroNamespace).Get(ctx, r, metav1.GetOptions{})
			if err == nil && !velero.Terminal(now.Status.Phase) {
				err = fmt.Errorf("Restore %s is %s", r, now.Status.Phase)
			}
			return err
		})
		claim, err := cluster.Kube.CoreV1().PersistentVolumeClaims(target).Get(t.Context(), "archive", metav1.GetOptions{})
		must(t, err)
		if claim.Spec.StorageClassName == nil || *claim.Spec.StorageClassName != names.NoClass || claim.Status.Phase != corev1.ClaimPending {
			t.Errorf("the claim is %s, of class %v", claim.Status.Phase, claim.Spec.StorageClassName)
		}
	})
}

// startRestore restores source into a namespace that is no sandbox, with rules of ours, until t ends. Velero gives up on volumes after
// half a minute.
func startRestore(t *testing.T, backup, source, target, modifiers string) (name string) {
	t.Helper()
	no := false
	restores := cluster.Kymaros.VeleroV1().Restores(stage.VeleroNamespace)
	_, err := restores.Create(t.Context(), &velerov1.Restore{
		ObjectMeta: metav1.ObjectMeta{
			Namespace: stage.VeleroNamespace, Name: target, Annotations: map[string]string{velerov1.PodVolumeOperationTimeoutAnnotation: "30s"},
		},
		Spec: velerov1.RestoreSpec{
			BackupName: backup, IncludedNamespaces: []string{source}, NamespaceMapping: map[string]string{source: target}, IncludeClusterResources: &no,
			IncludedResources: []string{"pods", "persistentvolumeclaims"}, ResourceModifier: &corev1.TypedLocalObjectReference{Kind: "ConfigMap", Name: modifiers},
		},
	}, metav1.CreateOptions{})
	must(t, err)
	t.Cleanup(func() {
		ctx := context.WithoutCancel(t.Context())
		for _, err := range []error{ignoreNotFound(restores.Delete(ctx, target, metav1.DeleteOptions{})), cluster.DeleteNamespaces(ctx, target)} {
			if err != nil {
				t.Error(err)
			}
		}
	})
	return target
}

// TestVeleroIsFreeLongBeforeTheDeadline when what it waits for cannot come, and at the deadline where it has no word for giving up.
func TestVeleroIsFreeLongBeforeTheDeadline(t *testing.T) {
	slow(t)
	source, class := cluster.Name("classgone"), cluster.Name("old-class")
	must(t, cluster.CopyDefaultClass(t.Context(), class))
	classes := cluster.Kube.StorageV1().StorageClasses()
	t.Cleanup(func() {
		ctx := context.WithoutCancel(t.Context())
		for _, err := range []error{
			ignoreNotFound(classes.Delete(ctx, class, metav1.DeleteOptions{})), cluster.DeleteNamespaces(ctx, source), ignoreNotFound(cluster.DeleteBackup(ctx, source)),
		} {
			if err != nil {
				t.Error(err)
			}
		}
	})
	must(t, cluster.Deploy(t.Context(), stage.App{File: "classgone.yaml", Namespace: source, Class: class}))
	must(t, cluster.AwaitPods(t.Context(), source, 1))
	must(t, cluster.Backup(t.Context(), source, source))
	must(t, classes.Delete(t.Context(), class, metav1.DeleteOptions{}))
	veleroStaysUp(t)

	rt := cluster.RestoreTest("class-gone", source, source)
	rt.Spec.Timeout = new(v1alpha1.Duration)
	*rt.Spec.Timeout = "10m"
	if !cancelsFiles() {
		*rt.Spec.Timeout = "2m"
	}
	rt, report := cluster.AwaitEnd(t, cluster.Start(t, rt))
	if report.Status.Reason != v1alpha1.ReasonCannotStart {
		t.Fatalf("the run ended with %s: %s", report.Status.Reason, report.Status.Message)
	}
	for _, part := range []string{"Pod/files", "claim data", class, "does not exist"} {
		if !strings.Contains(report.Status.Message, part) {
			t.Errorf("the message does not say %q: %s", part, report.Status.Message)
		}
	}
	if strings.Contains(report.Status.Message, "raise") {
		t.Errorf("more time would not help: %s", report.Status.Message)
	}
	r := rt.Status.Restore
	if !cancelsFiles() {
		stage.Until(t, time.Minute, func(ctx context.Context) error {
			r, err := cluster.Kymaros.VeleroV1().Restores(stage.VeleroNamespace).Get(ctx, r.Name, metav1.GetOptions{})
			if err == nil && r.Status.CompletionTimestamp == nil {
				err = fmt.Errorf("Velero is held: %s", r.Status.Phase)
			}
			return ignoreNotFound(err)
		})
		return
	}
	if r.StartTime == nil || r.CompletionTime == nil || r.CompletionTime.Sub(r.StartTime.Time) > time.Minute {
		t.Errorf("Velero was held from %v to %v", r.StartTime, r.CompletionTime)
	} else {
		t.Logf("Velero was free after %v", r.CompletionTime.Sub(r.StartTime.Time))
	}
}
