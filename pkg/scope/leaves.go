package scope

import (
	"slices"

	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/kymaros/kymaros/pkg/apis/restore/v1alpha1"
)

// LeavesOut tells whether a test leaves out an object of a kind that is restored by default and that has these labels in the backup.
func LeavesOut(test *v1alpha1.RestoreTestSpec, kind schema.GroupKind, set labels.Set) bool {
	return Excluded(test.Restore, kind) || slices.ContainsFunc(Unowned, set.Has) || !labels.SelectorFromSet(test.BackupSource.LabelSelector).Matches(set)
}

// MayLeaveOut returns the field by which a test leaves out an object of such a kind, or may, for its labels are not known; empty if
// none does, and of any other kind.
func MayLeaveOut(test *v1alpha1.RestoreTestSpec, kind schema.GroupKind) string {
	switch {
	case Excluded(test.Restore, kind):
		return "spec.restore.excludedResources"
	case Default(kind) && len(test.BackupSource.LabelSelector) > 0:
		return "spec.backupSource.labelSelector"
	}
	return ""
}
