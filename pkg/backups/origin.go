package backups

import (
	"fmt"
	"slices"
	"strings"
	"time"

	velerov1 "github.com/vmware-tanzu/velero/pkg/apis/velero/v1"

	"github.com/kymaros/kymaros/pkg/apis/restore/v1alpha1"
)

// Here is what this cluster tells that may show where a backup was made.
type Here struct {
	// Born is when the cluster was made, by its namespace kube-system; zero if that is not known.
	Born time.Time
	// Since is when those source namespaces were created that exist here.
	Since map[string]time.Time
	// Location that Velero reads the backup from.
	Location v1alpha1.BackupLocation
}

// Origin tells whether b was made in this cluster. Nothing in a Backup names its cluster. But whoever asks for a backup makes the
// Backup before its work begins, and Velero makes one for what it finds in a location after that has ended, so the API server's
// creationTimestamp tells them apart. That alone does not show another cluster: Velero does the same where it is installed anew, or
// where somebody has deleted a Backup and not what it stands for.
func Origin(b *velerov1.Backup, here Here) v1alpha1.Segregation {
	began := b.Status.StartTimestamp
	if began == nil {
		return v1alpha1.Segregation{Cluster: v1alpha1.ClusterUnknown, Basis: "the Backup does not say when it began (status.startTimestamp)"}
	}
	if !Found(b) {
		return v1alpha1.Segregation{Cluster: v1alpha1.ClusterSame, Basis: "the Backup was created here before its work began"}
	}
	found := fmt.Sprintf("Velero found it in location %s", here.Location.Name)
	if here.Born.After(began.Time) {
		return v1alpha1.Segregation{Cluster: v1alpha1.ClusterOther, Basis: found + ", and it began before this cluster existed (namespace kube-system)"}
	}
	var present []string
	for name, since := range here.Since {
		if !since.After(began.Time) {
			present = append(present, name)
		}
	}
	slices.Sort(present)
	switch {
	case len(present) > 0:
		return v1alpha1.Segregation{Cluster: v1alpha1.ClusterUnknown,
			Basis: fmt.Sprintf("%s, but namespace %s was here when it was made: Velero may have been installed anew, or the Backup deleted", found, strings.Join(present, ", "))}
	case here.Location.ReadOnly:
		return v1alpha1.Segregation{Cluster: v1alpha1.ClusterOther,
			Basis: found + ", which is ReadOnly for this cluster, and none of its source namespaces was here when it was made"}
	}
	return v1alpha1.Segregation{Cluster: v1alpha1.ClusterUnknown,
		Basis: found + ", into which this cluster may have put it: a location whose accessMode is ReadOnly would show that it has not"}
}

// Found tells whether Velero has made b for what it found in a location, and not somebody who asked for a backup.
func Found(b *velerov1.Backup) bool {
	return b.Status.StartTimestamp != nil && b.CreationTimestamp.After(b.Status.StartTimestamp.Time)
}

// Elsewhere tells whether a backup was made in another cluster, as far as is known: what is missing here then may be there.
func Elsewhere(s *v1alpha1.Segregation) bool { return s != nil && s.Cluster != v1alpha1.ClusterSame }
