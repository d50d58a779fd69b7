package attest

import (
	"fmt"
	"slices"

	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	"k8s.io/apimachinery/pkg/api/equality"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/kymaros/kymaros/pkg/apis/restore/v1alpha1"
	"github.com/kymaros/kymaros/pkg/conditions"
	"github.com/kymaros/kymaros/pkg/guards"
	"github.com/kymaros/kymaros/pkg/isolation"
	"github.com/kymaros/kymaros/pkg/names"
)

// seen is a sandbox as the API server has it at this moment.
type seen struct {
	namespace *corev1.Namespace
	policies  map[string]*networkingv1.NetworkPolicy // by name; what is not there is not in it
	quotas    map[string]*corev1.ResourceQuota
	proof     isolation.Proof
}

// asks tells whether the sandboxes of rt's run wait to be looked at. Those of a run that an earlier version has begun are ready, and
// wait all the same.
func asks(rt *v1alpha1.RestoreTest) bool {
	ready := conditions.ForRun(rt, v1alpha1.ConditionSandboxReady)
	return conditions.Active(rt) && ready != nil && rt.Status.Sandbox != nil && !rt.Status.Sandbox.Guarded &&
		(ready.Reason == v1alpha1.ReasonWaitingForAttestation || ready.Status == metav1.ConditionTrue)
}

// lacks says what keeps a sandbox of rt's run from being one that data may be restored into; "": nothing. want is the sandbox as who
// made it says that it is; system is the namespace of our DNS.
func lacks(rt *v1alpha1.RestoreTest, want v1alpha1.SandboxNamespace, system string, proofRequired bool, s seen) string {
	ns := s.namespace
	must := guards.Namespace(rt, want)
	switch {
	case ns == nil || ns.UID != want.UID:
		return fmt.Sprintf("namespace %s is not there, or another of that name", want.Name)
	case ns.DeletionTimestamp != nil:
		return fmt.Sprintf("namespace %s is being deleted", want.Name)
	// Of the spec, and not of its copy in the status: who may write the status of a test need not be who says what is restored.
	case !slices.ContainsFunc(rt.Spec.BackupSource.Namespaces, func(n v1alpha1.SourceNamespace) bool { return n.Name == want.Source }):
		return fmt.Sprintf("the test does not name %s, which namespace %s is for", want.Source, want.Name)
	case ns.Annotations[v1alpha1.AnnotationSource] != want.Source,
		ns.Annotations[v1alpha1.AnnotationRestoreTest] != must.Annotations[v1alpha1.AnnotationRestoreTest],
		len(names.Lost(ns.Labels, must.Labels)) > 0, !slices.Contains(ns.Finalizers, v1alpha1.Finalizer):
		return fmt.Sprintf("namespace %s is not marked as the sandbox of this run", want.Name)
	}
	for _, policy := range guards.NetworkPolicies(rt, want, system) {
		have, ok := s.policies[policy.Name]
		if !ok || have.DeletionTimestamp != nil || !guards.SamePolicy(have, policy) {
			return fmt.Sprintf("NetworkPolicy %s/%s is not as it must be", want.Name, policy.Name)
		}
	}
	for _, quota := range guards.Quotas(rt, want) {
		have, ok := s.quotas[quota.Name]
		if !ok || have.DeletionTimestamp != nil || !equality.Semantic.DeepEqual(have.Spec, quota.Spec) || !guards.Enforced(have) {
			return fmt.Sprintf("ResourceQuota %s/%s is not as it must be, or not in force", want.Name, quota.Name)
		}
	}
	if proofRequired && s.proof.State != v1alpha1.IsolationProven {
		return "isolation is not proven: " + s.proof.Message
	}
	return ""
}
