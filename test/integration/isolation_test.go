package integration

import (
	"context"
	"encoding/json"
	"strings"
	"testing"
	"time"

	velerov1 "github.com/vmware-tanzu/velero/pkg/apis/velero/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/kymaros/kymaros/pkg/apis/restore/v1alpha1"
	"github.com/kymaros/kymaros/pkg/canary"
	"github.com/kymaros/kymaros/test/plane"
)

// canaryOn makes a canary by hand, as the kubelet of a node would have it after an hour.
func canaryOn(t *testing.T, node, component string, ready bool) (name string) {
	t.Helper()
	pods := kube.CoreV1().Pods(canary.Namespace)
	pod := canaryPod(component+"-"+node, node, component)
	eventually(t, stepTimeout, func(ctx context.Context) error { // a new namespace has no service account for a moment
		_, err := pods.Create(ctx, pod, metav1.CreateOptions{})
		return err
	})
	t.Cleanup(func() {
		if err := pods.Delete(context.WithoutCancel(t.Context()), pod.Name, metav1.DeleteOptions{GracePeriodSeconds: new(int64)}); err != nil {
			t.Error(err)
		}
	})
	setReady(t, pod.Name, ready)
	return pod.Name
}

// canaryPod is one that nobody runs.
func canaryPod(name, node, component string) *corev1.Pod {
	return &corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{
			Name:   name,
			Labels: map[string]string{"app.kubernetes.io/name": "kymaros", "app.kubernetes.io/component": component},
		},
		Spec: corev1.PodSpec{
			NodeName:        node,
			SecurityContext: &corev1.PodSecurityContext{RunAsNonRoot: new(true), SeccompProfile: &corev1.SeccompProfile{Type: corev1.SeccompProfileTypeRuntimeDefault}},
			Containers: []corev1.Container{{Name: "canary", Image: "canary", SecurityContext: &corev1.SecurityContext{
				AllowPrivilegeEscalation: new(false), Capabilities: &corev1.Capabilities{Drop: []corev1.Capability{"ALL"}},
			}}},
		},
	}
}

func setReady(t *testing.T, name string, ready bool) {
	t.Helper()
	long := metav1.NewTime(time.Now().Add(-time.Hour))
	status := corev1.ConditionFalse
	if ready {
		status = corev1.ConditionTrue
	}
	patch, err := json.Marshal(map[string]any{"status": corev1.PodStatus{
		Phase:      corev1.PodRunning,
		Conditions: []corev1.PodCondition{{Type: corev1.PodReady, Status: status, LastTransitionTime: long}},
		ContainerStatuses: []corev1.ContainerStatus{{
			Name: "canary", Started: new(true), Ready: ready, State: corev1.ContainerState{Running: &corev1.ContainerStateRunning{StartedAt: long}},
		}},
	}})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := kube.CoreV1().Pods(canary.Namespace).Patch(t.Context(), name, types.MergePatchType, patch, metav1.PatchOptions{}, "status"); err != nil {
		t.Fatal(err)
	}
}

// The canaries are one for the whole cluster, so these tests run alone.

func TestNothingIsRestoredWithoutAProofOfIsolation(t *testing.T) {
	c := aloneWith(t, "require", noFence)
	t.Run("a run whose deadline passes before", func(t *testing.T) {
		canaryOn(t, "node-1", "canary-control", true)
		canaryOn(t, "node-1", "canary-fenced", false)
		rt := begin(t, "unfenced", func(rt *v1alpha1.RestoreTest) { rt.Spec.Timeout = new(v1alpha1.Duration("30s")) })
		rt = await(t, rt, v1alpha1.ConditionSandboxReady, metav1.ConditionUnknown, v1alpha1.ReasonIsolationUnproven)
		if rt.Status.Sandbox.Isolation != v1alpha1.IsolationNotEnforced {
			t.Errorf("isolation %q", rt.Status.Sandbox.Isolation)
		}
		rt, report := awaitEnd(t, rt)
		if s := report.Status; s.Result != v1alpha1.ResultInconclusive || s.Reason != v1alpha1.ReasonIsolationNotEnforced ||
			s.IsolationProof != v1alpha1.IsolationNotEnforced || !strings.Contains(s.Message, "node-1") {
			t.Errorf("report: %s, %s (%s): %s", s.Result, s.Reason, s.IsolationProof, s.Message)
		}
		if rt.Status.Restore != nil && rt.Status.Restore.Name != "" {
			t.Errorf("restored as %s", rt.Status.Restore.Name)
		}
		if made := c.seen(func(r *request) bool { return r.writes() && strings.HasSuffix(r.path, "/restores") }); len(made) > 0 {
			t.Errorf("a Restore was asked for: %v", made)
		}
	})
	t.Run("a run goes on when the proof is there", func(t *testing.T) {
		canaryOn(t, "node-2", "canary-control", true)
		fenced := canaryOn(t, "node-2", "canary-fenced", false)
		rt := begin(t, "fenced-later")
		rt = await(t, rt, v1alpha1.ConditionSandboxReady, metav1.ConditionUnknown, v1alpha1.ReasonIsolationUnproven)
		setReady(t, fenced, true)
		rt = await(t, rt, v1alpha1.ConditionSandboxReady, metav1.ConditionTrue, v1alpha1.ReasonGuarded)
		if rt.Status.Sandbox.Isolation != v1alpha1.IsolationProven {
			t.Errorf("isolation %q", rt.Status.Sandbox.Isolation)
		}
		if _, report := awaitEnd(t, rt); report.Status.IsolationProof != v1alpha1.IsolationProven {
			t.Errorf("isolation in the report: %q", report.Status.IsolationProof)
		}
	})
}

