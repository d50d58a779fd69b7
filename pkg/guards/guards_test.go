package guards

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/kymaros/kymaros/pkg/apis/restore/v1alpha1"
)

func test(edits ...func(*v1alpha1.RestoreTest)) *v1alpha1.RestoreTest {
	rt := &v1alpha1.RestoreTest{
		ObjectMeta: metav1.ObjectMeta{Namespace: "team", Name: "shop"},
		Status:     v1alpha1.RestoreTestStatus{Run: &v1alpha1.RunStatus{ID: "run", StartTime: metav1.Now(), Spec: v1alpha1.RestoreTestSpec{}}},
	}
	for _, e := range edits {
		e(rt)
	}
	return rt
}

func group(rt *v1alpha1.RestoreTest) {
	rt.Status.Run.Spec.Sandbox.NetworkIsolation = v1alpha1.IsolationGroup
}

var box = v1alpha1.SandboxNamespace{Source: "shop", Name: "sbx"}

func TestEveryModeDeniesFirst(t *testing.T) {
	for mode, rt := range map[string]*v1alpha1.RestoreTest{"strict": test(), "group": test(group)} {
		policies := NetworkPolicies(rt, box, "kymaros-system")
		deny := policies[0]
		if deny.Name != "kymaros-deny-all" || len(deny.Spec.PodSelector.MatchLabels)+len(deny.Spec.PodSelector.MatchExpressions) > 0 ||
			len(deny.Spec.PolicyTypes) != 2 || len(deny.Spec.Ingress)+len(deny.Spec.Egress) > 0 {
			t.Errorf("%s: the first policy does not deny everything: %+v", mode, deny.Spec)
		}
		for _, p := range policies {
			if len(p.Finalizers) != 1 || p.Finalizers[0] != v1alpha1.Finalizer {
				t.Errorf("%s: policy %s goes before the pods", mode, p.Name)
			}
		}
		count := Quota(rt, box).Spec.Hard["count/networkpolicies.networking.k8s.io"]
		if count.Value() != int64(len(policies)) {
			t.Errorf("%s: the quota allows %v policies, ours are %d", mode, count.Value(), len(policies))
		}
	}
	if n := len(NetworkPolicies(test(), box, "kymaros-system")); n != 1 {
		t.Errorf("strict has %d policies: a second one can only open something", n)
	}
}

func TestGroupOpensNothingButTheGroupAndOurDNS(t *testing.T) {
	allow := NetworkPolicies(test(group), box, "kymaros-system")[1]
	peers := func(peers []networkingv1.NetworkPolicyPeer) {
		for _, p := range peers {
			run := p.NamespaceSelector != nil && p.NamespaceSelector.MatchLabels[v1alpha1.LabelGroup] == "run" && p.IPBlock == nil
			dns := p.NamespaceSelector != nil && p.NamespaceSelector.MatchLabels["kubernetes.io/metadata.name"] == "kymaros-system" &&
				p.PodSelector != nil && p.PodSelector.MatchLabels["app.kubernetes.io/name"] == "kymaros" && p.PodSelector.MatchLabels["app.kubernetes.io/component"] == "dns"
			if !run && !dns {
				t.Errorf("a peer that is neither of the run nor DNS: %+v", p)
			}
		}
	}
	for _, r := range allow.Spec.Ingress {
		if len(r.From) == 0 {
			t.Error("an ingress rule without peers lets everybody in")
		}
		peers(r.From)
	}
	for _, r := range allow.Spec.Egress {
		if len(r.To) == 0 {
			t.Error("an egress rule without peers lets everything out")
		}
		peers(r.To)
		if r.To[0].PodSelector != nil {
			for _, p := range r.Ports {
				if p.Port.IntValue() != 5353 {
					t.Errorf("DNS is open on port %v", p.Port)
				}
			}
			if len(r.Ports) != 2 {
				t.Error("DNS is not bounded to its port")
			}
		}
	}
}

