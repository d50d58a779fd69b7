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
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/sets"

	"github.com/kymaros/kymaros/pkg/apis/restore/v1alpha1"
	"github.com/kymaros/kymaros/pkg/hindrance"
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
	// test is what the run restores and how.
	test *v1alpha1.RestoreTestSpec
	// said are events by which kubelets tell what pods lack. Looked up only if the test may have left it out.
	said []corev1.Event
	// elsewhere: the backup was made in another cluster, as far as is known.
	elsewhere bool
	// strict tells that pods can reach nothing at all, not even each other.
	strict bool
	// limits are what a container gets that has none of its own.
	limits v1alpha1.SandboxLimits
	// claimsRefused tells that the quota refuses claims of some storage classes, and that Velero could not restore everything.
	claimsRefused bool
	// noClass are the claims that the fence refused because neither they nor the cluster name a class for them.
	noClass sets.Set[string]
	// noRoom are the claims that the quota had no room for, with what they request.
	noRoom map[string]string
	// turnedAway are the pods of production that the sandbox would refuse. Looked up only if Velero could not restore everything.
	turnedAway []turnedAway
	// excused are the pods that have lost their readiness though no probe of theirs failed.
	excused sets.Set[types.UID]
}

// readiness is how far the restored workloads are.
type readiness struct {
	ready, total int
	// since is when the last of the ready pods became ready; zero if there is none.
	since time.Time
	// waiting names what is not ready and why, sorted, one entry a pod, or a workload whose pods do not all exist.
	waiting []string
	// blocked names what a guard of the sandbox refuses or what it holds up, and why, sorted, as the status has it. Pods that
	// were refused are not in total.
	blocked []string
	// hindered tells that something of blocked does not run, or not with its data. Only readiness gates hinder nothing.
	hindered bool
	// displaced are those of blocked that ran and had to go.
	displaced []string
	// own are those of waiting for a cause that lies in the pod itself, whatever else runs or does not.
	own []string
	// lacks names what is not ready for want of something that the cluster of the backup had, sorted.
	lacks []string
	// held are those of waiting that the sandbox may hold up. They are given the time that pods have to become ready.
	held []held
	// notCounted names pods that do their work once and those of a rollout that is stuck, sorted, as the status has it.
	notCounted []string
	// counted are the pods in total, with the names that messages give them.
	counted []counted
}

// held is a pod as waiting has it, and as blocked will have it.
type held struct{ waiting, blocked string }

type counted struct {
	name string
	pod  *corev1.Pod
	// squeezed is the pod as blocked has it if the memory limit of the sandbox ended it; else empty.
	squeezed string
	// excused: the pod has lost its readiness, and not by a probe.
	excused bool
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
		for _, p := range sandbox.pods {
			if reason := gaveWay(p); reason != "" {
				r.lose(sandbox, "Pod/"+p.Name, hindrance.MadeRoom+": "+reason)
			} else if node := lost(p); node != "" {
				// Should it come back, its containers have ended meanwhile, and that is no fault of theirs either.
				r.lose(sandbox, "Pod/"+p.Name, hindrance.NodeSilent+": "+node)
			}
		}
		workloads, bare := assign(sandbox)
		for _, w := range workloads {
			r.addWorkload(sandbox, prefix, w)
		}
		for _, p := range bare {
			switch {
			case !counts(p):
			case once(p):
				r.notCounted = append(r.notCounted, fmt.Sprintf("%s: Pod/%s", sandbox.source, p.Name))
			default:
				r.addPod(sandbox, prefix, "Pod/"+p.Name, p)
			}
		}
	}
	slices.Sort(r.waiting)
	slices.Sort(r.lacks)
	r.blocked, r.displaced, r.notCounted = bounded(r.blocked), bounded(r.displaced), bounded(r.notCounted)
	return r
}

// bounded returns the list as the status may have it.
func bounded(list []string) []string {
	slices.Sort(list)
	list = slices.Compact(list)
	return list[:min(len(list), maxBlocked)]
}

func (r *readiness) addWorkload(in contents, prefix string, w *workload) {
	pods, surplus := w.asked()
	for _, p := range surplus {
		r.notCounted = append(r.notCounted, fmt.Sprintf("%s: Pod/%s: of a rollout that is stuck, and the pods before it serve (%s)", in.source, p.Name, why(p)))
	}
	have := len(pods)
	for _, p := range pods {
		r.addPod(in, prefix, w.kind+"/"+w.name, p)
		if reason := in.replaces(w, p); reason != "" {
			r.block(in, w.kind+"/"+w.name, fmt.Sprintf("pod %s is not that of the backup, which the sandbox refused: %s", p.Name, reason))
		}
	}
	switch {
	case have >= w.replicas:
	case w.refused != "":
		r.block(in, w.kind+"/"+w.name, w.refused)
	default:
		r.total += w.replicas - have
		r.waiting = append(r.waiting, fmt.Sprintf("%s%s (%d of %d pods exist%s)", prefix, w.name, have, w.replicas, w.failure))
	}
}

