package guards

import (
	"cmp"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"

	"github.com/kymaros/kymaros/pkg/apis/restore/v1alpha1"
	"github.com/kymaros/kymaros/pkg/names"
)

// Quotas returns the ResourceQuotas of a sandbox.
func Quotas(rt *v1alpha1.RestoreTest, sandbox v1alpha1.SandboxNamespace) []*corev1.ResourceQuota {
	return []*corev1.ResourceQuota{Quota(rt, sandbox), PriorityQuota(rt, sandbox)}
}

// Quota returns the ResourceQuota of a sandbox. The counts forbid what must not exist in it, whoever creates it: Velero, a
// restored operator or a person. They are the guard that holds when a resource modifier has failed.
func Quota(rt *v1alpha1.RestoreTest, sandbox v1alpha1.SandboxNamespace) *corev1.ResourceQuota {
	hard := corev1.ResourceList{
		corev1.ResourceServicesLoadBalancers:      resource.MustParse("0"),                                                                 // would get a real address outside
		corev1.ResourceServicesNodePorts:          resource.MustParse("0"),                                                                 // would be reachable from outside
		"count/ingresses.networking.k8s.io":       resource.MustParse("0"),                                                                 // would take production's host names
		"count/jobs.batch":                        resource.MustParse("0"),                                                                 // would run again: mails, payments
		"count/networkpolicies.networking.k8s.io": *resource.NewQuantity(int64(len(NetworkPolicies(rt, sandbox, ""))), resource.DecimalSI), // are additive: one more would open the sandbox
	}
	// A run that an older version began has no quota in its status, and the one of its test.
	spec := rt.Status.Run.Spec.Sandbox.ResourceQuota
	set := func(name corev1.ResourceName, q v1alpha1.Quantity) {
		if parsed, err := resource.ParseQuantity(string(q)); err == nil {
			hard[name] = parsed
		}
	}
	set(corev1.ResourceRequestsCPU, cmp.Or(sandbox.Quota.CPU, spec.CPU))
	set(corev1.ResourceRequestsMemory, cmp.Or(sandbox.Quota.Memory, spec.Memory))
	set(corev1.ResourceRequestsStorage, cmp.Or(sandbox.Quota.Storage, spec.Storage))
	if own := rt.Status.Sandbox; own != nil && own.RunID == rt.Status.Run.ID {
		for _, class := range own.StaticClasses { // a claim would take a volume that waits for somebody else
			hard[corev1.ResourceName(class+".storageclass.storage.k8s.io/persistentvolumeclaims")] = resource.MustParse("0")
		}
	}
	return &corev1.ResourceQuota{ObjectMeta: Meta(rt, sandbox, QuotaName), Spec: corev1.ResourceQuotaSpec{Hard: hard}}
}

// PriorityQuota returns the ResourceQuota that refuses pods of any priority class but ours. Velero's pods get ours, but
// what controllers make from a restored template has production's class, and could push production off its nodes.
// NotIn alone would hold for pods without a class too.
func PriorityQuota(rt *v1alpha1.RestoreTest, sandbox v1alpha1.SandboxNamespace) *corev1.ResourceQuota {
	return &corev1.ResourceQuota{ObjectMeta: Meta(rt, sandbox, PriorityName), Spec: corev1.ResourceQuotaSpec{
		Hard: corev1.ResourceList{corev1.ResourcePods: resource.MustParse("0")},
		ScopeSelector: &corev1.ScopeSelector{MatchExpressions: []corev1.ScopedResourceSelectorRequirement{
			{ScopeName: corev1.ResourceQuotaScopePriorityClass, Operator: corev1.ScopeSelectorOpExists},
			{ScopeName: corev1.ResourceQuotaScopePriorityClass, Operator: corev1.ScopeSelectorOpNotIn, Values: []string{names.PriorityClass}},
		}},
	}}
}
