package isolation

import (
	"fmt"
	"net"
	"slices"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"

	"github.com/kymaros/kymaros/pkg/apis/restore/v1alpha1"
	"github.com/kymaros/kymaros/pkg/canary"
)

// bornAnew is how fenced pods get to look again.
const bornAnew = "kubectl -n " + canary.Namespace + " rollout restart daemonset " + fencedCanary

// momentOf tells what fenced pods saw when they began, on the nodes that start pods. What one of them saw is certain. That none saw
// anything says something only where isolation is proven: in a dead network nothing answers either.
func momentOf(pods []corev1.Pod, state v1alpha1.IsolationProof, now time.Time) *v1alpha1.IsolationMoment {
	var saw, doubts []string
	var longest time.Duration
	looked := 0
	for i := range pods {
		pod := &pods[i]
		if pod.Labels[componentLabel] != fencedCanary || pod.DeletionTimestamp != nil || findingOf(pod, now) == unreached {
			continue
		}
		where := fmt.Sprintf("%s/%s on node %s", pod.Namespace, pod.Name, pod.Spec.NodeName)
		switch b, doubt := birthOf(pod); {
		case b.Answers > 0:
			took := time.Duration(b.Moment) * time.Millisecond
			longest = max(longest, took)
			end := ""
			if !b.Quiet {
				end = ", and it went on"
			}
			saw = append(saw, fmt.Sprintf("canary pod %s got answers until %s after its first instruction%s", where, took, end))
		case doubt != "":
			doubts = append(doubts, fmt.Sprintf("canary pod %s %s", where, doubt))
		default:
			looked++
		}
	}
	slices.Sort(saw)
	slices.Sort(doubts)
	switch {
	case len(saw) > 0:
		return &v1alpha1.IsolationMoment{State: v1alpha1.MomentSeen, Longest: v1alpha1.Of(longest), Message: few(saw)}
	case len(doubts) > 0:
		return &v1alpha1.IsolationMoment{State: v1alpha1.MomentUnknown, Message: few(doubts)}
	case looked == 0 || state != v1alpha1.IsolationProven:
		return &v1alpha1.IsolationMoment{State: v1alpha1.MomentUnknown, Message: "isolation itself is not proven"}
	}
	return &v1alpha1.IsolationMoment{State: v1alpha1.MomentNoneSeen}
}

// birthOf returns what a fenced pod saw when it began, and why that says nothing of a new pod, if so and nothing answered.
func birthOf(pod *corev1.Pod) (canary.Birth, string) {
	i := slices.IndexFunc(pod.Status.InitContainerStatuses, func(s corev1.ContainerStatus) bool { return s.Name == canary.BirthContainer })
	if i < 0 {
		return canary.Birth{}, "did not look when it began: kubectl apply -f manifests/45-canary.yaml"
	}
	status := &pod.Status.InitContainerStatuses[i]
	if status.State.Terminated == nil {
		return canary.Birth{}, "has only begun"
	}
	b, err := canary.ParseBirth(status.State.Terminated.Message)
	switch {
	case err != nil:
		return canary.Birth{}, "does not tell what it saw when it began: " + bornAnew
	case status.RestartCount > 0:
		// Its node began anew, and the targets with it, at addresses that nobody had told it yet; or the pod was not new any more.
		return b, "began anew in its place, and may have dialled nobody: " + bornAnew
	case b.Targets == 0:
		return b, "knew no target when it began: " + bornAnew
	case !b.Quiet && b.Answers == 0:
		return b, "did not look long enough when it began: " + bornAnew
	}
	return b, ""
}

// targetOf returns the address of the Service of targets as fenced pods know it, or nothing.
func targetOf(pods []corev1.Pod) string {
	newest, address := time.Time{}, ""
	for i := range pods {
		pod := &pods[i]
		if pod.Labels[componentLabel] != fencedCanary || pod.DeletionTimestamp != nil {
			continue
		}
		b, _ := birthOf(pod)
		if created := pod.CreationTimestamp.Time; net.ParseIP(b.Service) != nil && (address == "" || created.After(newest) ||
			created.Equal(newest) && strings.Compare(b.Service, address) > 0) {
			newest, address = created, b.Service
		}
	}
	return address
}
