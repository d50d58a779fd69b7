package integration

import (
	"context"
	"errors"
	"fmt"
	"os/exec"
	"slices"
	"strings"
	"testing"
	"time"

	velerov1 "github.com/vmware-tanzu/velero/pkg/apis/velero/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/kymaros/kymaros/pkg/apis/restore/v1alpha1"
	"github.com/kymaros/kymaros/pkg/conditions"
	kymaroscontroller "github.com/kymaros/kymaros/pkg/controller"
)

const (
	// stepTimeout is how long one step of a run may take on a busy machine, and runTimeout a whole run: the cluster waits
	// five seconds before it empties a namespace, and again before it looks whether it is empty.
	stepTimeout = 2 * time.Minute
	runTimeout  = 5 * time.Minute
)

type edit = func(*v1alpha1.RestoreTest)

// restoreTest returns a RestoreTest that restores namespace src-<name>, by hand or at new year.
func restoreTest(namespace, name string, edits ...edit) *v1alpha1.RestoreTest {
	rt := &v1alpha1.RestoreTest{
		ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: name},
		Spec: v1alpha1.RestoreTestSpec{
			BackupSource: v1alpha1.BackupSource{Provider: "velero", Namespaces: []v1alpha1.SourceNamespace{{Name: "src-" + name}}},
			Schedule:     v1alpha1.Schedule{Cron: "0 0 1 1 *"},
			HealthChecks: v1alpha1.HealthChecks{StableFor: "1s"},
		},
	}
	for _, e := range edits {
		e(rt)
	}
	return rt
}

// backup creates a backup of the namespaces that Velero has completed.
func backup(t *testing.T, name string, namespaces ...string) *velerov1.Backup {
	t.Helper()
	// A moment ahead of what exists: only what is older than a backup is expected to be in it.
	started := metav1.NewTime(time.Now().Add(2 * time.Second).Truncate(time.Second))
	b, err := kymaros.VeleroV1().Backups(veleroNamespace).Create(t.Context(), &velerov1.Backup{
		ObjectMeta: metav1.ObjectMeta{Namespace: veleroNamespace, Name: name},
		Spec:       velerov1.BackupSpec{IncludedNamespaces: namespaces},
		Status:     velerov1.BackupStatus{Phase: velerov1.BackupPhaseCompleted, StartTimestamp: &started, CompletionTimestamp: &started},
	}, metav1.CreateOptions{})
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// begin creates a RestoreTest in a namespace of its own, with a backup of its source.
func begin(t *testing.T, name string, edits ...edit) *v1alpha1.RestoreTest {
	t.Helper()
	rt := restoreTest(newNamespace(t, name), name, edits...)
	backup(t, name, sources(rt)...)
	return createTest(t, rt)
}

// sources are the names of the namespaces that rt restores.
func sources(rt *v1alpha1.RestoreTest) []string {
	var all []string
	for _, ns := range rt.Spec.BackupSource.Namespaces {
		all = append(all, ns.Name)
	}
	return all
}

func createTest(t *testing.T, rt *v1alpha1.RestoreTest) *v1alpha1.RestoreTest {
	t.Helper()
	rt, err := kymaros.RestoreV1alpha1().RestoreTests(rt.Namespace).Create(t.Context(), rt, metav1.CreateOptions{})
	if err != nil {
		t.Fatal(err)
	}
	return rt
}

func current(ctx context.Context, rt *v1alpha1.RestoreTest) (*v1alpha1.RestoreTest, error) {
	return kymaros.RestoreV1alpha1().RestoreTests(rt.Namespace).Get(ctx, rt.Name, metav1.GetOptions{})
}

// await waits until rt's condition has that status and reason, and returns rt as it is then.
func await(t *testing.T, rt *v1alpha1.RestoreTest, condition string, status metav1.ConditionStatus, reason string) *v1alpha1.RestoreTest {
	t.Helper()
	return awaitThat(t, rt, func(rt *v1alpha1.RestoreTest) error {
		c := meta.FindStatusCondition(rt.Status.Conditions, condition)
		if c == nil || c.Status != status || c.Reason != reason {
			return fmt.Errorf("want %s=%s (%s); %s", condition, status, reason, story(rt))
		}
		return nil
	})
}

// awaitThat waits for what a step of a run brings about.
func awaitThat(t *testing.T, rt *v1alpha1.RestoreTest, check func(*v1alpha1.RestoreTest) error) *v1alpha1.RestoreTest {
	t.Helper()
	return awaitWithin(t, stepTimeout, rt, check)
}

func awaitWithin(t *testing.T, timeout time.Duration, rt *v1alpha1.RestoreTest, check func(*v1alpha1.RestoreTest) error) *v1alpha1.RestoreTest {
	t.Helper()
	eventually(t, timeout, func(ctx context.Context) error {
		now, err := current(ctx, rt)
		if err != nil {
			return err
		}
		rt = now
		return check(now)
	})
	return rt
}

// story tells the state of rt in a few lines, for messages.
func story(rt *v1alpha1.RestoreTest) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s/%s is %s:", rt.Namespace, rt.Name, rt.Status.Phase)
	for _, c := range rt.Status.Conditions {
		fmt.Fprintf(&b, "\n\t%s=%s (%s) %s", c.Type, c.Status, c.Reason, c.Message)
	}
	return b.String()
}

