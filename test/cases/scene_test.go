package cases

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	velerov1 "github.com/vmware-tanzu/velero/pkg/apis/velero/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/kymaros/kymaros/pkg/apis/restore/v1alpha1"
	"github.com/kymaros/kymaros/test/e2e/stage"
)

// phaseAnnotation of a Backup is the phase that it must end in, Completed if it has none.
const phaseAnnotation = "case.example.com/phase"

// backupTimeout holds while the backups of all other cases go first, on a busy machine.
const backupTimeout = 15 * time.Minute

// scriptTimeout ends a script that hangs, so that it fails its case and not all of them. The longest waits for a run to end.
const scriptTimeout = 12 * time.Minute

// scene is a case on a cluster.
type scene struct {
	*Run
	cluster *stage.Cluster
}

// prepare deploys the application and backs it up.
func (s *scene) prepare(ctx context.Context) error {
	for _, namespace := range s.Namespaces() {
		if err := s.cluster.CreateNamespace(ctx, namespace); err != nil {
			return err
		}
	}
	if err := s.create(ctx, s.App); err != nil {
		return err
	}
	setup := s.Setup
	if setup == "" {
		setup = "ready"
	}
	if err := s.script(ctx, setup); err != nil {
		return fmt.Errorf("setup: %w", err)
	}
	for i, backup := range s.Backups {
		if i > 0 {
			if err := s.script(ctx, s.BetweenBackups); err != nil {
				return fmt.Errorf("between the backups: %w", err)
			}
		}
		if err := s.backUp(ctx, backup); err != nil {
			return err
		}
	}
	if err := s.script(ctx, s.AfterBackup); err != nil {
		return fmt.Errorf("after the backup: %w", err)
	}
	return nil
}

// create creates the objects. The namespaces among them exist, and get what the file says of them.
func (s *scene) create(ctx context.Context, objects []*unstructured.Unstructured) error {
	var text strings.Builder
	for _, o := range objects {
		document, err := json.Marshal(o.Object)
		if err != nil {
			return err
		}
		fmt.Fprintf(&text, "%s\n---\n", document)
	}
	_, err := s.cluster.Kubectl(ctx, strings.NewReader(text.String()), "apply", "-f", "-")
	return err
}

func (s *scene) backUp(ctx context.Context, backup *unstructured.Unstructured) error {
	if err := s.create(ctx, []*unstructured.Unstructured{backup}); err != nil {
		return err
	}
	want := velerov1.BackupPhase(backup.GetAnnotations()[phaseAnnotation])
	if want == "" {
		want = velerov1.BackupPhaseCompleted
	}
	return stage.Poll(ctx, backupTimeout, func(ctx context.Context) error {
		b, err := s.cluster.Kymaros.VeleroV1().Backups(stage.VeleroNamespace).Get(ctx, backup.GetName(), metav1.GetOptions{})
		if err == nil && b.Status.Phase != want {
			err = fmt.Errorf("backup %s is %q, want %s: %v", b.Name, b.Status.Phase, want, b.Status.ValidationErrors)
		}
		return err
	})
}

// script runs a script of the case.
func (s *scene) script(ctx context.Context, text string) error {
	if text == "" {
		return nil
	}
	prelude, err := files.ReadFile("testdata/shared/prelude.sh")
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeoutCause(ctx, scriptTimeout, fmt.Errorf("the script is not through after %v", scriptTimeout))
	defer cancel()
	return s.cluster.Script(ctx, string(prelude)+text, "NS="+s.NS, "TESTS="+s.cluster.Tests, "SUFFIX="+s.cluster.Suffix)
}

// play runs the RestoreTests. It returns what each came to, in their order, and what production could not get done meanwhile.
func (s *scene) play(ctx context.Context) (observed []Observed, held []string, err error) {
	if err := s.create(ctx, s.RestoreTests); err != nil {
		return nil, nil, err
	}
	observed = make([]Observed, len(s.RestoreTests))
	errs := make([]error, len(s.RestoreTests))
	var wg sync.WaitGroup
	wg.Go(func() {
		if err := s.script(ctx, s.Meanwhile); err != nil {
			held = []string{"meanwhile: " + err.Error()}
		}
	})
	for i, rt := range s.RestoreTests {
		wg.Go(func() { observed[i], errs[i] = s.observe(ctx, rt, s.Case.Tests[rt.GetName()]) })
	}
	wg.Wait()
	return observed, held, errors.Join(errs...)
}

