package backups

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	velerov1 "github.com/vmware-tanzu/velero/pkg/apis/velero/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

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

var withoutSnapshots = spec(func(s *velerov1.BackupSpec) { s.SnapshotVolumes = new(false) })

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
