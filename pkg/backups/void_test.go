package backups

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	velerov1 "github.com/vmware-tanzu/velero/pkg/apis/velero/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/kymaros/kymaros/pkg/apis/restore/v1alpha1"
)

func TestOfWhichNamespacesABackupHoldsNothing(t *testing.T) {
	source := v1alpha1.BackupSource{Namespaces: []v1alpha1.SourceNamespace{{Name: "shop"}}}
	deployment, secret := schema.GroupKind{Group: "apps", Kind: "Deployment"}, schema.GroupKind{Kind: "Secret"}
	for name, c := range map[string]struct {
		holds map[schema.GroupKind][]string
		void  []string
	}{
		"a workload":                           {map[schema.GroupKind][]string{deployment: {"shop/web"}}, nil},
		"a Secret":                             {map[schema.GroupKind][]string{secret: {"shop/password"}}, nil},
		"what is in another namespace":         {map[schema.GroupKind][]string{deployment: {"shop-2/web", "other/shop"}}, []string{"shop"}},
		"the namespace alone":                  {map[schema.GroupKind][]string{{Kind: "Namespace"}: {"shop"}}, []string{"shop"}},
		"what every namespace has":             {map[schema.GroupKind][]string{{Kind: "ConfigMap"}: {"shop/kube-root-ca.crt"}, {Kind: "ServiceAccount"}: {"shop/default", "shop/builder"}, secret: {"shop/default-token-x2x4z"}}, []string{"shop"}},
		"what is never restored":               {map[schema.GroupKind][]string{{Group: "batch", Kind: "Job"}: {"shop/import"}, {Kind: "Event"}: {"shop/web.1"}}, []string{"shop"}},
		"a ServiceAccount that somebody named": {map[schema.GroupKind][]string{{Kind: "ServiceAccount"}: {"shop/default", "shop/web"}}, nil},
		"nothing":                              {nil, []string{"shop"}},
	} {
		t.Run(name, func(t *testing.T) {
			if diff := cmp.Diff(c.void, Void(c.holds, source)); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// https://github.com/velero-io/velero/issues/9566: Completed, and nothing of the namespace is in it.
func TestABackupThatHoldsNothingOfANamespaceIsPassedOver(t *testing.T) {
	old, night := backup("old", completed, 2*day), backup("night", completed, day)
	void := func(b *velerov1.Backup, of ...string) map[ID][]string {
		return map[ID][]string{IDOf(b.Name, b.Status.StartTimestamp): of}
	}
	for name, r := range map[string]row{
		"for an older one that does": {
			backups: []*velerov1.Backup{old, night}, known: Known{Void: void(night, "shop")}, chosen: "old", failed: 1,
			newer: []string{"night: Completed, begun 2026-03-09T12:00:00Z: it holds nothing of namespace shop, by the list of what is in it"},
		},
		"even for one that is only partly there": {
			backups: []*velerov1.Backup{backup("old", partial, 2*day), night}, known: Known{Void: void(night, "shop", "db")}, chosen: "old", failed: 1,
			newer: []string{"it holds nothing of namespace shop, db"},
		},
		"not if it holds something of each": {backups: []*velerov1.Backup{old, night}, known: Known{Void: void(night)}, chosen: "night"},
		"not for one that holds as little": {
			backups: []*velerov1.Backup{old, night}, known: Known{Void: map[ID][]string{
				IDOf("night", night.Status.StartTimestamp): {"shop"}, IDOf("old", old.Status.StartTimestamp): {"db"}}},
			chosen: "night", leavesOut: []string{"everything of namespace shop"},
		},
		"nor if the test names it": {
			backups: []*velerov1.Backup{old, night}, want: named("night"), known: Known{Void: void(night, "shop")}, chosen: "night", leavesOut: []string{"everything of namespace shop"},
		},
	} {
		t.Run(name, func(t *testing.T) { r.check(t) })
	}
	if (Known{Void: void(night)}).Listed(old) || !(Known{Void: void(night)}).Listed(night) || (Known{Void: void(night)}).Listed(backup("night", completed, time.Hour)) {
		t.Error("whose list is known is told apart by name and beginning")
	}
}
