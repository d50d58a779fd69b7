package sandbox

import (
	"cmp"
	"slices"
	"strings"

	velerov1 "github.com/vmware-tanzu/velero/pkg/apis/velero/v1"
	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/intstr"

	"github.com/kymaros/kymaros/pkg/apis/restore/v1alpha1"
	"github.com/kymaros/kymaros/pkg/names"
)

// Names of the guards in every sandbox.
const (
	denyAll      = "kymaros-deny-all"
	allowGroup   = "kymaros-allow-group"
	quotaName    = "kymaros-quota"
	priorityName = "kymaros-priority"
	limitsName   = "kymaros-limits"
)

// Our DNS, as the manifests have it. Policies see the port of the pod, not that of the Service.
const dnsPort = 5353

var dnsLabels = map[string]string{"app.kubernetes.io/name": "kymaros", "app.kubernetes.io/component": "dns"}

// planned returns the sandboxes of rt's run, in the order of its sources, with the quotas that were found for them.
func planned(rt *v1alpha1.RestoreTest) []v1alpha1.SandboxNamespace {
	run := rt.Status.Run
	known := map[string]v1alpha1.SandboxNamespace{}
	if own := rt.Status.Sandbox; own != nil && own.RunID == run.ID {
		for _, sandbox := range own.Namespaces {
			known[sandbox.Source] = sandbox
		}
	}
	var all []v1alpha1.SandboxNamespace
	for _, source := range run.Spec.BackupSource.Namespaces {
		name := source.SandboxName
		if name == "" {
			name = names.Sandbox(run.Spec.Sandbox.NamespacePrefix, rt.Name, run.ID, source.Name)
		}
		was := known[source.Name]
		all = append(all, v1alpha1.SandboxNamespace{Source: source.Name, Name: name, UID: was.UID, Quota: was.Quota, Limits: was.Limits})
	}
	return all
}

func namespace(rt *v1alpha1.RestoreTest, sandbox v1alpha1.SandboxNamespace) *corev1.Namespace {
	level := rt.Status.Run.Spec.Sandbox.PodSecurity
	if level == "" {
		level = v1alpha1.PodSecurityBaseline
	}
	ns := &corev1.Namespace{ObjectMeta: meta(rt, sandbox, sandbox.Name)}
	ns.Namespace = ""
	ns.Finalizers = []string{v1alpha1.Finalizer}
	ns.Annotations[v1alpha1.AnnotationSource] = sandbox.Source
	if registries := imageRegistries(rt.Status.Run.Spec.Restore); registries != "" {
		ns.Annotations[v1alpha1.AnnotationImageRegistries] = registries
	}
	ns.Labels[velerov1.ExcludeFromBackupLabel] = "true"
	ns.Labels["pod-security.kubernetes.io/enforce"] = string(level)
	ns.Labels["pod-security.kubernetes.io/enforce-version"] = "latest"
	return ns
}

// imageRegistries is what the policy of manifests/mappings reads: the first that fits an image counts there.
func imageRegistries(scope *v1alpha1.RestoreScope) string {
	if scope == nil || scope.Mappings == nil {
		return ""
	}
	all := slices.SortedFunc(slices.Values(scope.Mappings.ImageRegistries), func(a, b v1alpha1.ImageRegistryMapping) int {
		return cmp.Or(cmp.Compare(len(b.From), len(a.From)), cmp.Compare(a.From, b.From))
	})
	var pairs []string
	for _, m := range all {
		pairs = append(pairs, string(m.From)+"="+string(m.To))
	}
	return strings.Join(pairs, ",")
}

// networkPolicies returns the policies of a sandbox. The first one, in every mode, selects all pods and allows nothing.
// system is the namespace of our DNS. The cluster's own stays out of reach: it tells addresses of production, and carries
// to the world whatever is asked.
func networkPolicies(rt *v1alpha1.RestoreTest, sandbox v1alpha1.SandboxNamespace, system string) []*networkingv1.NetworkPolicy {
	both := []networkingv1.PolicyType{networkingv1.PolicyTypeIngress, networkingv1.PolicyTypeEgress}
	policies := []*networkingv1.NetworkPolicy{{
		ObjectMeta: held(meta(rt, sandbox, denyAll)),
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
		ObjectMeta: held(meta(rt, sandbox, allowGroup)),
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

// quota returns the ResourceQuota of a sandbox. The counts forbid what must not exist in it, whoever creates it: Velero, a
// restored operator or a person. They are the guard that holds when a resource modifier has failed.
func quota(rt *v1alpha1.RestoreTest, sandbox v1alpha1.SandboxNamespace) *corev1.ResourceQuota {
	hard := corev1.ResourceList{
		corev1.ResourceServicesLoadBalancers:      resource.MustParse("0"),                                                                 // would get a real address outside
		corev1.ResourceServicesNodePorts:          resource.MustParse("0"),                                                                 // would be reachable from outside
		"count/ingresses.networking.k8s.io":       resource.MustParse("0"),                                                                 // would take production's host names
		"count/jobs.batch":                        resource.MustParse("0"),                                                                 // would run again: mails, payments
		"count/networkpolicies.networking.k8s.io": *resource.NewQuantity(int64(len(networkPolicies(rt, sandbox, ""))), resource.DecimalSI), // are additive: one more would open the sandbox
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
	return &corev1.ResourceQuota{ObjectMeta: meta(rt, sandbox, quotaName), Spec: corev1.ResourceQuotaSpec{Hard: hard}}
}

// priorityQuota returns the ResourceQuota that refuses pods of any priority class but ours. Velero's pods get ours, but
// what controllers make from a restored template has production's class, and could push production off its nodes.
// NotIn alone would hold for pods without a class too.
func priorityQuota(rt *v1alpha1.RestoreTest, sandbox v1alpha1.SandboxNamespace) *corev1.ResourceQuota {
	return &corev1.ResourceQuota{ObjectMeta: meta(rt, sandbox, priorityName), Spec: corev1.ResourceQuotaSpec{
		Hard: corev1.ResourceList{corev1.ResourcePods: resource.MustParse("0")},
		ScopeSelector: &corev1.ScopeSelector{MatchExpressions: []corev1.ScopedResourceSelectorRequirement{
			{ScopeName: corev1.ResourceQuotaScopePriorityClass, Operator: corev1.ScopeSelectorOpExists},
			{ScopeName: corev1.ResourceQuotaScopePriorityClass, Operator: corev1.ScopeSelectorOpNotIn, Values: []string{names.PriorityClass}},
		}},
	}}
}

func meta(rt *v1alpha1.RestoreTest, sandbox v1alpha1.SandboxNamespace, name string) metav1.ObjectMeta {
	return metav1.ObjectMeta{
		Namespace:   sandbox.Name,
		Name:        name,
		Labels:      names.Labels(rt, sandbox.Name),
		Annotations: names.Annotations(rt),
	}
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
