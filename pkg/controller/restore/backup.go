package restore

import (
	"errors"
	"fmt"
	"path"
	"slices"
	"strings"
	"time"

	velerov1 "github.com/vmware-tanzu/velero/pkg/apis/velero/v1"

	"github.com/kymaros/kymaros/pkg/apis/restore/v1alpha1"
)

// selectBackup returns the backup to restore: the named one, or the newest Completed one that holds every source
// namespace, or if there is none the newest PartiallyFailed one that does. The error says what is missing and what to do.
// "Newest" is by status.startTimestamp: the creation time of a Backup object changes when Velero syncs it from its store.
// since tells when the source namespaces were created that exist: one that does not restricts nothing.
func selectBackup(backups []*velerov1.Backup, source v1alpha1.BackupSource, since map[string]time.Time, veleroNamespace string, now time.Time) (*velerov1.Backup, error) {
	if source.BackupName != "" && source.BackupName != "latest" {
		for _, b := range backups {
			if b.Name == source.BackupName {
				return b, usable(b, source, since, now)
			}
		}
		return nil, fmt.Errorf("spec.backupSource.backupName: there is no Backup %q in namespace %s; name one that `velero backup get` lists, or latest",
			source.BackupName, veleroNamespace)
	}
	var best *velerov1.Backup
	var why, older []string
	for _, b := range backups {
		switch err := usable(b, source, since, now); {
		case errors.As(err, new(olderError)):
			older = append(older, err.Error())
		case err != nil:
			why = append(why, err.Error())
		case best == nil || better(b, best):
			best = b
		}
	}
	if best != nil {
		return best, nil
	}
	if len(backups) == 0 {
		return nil, fmt.Errorf("there is no Backup in namespace %s yet; make one with `velero backup create`, or a schedule", veleroNamespace)
	}
	slices.Sort(older)
	slices.Sort(why)
	why = append(older, why...) // the nearest to a good one first
	const shown = 3
	more := ""
	if len(why) > shown {
		more = fmt.Sprintf(" (and %d more)", len(why)-shown)
		why = why[:shown]
	}
	return nil, fmt.Errorf("no Backup in namespace %s can be used: %s%s", veleroNamespace, strings.Join(why, "; "), more)
}

// olderError tells that a backup began before a source namespace was created, and would do otherwise.
type olderError string

func (e olderError) Error() string { return string(e) }

// usable returns why b cannot be restored for source, or nil. A name of a namespace can be used again: what was backed up before
// the namespace was created may be another's data.
func usable(b *velerov1.Backup, source v1alpha1.BackupSource, since map[string]time.Time, now time.Time) error {
	switch {
	case b.DeletionTimestamp != nil:
		return fmt.Errorf("backup %s is being deleted", b.Name)
	case b.Status.Phase != velerov1.BackupPhaseCompleted && b.Status.Phase != velerov1.BackupPhasePartiallyFailed:
		phase := b.Status.Phase
		if phase == "" {
			phase = velerov1.BackupPhaseNew
		}
		return fmt.Errorf("backup %s is %s, not Completed", b.Name, phase)
	case b.Status.Expiration != nil && b.Status.Expiration.Time.Before(now):
		return fmt.Errorf("backup %s has expired", b.Name)
	}
	for i, ns := range source.Namespaces {
		if !holds(b, ns.Name) {
			return fmt.Errorf("backup %s does not hold namespace %q (spec.backupSource.namespaces[%d]); it includes %s",
				b.Name, ns.Name, i, selection(b))
		}
	}
	for i, ns := range source.Namespaces {
		if created := since[ns.Name]; !source.AllowOlderThanNamespace && began(b).Before(created) {
			return olderError(fmt.Sprintf("backup %s, begun %s, is older than namespace %q (spec.backupSource.namespaces[%d]), created %s, and may hold what was in another of that name; make a new backup, or set spec.backupSource.allowOlderThanNamespace",
				b.Name, moment(began(b)), ns.Name, i, moment(created)))
		}
	}
	return nil
}

func moment(t time.Time) string {
	if t.IsZero() {
		return "at an unknown time"
	}
	return t.UTC().Format(time.RFC3339)
}

// holds tells whether b's spec selects the namespace. Velero's wildcards are those of shell patterns.
func holds(b *velerov1.Backup, namespace string) bool {
	matches := func(pattern string) bool {
		ok, err := path.Match(pattern, namespace)
		return err == nil && ok
	}
	included := len(b.Spec.IncludedNamespaces) == 0 || slices.ContainsFunc(b.Spec.IncludedNamespaces, matches)
	return included && !slices.ContainsFunc(b.Spec.ExcludedNamespaces, matches)
}

func selection(b *velerov1.Backup) string {
	included := "all namespaces"
	if len(b.Spec.IncludedNamespaces) > 0 {
		included = strings.Join(b.Spec.IncludedNamespaces, ", ")
	}
	if len(b.Spec.ExcludedNamespaces) > 0 {
		included += " but " + strings.Join(b.Spec.ExcludedNamespaces, ", ")
	}
	return included
}

// better tells whether a is preferred to b: complete before partial, then newer, then by name so that it is stable.
func better(a, b *velerov1.Backup) bool {
	if (a.Status.Phase == velerov1.BackupPhaseCompleted) != (b.Status.Phase == velerov1.BackupPhaseCompleted) {
		return a.Status.Phase == velerov1.BackupPhaseCompleted
	}
	if started, other := began(a), began(b); !started.Equal(other) {
		return started.After(other)
	}
	return a.Name > b.Name
}

func began(b *velerov1.Backup) time.Time {
	if b.Status.StartTimestamp == nil {
		return time.Time{}
	}
	return b.Status.StartTimestamp.Time
}
