package velero

import (
	"github.com/kymaros/kymaros/pkg/apis/restore/v1alpha1"
)

// LogNotWritten says what so many errors of a Restore may be about where Velero may not write, to be put behind their number; empty if
// they are not of that kind. Velero ends a Restore by uploading its log, and counts one error if it cannot; what else it cannot upload
// then (results, lists, operations, volumes) it only logs. The results would tell which error it was, and they are among that.
func LogNotWritten(location *v1alpha1.BackupLocation, errors int32) string {
	if location == nil || !location.ReadOnly || errors != 1 {
		return ""
	}
	return "; location " + location.Name + " is ReadOnly, and Velero counts one error if the bucket does not take its log of the restore: " +
		"let Velero put, get and delete objects below restores/ there, and nothing else, so that an item that did not come back can be told from that"
}
