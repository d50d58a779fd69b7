package backups

import (
	"fmt"
	"slices"
	"strings"

	velerov1 "github.com/vmware-tanzu/velero/pkg/apis/velero/v1"
)

// Incomplete tells of why, which says that no backup can be restored, as a LocationError if Velero has never read a location that may hold
// one: the one that the test names, or any. In a second cluster that is so until it reaches the store for the first time. Otherwise
// it returns why.
func Incomplete(why error, locations []velerov1.BackupStorageLocation, named string) error {
	var unread []string
	for i := range locations {
		if l := &locations[i]; (named == "" || named == l.Name) && unsynced(l) {
			unread = append(unread, fmt.Sprintf("%s (%s)", l.Name, strings.Join(strings.Fields(says(l)), " ")))
		}
	}
	if len(unread) == 0 {
		return why
	}
	slices.Sort(unread)
	return LocationError(fmt.Sprintf("%v; but Velero has not read BackupStorageLocation %s yet, so there may be one: see `velero backup-location get`", why, strings.Join(unread, " or ")))
}

// unsynced tells whether Velero is to make Backups of what l holds, and has never done so.
func unsynced(l *velerov1.BackupStorageLocation) bool {
	return l.Status.LastSyncedTime == nil && (l.Spec.BackupSyncPeriod == nil || l.Spec.BackupSyncPeriod.Duration > 0)
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
