package faults

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	velerov1 "github.com/vmware-tanzu/velero/pkg/apis/velero/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/wait"

	"github.com/kymaros/kymaros/pkg/apis/restore/v1alpha1"
	"github.com/kymaros/kymaros/pkg/conditions"
	kymaroscontroller "github.com/kymaros/kymaros/pkg/controller"
	"github.com/kymaros/kymaros/test/plane"
)

const (
	// endTimeout is how long all runs of a scene may take together on a busy machine, and stepTimeout one step of a run.
	endTimeout  = 8 * time.Minute
	stepTimeout = 2 * time.Minute
	poll        = 250 * time.Millisecond
)

// victim is a RestoreTest to whose run exactly one thing happens.
type victim struct {
	name string
	// kind of fault, and where it hits, for messages.
	kind, at string
	// edits of its spec.
	edits []func(*v1alpha1.RestoreTest)
	shot  *shot
	// guards: somebody touches them, and the report may say that the sandbox, or who changes it, is the cause.
	guards bool
	// noBackup: somebody deletes the backup, and the report may say that there is none.
	noBackup bool
	// touches is the kind of object that the fault itself deletes or edits.
	touches string
	// deleted: its RestoreTest is, in the middle of the run.
	deleted bool
	// mend, if set, makes good before the next run what the fault has broken.
	mend func(context.Context) error

	scene *scene
}

func (v *victim) String() string { return v.name + ", " + v.at }

// scene holds victims whose runs are under way at the same time.
type scene struct {
	namespace string
	victims   []*victim
	before    world
}

var (
	victims atomic.Int32
	scenes  atomic.Int32
)

// newVictim returns a victim that nothing happens to yet.
func newVictim(kind, at string, edits ...func(*v1alpha1.RestoreTest)) *victim {
	return &victim{name: fmt.Sprintf("fault-%04d", victims.Add(1)), kind: kind, at: at, edits: edits}
}

// source is the namespace that the test restores. It is in production, and must not change.
func (v *victim) source() string { return "src-" + v.name }

// test returns the RestoreTest as it is created.
func (v *victim) test() *v1alpha1.RestoreTest {
	rt := &v1alpha1.RestoreTest{
		ObjectMeta: metav1.ObjectMeta{Namespace: v.scene.namespace, Name: v.name},
		Spec: v1alpha1.RestoreTestSpec{
			BackupSource: v1alpha1.BackupSource{Provider: "velero", Namespaces: []v1alpha1.SourceNamespace{{Name: v.source()}}},
			Schedule:     v1alpha1.Schedule{Cron: "0 0 1 1 *"},
			HealthChecks: v1alpha1.HealthChecks{StableFor: "1s", PolicyRef: v.name},
		},
	}
	for _, edit := range v.edits {
		edit(rt)
	}
	return rt
}

// stage makes production, backups and policies of the victims. Their runs begin with begin.
func stage(t *testing.T, all ...*victim) *scene {
	t.Helper()
	s := &scene{namespace: fmt.Sprintf("faults-%d", scenes.Add(1)), victims: all}
	ctx := t.Context()
	for _, v := range all {
		v.scene = s
	}
	namespaces := []string{s.namespace}
	for _, v := range all {
		namespaces = append(namespaces, v.source())
	}
	for _, name := range namespaces {
		if _, err := cluster.Kube.CoreV1().Namespaces().Create(ctx, &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: name}}, metav1.CreateOptions{}); err != nil {
			t.Fatal(err)
		}
	}
	t.Cleanup(func() {
		ctx := context.WithoutCancel(ctx)
		if err := cluster.Kymaros.RestoreV1alpha1().RestoreTests(s.namespace).DeleteCollection(ctx, metav1.DeleteOptions{}, metav1.ListOptions{}); err != nil {
			t.Error(err)
		}
		for _, name := range namespaces {
			if err := cluster.Kube.CoreV1().Namespaces().Delete(ctx, name, metav1.DeleteOptions{}); err != nil {
				t.Error(err)
			}
		}
		for _, v := range all {
			if err := cluster.Kymaros.VeleroV1().Backups(plane.VeleroNamespace).Delete(ctx, v.name, metav1.DeleteOptions{}); err != nil && !apierrors.IsNotFound(err) {
				t.Error(err)
			}
		}
	})
	for _, v := range all {
		if err := v.prepare(ctx); err != nil {
			t.Fatal(err)
		}
	}
	eventually(t, stepTimeout, func(ctx context.Context) error {
		for _, v := range all {
			d, err := cluster.Kube.AppsV1().Deployments(v.source()).Get(ctx, "web", metav1.GetOptions{})
			if err != nil || d.Status.ReadyReplicas == 0 {
				return fmt.Errorf("production of %s does not run: %w", v, err)
			}
		}
		return nil
	})
	s.before = look(t)
	return s
}

// prepare makes production, backup and policy of v.
func (v *victim) prepare(ctx context.Context) error {
	if err := cluster.CreateApplication(ctx, v.source(), nil); err != nil {
		return err
	}
	if err := v.policy(ctx); err != nil {
		return err
	}
	return v.backup(ctx)
}

