package guide

import (
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/kymaros/kymaros/pkg/canary"
)

// addresses returns where the targets are that can be dialled: those that are ready and not about to go.
func addresses(service string, pods []*corev1.Pod) canary.Addresses {
	a := canary.Addresses{Service: service, Pods: map[string]string{}}
	// The order of a cache changes from call to call.
	for _, pod := range slices.SortedFunc(slices.Values(pods), func(a, b *corev1.Pod) int { return strings.Compare(a.Name, b.Name) }) {
		if pod.DeletionTimestamp == nil && pod.Spec.NodeName != "" && pod.Status.PodIP != "" && ready(pod) {
			a.Pods[pod.Spec.NodeName] = pod.Status.PodIP
		}
	}
	return a
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
		Status: corev1.PodStatus{PodIP: pod.Status.PodIP, Conditions: pod.Status.Conditions},
	}, nil
}
