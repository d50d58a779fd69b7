package backups

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	velerov1 "github.com/vmware-tanzu/velero/pkg/apis/velero/v1"

	"github.com/kymaros/kymaros/pkg/apis/restore/v1alpha1"
)

const (
	// mostNewer bounds what is kept in a status; all are counted.
	mostNewer = 10
	// mostText bounds one entry, in characters: the words of Velero or of a storage provider can be many.
	mostText = 400
	// underWay is how long a backup may take before it counts as one that does not come: Velero gives operations four hours.
	underWay = 24 * time.Hour
)

// Newer are the backups of a source namespace that are newer than the chosen one.
type Newer struct {
	// Entries are "name: phase, begun when: why it was not used", those that failed first, then the newest; not all of them.
	Entries []string
	// Total counts all.
	Total int
	// Failed counts those that should have been better and are not: Velero failed or partly failed to make them, does not get
	// on, or found nothing to back up, in all or in a source namespace.
	Failed int
}

// newer gathers what was passed over for chosen. One that is still being made is none yet.
func newer(chosen *candidate, judged []*candidate, want Wanted) Newer {
	type entry struct {
		at     time.Time
		failed bool
		text   string
	}
	var entries []entry
	for _, c := range judged {
		at := asked(c.Backup)
		concerned := slices.ContainsFunc(want.Source.Namespaces, func(ns v1alpha1.SourceNamespace) bool { return Selects(c.Backup, ns.Name) })
		if concerned && at.After(asked(chosen.Backup)) && (Ended(c.Backup) || want.Now.Sub(at) > underWay) {
			failed, why := passedOver(c)
			entries = append(entries, entry{at, failed, clip(fmt.Sprintf("%s: %s, begun %s: %s", c.Name, phaseOf(c.Backup), moment(at), why))})
		}
	}
	slices.SortFunc(entries, func(a, b entry) int {
		if a.failed != b.failed {
			if a.failed {
				return -1
			}
			return 1
		}
		return cmp.Or(b.at.Compare(a.at), strings.Compare(a.text, b.text))
	})
	n := Newer{Total: len(entries)}
	for _, e := range entries {
		if e.failed {
			n.Failed++
		}
		if len(n.Entries) < mostNewer {
			n.Entries = append(n.Entries, e.text)
		}
	}
	return n
}

// passedOver says why c was not taken, and whether that is because it failed: one that leaves out something would not have been
// taken either way.
func passedOver(c *candidate) (failed bool, why string) {
	switch {
	case c.nothing != "":
		return false, "it " + c.nothing
	case len(c.void) > 0:
		return true, "it holds nothing of namespace " + strings.Join(c.void, ", ") + ", by the list of what is in it"
	case c.filtered():
		return false, "it leaves out " + strings.Join(c.leavesOut, "; ")
	case c.DeletionTimestamp == nil && failing(c.Backup):
		return true, failure(c.Backup)
	case c.refused == nil:
		return false, "it does not say when it began (status.startTimestamp)"
	}
	return false, "it " + strings.TrimPrefix(c.refused.Error(), "backup "+c.Name+" ")
}

// asked is when b began or, if it never did, when it was asked for: one that failed validation has no start, and is not
// synced from the store either.
func asked(b *velerov1.Backup) time.Time {
	if at := began(b); !at.IsZero() {
		return at
	}
	return b.CreationTimestamp.Time
}

// Ended tells whether Velero makes no more of b.
func Ended(b *velerov1.Backup) bool {
	switch b.Status.Phase {
	case velerov1.BackupPhaseCompleted, velerov1.BackupPhasePartiallyFailed, velerov1.BackupPhaseFailed,
		velerov1.BackupPhaseFailedValidation, velerov1.BackupPhaseDeleting:
		return true
	}
	return b.DeletionTimestamp != nil
}

// failing tells whether b, that is over, should hold something and does not, or not all.
func failing(b *velerov1.Backup) bool {
	switch b.Status.Phase {
	case velerov1.BackupPhaseCompleted:
		return empty(b)
	case velerov1.BackupPhaseDeleting:
		return false
	}
	return true
}

func failure(b *velerov1.Backup) string {
	switch {
	case !Ended(b):
		return "it has not ended after a day; see Velero's log"
	case empty(b) && b.Status.Phase == velerov1.BackupPhaseCompleted:
		return "it holds nothing: Velero backed up 0 items"
	case b.Status.FailureReason != "":
		return strings.Join(strings.Fields(b.Status.FailureReason), " ")
	case len(b.Status.ValidationErrors) > 0:
		return strings.Join(b.Status.ValidationErrors, ", ")
	}
	return fmt.Sprintf("%d errors; see `velero backup logs %s`", b.Status.Errors, b.Name)
}

func clip(s string) string {
	if r := []rune(s); len(r) > mostText {
		return string(r[:mostText-1]) + "…"
	}
	return s
}
