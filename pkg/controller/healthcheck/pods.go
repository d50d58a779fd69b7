package healthcheck

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
)

// named bounds how many pods and workloads a message names.
const named = 8

// contents are what a sandbox holds that is to run.
type contents struct {
	source       string
	pods         []*corev1.Pod
	deployments  []*appsv1.Deployment
	statefulSets []*appsv1.StatefulSet
}

// readiness is how far the restored workloads are.
type readiness struct {
	ready, total int
	// since is when the last of the ready pods became ready; zero if there is none.
	since time.Time
	// waiting names what is not ready and why, sorted, one entry a pod, or a workload whose pods do not all exist.
	waiting []string
}

// workload asks for a number of pods.
type workload struct {
	name     string
	replicas int
	selector labels.Selector
	failure  string // why its controller could not create pods
}

// assess compares the pods of all sandboxes with what the workloads ask for. Pods seen so far prove nothing: right after
// a restore most are still to be created.
func assess(sandboxes []contents) readiness {
	var r readiness
	for _, sandbox := range sandboxes {
		prefix := ""
		if len(sandboxes) > 1 {
			prefix = sandbox.source + "/"
		}
		left := slices.DeleteFunc(slices.Clone(sandbox.pods), func(p *corev1.Pod) bool { return !counts(p) })
		for _, w := range workloads(sandbox) {
			have := 0
			left = slices.DeleteFunc(left, func(p *corev1.Pod) bool {
				if !w.selector.Matches(labels.Set(p.Labels)) {
					return false
				}
				have++
				r.add(prefix, p)
				return true
			})
			if have < w.replicas {
				r.total += w.replicas - have
				r.waiting = append(r.waiting, fmt.Sprintf("%s%s (%d of %d pods exist%s)", prefix, w.name, have, w.replicas, w.failure))
			}
		}
		for _, p := range left { // bare pods
			r.add(prefix, p)
		}
	}
	slices.Sort(r.waiting)
	return r
}

func (r *readiness) add(prefix string, pod *corev1.Pod) {
	r.total++
	for _, c := range pod.Status.Conditions {
		if c.Type == corev1.PodReady && c.Status == corev1.ConditionTrue {
			r.ready++
			if c.LastTransitionTime.After(r.since) {
				r.since = c.LastTransitionTime.Time
			}
			return
		}
	}
	r.waiting = append(r.waiting, fmt.Sprintf("%s%s (%s)", prefix, pod.Name, why(pod)))
}

func (r *readiness) all() bool { return r.ready == r.total }

// String tells the count, and what is missing from it.
func (r *readiness) String() string {
	if r.all() {
		return fmt.Sprintf("all %d pods ready", r.total)
	}
	return fmt.Sprintf("%d of %d pods ready; waiting for %s", r.ready, r.total, list(r.waiting, ", "))
}

// list joins the first items and counts the rest.
func list(items []string, separator string) string {
	if len(items) > named {
		return fmt.Sprintf("%s%sand %d more", strings.Join(items[:named], separator), separator, len(items)-named)
	}
	return strings.Join(items, separator)
}

// counts tells whether a pod has to become ready. One that is going need not, nor one that ran to its end.
func counts(pod *corev1.Pod) bool {
	if pod.DeletionTimestamp != nil || pod.Status.Phase == corev1.PodSucceeded {
		return false
	}
	owner := metav1.GetControllerOf(pod)
	switch {
	case owner == nil:
		return true
	case owner.Kind == "Job":
		return false
	}
	// What fails of a workload is replaced, and stays behind (an eviction, for instance).
	return pod.Status.Phase != corev1.PodFailed
}

func workloads(sandbox contents) []workload {
	var all []workload
	add := func(name string, replicas *int32, selector *metav1.LabelSelector, failure string) {
		n := 1
		if replicas != nil {
			n = int(*replicas)
		}
		s, err := metav1.LabelSelectorAsSelector(selector)
		if err != nil { // the API server accepts no such selector
			s = labels.Nothing()
		}
		all = append(all, workload{name: name, replicas: n, selector: s, failure: failure})
	}
	for _, d := range sandbox.deployments {
		failure := ""
		for _, c := range d.Status.Conditions {
			if c.Type == appsv1.DeploymentReplicaFailure && c.Status == corev1.ConditionTrue {
				failure = ": " + c.Reason
			}
		}
		add(d.Name, d.Spec.Replicas, d.Spec.Selector, failure)
	}
	for _, s := range sandbox.statefulSets {
		add(s.Name, s.Spec.Replicas, s.Spec.Selector, "")
	}
	slices.SortStableFunc(all, func(a, b workload) int { return cmp.Compare(a.name, b.name) })
	return all
}

// why says what keeps a pod from being ready, in the words of the kubelet and the scheduler: reasons, never messages,
// which may hold what a container wrote.
func why(pod *corev1.Pod) string {
	if pod.Status.Phase == corev1.PodFailed {
		return cmp.Or(pod.Status.Reason, string(corev1.PodFailed))
	}
	for _, group := range []struct {
		noun     string
		statuses []corev1.ContainerStatus
	}{{"init container", pod.Status.InitContainerStatuses}, {"container", pod.Status.ContainerStatuses}} {
		for _, c := range group.statuses {
			reason := ""
			switch state := c.State; {
			case c.Ready: // an init container is ready when it has ended well
			case state.Waiting != nil:
				reason = state.Waiting.Reason
			case state.Terminated != nil && (state.Terminated.ExitCode != 0 || group.noun == "container"):
				reason = state.Terminated.Reason
			case state.Running != nil && group.noun == "container":
				reason = "not ready"
			case state.Running != nil:
				reason = "running"
			}
			if reason != "" && reason != "PodInitializing" {
				return fmt.Sprintf("%s %s: %s", group.noun, c.Name, reason)
			}
		}
	}
	for _, c := range pod.Status.Conditions {
		if c.Type == corev1.PodScheduled && c.Status == corev1.ConditionFalse {
			return cmp.Or(c.Reason, "not scheduled")
		}
	}
	return cmp.Or(string(pod.Status.Phase), "not started")
}
