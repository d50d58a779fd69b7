package restore

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"

	velerov1 "github.com/vmware-tanzu/velero/pkg/apis/velero/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/version"

	"github.com/kymaros/kymaros/pkg/apis/restore/v1alpha1"
	"github.com/kymaros/kymaros/pkg/velero"
)

// Resources that a Restore may name. The first two are of the whole cluster, and of them contents alone are restored.
const (
	snapshotContents = "volumesnapshotcontents.snapshot.storage.k8s.io"
	allVolumes       = "persistentvolumes"
	claims           = "persistentvolumeclaims"
)

// server is what is known of the server of Velero.
type server struct {
	images  []string // sorted
	version *version.Version
}

// server looks which Velero runs, by a list that the API server answers from its cache. A ServerStatusRequest would tell it of
// images without such a tag as well. It would take one more right to write in Velero's namespace, and a wait before each restore,
// for little: what is asked of a version that is not known is right for those that matter.
func (c *Controller) server(ctx context.Context) (server, error) {
	if c.options.VeleroVersion != "" {
		v, err := version.ParseSemantic(c.options.VeleroVersion)
		return server{version: v}, err
	}
	pods, err := c.veleroPods(ctx)
	if err != nil {
		return server{}, err
	}
	return serverOf(pods), nil
}

// serverOf returns what the images of the servers among pods say. While one version replaces another nobody knows which of them
// takes the Restore up.
func serverOf(pods []corev1.Pod) server {
	s := server{images: velero.ServerImages(pods)}
	if len(s.images) == 1 {
		s.version = velero.VersionOf(s.images[0])
	}
	return s
}

// terms are what a Restore says because of the server.
type terms struct {
	status v1alpha1.VeleroServer
	// unsupported says why that server cannot do it, if so.
	unsupported string
	// resources and contents are those of scoped.
	resources []string
	contents  bool
}

// terms returns those for a Restore of backup, of these resources.
func (s server) terms(backup *velerov1.Backup, resources []string) terms {
	t := terms{resources: resources}
	if s.version != nil {
		t.status.Version = s.version.String()
	} else {
		t.status.Note = fmt.Sprintf("the version is not known, for no tag of the image says it (%s): give it by the controller's flag --velero-version",
			cmp.Or(strings.Join(s.images, ", "), "no server is seen"))
	}
	snapshots := backup.Status.CSIVolumeSnapshotsAttempted
	if !slices.Contains(resources, snapshotContents) {
		snapshots = 0
	}
	const remedy = "update it, or give --velero-version if that is only the tag of its image"
	switch {
	case velero.TooOld(s.version):
		t.unsupported = fmt.Sprintf("Velero's server is %s, and Kymaros needs %s or newer, for the rules by which it neutralises what is restored fail before; %s",
			t.status.Version, velero.Oldest, remedy)
	case snapshots > 0 && velero.LosesSnapshots(s.version):
		t.unsupported = fmt.Sprintf("Velero's server is %s, which restores no CSI snapshot without all that belongs to the cluster, and backup %s has %d; %s",
			t.status.Version, backup.Name, snapshots, remedy)
	case snapshots > 0 && velero.LeavesContentsOut(s.version):
		t.contents = true
		t.note("includeClusterResources is left unset, for with false Velero 1.16.1 to 1.18.2 restores no CSI snapshot")
	case velero.FillsOnlyWithVolumes(s.version) && slices.Contains(resources, claims):
		// Not where contents come back, for there volumes would too; nor without claims, for then nothing is filled in any case.
		t.resources = append(slices.Clone(resources), allVolumes)
		t.note("persistentvolumes are named, for before 1.18.3 Velero fills no volumes of pods otherwise; none is restored")
	}
	return t
}

// note adds to what is said of the server.
func (t *terms) note(what string) {
	t.status.Note = strings.TrimPrefix(t.status.Note+"; "+what, "; ")
}