func (r *readiness) block(in contents, what, reason string) {
	r.blocked = append(r.blocked, blockedEntry(in, what, reason))
	r.hindered = true
}

// lose does so for what ran and had to go.
func (r *readiness) lose(in contents, what, reason string) {
	r.block(in, what, reason)
	r.displaced = append(r.displaced, r.blocked[len(r.blocked)-1])
}

// addPod counts a pod that is to become ready. what is the workload it is of, or the pod itself.
func (r *readiness) addPod(in contents, prefix, what string, pod *corev1.Pod) {
	if reason := in.refusedClaim(missing(pod)); reason != "" {
		r.block(in, what, reason)
		return
	}
	r.total++
	r.counted = append(r.counted, counted{name: prefix + pod.Name, pod: pod, squeezed: in.squeezedEntry(what, pod), excused: in.excused.Has(pod.UID)})
	if ready, since, gates := ready(pod); ready {
		r.ready++
		if since.After(r.since) {
			r.since = since
		}
		if len(gates) > 0 {
			r.blocked = append(r.blocked, blockedEntry(in, what, hindrance.WaitsForGate+strings.Join(gates, ", ")))
		}
		return
	}
	waiting := fmt.Sprintf("%s%s (%s)", prefix, pod.Name, why(pod))
	r.waiting = append(r.waiting, waiting)
	if reason := in.lacks(pod); reason != "" {
		r.lacks = append(r.lacks, fmt.Sprintf("%s%s: %s", prefix, pod.Name, reason))
	}
	if cannotRun(pod) && in.leftOut(pod) == "" {
		r.own = append(r.own, waiting)
	}
	if reason := in.holdsUp(pod); reason != "" {
		r.held = append(r.held, held{waiting, blockedEntry(in, what, reason)})
	}
}

// ready tells whether a pod is ready, and since when. A pod whose containers are all ready and that lacks only readiness
// gates is, for what would open them is not in a sandbox; then it returns those gates too.
func ready(pod *corev1.Pod) (ready bool, since time.Time, gates []string) {
	at := func(kind corev1.PodConditionType) *corev1.PodCondition {
		i := slices.IndexFunc(pod.Status.Conditions, func(c corev1.PodCondition) bool { return c.Type == kind && c.Status == corev1.ConditionTrue })
		if i < 0 {
			return nil
		}
		return &pod.Status.Conditions[i]
	}
	if c := at(corev1.PodReady); c != nil {
		return true, c.LastTransitionTime.Time, nil
	}
	for _, g := range pod.Spec.ReadinessGates {
		if at(g.ConditionType) == nil {
			gates = append(gates, string(g.ConditionType))
		}
	}
	if c := at(corev1.ContainersReady); c != nil && len(gates) > 0 {
		return true, c.LastTransitionTime.Time, gates
	}
	return false, time.Time{}, nil
}

func (r *readiness) all() bool { return r.ready == r.total }

// letGo returns r without the pods that the sandbox may hold up: their time is over.
func (r *readiness) letGo() *readiness {
	if len(r.held) == 0 {
		return r
	}
	left := *r
	left.held, left.hindered, left.total = nil, true, r.total-len(r.held)
	left.waiting, left.blocked = slices.Clone(r.waiting), slices.Clone(r.blocked)
	for _, h := range r.held {
		if i := slices.Index(left.waiting, h.waiting); i >= 0 {
			left.waiting = slices.Delete(left.waiting, i, i+1)
		}
		left.blocked = append(left.blocked, h.blocked)
	}
	left.blocked = bounded(left.blocked)
	return &left
}

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

// counts tells whether a pod is to be looked at. One that is going is not, nor one that ran to its end.
func counts(pod *corev1.Pod) bool {
	if pod.DeletionTimestamp != nil || pod.Status.Phase == corev1.PodSucceeded && !once(pod) {
		return false
	}
	// What fails of a workload is replaced.
	return metav1.GetControllerOf(pod) == nil || pod.Status.Phase != corev1.PodFailed
}

// once tells whether a pod does its work once: a Job's, or a bare one that is not started again when it ends, such as those
// of CI. Done or not, it says nothing about the application.
func once(pod *corev1.Pod) bool {
	policy := pod.Spec.RestartPolicy
	return ofJob(pod) || metav1.GetControllerOf(pod) == nil && (policy == corev1.RestartPolicyNever || policy == corev1.RestartPolicyOnFailure)
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

// cannotRun tells whether a container of the pod has no image or configuration that it could be started with.
func cannotRun(pod *corev1.Pod) bool {
	return slices.ContainsFunc(statuses(pod), func(c corev1.ContainerStatus) bool {
		return c.State.Waiting != nil && slices.Contains([]string{
			"ErrImagePull", "ImagePullBackOff", "InvalidImageName", "ErrImageNeverPull", "CreateContainerConfigError",
		}, c.State.Waiting.Reason)
	})
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
