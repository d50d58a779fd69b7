package volumes

import (
	"cmp"
	"fmt"
	"slices"

	"k8s.io/apimachinery/pkg/util/sets"

	"github.com/kymaros/kymaros/pkg/apis/restore/v1alpha1"
)

// Consequence is what a volume means for the verdict.
type Consequence int

// Consequences.
const (
	// NothingLost: the data came back, or there was none.
	NothingLost Consequence = iota
	// NotShown: the test itself did not bring back what a real restore would. It says nothing about the backup.
	NotShown
	// Unproven: data ought to be there, and is not, or nothing proves where it came from.
	Unproven
)

// ConsequenceOf tells what v means. A method that is not known here proves nothing.
func ConsequenceOf(v v1alpha1.VolumeReport) Consequence {
	if len(v.SharedWith) > 0 {
		return Unproven
	}
	switch v.Method {
	case v1alpha1.VolumeFileSystemBackup, v1alpha1.VolumeCSISnapshot, v1alpha1.VolumeDataMover, v1alpha1.VolumeNativeSnapshot,
		v1alpha1.VolumeEmptyInProduction, v1alpha1.VolumePending, v1alpha1.VolumeUnused, v1alpha1.VolumeEphemeral:
		return NothingLost
	case v1alpha1.VolumeNotRestored, v1alpha1.VolumeRestoreHook:
		return NotShown
	case v1alpha1.VolumeEmpty, v1alpha1.VolumePreBound, v1alpha1.VolumeNotInBackup, v1alpha1.VolumePartlyRestored, v1alpha1.VolumeLeftOut:
		// What was left out on purpose is in production, and a restore does not bring it back.
	}
	return Unproven
}

// CameBack tells whether v holds what it should without a look at what the backup says of it.
func CameBack(v v1alpha1.VolumeReport) bool { return slices.Contains(came, v.Method) }

var came = []v1alpha1.VolumeMethod{
	v1alpha1.VolumeFileSystemBackup, v1alpha1.VolumeCSISnapshot, v1alpha1.VolumeDataMover, v1alpha1.VolumeNativeSnapshot, v1alpha1.VolumeEphemeral,
}

// Named returns the volumes of that consequence: "namespace: claim (pod/name): why".
func Named(all []v1alpha1.VolumeReport, consequence Consequence) []string {
	var out []string
	for _, v := range all {
		if ConsequenceOf(v) == consequence {
			out = append(out, fmt.Sprintf("%s: %s (%s)%s", v.Namespace, v.Claim, cmp.Or(v.MountedBy, "not mounted by any pod"), prefixed(v.Message)))
		}
	}
	return out
}

// Lazy returns the volumes whose data the storage itself brings, out of a snapshot, and no check has read whole: "namespace: claim".
// Much of it may come only when it is read first, when the run is over.
func Lazy(all []v1alpha1.VolumeReport, checks []v1alpha1.CheckStatus) []string {
	read := sets.New[string]()
	for _, c := range checks {
		read.Insert(c.ReadVolumes...)
	}
	var out []string
	for _, v := range all {
		name := v.Namespace + ": " + v.Claim
		if (v.Method == v1alpha1.VolumeCSISnapshot || v.Method == v1alpha1.VolumeNativeSnapshot) && !read.Has(name) {
			out = append(out, name)
		}
	}
	return out
}