// policy creates the policy that the restored application passes.
func (v *victim) policy(ctx context.Context) error {
	p := &v1alpha1.HealthCheckPolicy{ObjectMeta: metav1.ObjectMeta{Namespace: v.scene.namespace, Name: v.name}, Spec: v1alpha1.HealthCheckPolicySpec{
		Checks: []v1alpha1.HealthCheck{
			{Name: "pods", Type: v1alpha1.CheckPodStatus, PodStatus: &v1alpha1.PodStatusCheck{LabelSelector: map[string]string{"app": "web"}, MinReady: 1}},
			{Name: "objects", Type: v1alpha1.CheckResourceExists, ResourceExists: &v1alpha1.ResourceExistsCheck{
				Resources: []v1alpha1.ResourceReference{{Kind: "Secret", Name: "web"}, {Kind: "ConfigMap", Name: "web"}, {Kind: "Deployment", Name: "web"}},
			}},
		},
	}}
	_, err := cluster.Kymaros.RestoreV1alpha1().HealthCheckPolicies(v.scene.namespace).Create(ctx, p, metav1.CreateOptions{})
	return err
}

// backup creates the backup of production.
func (v *victim) backup(ctx context.Context) error {
	// A moment ahead of what exists: only what is older than a backup is expected to be in it.
	started := metav1.NewTime(time.Now().Add(2 * time.Second).Truncate(time.Second))
	_, err := cluster.Kymaros.VeleroV1().Backups(plane.VeleroNamespace).Create(ctx, &velerov1.Backup{
		ObjectMeta: metav1.ObjectMeta{Namespace: plane.VeleroNamespace, Name: v.name},
		Spec:       velerov1.BackupSpec{IncludedNamespaces: []string{v.source()}},
		Status:     velerov1.BackupStatus{Phase: velerov1.BackupPhaseCompleted, StartTimestamp: &started, CompletionTimestamp: &started},
	}, metav1.CreateOptions{})
	return err
}

// begin creates the RestoreTests.
func (s *scene) begin(t *testing.T) {
	t.Helper()
	for _, v := range s.victims {
		if v.shot != nil {
			through.aim(v.name, v.shot)
		}
		v.create(t)
	}
}

func (v *victim) create(t *testing.T) {
	t.Helper()
	if _, err := cluster.Kymaros.RestoreV1alpha1().RestoreTests(v.scene.namespace).Create(t.Context(), v.test(), metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
}

// current returns the RestoreTest as it is.
func (v *victim) current(ctx context.Context) (*v1alpha1.RestoreTest, error) {
	return cluster.Kymaros.RestoreV1alpha1().RestoreTests(v.scene.namespace).Get(ctx, v.name, metav1.GetOptions{})
}

// await waits until check has nothing to say about any test, and returns what it last said, by victim.
func (s *scene) await(t *testing.T, check func(*v1alpha1.RestoreTest) error) (late map[string]error) {
	t.Helper()
	late = map[string]error{}
	for _, v := range s.victims {
		late[v.name] = errors.New("never seen")
	}
	_ = wait.PollUntilContextTimeout(t.Context(), poll, endTimeout, true, func(ctx context.Context) (bool, error) {
		list, err := cluster.Kymaros.RestoreV1alpha1().RestoreTests(s.namespace).List(ctx, metav1.ListOptions{})
		if err != nil {
			return false, nil //nolint:nilerr // the server may be away
		}
		late = map[string]error{}
		for i := range list.Items {
			if err := check(&list.Items[i]); err != nil {
				late[list.Items[i].Name] = err
			}
		}
		return len(late) == 0, nil
	})
	return late
}

// again asks for another run of each test that exists, and returns when all are reported, or, if all faults are tried, over.
func (s *scene) again(t *testing.T) (late map[string]error) {
	t.Helper()
	patch := []byte(`{"metadata":{"annotations":{"` + v1alpha1.AnnotationRunRequested + `":"again"}}}`)
	for _, v := range s.victims {
		if v.mend != nil {
			if err := v.mend(t.Context()); err != nil {
				t.Fatalf("%s: %v", v, err)
			}
		}
		_, err := cluster.Kymaros.RestoreV1alpha1().RestoreTests(s.namespace).Patch(t.Context(), v.name, types.MergePatchType, patch, metav1.PatchOptions{})
		if err != nil && !apierrors.IsNotFound(err) {
			t.Fatal(err)
		}
	}
	if *faultsFlag > 0 {
		return s.await(t, reported)
	}
	return s.await(t, ended)
}

// ended returns why rt's run is not over yet, or nil.
func ended(rt *v1alpha1.RestoreTest) error {
	asked := rt.Annotations[v1alpha1.AnnotationRunRequested]
	switch {
	case rt.DeletionTimestamp != nil:
		return fmt.Errorf("it is being deleted; %s", story(rt))
	case rt.Status.Run == nil || rt.Status.Run.Request != asked || conditions.Active(rt) || rt.Status.Phase == v1alpha1.PhaseRunning || rt.Status.Phase == v1alpha1.PhaseQueued:
		return fmt.Errorf("the run is not over; %s", story(rt))
	case kymaroscontroller.HasFinalizer(rt):
		return fmt.Errorf("our finalizer is still on it; %s", story(rt))
	}
	return nil
}

// reported returns why rt's run has no verdict yet, or nil.
func reported(rt *v1alpha1.RestoreTest) error {
	if rt.Status.Run == nil || rt.Status.Run.Request != rt.Annotations[v1alpha1.AnnotationRunRequested] || !conditions.Is(rt, v1alpha1.ConditionReported, metav1.ConditionTrue) {
		return fmt.Errorf("the run is not reported; %s", story(rt))
	}
	return nil
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

// eventually waits until check succeeds and fails t with its last error if that takes too long.
func eventually(t *testing.T, timeout time.Duration, check func(ctx context.Context) error) {
	t.Helper()
	plane.Eventually(t, poll, timeout, check)
}

// heldRestores are the victims whose Restores the fake Velero leaves alone.
var heldRestores sync.Map

func isHeld(r *velerov1.Restore) bool {
	_, held := heldRestores.Load(r.Labels[v1alpha1.LabelTest])
	return held
}
