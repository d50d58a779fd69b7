package backups

import (
	"fmt"
	"slices"
	"strings"
	"time"

	velerov1 "github.com/vmware-tanzu/velero/pkg/apis/velero/v1"

	"github.com/kymaros/kymaros/pkg/velero"
)

// Incomplete tells of why, which says that no backup can be restored, as a LocationError if Velero has read none of the locations that may
// hold one: the one that the test names, or all. In a second cluster that is so until it reaches the store for the first time. Otherwise
// it returns why: one location of several that nobody can read, perhaps for long, is no excuse for the others.
func Incomplete(why error, locations []velerov1.BackupStorageLocation, named string, now time.Time) error {
	var unread []string
	for i := range locations {
		l := &locations[i]
		switch {
		case named != "" && named != l.Name:
		case !neverRead(l, now):
			return why
		default:
			unread = append(unread, fmt.Sprintf("%s (%s)", l.Name, velero.Words(says(l))))
		}
	}
	if len(unread) == 0 {
		return why
	}
	slices.Sort(unread)
	return LocationError(fmt.Sprintf("%v; but Velero has not read BackupStorageLocation %s yet, so there may be one: see `velero backup-location get`", why, strings.Join(unread, " or ")))
}

// firstRead is how long Velero takes at most to read a location that it can: else it is not to do so.
const firstRead = time.Hour

// neverRead tells whether Velero is to make Backups of what l holds, and has never done so.
func neverRead(l *velerov1.BackupStorageLocation, now time.Time) bool {
	if l.Status.LastSyncedTime != nil || l.Spec.BackupSyncPeriod != nil && l.Spec.BackupSyncPeriod.Duration == 0 {
		return false
	}
	return l.Status.Phase != velerov1.BackupStorageLocationPhaseAvailable || now.Sub(l.CreationTimestamp.Time) < firstRead
}

func says(l *velerov1.BackupStorageLocation) string {
	switch {
	case l.Status.Phase == "":
		return "not validated"
	case l.Status.Message == "":
		return string(l.Status.Phase)
	}
	return fmt.Sprintf("%s: %s", l.Status.Phase, l.Status.Message)
}
