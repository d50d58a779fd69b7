package healthcheck

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/kymaros/kymaros/pkg/apis/restore/v1alpha1"
)

// on puts a pod whose containers are ready on a node.
func on(node string) func(*corev1.Pod) {
	return func(p *corev1.Pod) {
		p.Spec.NodeName = node
		p.Status.Conditions = append(p.Status.Conditions, corev1.PodCondition{Type: corev1.ContainersReady, Status: corev1.ConditionTrue})
	}
}

func TestANodeThatIsLostIsNamed(t *testing.T) {
	for name, c := range map[string]struct {
		pod  *corev1.Pod
		want string
	}{
		"lost":                           {pod("a", "web", time.Time{}, on("node3")), "node3"},
		"ready":                          {pod("a", "web", noon, on("node3")), ""},
		"its containers are not ready":   {pod("a", "web", time.Time{}, func(p *corev1.Pod) { p.Spec.NodeName = "node3" }), ""},
		"its kubelet says why it is not": {pod("a", "web", time.Time{}, on("node3"), func(p *corev1.Pod) { p.Status.Conditions[0].Reason = "ReadinessGatesNotReady" }), ""},
		"it has no node":                 {pod("a", "web", time.Time{}), ""},
	} {
		if got := lost(c.pod); got != c.want {
			t.Errorf("%s: %q, want %q", name, got, c.want)
		}
	}
}

func TestWhatFailsBesideALostNodeIsNoVerdictOnTheBackup(t *testing.T) {
	const gone = "shop: Pod/web-1: its node does not answer: node3"
	in := contents{source: "shop", deployments: []*appsv1.Deployment{deployment("web", nil)}, pods: []*corev1.Pod{pod("web-1", "web", time.Time{}, on("node3"))}}
	next := assess([]contents{in})
	if want := []string{gone}; !cmp.Equal(next.blocked, want) || !cmp.Equal(next.displaced, want) || !next.hindered {
		t.Fatalf("%+v", next)
	}
	seen := observed{
		test: test(under(v1alpha1.ReasonRunning, v1alpha1.HealthStatus{StartTime: at(time.Second), PodsReadyTime: at(time.Second)}),
			func(rt *v1alpha1.RestoreTest) { rt.Status.Run.Spec.HealthChecks.StableFor = "30s" }),
		pods: &next, policy: policy("a"), verdicts: map[string]verdict{"a": {fail("a", "no answer within 10s"), noon.Add(2 * time.Second)}},
	}
	p := decide(seen, noon.Add(3*time.Second))
	if c := p.condition; c.Status != metav1.ConditionFalse || c.Reason != v1alpha1.ReasonBlockedBySandboxPolicy {
		t.Errorf("%s (%s) %s; want the verdict now, and none on the backup", c.Status, c.Reason, c.Message)
	}
	if want := []string{gone}; !cmp.Equal(p.health.Displaced, want) {
		t.Errorf("displaced %q", p.health.Displaced)
	}
}
