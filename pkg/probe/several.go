package probe

import (
	"slices"
	"strings"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// several says of pods that one selector matches that they belong to several workloads: whoever wrote it may have meant one.
// Empty if they do not. Pods without an owner count as one.
func several(pods []corev1.Pod) string {
	var workloads []string
	for i := range pods {
		name := "bare pods"
		if owner := metav1.GetControllerOf(&pods[i]); owner != nil {
			// Of a Deployment's ReplicaSet the name is the Deployment's and the hash.
			name = strings.TrimSuffix(owner.Name, "-"+pods[i].Labels[appsv1.DefaultDeploymentUniqueLabelKey])
		}
		if pods[i].DeletionTimestamp == nil {
			workloads = append(workloads, name)
		}
	}
	slices.Sort(workloads)
	if workloads = slices.Compact(workloads); len(workloads) < 2 {
		return ""
	}
	return "; the selector matches pods of several workloads: " + strings.Join(workloads, ", ")
}