// awaitEnd waits until rt's run is over and cleaned up. It returns rt and the report, and fails t if anything of the run is
// left, or if there is not exactly one report.
func awaitEnd(t *testing.T, rt *v1alpha1.RestoreTest) (*v1alpha1.RestoreTest, *v1alpha1.RestoreReport) {
	t.Helper()
	eventually(t, runTimeout, func(ctx context.Context) error {
		now, err := current(ctx, rt)
		if err != nil {
			return err
		}
		rt = now
		return ended(now)
	})
	nothingLeft(t, rt)
	return rt, theReport(t, rt)
}

// ended returns why rt's run is not over yet, or nil.
func ended(rt *v1alpha1.RestoreTest) error {
	switch {
	case rt.Status.Run == nil || conditions.Active(rt) || rt.Status.Phase == v1alpha1.PhaseRunning || rt.Status.Phase == v1alpha1.PhaseQueued:
		return fmt.Errorf("the run is not over; %s", story(rt))
	case kymaroscontroller.HasFinalizer(rt):
		return fmt.Errorf("our finalizer is still on it; %s", story(rt))
	}
	return nil
}

// theReport returns the only report of rt.
func theReport(t *testing.T, rt *v1alpha1.RestoreTest) *v1alpha1.RestoreReport {
	t.Helper()
	all := reports(t, rt)
	if len(all) != 1 {
		t.Fatalf("%d reports of %s, want 1", len(all), rt.Name)
	}
	if all[0].Status == nil {
		t.Fatalf("report %s has no status", all[0].Name)
	}
	return &all[0]
}

func reports(t *testing.T, rt *v1alpha1.RestoreTest) []v1alpha1.RestoreReport {
	t.Helper()
	list, err := kymaros.RestoreV1alpha1().RestoreReports(rt.Namespace).List(t.Context(), metav1.ListOptions{LabelSelector: v1alpha1.LabelReportTest + "=" + rt.Name})
	if err != nil {
		t.Fatal(err)
	}
	return list.Items
}

// nothingLeft fails t if a namespace or Restore of rt exists.
func nothingLeft(t *testing.T, rt *v1alpha1.RestoreTest) {
	t.Helper()
	for _, left := range leftovers(t.Context(), rt) {
		t.Errorf("left: %s", left)
	}
}

func leftovers(ctx context.Context, rt *v1alpha1.RestoreTest) []string {
	var all []string
	labelled := metav1.ListOptions{LabelSelector: v1alpha1.LabelTest + "=" + rt.Name}
	namespaces, err := kube.CoreV1().Namespaces().List(ctx, labelled)
	if err != nil {
		return []string{err.Error()}
	}
	for i := range namespaces.Items {
		if ns := &namespaces.Items[i]; ns.Annotations[v1alpha1.AnnotationRestoreTest] == rt.Namespace+"/"+rt.Name {
			all = append(all, fmt.Sprintf("namespace %s, finalizers %v and %v", ns.Name, ns.Finalizers, ns.Spec.Finalizers))
		}
	}
	restores, err := kymaros.VeleroV1().Restores(veleroNamespace).List(ctx, labelled)
	if err != nil {
		return []string{err.Error()}
	}
	for i := range restores.Items {
		if r := &restores.Items[i]; r.Annotations[v1alpha1.AnnotationRestoreTest] == rt.Namespace+"/"+rt.Name {
			all = append(all, "Restore "+r.Name)
		}
	}
	return all
}

// events returns the events of rt as "type reason", in the order in which they were first seen, with their count.
func events(t *testing.T, rt *v1alpha1.RestoreTest) []corev1.Event {
	t.Helper()
	list, err := kube.CoreV1().Events(rt.Namespace).List(t.Context(), metav1.ListOptions{FieldSelector: "involvedObject.name=" + rt.Name})
	if err != nil {
		t.Fatal(err)
	}
	return list.Items
}

// restoreOf waits for rt's Restore.
func restoreOf(t *testing.T, rt *v1alpha1.RestoreTest) *velerov1.Restore {
	t.Helper()
	var found *velerov1.Restore
	eventually(t, stepTimeout, func(ctx context.Context) error {
		list, err := kymaros.VeleroV1().Restores(veleroNamespace).List(ctx, metav1.ListOptions{LabelSelector: v1alpha1.LabelTest + "=" + rt.Name})
		if err != nil {
			return err
		}
		i := slices.IndexFunc(list.Items, func(r velerov1.Restore) bool {
			return r.Annotations[v1alpha1.AnnotationRestoreTest] == rt.Namespace+"/"+rt.Name
		})
		if i < 0 {
			now, err := kymaros.RestoreV1alpha1().RestoreTests(rt.Namespace).Get(ctx, rt.Name, metav1.GetOptions{})
			if err != nil {
				return err
			}
			return errors.New("no Restore of it; " + story(now))
		}
		found = &list.Items[i]
		return nil
	})
	return found
}

// phase sets the phase of a Restore.
func phase(t *testing.T, r *velerov1.Restore, phase velerov1.RestorePhase, change ...func(*velerov1.RestoreStatus)) {
	t.Helper()
	if err := setPhase(t.Context(), r.Name, phase, change...); err != nil {
		t.Fatal(err)
	}
}

// gone waits until get finds nothing.
func gone(t *testing.T, what string, get func(ctx context.Context) error) {
	t.Helper()
	eventually(t, runTimeout, func(ctx context.Context) error {
		err := get(ctx)
		if apierrors.IsNotFound(err) {
			return nil
		}
		if err != nil {
			return err
		}
		return errors.New(what + " still exists")
	})
}

// build builds a command of the product.
func build(path, command string) error {
	cmd := exec.Command("go", "build", "-trimpath", "-o", path, command)
	cmd.Dir = root
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("%s: %w\n%s", cmd, err, out)
	}
	return nil
}
