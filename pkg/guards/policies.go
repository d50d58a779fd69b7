package guards

import (
	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/intstr"

	"github.com/kymaros/kymaros/pkg/apis/restore/v1alpha1"
)

// Our DNS, as the manifests have it. Policies see the port of the pod, not that of the Service.
const dnsPort = 5353

var dnsLabels = map[string]string{"app.kubernetes.io/name": "kymaros", "app.kubernetes.io/component": "dns"}

// NetworkPolicies returns the policies of a sandbox. The first one, in every mode, selects all pods and allows nothing.
// system is the namespace of our DNS. The cluster's own stays out of reach: it tells addresses of production, and carries
// to the world whatever is asked.
func NetworkPolicies(rt *v1alpha1.RestoreTest, sandbox v1alpha1.SandboxNamespace, system string) []*networkingv1.NetworkPolicy {
	both := []networkingv1.PolicyType{networkingv1.PolicyTypeIngress, networkingv1.PolicyTypeEgress}
	policies := []*networkingv1.NetworkPolicy{{
		ObjectMeta: held(Meta(rt, sandbox, DenyAll)),
		Spec:       networkingv1.NetworkPolicySpec{PolicyTypes: both},
	}}
	if rt.Status.Run.Spec.Sandbox.NetworkIsolation != v1alpha1.IsolationGroup {
		return policies
	}
	group := []networkingv1.NetworkPolicyPeer{{NamespaceSelector: &metav1.LabelSelector{
		MatchLabels: map[string]string{v1alpha1.LabelGroup: rt.Status.Run.ID},
	}}}
	dns := []networkingv1.NetworkPolicyPeer{{
		NamespaceSelector: &metav1.LabelSelector{MatchLabels: map[string]string{corev1.LabelMetadataName: system}},
		PodSelector:       &metav1.LabelSelector{MatchLabels: dnsLabels},
	}}
	return append(policies, &networkingv1.NetworkPolicy{
		ObjectMeta: held(Meta(rt, sandbox, AllowGroup)),
		Spec: networkingv1.NetworkPolicySpec{
			PolicyTypes: both,
			Ingress:     []networkingv1.NetworkPolicyIngressRule{{From: group}},
			Egress: []networkingv1.NetworkPolicyEgressRule{
				{To: group},
				{To: dns, Ports: []networkingv1.NetworkPolicyPort{port(corev1.ProtocolUDP, dnsPort), port(corev1.ProtocolTCP, dnsPort)}},
			},
		},
	})
}

// held puts our finalizer on a policy: it then outlives the pods at teardown, whatever order the cluster deletes in.
func held(m metav1.ObjectMeta) metav1.ObjectMeta {
	m.Finalizers = []string{v1alpha1.Finalizer}
	return m
}

func port(protocol corev1.Protocol, number int32) networkingv1.NetworkPolicyPort {
	n := intstr.FromInt32(number)
	return networkingv1.NetworkPolicyPort{Protocol: &protocol, Port: &n}
}
