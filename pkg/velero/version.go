package velero

import (
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/util/version"
)

// What is said about versions below was read in Velero's source, package restore, and in internal/resourcemodifiers.
var (
	// oldest is the first, its release candidates among them, that takes our resource modifiers. One before takes a condition on a
	// field that an object does not have for an error, so that no restore of a Service ever is Completed.
	oldest = version.MustParseSemantic("1.15.0-0")
	// From shy on the content of a snapshot is an item like others, and belongs to the whole cluster, so that a Restore with
	// includeClusterResources false leaves it out; until bold, which restores it in any case. Bold is also the first that fills volumes
	// of pods whatever kinds a Restore names.
	shy, bold = version.MustParseSemantic("1.16.0"), version.MustParseSemantic("1.18.3")
	// From single on, its release candidates among them, a Restore does not wait any more for the claim of data that was not moved.
	single = version.MustParseSemantic("1.16.0-0")
	// From polite on, its release candidates among them, a PodVolumeRestore has a field by which it is cancelled.
	polite = version.MustParseSemantic("1.17.0-0")
)

// Oldest is the oldest version of Velero that works, without the patch.
const Oldest = "1.15"

// VersionOf returns the version that the tag of an image says, nil if there is no tag or it is none: a digest, or latest.
func VersionOf(image string) *version.Version {
	image, _, _ = strings.Cut(image, "@")
	_, tag, _ := strings.Cut(image[strings.LastIndex(image, "/")+1:], ":")
	v, err := version.ParseSemantic(tag)
	if err != nil {
		return nil
	}
	return v
}

// TooOld tells whether a server of that version, nil if it is not known, is known not to work.
func TooOld(v *version.Version) bool { return v != nil && v.LessThan(oldest) }

// LosesSnapshots tells whether a server of that version is known to restore no CSI snapshot unless all that belongs to the cluster
// is restored: none of the items of 1.16.0 names the content, nor of what is built of it, as far as a tag tells.
func LosesSnapshots(v *version.Version) bool {
	return v != nil && slices.Equal(v.Components(), shy.Components())
}

// LeavesContentsOut tells whether a server of that version leaves the content of a CSI snapshot out of a Restore that says
// includeClusterResources false, or may do so: its version is not known, or it is a build of somebody's own.
func LeavesContentsOut(v *version.Version) bool {
	return v == nil || v.PreRelease() != "" || v.AtLeast(shy) && v.LessThan(bold)
}

// FillsOnlyWithVolumes tells whether a server of that version fills volumes of pods only for a Restore that names
// persistentvolumes among its kinds, or may do so. It asks for nothing else: with includeClusterResources false none is restored.
func FillsOnlyWithVolumes(v *version.Version) bool {
	return v == nil || v.PreRelease() != "" || v.LessThan(bold)
}

// CancelsFiles tells whether a server of that version gives up what it restores of files when it is asked to, or may do so.
func CancelsFiles(v *version.Version) bool { return v == nil || v.AtLeast(polite) }

// CountsTwice tells whether a server of that version counts two errors for data that its mover did not move, the second for the claim
// that is not bound for want of it, or may do so.
func CountsTwice(v *version.Version) bool { return v == nil || v.LessThan(single) }
