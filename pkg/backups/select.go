package backups

import (
	"cmp"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	velerov1 "github.com/vmware-tanzu/velero/pkg/apis/velero/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/kymaros/kymaros/pkg/apis/restore/v1alpha1"
	"github.com/kymaros/kymaros/pkg/velero"
)

// ID tells backups apart: a name may be used again.
type ID struct {
	Name  string
	Began int64 // Unix
}

// IDOf returns the ID of a backup of that name that began then.
func IDOf(name string, began *metav1.Time) ID {
	if began == nil {
		return ID{Name: name}
	}
	return ID{name, began.Unix()}
}

// ExhaustedError tells that a search has no older backup left to try.
type ExhaustedError string

func (e ExhaustedError) Error() string { return string(e) }

// mark is something that a test may ask of its backups beside what they hold.
type mark struct {
	field, wanted string
	by, kind      string // a backup is by (of, in) an object of that kind
	of            func(*velerov1.Backup) string
}

// is says that a backup has a value of the mark.
func (m mark) is(value string) string {
	if value == "" {
		return fmt.Sprintf("%s no %s", m.by, m.kind)
	}
	return fmt.Sprintf("%s %s %s", m.by, m.kind, value)
}

func marks(source v1alpha1.BackupSource) []mark {
	return slices.DeleteFunc([]mark{
		{"spec.backupSource.scheduleName", velero.LabelValue(source.ScheduleName), "of", "Schedule",
			func(b *velerov1.Backup) string { return b.Labels[velerov1.ScheduleNameLabel] }},
		{"spec.backupSource.storageLocation", source.StorageLocation, "in", "BackupStorageLocation",
			func(b *velerov1.Backup) string { return b.Spec.StorageLocation }},
	}, func(m mark) bool { return m.wanted == "" })
}

// contradicts tells what of b, the named backup, is not as the test wants it.
func contradicts(b *velerov1.Backup, source v1alpha1.BackupSource) error {
	var errs []error
	for _, m := range marks(source) {
		if have := m.of(b); have != m.wanted {
			errs = append(errs, fmt.Errorf("%s: backup %s (spec.backupSource.backupName) is %s, not %s; correct one of the two, or leave one out",
				m.field, b.Name, m.is(have), m.wanted))
		}
	}
	return errors.Join(errs...)
}

// offered returns those of all that the test may choose from; the error names the field that leaves none, and what there is.
func offered(all []*velerov1.Backup, want Wanted) ([]*velerov1.Backup, error) {
	such := "no Backup in namespace " + want.VeleroNamespace
	for _, m := range marks(want.Source) {
		have := map[string][]string{}
		var left []*velerov1.Backup
		for _, b := range all {
			if m.of(b) == m.wanted {
				left = append(left, b)
			}
			have[m.is(m.of(b))] = nil
		}
		such += " is " + m.is(m.wanted)
		if len(left) == 0 {
			return nil, fmt.Errorf("%s: %s; what there is, is %s: name one of these, or leave the field out", m.field, such, first(keys(have)))
		}
		all, such = left, such+" and"
	}
	return all, nil
}

// young returns those of usable that are not older than the test wants them.
func young(usable []*candidate, want Wanted) ([]*candidate, error) {
	limit := want.Source.MaxAge.Or(0)
	if limit == 0 || len(usable) == 0 {
		return usable, nil
	}
	left := slices.DeleteFunc(slices.Clone(usable), func(c *candidate) bool { return want.Now.Sub(began(c.Backup)) > limit })
	if len(left) == 0 {
		newest := slices.MaxFunc(usable, func(a, b *candidate) int { return began(a.Backup).Compare(began(b.Backup)) })
		return nil, fmt.Errorf("spec.backupSource.maxAge: all backups that can be restored are older than %s; the newest, %s, began %s: raise it, or see why there is none since",
			limit, newest.Name, moment(began(newest.Backup)))
	}
	return left, nil
}

// selected returns the one of equals, which hold as much as the best of all, that the test wants.
func selected(equals []*candidate, want Wanted, known Known) (Choice, error) {
	var before func(a, b *candidate) int
	switch {
	case len(want.Tried) > 0:
		if equals = slices.DeleteFunc(equals, want.passed); len(equals) == 0 {
			return Choice{}, ExhaustedError("no older backup is left to try that holds as much")
		}
		before = compare
	case want.Source.Selection == v1alpha1.SelectRandom:
		// Each has a number of its own, so the choice stays when another backup comes or goes.
		before = func(a, b *candidate) int { return cmp.Compare(draw(want.Seed, a.Name), draw(want.Seed, b.Name)) }
	case want.Source.Selection == v1alpha1.SelectOldestUnverified:
		before = func(a, b *candidate) int {
			return cmp.Or(known.verified(a).Compare(known.verified(b)), began(a.Backup).Compare(began(b.Backup)), strings.Compare(a.Name, b.Name))
		}
	}
	chosen := slices.MinFunc(equals, before)
	choice := Choice{Backup: chosen.Backup, LeavesOut: chosen.leavesOut, Older: older(chosen, equals)}
	if len(want.Tried) == 0 {
		choice.Candidates = len(equals)
	}
	return choice, nil
}

// passed tells whether a search is past c: c was tried, or is newer than the last one that was.
func (w Wanted) passed(c *candidate) bool {
	last := w.Tried[len(w.Tried)-1]
	return began(c.Backup).Unix() > last.Began || slices.ContainsFunc(w.Tried, func(id ID) bool { return id == IDOf(c.Name, c.Status.StartTimestamp) })
}

// older counts those of equals that are older than chosen.
func older(chosen *candidate, equals []*candidate) (n int) {
	for _, c := range equals {
		if c != chosen && !began(c.Backup).After(began(chosen.Backup)) {
			n++
		}
	}
	return n
}

// verified is when c last passed; zero if nothing says that it did.
func (k Known) verified(c *candidate) time.Time {
	return k.Verified[IDOf(c.Name, c.Status.StartTimestamp)]
}

// draw returns a number that the run gives a backup.
func draw(seed, name string) uint64 {
	sum := sha256.Sum256([]byte(seed + "\x00" + name))
	return binary.BigEndian.Uint64(sum[:])
}
