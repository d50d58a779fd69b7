package backups

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	velerov1 "github.com/vmware-tanzu/velero/pkg/apis/velero/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/ptr"

	"github.com/kymaros/kymaros/pkg/apis/restore/v1alpha1"
	"github.com/kymaros/kymaros/pkg/scope"
)

var now = time.Date(2026, 3, 10, 12, 0, 0, 0, time.UTC)

const (
	completed = velerov1.BackupPhaseCompleted
	partial   = velerov1.BackupPhasePartiallyFailed
	failed    = velerov1.BackupPhaseFailed
	day       = 24 * time.Hour
)

type edit func(*velerov1.Backup)

// backup returns one of all namespaces that began age ago.
func backup(name string, phase velerov1.BackupPhase, age time.Duration, edits ...edit) *velerov1.Backup {
	b := &velerov1.Backup{
		ObjectMeta: metav1.ObjectMeta{Name: name},
		Status:     velerov1.BackupStatus{Phase: phase, StartTimestamp: &metav1.Time{Time: now.Add(-age)}},
	}
	for _, e := range edits {
		e(b)
	}
	return b
}

func spec(change func(*velerov1.BackupSpec)) edit {
	return func(b *velerov1.Backup) { change(&b.Spec) }
}

func status(change func(*velerov1.BackupStatus)) edit {
	return func(b *velerov1.Backup) { change(&b.Status) }
}

func including(ns ...string) edit {
	return spec(func(s *velerov1.BackupSpec) { s.IncludedNamespaces = ns })
}

func excluding(ns ...string) edit {
	return spec(func(s *velerov1.BackupSpec) { s.ExcludedNamespaces = ns })
}

func kinds(names ...string) edit {
	return spec(func(s *velerov1.BackupSpec) { s.IncludedResources = names })
}

func noKinds(names ...string) edit {
	return spec(func(s *velerov1.BackupSpec) { s.ExcludedResources = names })
}

func labelled(selector string) edit {
	return spec(func(s *velerov1.BackupSpec) { s.LabelSelector = parse(selector) })
}

func parse(selector string) *metav1.LabelSelector {
	parsed, err := metav1.ParseToLabelSelector(selector)
	if err != nil {
		panic(err)
	}
	return parsed
}

func items(n int) edit {
	return status(func(s *velerov1.BackupStatus) { s.Progress = &velerov1.BackupProgress{TotalItems: n, ItemsBackedUp: n} })
}

func at(location string) edit {
	return spec(func(s *velerov1.BackupSpec) { s.StorageLocation = location })
}

func policy(name string) edit {
	return spec(func(s *velerov1.BackupSpec) {
		s.ResourcePolicy = &corev1.TypedLocalObjectReference{Kind: "configmap", Name: name}
	})
}

func errorsOf(n int) edit { return status(func(s *velerov1.BackupStatus) { s.Errors = n }) }

func snapshots(n int) edit {
	return status(func(s *velerov1.BackupStatus) { s.CSIVolumeSnapshotsCompleted = n })
}

var withoutSnapshots = spec(func(s *velerov1.BackupSpec) { s.SnapshotVolumes = ptr.To(false) })

