package healthcheck

import (
	"fmt"
	"slices"
	"strings"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"

	"github.com/kymaros/kymaros/pkg/hindrance"
	"github.com/kymaros/kymaros/pkg/names"
	"github.com/kymaros/kymaros/pkg/unschedulable"
	"github.com/kymaros/kymaros/pkg/velero"
)

// shutWords are what the status says of a pod that our own gate holds up.
const shutWords = "init container " + names.GateContainer + " finds that it is not cut off, so it does not start"

// restoreName is the label of Velero on all that it restores.
const restoreName = "velero.io/restore-name"

func blockedEntry(in contents, what, reason string) string {
	if len(reason) > maxRefusal {
		reason = strings.ToValidUTF8(reason[:maxRefusal-3], "") + "…"
	}
	return fmt.Sprintf("%s: %s: %s", in.source, what, reason)
}

// holdsUp returns what of the test, its sandbox or the nodes may keep a pod from becoming ready; empty if nothing is known to. It may
// be so for a moment, and it may have another cause: it is said only of a pod that has had its time.
func (in *contents) holdsUp(pod *corev1.Pod) string {
	if reason := in.squeezed(pod); reason != "" {
		return reason
	}
	if shut(pod) {
		return shutWords
	}
	if reason := in.leftOut(pod); reason != "" {
		return reason
	}
	if in.strict {
		if c := stuck(pod); c != "" {
			return c + "; " + hindrance.ReachesNothing
		}
	}
	for _, c := range pod.Status.Conditions {
		if c.Type == corev1.PodScheduled && c.Status == corev1.ConditionFalse {
			if rules := unschedulable.Crowded(c.Message); rules != "" {
				return hindrance.NoRoom + " (" + rules + ")"
			}
			// Of a cluster that is not that of the backup it is said what it lacks, if that may be it.
			if rules := unschedulable.Passing(c.Message); rules != "" && in.lacks(pod) == "" {
				return hindrance.NoNodeNow + " (" + rules + ")"
			}
		}
	}
	return ""
}

// shut tells whether the gate of a pod does not open: the pod would reach what its policies forbid.
func shut(pod *corev1.Pod) bool {
	return slices.ContainsFunc(pod.Status.InitContainerStatuses, func(c corev1.ContainerStatus) bool {
		failed := func(s corev1.ContainerState) bool { return s.Terminated != nil && s.Terminated.ExitCode != 0 }
		return c.Name == names.GateContainer && !c.Ready && (failed(c.State) || failed(c.LastTerminationState))
	})
}

// gaveWay returns what took a pod its place; empty if nothing did. A copy is the first that has to go: for a pod of production,
// for a node that is drained, shut down or out of memory. Pods that go beyond a limit of their own carry no such condition.
func gaveWay(pod *corev1.Pod) string {
	for _, c := range pod.Status.Conditions {
		if c.Type == corev1.DisruptionTarget && c.Status == corev1.ConditionTrue {
			return c.Reason
		}
	}
	return ""
}

// displace returns r with the pods that had to go earlier in the run. No object tells of them any more, and what did not work
// then or since may have been for want of them.
func (r *readiness) displace(earlier []string) *readiness {
	if len(earlier) == 0 {
		return r
	}
	all := *r
	all.displaced = bounded(slices.Concat(r.displaced, earlier))
	all.blocked, all.hindered = bounded(slices.Concat(r.blocked, earlier)), true
	return &all
}

// stuck returns what is to be said of an init container that runs on or ends badly, as those do that wait for a name or a
// host; empty if there is none.
func stuck(pod *corev1.Pod) string {
	for _, c := range pod.Status.InitContainerStatuses {
		if c.Ready || velero.Waits(c.Name) || sidecar(pod, c.Name) {
			continue
		}
		ended := c.State.Terminated
		if ended == nil && c.State.Waiting != nil && c.State.Waiting.Reason == "CrashLoopBackOff" {
			ended = c.LastTerminationState.Terminated
		}
		switch {
		case c.State.Running != nil:
			return fmt.Sprintf("init container %s does not end", c.Name)
		case ended != nil && ended.ExitCode != 0 && ended.Reason == "Error":
			return fmt.Sprintf("init container %s ends with exit code %d", c.Name, ended.ExitCode)
		}
	}
	return ""
}

// sidecar tells whether an init container of the pod is one that runs as long as the pod does.
func sidecar(pod *corev1.Pod, name string) bool {
	return slices.ContainsFunc(pod.Spec.InitContainers, func(c corev1.Container) bool {
		return c.Name == name && c.RestartPolicy != nil && *c.RestartPolicy == corev1.ContainerRestartPolicyAlways
	})
}

// turnedAway is a pod of production that the sandbox would refuse, and why.
type turnedAway struct {
	pod    *corev1.Pod // its metadata
	reason string
}

// replaces returns why the sandbox refused the pod of the backup in whose place the workload's controller made this one; empty
// if it did not. Such a pod is made from the template: its volumes are not filled.
func (in *contents) replaces(w *workload, pod *corev1.Pod) string {
	if pod.Labels[restoreName] != "" {
		return ""
	}
	for _, t := range in.turnedAway {
		owner := metav1.GetControllerOf(t.pod)
		if owner == nil {
			continue
		}
		switch w.kind {
		case "StatefulSet":
			if owner.Kind == w.kind && t.pod.Name == pod.Name {
				return t.reason
			}
		default: // pods of ReplicaSets have names of their own: any of them may be meant
			set := strings.TrimSuffix(owner.Name, "-"+t.pod.Labels[appsv1.DefaultDeploymentUniqueLabelKey])
			if owner.Kind == "ReplicaSet" && (set == w.name || owner.Name == w.name) && w.selector.Matches(labels.Set(t.pod.Labels)) {
				return t.reason
			}
		}
	}
	return ""
}

// mayReplace tells whether a pod of the sandbox was made by a controller there, and not by Velero.
func (in *contents) mayReplace() bool {
	return slices.ContainsFunc(in.pods, func(p *corev1.Pod) bool { return p.Labels[restoreName] == "" && metav1.GetControllerOf(p) != nil })
}
