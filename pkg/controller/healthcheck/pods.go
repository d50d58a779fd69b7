package healthcheck

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/utils/ptr"
)

// named bounds how many pods and workloads a message names.
const named = 8

// contents are what a sandbox holds that is to run.
type contents struct {
	source       string
	pods         []*corev1.Pod
	deployments  []*appsv1.Deployment
	statefulSets []*appsv1.StatefulSet
	replicaSets  []*appsv1.ReplicaSet
	// failures are events that tell why pods or claims could not be created.
	failures []*corev1.Event
	// claimsRefused tells that the quota refuses claims of some storage classes, and that Velero could not restore everything.
	claimsRefused bool
	// noRoom are the claims that the quota had no room for, with what they request.
	noRoom map[string]string
}

// readiness is how far the restored workloads are.
type readiness struct {
	ready, total int
	// since is when the last of the ready pods became ready; zero if there is none.
	since time.Time
	// waiting names what is not ready and why, sorted, one entry a pod, or a workload whose pods do not all exist.
	waiting []string
	// blocked names the workloads of which a guard of the sandbox refuses pods and why, sorted, as the status has it. Pods
	// that are blocked are not in total.
	blocked []string
}

// workload asks for a number of pods.
type workload struct {
	kind, name string
	replicas   int
	selector   labels.Selector
	failure    string // why its controller could not create pods
	refused    string // which guard of the sandbox refuses its pods, if one does
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
				if reason := sandbox.refusedClaim(missing(p)); reason != "" {
					r.blocked = append(r.blocked, fmt.Sprintf("%s: %s/%s: %s", sandbox.source, w.kind, w.name, reason))
					have++
					return true
				}
				// What failed before its workload could take it over stays behind like any other: another is made for it.
				if p.Status.Phase != corev1.PodFailed {
					have++
					r.add(prefix, p)
				}
				return true
			})
			switch {
			case have >= w.replicas:
			case w.refused != "":
				r.blocked = append(r.blocked, fmt.Sprintf("%s: %s/%s: %s", sandbox.source, w.kind, w.name, w.refused))
			default:
				r.total += w.replicas - have
				r.waiting = append(r.waiting, fmt.Sprintf("%s%s (%d of %d pods exist%s)", prefix, w.name, have, w.replicas, w.failure))
			}
		}
		for _, p := range left { // bare pods
			if reason := sandbox.refusedClaim(missing(p)); reason != "" {
				r.blocked = append(r.blocked, fmt.Sprintf("%s: Pod/%s: %s", sandbox.source, p.Name, reason))
				continue
			}
			r.add(prefix, p)
		}
	}
	slices.Sort(r.waiting)
	slices.Sort(r.blocked)
	r.blocked = slices.Compact(r.blocked)
	r.blocked = r.blocked[:min(len(r.blocked), maxBlocked)]
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
	if pod.DeletionTimestamp != nil || pod.Status.Phase == corev1.PodSucceeded || ofJob(pod) {
		return false
	}
	// What fails of a workload is replaced, and stays behind (an eviction, for instance).
	return metav1.GetControllerOf(pod) == nil || pod.Status.Phase != corev1.PodFailed
}

// ofJob tells whether a pod is that of a Job. A restore brings it back without its owner; the labels stay.
func ofJob(pod *corev1.Pod) bool {
	if owner := metav1.GetControllerOf(pod); owner != nil {
		return owner.Kind == "Job"
	}
	_, job := pod.Labels[batchv1.JobNameLabel]
	_, legacy := pod.Labels["job-name"]
	return job || legacy
}

// workloads returns what asks for pods in a sandbox, sorted.
func workloads(sandbox contents) []workload {
	var all []workload
	add := func(w workload, replicas *int32, selector *metav1.LabelSelector) {
		w.replicas, w.selector = int(ptr.Deref(replicas, 1)), asSelector(selector)
		all = append(all, w)
	}
	bare := slices.DeleteFunc(slices.Clone(sandbox.replicaSets), func(r *appsv1.ReplicaSet) bool { return metav1.GetControllerOf(r) != nil })
	for _, d := range sandbox.deployments {
		w, replicas := workload{kind: "Deployment", name: d.Name, refused: ofDeployment(d)}, d.Spec.Replicas
		for _, c := range d.Status.Conditions {
			if c.Type == appsv1.DeploymentReplicaFailure && c.Status == corev1.ConditionTrue {
				w.failure = ": " + c.Reason
			}
		}
		// A restored ReplicaSet has no owner until its Deployment takes it over.
		selector := asSelector(d.Spec.Selector)
		mine := func(r *appsv1.ReplicaSet) bool { return selector.Matches(labels.Set(r.Labels)) }
		bare = slices.DeleteFunc(bare, mine)
		if d.Spec.Paused { // it makes no ReplicaSet: there are the pods of those that it had
			var sum int32
			for _, r := range sandbox.replicaSets {
				if mine(r) {
					sum += ptr.Deref(r.Spec.Replicas, 1)
				}
			}
			replicas = &sum
		}
		add(w, replicas, d.Spec.Selector)
	}
	for _, s := range sandbox.statefulSets {
		add(workload{kind: "StatefulSet", name: s.Name, refused: ofStatefulSet(s, sandbox.failures, sandbox.pods)}, s.Spec.Replicas, s.Spec.Selector)
	}
	for _, r := range bare {
		add(workload{kind: "ReplicaSet", name: r.Name, refused: ofReplicaSet(r)}, r.Spec.Replicas, r.Spec.Selector)
	}
	slices.SortStableFunc(all, func(a, b workload) int { return cmp.Compare(a.name, b.name) })
	return all
}

func asSelector(selector *metav1.LabelSelector) labels.Selector {
	s, err := metav1.LabelSelectorAsSelector(selector)
	if err != nil { // the API server accepts no such selector
		return labels.Nothing()
	}
	return s
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
