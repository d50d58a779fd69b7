package healthcheck

import (
	"fmt"
	"slices"
	"time"

	corev1 "k8s.io/api/core/v1"

	"github.com/kymaros/kymaros/pkg/apis/restore/v1alpha1"
)

// defaultStableFor is how long pods are watched after the last check, in a test that does not say.
const defaultStableFor = 30 * time.Second

// stableFor returns how long the pods are to be watched after the last check; 0 turns it off.
func stableFor(checks v1alpha1.HealthChecks) time.Duration {
	d, err := checks.StableFor.Parse()
	if checks.StableFor == "" || err != nil {
		return defaultStableFor
	}
	return d
}

// fell tells what has ended or lost its readiness since all pods were ready, sorted. from is when the last of them became
// so, by the clock of its node.
//
// What happened before is how applications wait for each other: a container that ends because its database is not there yet
// is started again, and that is no fault. A pod that was made later replaces another and is waited for; its beginnings do not
// count either.
func (r *readiness) fell(from time.Time) []string {
	var all []string
	for _, c := range r.counted {
		if c.squeezed != "" || c.pod.CreationTimestamp.After(from) {
			continue
		}
		if what := fell(c.pod, from); what != "" && !c.excused {
			all = append(all, fmt.Sprintf("pod %s, %s", c.name, what))
		}
	}
	slices.Sort(all)
	return all
}

func fell(pod *corev1.Pod, from time.Time) string {
	if what := ended(pod, from); what != "" {
		return what
	}
	switch ready, since, _ := ready(pod); {
	case !ready:
		return why(pod)
	case since.After(from):
		return "not ready for a while"
	}
	return ""
}

// ended tells of a container that has ended since.
func ended(pod *corev1.Pod, from time.Time) string {
	ready, _, _ := ready(pod)
	for _, c := range lasting(pod) {
		end := c.State.Terminated
		if last := c.LastTerminationState.Terminated; end == nil && last != nil && (last.FinishedAt.After(from) || c.State.Waiting != nil && !ready) {
			end = last
		}
		if end != nil {
			reason := ""
			if end.Reason != "" {
				reason = " (" + end.Reason + ")"
			}
			return fmt.Sprintf("container %s: exit code %d%s, restarts: %d", c.Name, end.ExitCode, reason, c.RestartCount)
		}
	}
	return ""
}

// lasting returns the containers that run as long as the pod does.
func lasting(pod *corev1.Pod) []corev1.ContainerStatus {
	all := slices.Clone(pod.Status.ContainerStatuses)
	for _, c := range pod.Status.InitContainerStatuses {
		if sidecar(pod, c.Name) {
			all = append(all, c)
		}
	}
	return all
}

// stable returns when the pods will have been watched for long enough: from the last check, and for those that were made
// later from when they were ready. A container without a readiness probe is ready whenever it runs, so one that restarts all
// the time looks well between two ends: it has to outlive twice the life it had last.
func (r *readiness) stable(completed, from time.Time, watch time.Duration) time.Time {
	until := completed.Add(watch)
	later := func(t time.Time) {
		if t.After(until) {
			until = t
		}
	}
	for _, c := range r.counted {
		if ready, since, _ := ready(c.pod); ready && c.pod.CreationTimestamp.After(from) {
			later(since.Add(watch))
		}
		for _, s := range lasting(c.pod) {
			last := s.LastTerminationState.Terminated
			if last == nil || last.StartedAt.IsZero() || s.State.Running == nil || probed(c.pod, s.Name) {
				continue
			}
			later(s.State.Running.StartedAt.Add(2*last.FinishedAt.Sub(last.StartedAt.Time) + time.Second))
		}
	}
	return until
}

// probed tells whether a container has a readiness probe.
func probed(pod *corev1.Pod, name string) bool {
	return slices.ContainsFunc(slices.Concat(pod.Spec.Containers, pod.Spec.InitContainers), func(c corev1.Container) bool {
		return c.Name == name && c.ReadinessProbe != nil
	})
}
