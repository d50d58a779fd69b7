package healthcheck

import (
	"context"
	"fmt"
	"slices"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/sets"

	"github.com/kymaros/kymaros/pkg/apis/restore/v1alpha1"
)

// unhealthy is the reason of the events by which a kubelet tells of a probe that failed. It tells of each before a pod loses its
// readiness over it.
const unhealthy = "Unhealthy"

// lookForProbes finds the pods of a sandbox that have lost their readiness since all were ready, and not by a probe that failed: a
// kubelet that starts again takes it from all of them until it has probed them once, which says nothing about the application. It asks
// for nothing unless there may be some.
func (c *Controller) lookForProbes(ctx context.Context, rt *v1alpha1.RestoreTest, in *contents) error {
	i := slices.IndexFunc(rt.Status.Sandbox.Namespaces, func(ns v1alpha1.SandboxNamespace) bool { return ns.Source == in.source })
	health := rt.Status.Health
	if i < 0 || health == nil || health.RunID != rt.Status.Run.ID {
		return nil
	}
	from := (plan{health: *health}).from()
	if from == nil || !slices.ContainsFunc(in.pods, func(p *corev1.Pod) bool { return dimmed(p, from.Time) }) {
		return nil
	}
	sandbox := rt.Status.Sandbox.Namespaces[i].Name
	events, err := c.watches.kube.CoreV1().Events(sandbox).List(ctx, metav1.ListOptions{FieldSelector: "reason=" + unhealthy})
	if err != nil {
		return fmt.Errorf("list events in namespace %s: %w", sandbox, err)
	}
	in.excused = excused(in.pods, events.Items, from.Time)
	return nil
}

// excused returns the pods that have lost their readiness since from, and none of whose probes has failed since.
func excused(pods []*corev1.Pod, events []corev1.Event, from time.Time) sets.Set[types.UID] {
	failed := sets.New[types.UID]()
	for i := range events {
		if e := &events[i]; e.Reason == unhealthy && !seenAt(e).Before(from.Truncate(time.Second)) {
			failed.Insert(e.InvolvedObject.UID)
		}
	}
	all := sets.New[types.UID]()
	for _, p := range pods {
		if dimmed(p, from) && !failed.Has(p.UID) {
			all.Insert(p.UID)
		}
	}
	return all
}

// dimmed tells whether a pod has lost the readiness that its probes give it, be it for a while, though all of it has run on.
func dimmed(pod *corev1.Pod, from time.Time) bool {
	if pod.CreationTimestamp.After(from) || ended(pod, from) != "" || fell(pod, from) == "" {
		return false
	}
	running := func(c corev1.ContainerStatus) bool { return c.State.Running != nil }
	all := lasting(pod)
	return slices.ContainsFunc(all, func(c corev1.ContainerStatus) bool { return probed(pod, c.Name) }) && !slices.ContainsFunc(all, func(c corev1.ContainerStatus) bool { return !running(c) })
}

// seenAt returns when something was last seen that an event tells of: old and new events say so in different fields.
func seenAt(e *corev1.Event) time.Time {
	last := e.LastTimestamp.Time
	if e.Series != nil && e.Series.LastObservedTime.After(last) {
		last = e.Series.LastObservedTime.Time
	}
	if e.EventTime.After(last) {
		last = e.EventTime.Time
	}
	return last
}