// wanted is a test of namespaces shop and db.
func wanted(t *testing.T) Wanted {
	t.Helper()
	resources, err := scope.Resources(nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	return Wanted{
		Source:    v1alpha1.BackupSource{Namespaces: []v1alpha1.SourceNamespace{{Name: "shop"}, {Name: "db"}}},
		Resources: resources, VeleroNamespace: "velero", Now: now,
	}
}

// row is a choice that is to be made. Texts are parts of what is said.
type row struct {
	backups   []*velerov1.Backup
	want      func(*Wanted)
	known     Known
	chosen    string
	leavesOut []string // each of LeavesOut
	newer     []string // each of Newer.Entries
	failed    int
	err       []string
	elsewhere bool // the error is a LocationError
}

func (r row) check(t *testing.T) {
	t.Helper()
	want := wanted(t)
	if r.want != nil {
		r.want(&want)
	}
	for range 2 { // in either order
		got, err := Choose(r.backups, want, r.known)
		slices.Reverse(r.backups)
		if len(r.err) > 0 {
			if err == nil {
				t.Fatalf("got %s, want an error", got.Backup.Name)
			}
			for _, part := range r.err {
				if !strings.Contains(err.Error(), part) {
					t.Errorf("%q is not in %q", part, err)
				}
			}
			if errors.As(err, new(LocationError)) != r.elsewhere {
				t.Errorf("%q is of type %T", err, err)
			}
			continue
		}
		if err != nil || got.Backup.Name != r.chosen {
			t.Fatalf("got %v, %v, want %s", got.Backup, err, r.chosen)
		}
		contains(t, "left out", got.LeavesOut, r.leavesOut)
		contains(t, "newer", got.Newer.Entries, r.newer)
		if got.Newer.Failed != r.failed {
			t.Errorf("%d newer ones failed, want %d: %q", got.Newer.Failed, r.failed, got.Newer.Entries)
		}
	}
}

// contains checks that each text has the part of the same index, and that there are no more.
func contains(t *testing.T, what string, texts, parts []string) {
	t.Helper()
	if len(texts) != len(parts) {
		t.Errorf("%s: %q, want %q", what, texts, parts)
		return
	}
	for i := range texts {
		if !strings.Contains(texts[i], parts[i]) {
			t.Errorf("%s: %q is not in %q", what, parts[i], texts[i])
		}
	}
}

func named(name string) func(*Wanted) { return func(w *Wanted) { w.Source.BackupName = name } }

func TestTheNewestCompletedBackupOfAllSourceNamespacesIsTaken(t *testing.T) {
	for name, r := range map[string]row{
		"the newest by its start": {backups: []*velerov1.Backup{
			backup("old", completed, 2*time.Hour), backup("new", completed, time.Hour), backup("older", completed, 3*time.Hour),
		}, chosen: "new"},
		"latest means the same": {backups: []*velerov1.Backup{backup("only", completed, time.Hour)}, want: named("latest"), chosen: "only"},
		"the creation of the object does not count": {backups: []*velerov1.Backup{
			backup("old", completed, 2*time.Hour, func(b *velerov1.Backup) { b.CreationTimestamp = metav1.NewTime(now) }), backup("new", completed, time.Hour),
		}, chosen: "new"},
		"a complete one before a newer partial one, which is said": {
			backups: []*velerov1.Backup{backup("complete", completed, 2*time.Hour), backup("partial", partial, time.Hour, errorsOf(7))},
			chosen:  "complete", newer: []string{"partial: PartiallyFailed, begun 2026-03-10T11:00:00Z: 7 errors; see `velero backup logs partial`"}, failed: 1,
		},
		"a partial one if nothing else": {
			backups: []*velerov1.Backup{backup("partial", partial, time.Hour), backup("failed", failed, 2*time.Hour)}, chosen: "partial",
		},
		"one that lacks a namespace is passed over": {
			backups: []*velerov1.Backup{backup("lacking", completed, 0, including("shop")), backup("whole", completed, time.Hour, including("shop", "db"))},
			chosen:  "whole", newer: []string{`lacking: Completed, begun 2026-03-10T12:00:00Z: it does not hold namespace "db"`},
		},
		"one that excludes a namespace is passed over": {
			backups: []*velerov1.Backup{backup("lacking", completed, 0, excluding("d*")), backup("whole", completed, time.Hour)},
			chosen:  "whole", newer: []string{"it includes all namespaces but d*"},
		},
		"one of other namespaces is not spoken of": {
			backups: []*velerov1.Backup{backup("other", failed, 0, including("crm")), backup("whole", completed, time.Hour)}, chosen: "whole",
		},
		"wildcards include": {backups: []*velerov1.Backup{backup("all", completed, 0, including("s*", "d?"))}, chosen: "all"},
		"the lacking namespace is named, and its field": {
			backups: []*velerov1.Backup{backup("lacking", completed, 0, including("shop"))}, err: []string{`does not hold namespace "db" (spec.backupSource.namespaces[1])`},
		},
		"an expired one is none": {backups: []*velerov1.Backup{
			backup("old", completed, 0, status(func(s *velerov1.BackupStatus) { s.Expiration = &metav1.Time{Time: now.Add(-time.Second)} })),
		}, err: []string{"has expired"}},
		"one that is being deleted is none": {
			backups: []*velerov1.Backup{backup("going", completed, 0, func(b *velerov1.Backup) { b.DeletionTimestamp = &metav1.Time{Time: now} })}, err: []string{"being deleted"},
		},
		"one in progress is none":         {backups: []*velerov1.Backup{backup("b", velerov1.BackupPhaseInProgress, 0)}, err: []string{"InProgress"}},
		"no backup at all":                {err: []string{"no Backup in namespace velero yet"}},
		"the named one, though it is old": {backups: []*velerov1.Backup{backup("old", completed, 2*time.Hour), backup("new", completed, time.Hour)}, want: named("old"), chosen: "old"},
		"a named one that is not there":   {backups: []*velerov1.Backup{backup("new", completed, time.Hour)}, want: named("old"), err: []string{"spec.backupSource.backupName"}},
		"a named one that failed":         {backups: []*velerov1.Backup{backup("old", failed, 0)}, want: named("old"), err: []string{"is Failed"}},
		"the reasons have an end": {
			backups: []*velerov1.Backup{backup("a", failed, 0), backup("b", failed, 0), backup("c", failed, 0), backup("d", failed, 0)},
			err:     []string{"backup a is Failed, not Completed; backup b", "(and 1 more)"},
		},
	} {
		t.Run(name, func(t *testing.T) { r.check(t) })
	}
}

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
				s.DefaultVolumesToFsBackup = ptr.To(true)
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

// https://github.com/vmware-tanzu/helm-charts/issues/562: backups fail for 122 days before the usual alert says so.
func TestEveryNewerBackupThatFailedIsSaid(t *testing.T) {
	good := backup("good", completed, 25*day)
	night := func(n int, phase velerov1.BackupPhase, edits ...edit) *velerov1.Backup {
		return backup(fmt.Sprintf("night-%d", n), phase, time.Duration(n)*day, edits...)
	}
	var nights []*velerov1.Backup
	for n := 1; n <= 24; n++ {
		nights = append(nights, night(n, []velerov1.BackupPhase{failed, partial}[n%2]))
	}
	latest, err := Choose(append(slices.Clone(nights), good), wanted(t), Known{})
	switch {
	case err != nil || latest.Backup != good:
		t.Fatalf("chosen %v, %v", latest.Backup, err)
	case latest.Newer.Total != 24 || latest.Newer.Failed != 24 || len(latest.Newer.Entries) != mostNewer:
		t.Errorf("%d newer, %d failed, %d named; want 24, 24, %d", latest.Newer.Total, latest.Newer.Failed, len(latest.Newer.Entries), mostNewer)
	case !strings.HasPrefix(latest.Newer.Entries[0], "night-1: PartiallyFailed"):
		t.Errorf("the first is %q, not the newest", latest.Newer.Entries[0])
	}

	for name, r := range map[string]row{
		"with Velero's reason, in one line": {
			backups: []*velerov1.Backup{good, night(1, failed, status(func(s *velerov1.BackupStatus) { s.FailureReason = "no space\n\tleft" }))},
			newer:   []string{"night-1: Failed, begun 2026-03-09T12:00:00Z: no space left"}, failed: 1,
		},
		"what Velero did not even begin": {
			backups: []*velerov1.Backup{good, backup("wrong", velerov1.BackupPhaseFailedValidation, 0, func(b *velerov1.Backup) {
				b.CreationTimestamp, b.Status.StartTimestamp = metav1.NewTime(now.Add(-time.Hour)), nil
				b.Status.ValidationErrors = []string{"backup can't be created because BackupStorageLocation default is in Unavailable status."}
			})},
			newer: []string{"wrong: FailedValidation, begun 2026-03-10T11:00:00Z: backup can't be created because BackupStorageLocation default"}, failed: 1,
		},
		"not one that is being made": {backups: []*velerov1.Backup{good, backup("running", velerov1.BackupPhaseInProgress, time.Hour), backup("queued", "", time.Minute)}},
		"but one that has been for a day": {
			backups: []*velerov1.Backup{good, backup("hung", velerov1.BackupPhaseInProgress, 2*day)}, newer: []string{"hung: InProgress, begun 2026-03-08T12:00:00Z: it has not ended after a day"}, failed: 1,
		},
		"not one that failed for others": {
			backups: []*velerov1.Backup{good, night(1, failed, including("crm")), night(2, failed, labelled("team=crm")), night(3, failed, including("shop"))},
			newer:   []string{"night-2: Failed", "night-3: Failed"},
		},
		"those that failed first": {
			backups: []*velerov1.Backup{good, night(1, completed, kinds("secrets")), night(2, failed)}, newer: []string{"night-2", "night-1"}, failed: 1,
		},
		"one that is being deleted": {
			backups: []*velerov1.Backup{good, night(1, failed, func(b *velerov1.Backup) { b.DeletionTimestamp = &metav1.Time{Time: now} })},
			newer:   []string{"night-1: Failed, begun 2026-03-09T12:00:00Z: it is being deleted"},
		},
		"one that has expired": {
			backups: []*velerov1.Backup{good, night(1, completed, status(func(s *velerov1.BackupStatus) { s.Expiration = &metav1.Time{Time: now.Add(-time.Hour)} }))},
			newer:   []string{"night-1: Completed, begun 2026-03-09T12:00:00Z: it has expired"},
		},
		"one that does not say when it began": {
			backups: []*velerov1.Backup{good, night(1, completed, func(b *velerov1.Backup) {
				b.CreationTimestamp, b.Status.StartTimestamp = metav1.NewTime(now), nil
			})},
			newer: []string{"it does not say when it began (status.startTimestamp)"},
		},
		"none for a test that names its backup": {backups: []*velerov1.Backup{good, night(1, failed)}, want: named("good")},
		"in few words": {
			backups: []*velerov1.Backup{good, night(1, failed, status(func(s *velerov1.BackupStatus) { s.FailureReason = strings.Repeat("é", 9999) + "end" }))},
			newer:   []string{"éé…"}, failed: 1,
		},
	} {
		t.Run(name, func(t *testing.T) {
			r.chosen = "good"
			r.check(t)
		})
	}
}

// https://github.com/ministryofjustice/analytical-platform/issues/9582: a location is Unavailable, and nobody knows since when.
func TestABackupInALocationThatIsNotAvailableIsNotTried(t *testing.T) {
	down := Known{Locations: map[string]string{"primary": "is Unavailable", "copy": ""}}
	for name, r := range map[string]row{
		"one elsewhere is taken, and the newer one said": {
			backups: []*velerov1.Backup{backup("new", completed, time.Hour, at("primary")), backup("old", completed, day, at("copy"))}, known: down,
			chosen: "old", newer: []string{"new: Completed, begun 2026-03-10T11:00:00Z: it is in BackupStorageLocation primary (spec.storageLocation), which is Unavailable"},
		},
		"without another one it is the location that is at fault, first of all": {
			backups: []*velerov1.Backup{backup("a", failed, 0), backup("new", completed, time.Hour, at("primary"))}, known: down,
			err: []string{"can be used: backup new is in BackupStorageLocation primary", "which is Unavailable", "velero backup-location get"}, elsewhere: true,
		},
		"nor the named one": {
			backups: []*velerov1.Backup{backup("new", completed, time.Hour, at("primary"))}, known: down, want: named("new"), err: []string{"is Unavailable"}, elsewhere: true,
		},
		"one that could not be used either way says so": {
			backups: []*velerov1.Backup{backup("new", failed, time.Hour, at("primary"))}, known: down, want: named("new"), err: []string{"is Failed"},
		},
		"one that names no location has a good one": {backups: []*velerov1.Backup{backup("new", completed, time.Hour)}, known: down, chosen: "new"},
	} {
		t.Run(name, func(t *testing.T) { r.check(t) })
	}
}

func TestWhatHasToBeLookedUp(t *testing.T) {
	b := backup("b", completed, 0, at("primary"), policy("rules"))
	location, rules := Known{}.Lacks(b)
	if location != "primary" || rules != "rules" {
		t.Errorf("location %q, policy %q", location, rules)
	}
	location, rules = Known{Locations: map[string]string{"primary": ""}, Policies: map[string]Policy{"rules": {}}}.Lacks(b)
	if location != "" || rules != "" {
		t.Errorf("asked again: location %q, policy %q", location, rules)
	}
}

func TestABackupOlderThanItsNamespaceIsNotOpened(t *testing.T) {
	before, same, after := backup("before", completed, 2*time.Hour), backup("same", completed, time.Hour), backup("after", completed, 30*time.Minute)
	timeless := backup("timeless", completed, 0, status(func(s *velerov1.BackupStatus) { s.StartTimestamp = nil }))
	anew := func(name string) func(*Wanted) {
		return func(w *Wanted) {
			w.Source.BackupName, w.Since = name, map[string]time.Time{"db": now.Add(-time.Hour)}
		}
	}
	for name, r := range map[string]row{
		"one from before is passed over":             {backups: []*velerov1.Backup{before, same}, want: anew(""), chosen: "same"},
		"one of the same second is good":             {backups: []*velerov1.Backup{same}, want: anew("same"), chosen: "same"},
		"one from after is good":                     {backups: []*velerov1.Backup{after}, want: anew("after"), chosen: "after"},
		"a namespace that is gone restricts nothing": {backups: []*velerov1.Backup{before}, chosen: "before"},
		"one from before is good where that is allowed": {backups: []*velerov1.Backup{before}, want: func(w *Wanted) {
			anew("before")(w)
			w.Source.AllowOlderThanNamespace = true
		}, chosen: "before"},
		"one of an unknown time is from before":          {backups: []*velerov1.Backup{timeless}, want: anew(""), err: []string{"backup timeless, begun at an unknown time"}},
		"one of an unknown time is good without a cause": {backups: []*velerov1.Backup{timeless}, chosen: "timeless"},
		"the named one from before is refused, with both times and what to do": {backups: []*velerov1.Backup{before, after}, want: anew("before"), err: []string{
			"backup before, begun 2026-03-10T10:00:00Z", `older than namespace "db" (spec.backupSource.namespaces[1])`, "created 2026-03-10T11:00:00Z",
			"make a new backup", "spec.backupSource.allowOlderThanNamespace",
		}},
		"without another one latest says the same, first of all": {
			backups: []*velerov1.Backup{backup("a", failed, 0), before}, want: anew("latest"),
			err: []string{"no Backup in namespace velero can be used: backup before, begun", "older than namespace"},
		},
	} {
		t.Run(name, func(t *testing.T) { r.check(t) })
	}
}