func TestTheProofIsLookedAtAgainWhenItsTurnComes(t *testing.T) {
	plane.Slow(t)
	c := aloneWith(t, "require", noFence)
	// queued begins a run on a node with canaries that prove isolation, and has it wait for somebody else's Restore.
	queued := func(t *testing.T, name, node string, edits ...func(*v1alpha1.RestoreTest)) (rt *v1alpha1.RestoreTest, control, fenced string, theirs *velerov1.Restore) {
		t.Helper()
		control, fenced = canaryOn(t, node, "canary-control", false), canaryOn(t, node, "canary-fenced", true)
		rt = begin(t, name, edits...)
		await(t, rt, v1alpha1.ConditionSandboxReady, metav1.ConditionUnknown, v1alpha1.ReasonIsolationUnproven)
		theirs = somebodyElsesRestore(t) // one that came before would have kept the run in the line
		t.Cleanup(func() {
			if err := kymaros.VeleroV1().Restores(veleroNamespace).Delete(context.WithoutCancel(t.Context()), theirs.Name, metav1.DeleteOptions{}); err != nil {
				t.Error(err)
			}
		})
		setReady(t, control, true)
		rt = await(t, rt, v1alpha1.ConditionRestored, metav1.ConditionUnknown, v1alpha1.ReasonQueued)
		if rt.Status.Sandbox.Isolation != v1alpha1.IsolationProven {
			t.Fatalf("isolation %q", rt.Status.Sandbox.Isolation)
		}
		return rt, control, fenced, theirs
	}
	t.Run("a leak that does not pass ends the run", func(t *testing.T) {
		// Its deadline is sooner than the minute of patience.
		rt, _, fenced, theirs := queued(t, "leaked-later", "node-3", func(rt *v1alpha1.RestoreTest) { rt.Spec.Timeout = new(v1alpha1.Duration("45s")) })
		setReady(t, fenced, false)
		phase(t, theirs, velerov1.RestorePhaseCompleted)
		rt = await(t, rt, v1alpha1.ConditionRestored, metav1.ConditionUnknown, v1alpha1.ReasonIsolationUnproven)
		_, report := awaitEnd(t, rt)
		if s := report.Status; s.Result != v1alpha1.ResultInconclusive || s.Reason != v1alpha1.ReasonIsolationNotEnforced ||
			s.IsolationProof != v1alpha1.IsolationNotEnforced || s.Restore != nil || !strings.Contains(s.Message, "node-3") {
			t.Errorf("report: %s, %s (%s), restore %v: %s", s.Result, s.Reason, s.IsolationProof, s.Restore, s.Message)
		}
		if made := c.seen(func(r *request) bool {
			return r.writes() && strings.HasSuffix(r.path, "/restores") && r.mentions(rt.Name)
		}); len(made) > 0 {
			t.Errorf("a Restore was asked for: %s", &made[0])
		}
	})
	t.Run("a proof that is not there for a moment is waited for", func(t *testing.T) {
		rt, control, _, theirs := queued(t, "unproven-later", "node-4")
		setReady(t, control, false)
		phase(t, theirs, velerov1.RestorePhaseCompleted)
		rt = await(t, rt, v1alpha1.ConditionRestored, metav1.ConditionUnknown, v1alpha1.ReasonIsolationUnproven)
		if made := c.seen(func(r *request) bool {
			return r.writes() && strings.HasSuffix(r.path, "/restores") && r.mentions(rt.Name)
		}); len(made) > 0 {
			t.Errorf("a Restore was asked for: %s", &made[0])
		}
		setReady(t, control, true)
		if _, report := awaitEnd(t, rt); report.Status.IsolationProof != v1alpha1.IsolationProven || report.Status.Restore == nil {
			t.Errorf("report: isolation %q, restore %v", report.Status.IsolationProof, report.Status.Restore)
		}
	})
}

func TestAMissingProofIsReported(t *testing.T) {
	aloneWith(t, "report", noFence)
	rt := begin(t, "reported")
	if _, report := awaitEnd(t, rt); report.Status.IsolationProof != v1alpha1.IsolationUnproven || report.Status.Restore == nil {
		t.Errorf("report: isolation %q, restore %v", report.Status.IsolationProof, report.Status.Restore)
	} else if report.Status.Fence != v1alpha1.FenceNotIntact {
		t.Errorf("nor is there a fence, and the report says %q", report.Status.Fence)
	}
}
