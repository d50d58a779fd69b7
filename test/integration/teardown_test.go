package integration

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	velerov1 "github.com/vmware-tanzu/velero/pkg/apis/velero/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/kymaros/kymaros/pkg/apis/restore/v1alpha1"
)

func TestDeletingTheSandboxesByLabelIsSafeAtAnyMoment(t *testing.T) {
	t.Parallel()
	c := shared(t)
	const name = "swept"
	rt, r := inSandbox(t, name, func(rt *v1alpha1.RestoreTest) {
		rt.Spec.BackupSource.Namespaces = append(rt.Spec.BackupSource.Namespaces, v1alpha1.SourceNamespace{Name: "src-second-" + name})
	})
	phase(t, r, velerov1.RestorePhaseInProgress)

	list, err := kube.CoreV1().Namespaces().List(t.Context(), byHand(rt))
	if err != nil {
		t.Fatal(err)
	}
	for _, ns := range list.Items {
		if err := kube.CoreV1().Namespaces().Delete(t.Context(), ns.Name, metav1.DeleteOptions{}); err != nil {
			t.Fatal(err)
		}
	}
	if len(list.Items) != 2 {
		t.Errorf("the label finds %d sandboxes, want 2", len(list.Items))
	}
	// The cluster begins to empty them after five seconds.
	steadily(t, 7*time.Second, func(ctx context.Context) error {
		for _, sandbox := range rt.Status.Sandbox.Namespaces {
			ns, err := kube.CoreV1().Namespaces().Get(ctx, sandbox.Name, metav1.GetOptions{})
			if err != nil {
				return fmt.Errorf("the sandbox went under a running Restore, and Velero would make it anew without guards: %w", err)
			}
			if ns.UID != sandbox.UID || ns.DeletionTimestamp == nil {
				return fmt.Errorf("namespace %s was made anew", ns.Name)
			}
			if _, err := kube.NetworkingV1().NetworkPolicies(sandbox.Name).Get(ctx, denyAll, metav1.GetOptions{}); err != nil {
				return fmt.Errorf("a guard went before its sandbox: %w", err)
			}
		}
		return nil
	})
	phase(t, r, velerov1.RestorePhasePartiallyFailed, func(s *velerov1.RestoreStatus) { s.Errors = 5 })
	rt, report := awaitEnd(t, rt)
	if report.Status.Result == v1alpha1.ResultPass {
		t.Errorf("a run whose sandbox was deleted passes: %+v", report.Status)
	}
	if n := c.created("namespaces", name); n != 2 {
		t.Errorf("%d namespaces were created for a run of two", n)
	}
	quiet(t, c, rt)
}

// byHand selects what README.md's kubectl delete namespaces -l … does.
func byHand(rt *v1alpha1.RestoreTest) metav1.ListOptions {
	return metav1.ListOptions{LabelSelector: "kymaros.io/test=" + rt.Name + ",kymaros.io/restoretest-namespace=" + rt.Namespace}
}

func TestCleaningUpByHandLeavesTheSandboxesOfANamesake(t *testing.T) {
	t.Parallel()
	shared(t)
	const name = "namesakes"
	holdRestores(t, name)
	backup(t, name, "src-"+name)
	var tests []*v1alpha1.RestoreTest
	for _, team := range []string{"namesakes-a", "namesakes-b"} {
		tests = append(tests, createTest(t, restoreTest(newNamespace(t, team), name)))
	}
	for _, rt := range tests {
		rt = await(t, rt, v1alpha1.ConditionSandboxReady, metav1.ConditionTrue, v1alpha1.ReasonGuarded)
		list, err := kube.CoreV1().Namespaces().List(t.Context(), byHand(rt))
		if err != nil {
			t.Fatal(err)
		}
		if len(list.Items) != 1 || list.Items[0].Name != rt.Status.SandboxNamespace {
			t.Errorf("of %s/%s the selector finds %v, want %s", rt.Namespace, rt.Name, list.Items, rt.Status.SandboxNamespace)
		}
	}
	for _, rt := range tests {
		finish(t, restoreOf(t, rt))
		awaitEnd(t, rt)
	}
}

func TestADeletedRestoreTestIsHeldUntilItsRunIsCleanedUp(t *testing.T) {
	t.Parallel()
	shared(t)
	for name, began := range map[string]bool{"deleted-while-restoring": true, "deleted-while-queued": false} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			rt, r := inSandbox(t, name)
			if began {
				phase(t, r, velerov1.RestorePhaseInProgress)
			}
			if err := kymaros.RestoreV1alpha1().RestoreTests(rt.Namespace).Delete(t.Context(), rt.Name, metav1.DeleteOptions{}); err != nil {
				t.Fatal(err)
			}
			if began {
				await(t, rt, v1alpha1.ConditionCleanedUp, metav1.ConditionUnknown, v1alpha1.ReasonDeletingRestore)
				steadily(t, 2*time.Second, func(ctx context.Context) error {
					ns, err := kube.CoreV1().Namespaces().Get(ctx, rt.Status.SandboxNamespace, metav1.GetOptions{})
					if err == nil && ns.DeletionTimestamp != nil {
						err = errors.New("the sandbox goes under a running Restore")
					}
					if err == nil {
						_, err = kymaros.VeleroV1().Restores(veleroNamespace).Get(ctx, r.Name, metav1.GetOptions{})
					}
					return err
				})
				phase(t, r, velerov1.RestorePhaseCompleted)
			} // else Velero has not begun: nothing has to be waited for
			gone(t, "the RestoreTest", func(ctx context.Context) error { _, err := current(ctx, rt); return err })
			nothingLeft(t, rt)
			report := theReport(t, rt)
			if report.Status.Reason != v1alpha1.ReasonTestDeleted || report.Status.Result != v1alpha1.ResultInconclusive {
				t.Errorf("report says %s, %s, want fail, TestDeleted", report.Status.Result, report.Status.Reason)
			}
		})
	}
}

func TestATestWhoseNamespaceIsDeletedIsCleanedUp(t *testing.T) {
	t.Parallel()
	shared(t)
	rt, r := inSandbox(t, "homeless")
	phase(t, r, velerov1.RestorePhaseInProgress)
	if err := kube.CoreV1().Namespaces().Delete(t.Context(), rt.Namespace, metav1.DeleteOptions{}); err != nil {
		t.Fatal(err)
	}
	awaitThat(t, rt, func(rt *v1alpha1.RestoreTest) error {
		if rt.DeletionTimestamp == nil {
			return errors.New("not deleted yet")
		}
		return nil
	})
	phase(t, r, velerov1.RestorePhaseCompleted)
	gone(t, "the namespace of the RestoreTest", func(ctx context.Context) error {
		_, err := kube.CoreV1().Namespaces().Get(ctx, rt.Namespace, metav1.GetOptions{})
		return err
	})
	nothingLeft(t, rt)
}
