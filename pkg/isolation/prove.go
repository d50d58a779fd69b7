// Package isolation reads from the canaries whether the network plugin enforces NetworkPolicies. pkg/canary is what they do.
package isolation

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"

	"github.com/kymaros/kymaros/pkg/apis/restore/v1alpha1"
	"github.com/kymaros/kymaros/pkg/canary"
)

// Canaries, as the manifests have them.
const (
	canarySelector = "app.kubernetes.io/name=kymaros,app.kubernetes.io/component in (" + fencedCanary + "," + controlCanary + ")"
	componentLabel = "app.kubernetes.io/component"
	fencedCanary   = "canary-fenced"
	controlCanary  = "canary-control"
)

const (
	// Patience is how long a run waits for a proof unless a flag says otherwise. Canaries find out within seconds; what takes longer
	// wants a person, but where nodes come and go all the time, and each has to settle.
	Patience = time.Minute
	// LookAgain is how long a run that waits lets canaries be.
	LookAgain = 2 * time.Second
	// settle is how long a canary must have been not ready before that is a finding: the kubelet probes a little after the
	// first round, and a probe may be late on a busy node. A fenced one must have been ready as long: what leaked a moment ago
	// may leak in a moment.
	settle = 15 * time.Second
	// maxProblems is how many a message names.
	maxProblems = 3
)

// Proof is what the canaries show.
type Proof struct {
	State v1alpha1.IsolationProof
	// Message says why it is not proven. It is stable, and of a bounded length.
	Message string
	// Moment is what fenced pods saw when they began; nil if nobody looked.
	Moment *v1alpha1.IsolationMoment
	// Target is the address of the Service of targets, if a fenced pod tells it.
	Target string
}

// Verdict returns reason and message of the condition of a run that ends because it is not proven.
func (p Proof) Verdict() (reason, message string) {
	if p.State == v1alpha1.IsolationNotEnforced {
		return v1alpha1.ReasonIsolationNotEnforced, "nothing was restored, for the network plugin does not enforce NetworkPolicies: " + p.Message +
			". Use a plugin that does, or look why it does not on that node"
	}
	return v1alpha1.ReasonIsolationUnproven, "nothing was restored, for nothing shows that the network plugin enforces NetworkPolicies: " + p.Message
}

// finding is what one canary shows.
type finding int

const (
	nothing   finding = iota // it has not started, or ends
	unreached                // its node is gone: no pod starts there
	fresh                    // all is as it must be, since a moment
	holds                    // all is as it must be
	fails                    // something is not
)

// Prove tells what the canaries show.
func Prove(pods []corev1.Pod, now time.Time) Proof {
	proof := enforced(pods, now)
	proof.Moment, proof.Target = momentOf(pods, proof.State, now), targetOf(pods)
	return proof
}

// enforced tells whether policies are enforced. Every node that has one needs both, for a policy is enforced by each node for itself, and
// before pods of the run are there nobody knows on which nodes they will be. A node of which the cluster has lost sight starts no pod,
// and does not count.
func enforced(pods []corev1.Pod, now time.Time) Proof {
	nodes := map[string][]*corev1.Pod{}
	for i := range pods {
		nodes[pods[i].Spec.NodeName] = append(nodes[pods[i].Spec.NodeName], &pods[i])
	}
	if len(nodes) == 0 {
		return Proof{State: v1alpha1.IsolationUnproven, Message: "no canary is installed: kubectl apply -f manifests/45-canary.yaml"}
	}
	var leaks, doubts []string
	proven := 0
	for _, node := range slices.Sorted(maps.Keys(nodes)) {
		if node == "" {
			for _, pod := range nodes[node] {
				doubts = append(doubts, fmt.Sprintf("canary pod %s has no node yet: kubectl -n %s describe pod %s", pod.Name, pod.Namespace, pod.Name))
			}
			continue
		}
		leak, doubt, lost := proveNode(node, nodes[node], now)
		leaks, doubts = append(leaks, leak...), append(doubts, doubt...)
		if len(leak)+len(doubt) == 0 && !lost {
			proven++
		}
	}
	slices.Sort(leaks)
	slices.Sort(doubts)
	switch {
	case len(leaks) > 0:
		return Proof{State: v1alpha1.IsolationNotEnforced, Message: few(leaks)}
	case len(doubts) > 0:
		return Proof{State: v1alpha1.IsolationUnproven, Message: few(doubts)}
	case proven == 0:
		return Proof{State: v1alpha1.IsolationUnproven, Message: "no node with a canary is ready"}
	}
	return Proof{State: v1alpha1.IsolationProven}
}