func (s *scene) story(ctx context.Context, rt *unstructured.Unstructured) string {
	return s.cluster.Story(ctx, &v1alpha1.RestoreTest{ObjectMeta: metav1.ObjectMeta{Namespace: rt.GetNamespace(), Name: rt.GetName()}})
}

// strike removes all that the case made. What stays is an error of t: the next run would meet it.
func (s *scene) strike(t *testing.T) {
	ctx := context.WithoutCancel(t.Context())
	if err := s.script(ctx, s.CleanUp); err != nil {
		t.Errorf("clean up: %v", err)
	}
	for _, rt := range s.RestoreTests {
		if err := s.remove(ctx, rt); err != nil {
			t.Error(err)
		}
	}
	for _, name := range named(s.Backups) {
		if err := s.removeBackup(ctx, name); err != nil {
			t.Error(err)
		}
	}
	for _, o := range s.App {
		if clusterScoped[o.GetKind()] && o.GetKind() != "Namespace" {
			if _, err := s.cluster.Kubectl(ctx, nil, "delete", o.GetKind(), o.GetName(), "--ignore-not-found", "--wait=false"); err != nil {
				t.Error(err)
			}
		}
	}
	if err := s.removeNamespaces(ctx); err != nil {
		t.Error(err)
	}
}

// removeTimeout holds for a copy that Velero is still restoring.
const removeTimeout = 3 * time.Minute

// remove deletes a RestoreTest and waits until it is gone. Its copies get no grace: whether they get the right one has been
// looked at.
func (s *scene) remove(ctx context.Context, rt *unstructured.Unstructured) error {
	tests := s.cluster.Kymaros.RestoreV1alpha1().RestoreTests(rt.GetNamespace())
	if err := tests.Delete(ctx, rt.GetName(), metav1.DeleteOptions{}); err != nil && !apierrors.IsNotFound(err) {
		return err
	}
	return stage.Poll(ctx, removeTimeout, func(ctx context.Context) error {
		_, err := tests.Get(ctx, rt.GetName(), metav1.GetOptions{})
		if apierrors.IsNotFound(err) {
			return nil
		}
		sandboxes, listErr := s.cluster.Kube.CoreV1().Namespaces().List(ctx, metav1.ListOptions{LabelSelector: v1alpha1.LabelTest + "=" + rt.GetName()})
		if listErr == nil {
			for _, sandbox := range sandboxes.Items {
				if sandbox.DeletionTimestamp != nil {
					err = errors.Join(err, s.kill(ctx, sandbox.Name))
				}
			}
		}
		return errors.Join(fmt.Errorf("RestoreTest %s still exists", rt.GetName()), err, listErr)
	})
}

// removeBackup has Velero delete a backup, which it refuses to do while it is at it.
func (s *scene) removeBackup(ctx context.Context, name string) error {
	backups := s.cluster.Kymaros.VeleroV1().Backups(stage.VeleroNamespace)
	var found error
	err := stage.Poll(ctx, removeTimeout, func(ctx context.Context) error {
		var b *velerov1.Backup
		if b, found = backups.Get(ctx, name, metav1.GetOptions{}); found == nil && b.Status.Phase == velerov1.BackupPhaseInProgress {
			return fmt.Errorf("backup %s is still being made", name)
		}
		return nil
	})
	if apierrors.IsNotFound(found) {
		return nil
	}
	if err = errors.Join(err, found); err != nil {
		return err
	}
	return s.cluster.DeleteBackup(ctx, name)
}

// removeNamespaces deletes the namespaces of the application, whose pods get no grace.
func (s *scene) removeNamespaces(ctx context.Context) error {
	for _, namespace := range s.Namespaces() {
		if err := s.cluster.Kube.CoreV1().Namespaces().Delete(ctx, namespace, metav1.DeleteOptions{}); err != nil && !apierrors.IsNotFound(err) {
			return err
		}
		err := stage.Poll(ctx, removeTimeout, func(ctx context.Context) error {
			if _, err := s.cluster.Kube.CoreV1().Namespaces().Get(ctx, namespace, metav1.GetOptions{}); apierrors.IsNotFound(err) {
				return nil
			}
			return errors.Join(fmt.Errorf("namespace %s still exists", namespace), s.kill(ctx, namespace))
		})
		if err != nil {
			return err
		}
	}
	return nil
}

func (s *scene) kill(ctx context.Context, namespace string) error {
	now := metav1.DeleteOptions{GracePeriodSeconds: new(int64)}
	return s.cluster.Kube.CoreV1().Pods(namespace).DeleteCollection(ctx, now, metav1.ListOptions{})
}
