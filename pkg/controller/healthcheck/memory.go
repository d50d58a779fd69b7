package healthcheck

import (
	"fmt"
	"slices"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"

	"github.com/kymaros/kymaros/pkg/apis/restore/v1alpha1"
	"github.com/kymaros/kymaros/pkg/hindrance"
)

// limitRanger is the annotation in which the API server tells which containers of a pod got their limits from a LimitRange.
const limitRanger = "kubernetes.io/limit-ranger"

// squeezed returns what is to be said of a container of the pod that was killed for the memory limit of the sandbox; empty if
// there is none. One that goes beyond a limit of its own does so in a real restore too.
func (in *contents) squeezed(pod *corev1.Pod) string {
	limit, err := resource.ParseQuantity(string(in.limits.Memory))
	if err != nil {
		return "" // there is none
	}
	for _, c := range statuses(pod) {
		if outOfMemory(c) && given(pod, c.Name, limit) {
			return fmt.Sprintf("container %s %s%s", c.Name, hindrance.WantOfMemory, limit.String())
		}
	}
	return ""
}

// squeezedEntry returns that as blocked has it.
func (in *contents) squeezedEntry(what string, pod *corev1.Pod) string {
	if reason := in.squeezed(pod); reason != "" {
		return blockedEntry(*in, what, reason)
	}
	return ""
}

func outOfMemory(c corev1.ContainerStatus) bool {
	const killed = "OOMKilled"
	for _, end := range []*corev1.ContainerStateTerminated{c.State.Terminated, c.LastTerminationState.Terminated} {
		if end != nil && end.Reason == killed {
			return true
		}
	}
	return false
}

// given tells whether the sandbox gave the container its memory limit. The annotation may have come with the pod, from a
// LimitRange of production; then the limit is of another size.
func given(pod *corev1.Pod, name string, limit resource.Quantity) bool {
	for _, c := range slices.Concat(pod.Spec.InitContainers, pod.Spec.Containers) {
		if has, ok := c.Resources.Limits[corev1.ResourceMemory]; c.Name != name || !ok || has.Cmp(limit) != 0 {
			continue
		}
		_, set, _ := strings.Cut(pod.Annotations[limitRanger], ": ")
		return slices.ContainsFunc(strings.Split(set, "; "), func(what string) bool {
			limits, of, found := strings.Cut(what, " limit for ")
			return found && strings.Contains(limits, "memory") && strings.HasSuffix(of, "container "+name)
		})
	}
	return false
}

// squeeze returns r with what the sandbox's memory limit has ended since all pods were ready, at from, as blocked.
func (r *readiness) squeeze(from time.Time) *readiness {
	all := *r
	for _, c := range r.counted {
		if c.squeezed != "" && fell(c.pod, from) != "" {
			all.blocked, all.hindered = append(slices.Clone(all.blocked), c.squeezed), true
		}
	}
	all.blocked = bounded(all.blocked)
	return &all
}

// limitsOf returns what containers of the source's sandbox get that have no limits of their own.
func limitsOf(rt *v1alpha1.RestoreTest, source string) v1alpha1.SandboxLimits {
	if rt.Status.Sandbox == nil {
		return v1alpha1.SandboxLimits{}
	}
	for _, ns := range rt.Status.Sandbox.Namespaces {
		if ns.Source == source {
			return ns.Limits
		}
	}
	return v1alpha1.SandboxLimits{}
}