// proveNode returns what shows that a node does not enforce policies, and what leaves it open.
func proveNode(node string, pods []*corev1.Pod, now time.Time) (leaks, doubts []string, lost bool) {
	seen := map[string]bool{}
	for _, pod := range pods {
		if pod.DeletionTimestamp != nil {
			continue // another comes in its place
		}
		component := pod.Labels[componentLabel]
		seen[component] = true
		where := fmt.Sprintf("%s/%s on node %s", pod.Namespace, pod.Name, node)
		switch found := findingOf(pod, now); {
		case found == unreached:
			return nil, nil, true
		case found == holds || found == fresh && component != fencedCanary:
		case found == fresh:
			doubts = append(doubts, fmt.Sprintf("canary pod %s has been ready for less than %s", where, settle))
		case found == fails && component == fencedCanary:
			// By what got through; or its node has been too busy for a while to answer probes, which is taken for the same.
			leaks = append(leaks, fmt.Sprintf("traffic passes that a NetworkPolicy forbids, to or from canary pod %s", where))
		case found == fails:
			doubts = append(doubts, fmt.Sprintf("canary pod %s finds that the network or the targets do not work, or that it gets through to a fenced pod: kubectl -n %s logs %s; kubectl -n %s get pods",
				where, pod.Namespace, pod.Name, canary.TargetNamespace))
		default:
			doubts = append(doubts, fmt.Sprintf("canary pod %s is not ready: kubectl -n %s describe pod %s; kubectl -n %s get pods",
				where, pod.Namespace, pod.Name, canary.TargetNamespace))
		}
	}
	for _, component := range []string{controlCanary, fencedCanary} {
		if !seen[component] {
			doubts = append(doubts, fmt.Sprintf("node %s has no pod of DaemonSet %s/%s", node, canary.Namespace, component))
		}
	}
	return leaks, doubts, false
}

// findingOf tells a canary that found something from one that has not looked yet: its startup probe passes when a round is
// complete, and its readiness probe when that round found all well.
func findingOf(pod *corev1.Pod, now time.Time) finding {
	var ready corev1.PodCondition
	for _, c := range pod.Status.Conditions {
		if c.Type == corev1.PodReady {
			ready = c
		}
	}
	if len(pod.Status.ContainerStatuses) != 1 {
		return nothing
	}
	container := pod.Status.ContainerStatuses[0]
	if ready.Status == corev1.ConditionFalse && container.Ready {
		// No kubelet reports that pair: the node lifecycle controller writes the one, and leaves the other as it was.
		return unreached
	}
	if container.State.Running == nil || container.Started == nil || !*container.Started {
		return nothing
	}
	since := container.State.Running.StartedAt.Time
	if ready.LastTransitionTime.After(since) {
		since = ready.LastTransitionTime.Time
	}
	settled := now.Sub(since) >= settle
	switch {
	case ready.Status == corev1.ConditionTrue && settled:
		return holds
	case ready.Status == corev1.ConditionTrue:
		return fresh
	case ready.Status == corev1.ConditionFalse && settled:
		return fails
	}
	return nothing
}

// few joins problems to one text of a bounded length: a cluster may have a thousand nodes.
func few(problems []string) string {
	text := strings.Join(problems[:min(len(problems), maxProblems)], "; ")
	if more := len(problems) - maxProblems; more > 0 {
		text += fmt.Sprintf("; and %d more", more)
	}
	return text
}
