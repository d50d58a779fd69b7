package stage

import (
	"context"
	"fmt"
	"slices"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/kymaros/kymaros/pkg/apis/restore/v1alpha1"
	"github.com/kymaros/kymaros/pkg/conditions"
)

// released is the label for which Hold waits.
const released = "released"

// Hold is a check that keeps a run open until Release is called.
func Hold(source string) v1alpha1.HealthCheck {
	return v1alpha1.HealthCheck{
		Name: "held", Type: v1alpha1.CheckPodStatus, Namespace: source,
		PodStatus: &v1alpha1.PodStatusCheck{LabelSelector: map[string]string{released: "yes"}, MinReady: 1, Timeout: "2m"},
	}
}

// AwaitHeld waits until the checks of rt's run are under way, and returns rt as it is then.
func (c *Cluster) AwaitHeld(t testing.TB, rt *v1alpha1.RestoreTest) *v1alpha1.RestoreTest {
	t.Helper()
	return c.Await(t, rt, v1alpha1.ConditionHealthChecked, v1alpha1.ReasonRunning)
}

// AwaitHeldOrReported waits until the checks of rt's run are under way, or its report is written: then held is false. It
// returns rt as it is then.
func (c *Cluster) AwaitHeldOrReported(t testing.TB, rt *v1alpha1.RestoreTest) (now *v1alpha1.RestoreTest, held bool) {
	t.Helper()
	Until(t, RunTimeout, func(ctx context.Context) error {
		var err error
		if now, err = c.Current(ctx, rt); err != nil {
			return err
		}
		checked := conditions.ForRun(now, v1alpha1.ConditionHealthChecked)
		held = checked != nil && checked.Reason == v1alpha1.ReasonRunning
		if held || conditions.Is(now, v1alpha1.ConditionReported, metav1.ConditionTrue) {
			return nil
		}
		return fmt.Errorf("neither held nor reported\n%s", Conditions(now))
	})
	return now, held
}

// Release lets the check of Hold pass.
func (c *Cluster) Release(t testing.TB, rt *v1alpha1.RestoreTest, source string) {
	t.Helper()
	pods := c.Pods(t, SandboxOf(t, rt, source))
	patch := fmt.Appendf(nil, `{"metadata":{"labels":{%q:"yes"}}}`, released)
	if _, err := c.Kube.CoreV1().Pods(pods[0].Namespace).Patch(t.Context(), pods[0].Name, types.MergePatchType, patch, metav1.PatchOptions{}); err != nil {
		t.Fatal(err)
	}
}

// SandboxOf returns the namespace that stands for source in rt's run.
func SandboxOf(t testing.TB, rt *v1alpha1.RestoreTest, source string) string {
	t.Helper()
	i := slices.IndexFunc(rt.Status.Sandbox.Namespaces, func(ns v1alpha1.SandboxNamespace) bool { return ns.Source == source })
	if i < 0 {
		t.Fatalf("%s has no sandbox for %s", rt.Name, source)
	}
	return rt.Status.Sandbox.Namespaces[i].Name
}

// Pods returns the pods of a namespace that are ready, at least one.
func (c *Cluster) Pods(t testing.TB, namespace string) []corev1.Pod {
	t.Helper()
	var pods []corev1.Pod
	Until(t, 30*time.Second, func(ctx context.Context) error {
		list, err := c.Kube.CoreV1().Pods(namespace).List(ctx, metav1.ListOptions{})
		if err != nil {
			return err
		}
		pods = slices.DeleteFunc(list.Items, func(p corev1.Pod) bool { return !Ready(&p) })
		if len(pods) == 0 {
			return fmt.Errorf("namespace %s has no pod that is ready", namespace)
		}
		return nil
	})
	return pods
}
