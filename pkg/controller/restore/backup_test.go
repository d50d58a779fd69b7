package restore

import (
	"slices"
	"strings"
	"testing"
	"time"

	velerov1 "github.com/vmware-tanzu/velero/pkg/apis/velero/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/kymaros/kymaros/pkg/apis/restore/v1alpha1"
)

func TestSelectBackup(t *testing.T) {
	including := func(ns ...string) func(*velerov1.Backup) {
		return func(b *velerov1.Backup) { b.Spec.IncludedNamespaces = ns }
	}
	excluding := func(ns ...string) func(*velerov1.Backup) {
		return func(b *velerov1.Backup) { b.Spec.ExcludedNamespaces = ns }
	}
	const completed, partial = velerov1.BackupPhaseCompleted, velerov1.BackupPhasePartiallyFailed
	for name, c := range map[string]struct {
		backups []*velerov1.Backup
		named   string
		want    string // the backup, or a part of the error
	}{
		"the newest by its start": {
			[]*velerov1.Backup{backup("old", completed, 2*time.Hour), backup("new", completed, time.Hour), backup("older", completed, 3*time.Hour)}, "", "new"},
		"latest means the same": {[]*velerov1.Backup{backup("only", completed, time.Hour)}, "latest", "only"},
		"the creation of the object does not count": {
			[]*velerov1.Backup{backup("old", completed, 2*time.Hour, func(b *velerov1.Backup) { b.CreationTimestamp = metav1.NewTime(now) }), backup("new", completed, time.Hour)}, "", "new"},
		"a complete one before a newer partial one": {[]*velerov1.Backup{backup("complete", completed, 2*time.Hour), backup("partial", partial, time.Hour)}, "", "complete"},
		"a partial one if nothing else":             {[]*velerov1.Backup{backup("partial", partial, time.Hour), backup("failed", velerov1.BackupPhaseFailed, 0)}, "", "partial"},
		"one that lacks a namespace is passed over": {
			[]*velerov1.Backup{backup("lacking", completed, 0, including("shop")), backup("whole", completed, time.Hour, including("shop", "db"))}, "", "whole"},
		"one that excludes a namespace is passed over": {
			[]*velerov1.Backup{backup("lacking", completed, 0, excluding("d*")), backup("whole", completed, time.Hour)}, "", "whole"},
		"wildcards include": {[]*velerov1.Backup{backup("all", completed, 0, including("s*", "d?"))}, "", "all"},
		"the lacking namespace is named, and its field": {
			[]*velerov1.Backup{backup("lacking", completed, 0, including("shop"))}, "", `does not hold namespace "db" (spec.backupSource.namespaces[1])`},
		"an expired one is none":            {[]*velerov1.Backup{backup("old", completed, 0, func(b *velerov1.Backup) { b.Status.Expiration = &metav1.Time{Time: now.Add(-time.Second)} })}, "", "has expired"},
		"one that is being deleted is none": {[]*velerov1.Backup{backup("going", completed, 0, func(b *velerov1.Backup) { b.DeletionTimestamp = &metav1.Time{Time: now} })}, "", "being deleted"},
		"one in progress is none":           {[]*velerov1.Backup{backup("b", velerov1.BackupPhaseInProgress, 0)}, "", "InProgress"},
		"no backup at all":                  {nil, "", "no Backup in namespace velero yet"},
		"the named one, though it is old":   {[]*velerov1.Backup{backup("old", completed, 2*time.Hour), backup("new", completed, time.Hour)}, "old", "old"},
		"a named one that is not there":     {[]*velerov1.Backup{backup("new", completed, time.Hour)}, "old", "spec.backupSource.backupName"},
		"a named one that failed":           {[]*velerov1.Backup{backup("old", velerov1.BackupPhaseFailed, 0)}, "old", "is Failed"},
	} {
		t.Run(name, func(t *testing.T) {
			source := v1alpha1.BackupSource{BackupName: c.named, Namespaces: []v1alpha1.SourceNamespace{{Name: "shop"}, {Name: "db"}}}
			for range 2 { // in either order
				got, err := selectBackup(c.backups, source, nil, "velero", now)
				switch {
				case err != nil && !strings.Contains(err.Error(), c.want):
					t.Errorf("error %q, want %q", err, c.want)
				case err == nil && got.Name != c.want:
					t.Errorf("got %s, want %s", got.Name, c.want)
				}
				slices.Reverse(c.backups)
			}
		})
	}
}

func TestABackupOlderThanItsNamespaceIsNotOpened(t *testing.T) {
	const completed = velerov1.BackupPhaseCompleted
	before, at, after := backup("before", completed, 2*time.Hour), backup("at", completed, time.Hour), backup("after", completed, 30*time.Minute)
	timeless := backup("timeless", completed, 0, func(b *velerov1.Backup) { b.Status.StartTimestamp = nil })
	anew := map[string]time.Time{"db": now.Add(-time.Hour)}
	for name, c := range map[string]struct {
		backups []*velerov1.Backup
		named   string
		allowed bool
		since   map[string]time.Time
		want    string   // the backup
		err     []string // parts of the error
	}{
		"one from before is passed over":                 {backups: []*velerov1.Backup{before, at}, since: anew, want: "at"},
		"one of the same second is good":                 {backups: []*velerov1.Backup{at}, named: "at", since: anew, want: "at"},
		"one from after is good":                         {backups: []*velerov1.Backup{after}, named: "after", since: anew, want: "after"},
		"a namespace that is gone restricts nothing":     {backups: []*velerov1.Backup{before}, since: nil, want: "before"},
		"one from before is good where that is allowed":  {backups: []*velerov1.Backup{before}, named: "before", allowed: true, since: anew, want: "before"},
		"one of an unknown time is from before":          {backups: []*velerov1.Backup{timeless}, since: anew, err: []string{"backup timeless, begun at an unknown time"}},
		"one of an unknown time is good without a cause": {backups: []*velerov1.Backup{timeless}, since: nil, want: "timeless"},
		"the named one from before is refused, with both times and what to do": {
			backups: []*velerov1.Backup{before, after}, named: "before", since: anew, err: []string{
				"backup before, begun 2026-03-10T10:00:00Z", `older than namespace "db" (spec.backupSource.namespaces[1])`, "created 2026-03-10T11:00:00Z",
				"make a new backup", "spec.backupSource.allowOlderThanNamespace",
			},
		},
		"without another one latest says the same, first of all": {
			backups: []*velerov1.Backup{backup("a", velerov1.BackupPhaseFailed, 0), before}, named: "latest", since: anew, err: []string{"no Backup in namespace velero can be used: backup before, begun", "older than namespace"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			source := v1alpha1.BackupSource{
				BackupName: c.named, Namespaces: []v1alpha1.SourceNamespace{{Name: "shop"}, {Name: "db"}}, AllowOlderThanNamespace: c.allowed,
			}
			got, err := selectBackup(c.backups, source, c.since, "velero", now)
			switch {
			case len(c.err) > 0 && err == nil:
				t.Fatalf("got %s, want an error", got.Name)
			case len(c.err) == 0 && (err != nil || got.Name != c.want):
				t.Fatalf("got %v, %v, want %s", got, err, c.want)
			}
			for _, part := range c.err {
				if !strings.Contains(err.Error(), part) {
					t.Errorf("%q is not in %q", part, err)
				}
			}
		})
	}
}