func TestQuotaForbidsSideEffects(t *testing.T) {
	hard := Quota(test(), box).Spec.Hard
	for _, name := range []corev1.ResourceName{"services.loadbalancers", "services.nodeports", "count/ingresses.networking.k8s.io", "count/jobs.batch"} {
		if q, ok := hard[name]; !ok || !q.IsZero() {
			t.Errorf("%s is %v, want 0", name, q.String())
		}
	}
	if _, ok := hard[corev1.ResourceRequestsCPU]; ok {
		t.Error("a quota on CPU although the test gives none: pods without requests would be refused")
	}
	given := Quota(test(func(rt *v1alpha1.RestoreTest) {
		rt.Status.Run.Spec.Sandbox.ResourceQuota = v1alpha1.SandboxQuota{CPU: "2", Memory: "1Gi", Storage: "5Gi"}
	}), box).Spec.Hard
	for name := range given {
		if strings.HasPrefix(string(name), "limits.") {
			t.Errorf("the quota counts %s: limits above the quota are common, and no harm", name)
		}
	}
	for name, want := range map[corev1.ResourceName]string{"requests.cpu": "2", "requests.memory": "1Gi", "requests.storage": "5Gi"} {
		if q := given[name]; q.Cmp(resource.MustParse(want)) != 0 {
			t.Errorf("%s is %v, want %s", name, q.String(), want)
		}
	}
}

func TestQuotaRefusesClaimsThatWouldTakeSomebodysVolume(t *testing.T) {
	const name = "by-hand.storageclass.storage.k8s.io/persistentvolumeclaims"
	found := func(run string) func(*v1alpha1.RestoreTest) {
		return func(rt *v1alpha1.RestoreTest) {
			rt.Status.Sandbox = &v1alpha1.SandboxStatus{RunID: run, StaticClasses: []string{"by-hand"}}
		}
	}
	if q, ok := Quota(test(found("run")), box).Spec.Hard[name]; !ok || !q.IsZero() {
		t.Errorf("%s is %v, want 0", name, q.String())
	}
	if _, ok := Quota(test(found("another")), box).Spec.Hard[name]; ok {
		t.Error("what was found in another run counts")
	}
}

func TestPriorityQuotaHoldsForNamedClassesButOurs(t *testing.T) {
	got := PriorityQuota(test(), box)
	if pods := got.Spec.Hard[corev1.ResourcePods]; len(got.Spec.Hard) != 1 || !pods.IsZero() {
		t.Errorf("hard %v, want no pods", got.Spec.Hard)
	}
	want := []corev1.ScopedResourceSelectorRequirement{
		{ScopeName: "PriorityClass", Operator: "Exists"}, {ScopeName: "PriorityClass", Operator: "NotIn", Values: []string{"kymaros-sandbox"}},
	}
	if diff := cmp.Diff(want, got.Spec.ScopeSelector.MatchExpressions); diff != "" {
		t.Error(diff)
	}
}

func TestNamespaceIsMarkedAsASandbox(t *testing.T) {
	ns := Namespace(test(), box)
	for label, want := range map[string]string{
		"kymaros.io/managed-by": "kymaros", "kymaros.io/test": "shop", "kymaros.io/restoretest-namespace": "team", "kymaros.io/test-namespace": "sbx", "kymaros.io/group": "run", "kymaros.io/run": "run",
		"velero.io/exclude-from-backup": "true", "pod-security.kubernetes.io/enforce": "baseline", "pod-security.kubernetes.io/enforce-version": "latest",
	} {
		if ns.Labels[label] != want {
			t.Errorf("label %s is %q, want %q", label, ns.Labels[label], want)
		}
	}
	if ns.Annotations["kymaros.io/restoretest"] != "team/shop" || len(ns.Finalizers) != 1 {
		t.Errorf("annotations %v, finalizers %v", ns.Annotations, ns.Finalizers)
	}
}
