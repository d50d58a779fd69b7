package healthcheck

import (
	corev1 "k8s.io/api/core/v1"
)

// lost returns the name of the node of a pod that was ready, if the cluster has lost sight of that node; else it is empty. The node
// lifecycle controller takes the readiness of such a pod, gives no reason, and leaves its containers as they were; a kubelet that does
// so always gives one. After some five minutes the pod is deleted, and gaveWay tells of it.
func lost(pod *corev1.Pod) string {
	taken, running := false, false
	for _, c := range pod.Status.Conditions {
		switch c.Type { //nolint:exhaustive // the others tell nothing of it
		case corev1.PodReady:
			taken = c.Status == corev1.ConditionFalse && c.Reason == ""
		case corev1.ContainersReady:
			running = c.Status == corev1.ConditionTrue
		}
	}
	if taken && running {
		return pod.Spec.NodeName
	}
	return ""
}
