package sandbox

import (
	"slices"
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/informers"
	"k8s.io/client-go/kubernetes/fake"
	"k8s.io/client-go/tools/cache"

	"github.com/kymaros/kymaros/pkg/apis/restore/v1alpha1"
	"github.com/kymaros/kymaros/pkg/guards"
)

// The quota controller counts from a cache: policies that are there before the quota may be missed, and the quota then has
// room for one that is not ours.
func TestPoliciesAreMadeWhenTheQuotaCounts(t *testing.T) {
	rt := test(group)
	for name, c := range map[string]struct {
		quota *corev1.ResourceQuota
		want  []string
	}{
		"first the limits and the quota":            {nil, []string{"limitranges", "resourcequotas", "resourcequotas"}},
		"no policy while the quota is not enforced": {guards.Quota(rt, box), []string{"limitranges", "resourcequotas"}},
		"then the policies": {func() *corev1.ResourceQuota {
			q := guards.Quota(rt, box)
			q.Status.Hard = q.Spec.Hard
			return q
		}(), []string{"limitranges", "networkpolicies", "networkpolicies", "resourcequotas"}},
	} {
		t.Run(name, func(t *testing.T) {
			kube := fake.NewClientset()
			labelled := informers.NewSharedInformerFactory(kube, 0)
			controller := Controller{
				kube:     kube,
				policies: labelled.Networking().V1().NetworkPolicies().Lister(),
				quotas:   labelled.Core().V1().ResourceQuotas().Lister(),
			}
			if c.quota != nil {
				if err := labelled.Core().V1().ResourceQuotas().Informer().GetStore().Add(c.quota); err != nil {
					t.Fatal(err)
				}
			}
			var s seen
			box := box
			if err := controller.ensureGuards(t.Context(), rt, &box, false, &s); err != nil {
				t.Fatal(err)
			}
			var made []string
			for _, action := range kube.Actions() {
				if action.GetVerb() == "create" {
					made = append(made, action.GetResource().Resource)
				}
			}
			slices.Sort(made[1:]) // those are made at once
			if !slices.Equal(made, c.want) {
				t.Errorf("made %v, want %v", made, c.want)
			}
			if !slices.Contains(s.quota, "ResourceQuota sbx/kymaros-priority") {
				t.Errorf("the sandbox would be ready although a quota is not enforced: %v", s.quota)
			}
			if len(s.missing) == 0 {
				t.Error("the sandbox would be ready although policies are missing")
			}
		})
	}
}

// Our finalizer keeps what is deleted, so to wait until it can be made anew would be to wait until the deadline, and to keep the line.
func TestASandboxThatIsDeletedWhileItIsMadeIsLost(t *testing.T) {
	rt := test(group)
	for name, c := range map[string]struct {
		namespace, policy bool // that is being deleted
		want              string
	}{
		"nothing is deleted":       {false, false, ""},
		"its namespace goes":       {true, false, "Namespace sbx was deleted by somebody while the sandbox was being made"},
		"one of its policies goes": {false, true, "NetworkPolicy sbx/kymaros-deny-all was deleted by somebody while the sandbox was being made"},
	} {
		t.Run(name, func(t *testing.T) {
			kube := fake.NewClientset()
			labelled := informers.NewSharedInformerFactory(kube, 0)
			controller := Controller{
				kube:       kube,
				namespaces: labelled.Core().V1().Namespaces().Lister(),
				policies:   labelled.Networking().V1().NetworkPolicies().Lister(),
				quotas:     labelled.Core().V1().ResourceQuotas().Lister(),
			}
			now := metav1.Now()
			ns, policy, counts := guards.Namespace(rt, box), guards.NetworkPolicies(rt, box, "kymaros-system")[0], guards.Quota(rt, box)
			counts.Status.Hard = counts.Spec.Hard
			if c.namespace {
				ns.DeletionTimestamp = &now
			}
			if c.policy {
				policy.DeletionTimestamp = &now
			}
			for informer, object := range map[cache.SharedIndexInformer]any{
				labelled.Core().V1().Namespaces().Informer(): ns, labelled.Networking().V1().NetworkPolicies().Informer(): policy,
				labelled.Core().V1().ResourceQuotas().Informer(): counts,
			} {
				if err := informer.GetStore().Add(object); err != nil {
					t.Fatal(err)
				}
			}
			rt.Status.Run.Spec.BackupSource.Namespaces = []v1alpha1.SourceNamespace{{Name: box.Source, SandboxName: box.Name}}
			s, err := controller.ensure(t.Context(), rt, false)
			if err != nil {
				t.Fatal(err)
			}
			got := ""
			if s.verdict != nil {
				got = s.verdict.message
				if s.verdict.reason != v1alpha1.ReasonSandboxLost {
					t.Errorf("reason %s", s.verdict.reason)
				}
			}
			if got != c.want {
				t.Errorf("verdict %q, want %q", got, c.want)
			}
		})
	}
}
