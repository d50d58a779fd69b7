package guide

import (
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/kymaros/kymaros/pkg/canary"
)

// services are the addresses of the Services that canaries dial, one in each IP family that the Service has.
type services struct{ targets, fenced, fencedLocal []string }

// addresses returns where all is that canaries dial, see family.
func addresses(s services, pods []*corev1.Pod) canary.Addresses {
	a := family(0, s, pods)
	if second := family(1, s, pods); len(second.Pods) > 0 {
		a.Second = &second
	}
	return a
}

// family returns where the targets are in an IP family of the cluster that can be dialled, which are those that are ready and not about
// to go, and the Services.
func family(i int, s services, pods []*corev1.Pod) canary.Addresses {
	a := canary.Addresses{Service: at(i, s.targets), Pods: map[string]string{}, Fenced: at(i, s.fenced), FencedLocal: at(i, s.fencedLocal)}
	// The order of a cache changes from call to call.
	for _, pod := range slices.SortedFunc(slices.Values(pods), func(a, b *corev1.Pod) int { return strings.Compare(a.Name, b.Name) }) {
		if pod.DeletionTimestamp == nil && pod.Spec.NodeName != "" && i < len(pod.Status.PodIPs) && ready(pod) {
			a.Pods[pod.Spec.NodeName] = pod.Status.PodIPs[i].IP
		}
	}
	return a
}

// at returns the address in an IP family, or nothing.
func at(i int, all []string) string {
	if i < len(all) {
		return all[i]
	}
	return ""
}

func ready(pod *corev1.Pod) bool {
	return slices.ContainsFunc(pod.Status.Conditions, func(c corev1.PodCondition) bool {
		return c.Type == corev1.PodReady && c.Status == corev1.ConditionTrue
	})
}

// trim drops all of a pod that is not asked for.
func trim(obj any) (any, error) {
	pod, ok := obj.(*corev1.Pod)
	if !ok {
		return obj, nil
	}
	return &corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{
			Namespace: pod.Namespace, Name: pod.Name, UID: pod.UID, ResourceVersion: pod.ResourceVersion, DeletionTimestamp: pod.DeletionTimestamp,
		},
		Spec:   corev1.PodSpec{NodeName: pod.Spec.NodeName},
		Status: corev1.PodStatus{PodIPs: pod.Status.PodIPs, Conditions: pod.Status.Conditions},
	}, nil
}
