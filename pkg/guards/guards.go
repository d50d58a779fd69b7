// Package guards tells what keeps a sandbox apart from the rest of the cluster, as it must be: the labels of its namespace, policies
// and quotas. Who makes them, and who looks whether they are there, ask the same.
package guards

import (
	"slices"

	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	"k8s.io/apimachinery/pkg/api/equality"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/kymaros/kymaros/pkg/apis/restore/v1alpha1"
	"github.com/kymaros/kymaros/pkg/names"
)

// Names of the guards in every sandbox.
const (
	DenyAll      = "kymaros-deny-all"
	AllowGroup   = "kymaros-allow-group"
	QuotaName    = "kymaros-quota"
	PriorityName = "kymaros-priority"
	LimitsName   = "kymaros-limits"
)

// Meta returns the metadata of a guard.
func Meta(rt *v1alpha1.RestoreTest, sandbox v1alpha1.SandboxNamespace, name string) metav1.ObjectMeta {
	return metav1.ObjectMeta{
		Namespace:   sandbox.Name,
		Name:        name,
		Labels:      names.Labels(rt, sandbox.Name),
		Annotations: names.Annotations(rt),
	}
}

// SamePolicy tells whether a policy is as it must be, and outlives the pods.
func SamePolicy(have, want *networkingv1.NetworkPolicy) bool {
	return equality.Semantic.DeepEqual(have.Spec, want.Spec) && slices.Contains(have.Finalizers, v1alpha1.Finalizer)
}

// Enforced tells whether a quota is in force: admission reads status.hard, which the quota controller fills a moment after spec.hard.
func Enforced(q *corev1.ResourceQuota) bool { return len(q.Status.Hard) >= len(q.Spec.Hard) }

// Attested tells whether who looks has said that a namespace has its guards.
func Attested(ns *corev1.Namespace) bool {
	run, ok := ns.Labels[v1alpha1.LabelGuarded]
	return ok && run == ns.Labels[v1alpha1.LabelRun]
}
