package nodes

import (
	"fmt"
	"net"
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/sets"

	"github.com/kymaros/kymaros/pkg/apis/restore/v1alpha1"
	"github.com/kymaros/kymaros/pkg/canary"
	"github.com/kymaros/kymaros/test/e2e/stage"
)

func TestEveryNodeHasItsCanaries(t *testing.T) {
	all := 0
	for _, namespace := range []string{canary.Namespace, canary.TargetNamespace} {
		pods, err := cluster.Kube.CoreV1().Pods(namespace).List(t.Context(), metav1.ListOptions{LabelSelector: "app.kubernetes.io/component in (canary-fenced,canary-control,canary-target)"})
		must(t, err)
		on := map[string]sets.Set[string]{}
		for _, p := range pods.Items {
			kind := p.Labels["app.kubernetes.io/component"]
			if on[kind] == nil {
				on[kind] = sets.New[string]()
			}
			on[kind].Insert(p.Spec.NodeName)
			if !stage.Ready(&p) {
				t.Errorf("%s on %s is not ready", p.Name, p.Spec.NodeName)
			}
		}
		for kind, nodes := range on {
			if all++; !nodes.HasAll(first, second, third) {
				t.Errorf("%s is on %v", kind, sets.List(nodes))
			}
		}
	}
	if all != 3 {
		t.Errorf("%d kinds of canaries, want 3", all)
	}
}

// TestAnApplicationSpreadOverNodes has its pods looked into through the kubelet of each node, and dials between all of them.
func TestAnApplicationSpreadOverNodes(t *testing.T) {
	spread.ready(t)
	rt := cluster.RestoreTest("spread", spread.backup, spread.namespace)
	rt.Spec.Sandbox.NetworkIsolation = v1alpha1.IsolationGroup // pods of the sandbox reach each other, across nodes too
	checks := []v1alpha1.HealthCheck{stage.Hold(spread.namespace), answers("web")}
	for i := range count {
		pod := fmt.Sprintf("web-%d", i)
		checks = append(checks, answers(pod), v1alpha1.HealthCheck{Name: "in-" + pod, Type: v1alpha1.CheckExec, Exec: &v1alpha1.ExecCheck{
			PodSelector: map[string]string{"name": pod}, Container: "web", Command: []string{"hostname"},
			Expect: &v1alpha1.Expectation{Equals: new(pod)},
		}})
	}
	rt = cluster.AwaitHeld(t, cluster.Start(t, rt, checks...))
	copies, originals := onEach(t, stage.SandboxOf(t, rt, spread.namespace)), onEach(t, spread.namespace)
	outcomes := make(chan error)
	dials := 0
	try := func(from corev1.Pod, open, shut []corev1.Pod) {
		want := map[string]bool{}
		for _, to := range open {
			want[net.JoinHostPort(to.Status.PodIP, "8080")] = true
		}
		for _, to := range shut {
			want[net.JoinHostPort(to.Status.PodIP, "8080")] = false
		}
		dials++
		go func() { outcomes <- cluster.Isolated(t.Context(), from.Namespace, from.Name, want) }()
	}
	for _, from := range copies {
		try(from, copies, originals)
	}
	for _, from := range originals {
		try(from, originals, copies)
	}
	for range dials {
		if err := <-outcomes; err != nil {
			t.Error(err)
		}
	}
	cluster.Release(t, rt, spread.namespace)
	_, report := cluster.AwaitEnd(t, rt)
	tell(t, report)
	stage.Verdict(t, report, v1alpha1.ResultPass, "Passed")
	for _, c := range report.Status.Checks {
		if c.Status != v1alpha1.CheckPass {
			t.Errorf("check %+v", c)
		}
	}
	if got := report.Status.IsolationProof; got != v1alpha1.IsolationProven {
		t.Errorf("isolation proof %q", got)
	}
}

// onEach returns the pods of a namespace, and fails t unless there is one on each node.
func onEach(t *testing.T, namespace string) []corev1.Pod {
	t.Helper()
	pods := cluster.Pods(t, namespace)
	nodes := sets.New[string]()
	for _, p := range pods {
		nodes.Insert(p.Spec.NodeName)
	}
	if len(pods) != count || len(nodes) != count {
		t.Fatalf("namespace %s has %d pods on %v", namespace, len(pods), sets.List(nodes))
	}
	return pods
}
