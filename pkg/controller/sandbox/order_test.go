package sandbox

import (
	"slices"
	"testing"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/client-go/informers"
	"k8s.io/client-go/kubernetes/fake"
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
		"no policy while the quota is not enforced": {quota(rt, box), []string{"limitranges", "resourcequotas"}},
		"then the policies": {func() *corev1.ResourceQuota {
			q := quota(rt, box)
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
