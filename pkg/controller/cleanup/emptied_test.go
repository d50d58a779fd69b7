package cleanup

import (
	"testing"

	corev1 "k8s.io/api/core/v1"
)

// TestTheGuardsGoWhenTheClusterSaysThatNoPodIsLeft has the words of Kubernetes 1.36; those of before are the same.
func TestTheGuardsGoWhenTheClusterSaysThatNoPodIsLeft(t *testing.T) {
	const policies, pods = "networkpolicies.networking.k8s.io has 1 resource instances", "pods. has 2 resource instances"
	remaining := func(status corev1.ConditionStatus, message string) corev1.NamespaceCondition {
		return corev1.NamespaceCondition{Type: corev1.NamespaceContentRemaining, Status: status, Message: message}
	}
	for name, c := range map[string]struct {
		conditions []corev1.NamespaceCondition
		want       bool
	}{
		"a namespace that nobody empties yet": {nil, false},
		"one of which only policies are left": {[]corev1.NamespaceCondition{remaining(corev1.ConditionTrue, "Some resources are remaining: "+policies)}, true},
		"one with claims, too":                {[]corev1.NamespaceCondition{remaining(corev1.ConditionTrue, "Some resources are remaining: "+policies+", persistentvolumeclaims. has 1 resource instances")}, true},
		"one with pods, too":                  {[]corev1.NamespaceCondition{remaining(corev1.ConditionTrue, "Some resources are remaining: "+policies+", "+pods)}, false},
		"one of which only pods are told":     {[]corev1.NamespaceCondition{remaining(corev1.ConditionTrue, "Some resources are remaining: "+pods)}, false},
		// Kubernetes writes this while it waits for pods, before it looks at anything else.
		"one that waits for its pods": {[]corev1.NamespaceCondition{remaining(corev1.ConditionFalse, "All content successfully removed")}, false},
		"another condition with such a message": {[]corev1.NamespaceCondition{
			{Type: corev1.NamespaceFinalizersRemaining, Status: corev1.ConditionTrue, Message: policies},
		}, false},
	} {
		if got := emptied(&corev1.Namespace{Status: corev1.NamespaceStatus{Conditions: c.conditions}}); got != c.want {
			t.Errorf("%s: %v, want %v", name, got, c.want)
		}
	}
}
