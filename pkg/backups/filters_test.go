package backups

import (
	"slices"
	"testing"
	"time"

	velerov1 "github.com/vmware-tanzu/velero/pkg/apis/velero/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// The reports are of users of Velero, and of others whose "latest" is chosen for them.
func TestABackupThatLeavesSomethingOutIsTheLastResort(t *testing.T) {
	nightly := backup("nightly", completed, 9*time.Hour, items(250))
	withRules := func(rules string) Known {
		return Known{Policies: map[string]Policy{"rules": ParsePolicy(map[string]string{"policy": rules})}}
	}
	for name, r := range map[string]row{
		// https://github.com/velero-io/velero/issues/4575: a backup by --selector does not bring the application back.
		"another team's by label, over namespaces by wildcard": {
			backups: []*velerov1.Backup{nightly, backup("payments", completed, time.Hour, including("*"), labelled("team=payments"))},
			chosen:  "nightly", newer: []string{"payments: Completed, begun 2026-03-10T11:00:00Z: it leaves out what its spec.labelSelector (team=payments) does not select"},
		},
		"one by either of two labels": {
			backups: []*velerov1.Backup{nightly, backup("two", completed, time.Hour, spec(func(s *velerov1.BackupSpec) {
				s.OrLabelSelectors = []*metav1.LabelSelector{parse("app=a"), parse("app=b")}
			}))},
			chosen: "nightly", newer: []string{"spec.orLabelSelectors (app=a or app=b)"},
		},
		"one by label before none at all, and it is said": {
			backups: []*velerov1.Backup{backup("payments", completed, time.Hour, labelled("team=payments"))},
			chosen:  "payments", leavesOut: []string{"what its spec.labelSelector (team=payments) does not select"},
		},
		"one by label that the test names": {
			backups: []*velerov1.Backup{nightly, backup("payments", completed, time.Hour, labelled("team=payments"))}, want: named("payments"),
			chosen: "payments", leavesOut: []string{"team=payments"},
		},
		"one by the label that the test selects by, too": {
			backups: []*velerov1.Backup{nightly, backup("payments", completed, time.Hour, labelled("team in (payments,crm)"))},
			want:    func(w *Wanted) { w.Source.LabelSelector = map[string]string{"team": "payments", "tier": "db"} }, chosen: "payments",
		},
		"one by a label that what the test selects cannot have": {
			backups: []*velerov1.Backup{backup("payments", completed, time.Hour, labelled("team=payments"))},
			want:    func(w *Wanted) { w.Source.LabelSelector = map[string]string{"team": "crm"} },
			err: []string{
				"backup payments selects by its spec.labelSelector (team=payments) nothing of what spec.backupSource.labelSelector selects", "name another backup",
			},
		},
		"one that leaves out what is marked to be left out has everything": {
			backups: []*velerov1.Backup{nightly, backup("hourly", completed, time.Hour, labelled("backup notin (no),!scratch"))}, chosen: "hourly",
		},
		// https://github.com/k8up-io/k8up/issues/1062 and 867: the latest does not hold what is to be restored.
		"one of configuration only, each hour": {
			backups: []*velerov1.Backup{
				nightly, backup("config-10", completed, 2*time.Hour, kinds("secrets", "cm")), backup("config-11", completed, time.Hour, kinds("secrets", "cm")),
			},
			chosen: "nightly", newer: []string{"config-11: Completed", "config-10: Completed, begun 2026-03-10T10:00:00Z: it leaves out deployments.apps, persistentvolumeclaims, serviceaccounts, services, statefulsets.apps (spec.includedResources)"},
		},
		"the one that leaves out least, where all leave out something": {
			backups: []*velerov1.Backup{backup("config", completed, time.Hour, kinds("secrets", "configmaps")), backup("nightly", completed, 9*time.Hour, noKinds("Secrets"))},
			chosen:  "nightly", leavesOut: []string{"secrets (spec.excludedResources)"}, newer: []string{"config: Completed"},
		},
		"one that leaves out what the test leaves out": {
			backups: []*velerov1.Backup{nightly, backup("hourly", completed, time.Hour, noKinds("secrets"))},
			want: func(w *Wanted) {
				w.Resources = slices.DeleteFunc(w.Resources, func(r string) bool { return r == "secrets" })
			}, chosen: "hourly",
		},
		"one without a kind that only this test restores": {
			backups: []*velerov1.Backup{nightly, backup("hourly", completed, time.Hour, noKinds("certificate.cert-manager"))},
			want:    func(w *Wanted) { w.Resources = append(w.Resources, "certificates.cert-manager.io") },
			chosen:  "nightly", newer: []string{"certificates.cert-manager.io (spec.excludedResources)"},
		},
		// https://juejin.cn/post/7175690047776587834: the nightly backup of everything leaves out what is made anew anyway.
		"one without what owners make anew, and of no use to anybody": {
			backups: []*velerov1.Backup{
				backup("before-upgrade", completed, 20*day),
				backup("daily", completed, time.Hour, noKinds("replicasets", "endpointslices.discovery.k8s.io", "endpoints", "events.events.k8s.io", "pods", "csinodes.storage.k8s.io")),
			}, chosen: "daily",
		},
		"one of all kinds by wildcard": {backups: []*velerov1.Backup{nightly, backup("all", completed, time.Hour, kinds("*"))}, chosen: "all"},
		"one that takes no kind of namespaced objects": {
			backups: []*velerov1.Backup{backup("cluster", completed, time.Hour, spec(func(s *velerov1.BackupSpec) { s.ExcludedNamespaceScopedResources = []string{"*"} }))},
			err:     []string{"backup cluster takes none of the kinds that are restored (spec.excludedNamespaceScopedResources)"},
		},
		"one of pods alone is one for who names it": {
			backups: []*velerov1.Backup{nightly, backup("pods", completed, time.Hour, kinds("po"))}, want: named("pods"), chosen: "pods",
			leavesOut: []string{"configmaps, deployments.apps, persistentvolumeclaims, secrets"},
		},
		"one with a resource policy that leaves out a kind": {
			backups: []*velerov1.Backup{nightly, backup("ruled", completed, time.Hour, policy("rules"))},
			known:   withRules("version: v1\nincludeExcludePolicy: {excludedNamespaceScopedResources: [secrets]}"),
			chosen:  "nightly", newer: []string{"it leaves out secrets (spec.resourcePolicy)"},
		},
		"a resource policy against which the spec decides": {
			backups: []*velerov1.Backup{nightly, backup("ruled", completed, time.Hour, policy("rules"), spec(func(s *velerov1.BackupSpec) { s.IncludedNamespaceScopedResources = []string{"*"} }))},
			known:   withRules("version: v1\nincludeExcludePolicy: {excludedNamespaceScopedResources: [secrets]}"), chosen: "ruled",
		},
		"a resource policy that takes only some kinds": {
			backups: []*velerov1.Backup{nightly, backup("ruled", completed, time.Hour, policy("rules"))},
			known:   withRules("version: v1\nincludeExcludePolicy: {includedNamespaceScopedResources: [deployments]}"),
			chosen:  "nightly", newer: []string{"services, statefulsets.apps (spec.resourcePolicy)"},
		},
		"a resource policy for volumes leaves out no object": {
			backups: []*velerov1.Backup{nightly, backup("ruled", completed, time.Hour, policy("rules"))},
			known:   withRules("version: v1\nvolumePolicies: [{conditions: {nfs: {}}, action: {type: skip}}]"), chosen: "ruled",
		},
		"a resource policy with rules for one of the namespaces": {
			backups: []*velerov1.Backup{nightly, backup("ruled", completed, time.Hour, policy("rules"))},
			known:   withRules("version: v1\nnamespacedFilterPolicies: [{namespaces: [d*], resourceFilters: [{kinds: [ConfigMap], names: [a]}, {kinds: [Secret]}]}]"),
			chosen:  "nightly", newer: []string{"it leaves out deployments.apps, persistentvolumeclaims, serviceaccounts, services, statefulsets.apps (spec.resourcePolicy); some configmaps (spec.resourcePolicy)"},
		},
		"a resource policy with rules for other namespaces": {
			backups: []*velerov1.Backup{nightly, backup("ruled", completed, time.Hour, policy("rules"))},
			known:   withRules("version: v1\nnamespacedFilterPolicies: [{namespaces: [crm], resourceFilters: [{kinds: [Secret]}]}]"), chosen: "ruled",
		},
		"a resource policy that takes the rest as well": {
			backups: []*velerov1.Backup{nightly, backup("ruled", completed, time.Hour, policy("rules"))},
			known:   withRules("version: v1\nnamespacedFilterPolicies: [{namespaces: [shop], resourceFilters: [{kinds: [Secret]}, {}]}]"), chosen: "ruled",
		},
		"a resource policy that is gone is no reason to test an older one, and is said": {
			backups: []*velerov1.Backup{nightly, backup("ruled", completed, time.Hour, policy("rules"))},
			known:   Known{Policies: map[string]Policy{"rules": {Unknown: "is not there any more"}}},
			chosen:  "ruled", leavesOut: []string{"perhaps more: ConfigMap rules of its spec.resourcePolicy is not there any more"},
		},
		"one without data of volumes, where others have some": {
			backups: []*velerov1.Backup{backup("nightly", completed, 9*time.Hour, snapshots(3)), backup("quick", completed, time.Hour, withoutSnapshots)},
			chosen:  "nightly", newer: []string{"it leaves out data of volumes, unless their pods ask for it (spec.snapshotVolumes)"},
		},
		"one without snapshots, where nobody makes any": {
			backups: []*velerov1.Backup{backup("nightly", completed, 9*time.Hour), backup("quick", completed, time.Hour, withoutSnapshots)}, chosen: "quick",
		},
		"one with copies of files instead of snapshots": {
			backups: []*velerov1.Backup{backup("nightly", completed, 9*time.Hour, snapshots(3)), backup("files", completed, time.Hour, withoutSnapshots, spec(func(s *velerov1.BackupSpec) {
				s.DefaultVolumesToFsBackup = new(true)
			}))}, chosen: "files",
		},
		// https://github.com/velero-io/velero/issues/1858: all backups of a schedule are PartiallyFailed, for a reason that harms none.
		"one by label does not outdo a partial one of everything": {
			backups: []*velerov1.Backup{backup("payments", completed, time.Hour, labelled("team=payments")), backup("nightly", partial, 9*time.Hour)},
			chosen:  "nightly", newer: []string{"payments: Completed"},
		},
	} {
		t.Run(name, func(t *testing.T) { r.check(t) })
	}
}

func TestABackupThatHoldsNothingIsNone(t *testing.T) {
	for name, r := range map[string]row{
		// https://github.com/velero-io/velero/issues/3565 and 5910: Completed with 0 items, and a restore of it cannot succeed.
		"a Completed one of 0 items is passed over, and said": {
			backups: []*velerov1.Backup{backup("empty", completed, time.Hour, items(0)), backup("nightly", completed, 9*time.Hour, items(250))},
			chosen:  "nightly", newer: []string{"empty: Completed, begun 2026-03-10T11:00:00Z: it holds nothing: Velero backed up 0 items"}, failed: 1,
		},
		"nor is it restored by name": {
			backups: []*velerov1.Backup{backup("empty", completed, time.Hour, items(0))}, want: named("empty"),
			err: []string{"backup empty is Completed and holds nothing", "0 items", "make a new one"},
		},
		"one whose items nobody counted may hold some": {backups: []*velerov1.Backup{backup("old-velero", completed, time.Hour)}, chosen: "old-velero"},
	} {
		t.Run(name, func(t *testing.T) { r.check(t) })
	}
}
