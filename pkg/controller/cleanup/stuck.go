package cleanup

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"

	"github.com/kymaros/kymaros/pkg/velero"
)

// stuckAfter is how long a namespace may terminate before cleanup says that it is stuck. Volumes take a while, and the
// namespace controller looks again at intervals of up to 15 s.
const stuckAfter = 5 * time.Minute

// stuck says what has not gone for long, why, and what to do; or "".
func stuck(s seen, now time.Time) string {
	var all []string
	for _, r := range s.restores {
		switch {
		case r.DeletionTimestamp != nil && now.Sub(r.DeletionTimestamp.Time) >= stuckAfter:
			all = append(all, fmt.Sprintf("Restore %s is deleted but does not go: see whether Velero runs and its BackupStorageLocation is Available", r.Name))
		case !velero.Terminal(r.Status.Phase) && now.Sub(r.CreationTimestamp.Time) >= r.Spec.ItemOperationTimeout.Duration+stuckAfter:
			all = append(all, fmt.Sprintf("Restore %s is still %s: see whether Velero runs; the sandbox stays until it ends", r.Name, cmp.Or(string(r.Status.Phase), "New")))
		}
	}
	for _, ns := range s.namespaces {
		if ns.DeletionTimestamp == nil || now.Sub(ns.DeletionTimestamp.Time) < stuckAfter {
			continue
		}
		why := ""
		for _, c := range ns.Status.Conditions {
			if c.Status == corev1.ConditionTrue && c.Message != "" {
				why = ": " + c.Message
			}
		}
		switch {
		case len(s.contents) == 0 && len(s.leaving) > 0:
			all = append(all, fmt.Sprintf("the volumes of namespace %s are not deleted: see the provisioner of PersistentVolume %s", ns.Name, strings.Join(s.leaving, ", ")))
		case len(s.contents) == 0 && len(s.snapshots) > 0:
			all = append(all, fmt.Sprintf("VolumeSnapshotContent %s does not go: see whether the snapshot controller runs", snapshotNames(s.snapshots)))
		default:
			all = append(all, fmt.Sprintf("namespace %s does not go%s; remove what is named, or its finalizers, by hand", ns.Name, why))
		}
	}
	slices.Sort(all)
	return strings.Join(all, "; ")
}
