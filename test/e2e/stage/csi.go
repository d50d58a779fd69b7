package stage

import (
	"context"
	"encoding/json"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

// Names of what `test/cluster/run.sh up --csi` makes.
const (
	// CSIDriver is the CSI driver.
	CSIDriver = "directories.csi.kymaros.test"
	// CSIClass is a storage class whose volumes are made at once.
	CSIClass = "csi"
	// CSILateClass is one whose volumes wait for a pod.
	CSILateClass = "csi-late"
	// CSIRetainClass is one whose volumes stay when their claim goes.
	CSIRetainClass = "csi-retain"
	// SnapshotRetainClass is a class of snapshots that stay when their object goes. Velero takes another unless a backup asks for it.
	SnapshotRetainClass = "csi-retain"
)

// Resources of CSI snapshots.
var (
	VolumeSnapshots        = schema.GroupVersionResource{Group: "snapshot.storage.k8s.io", Version: "v1", Resource: "volumesnapshots"}
	VolumeSnapshotContents = VolumeSnapshots.GroupVersion().WithResource("volumesnapshotcontents")
	VolumeSnapshotClasses  = VolumeSnapshots.GroupVersion().WithResource("volumesnapshotclasses")
)

// Storage tells of all volumes and snapshots there are, by object and by directory of the CSI driver, and of the objects in Velero's
// namespace. Of a snapshot it tells all, so that whoever changes one is seen; a volume in use changes by itself.
func (c *Cluster) Storage(ctx context.Context) (map[string]string, error) {
	all := map[string]string{}
	for _, resource := range []schema.GroupVersionResource{VolumeSnapshots, VolumeSnapshotContents, VolumeSnapshotClasses} {
		list, err := c.Objects.Resource(resource).List(ctx, metav1.ListOptions{})
		if err != nil {
			return nil, err
		}
		for _, o := range list.Items {
			text, err := json.MarshalIndent(o.Object, "", " ")
			if err != nil {
				return nil, err
			}
			all[fmt.Sprintf("%s %s/%s", resource.Resource, o.GetNamespace(), o.GetName())] = string(text)
		}
	}
	volumes, err := c.Kube.CoreV1().PersistentVolumes().List(ctx, metav1.ListOptions{})
	if err != nil {
		return nil, err
	}
	for _, pv := range volumes.Items {
		text, err := json.MarshalIndent(pv.Spec, "", " ") // printed otherwise, pointers differ
		if err != nil {
			return nil, err
		}
		all["persistentvolume "+pv.Name] = string(pv.Status.Phase) + " " + string(text)
	}
	of, err := c.Snapshot(ctx, VeleroNamespace)
	if err != nil {
		return nil, err
	}
	for name := range of {
		// Velero looks after its repositories when it likes to.
		if !strings.Contains(name, "-maintain-job-") {
			all[name] = ""
		}
	}
	return all, c.directories(all)
}

// directories adds those of the CSI driver.
func (c *Cluster) directories(all map[string]string) error {
	for _, kind := range []string{"volumes", "snapshots"} {
		entries, err := os.ReadDir(filepath.Join(c.Dir, "csi", kind))
		if err != nil {
			return err
		}
		for _, e := range entries {
			name := filepath.Join(kind, e.Name())
			all[name] = ""
			if kind == "snapshots" {
				if all[name], err = contentOf(filepath.Join(c.Dir, "csi", name)); err != nil {
					return err
				}
			}
		}
	}
	return nil
}

// contentOf sums up what is at path: a change of any file below it is a change of the sum.
func contentOf(path string) (string, error) {
	files, bytes, newest := 0, int64(0), int64(0)
	err := filepath.WalkDir(path, func(_ string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		files, bytes, newest = files+1, bytes+info.Size(), max(newest, info.ModTime().UnixNano())
		return nil
	})
	return fmt.Sprintf("%d files, %d bytes, changed at %d", files, bytes, newest), err
}

// SnapshotDirectories are the paths of all snapshots that the CSI driver has.
func (c *Cluster) SnapshotDirectories() ([]string, error) {
	records, err := filepath.Glob(filepath.Join(c.Dir, "csi", "snapshots", "*.json"))
	for i := range records {
		records[i] = strings.TrimSuffix(records[i], ".json")
	}
	return records, err
}

// LoseSnapshot takes a snapshot out of the storage, behind the back of the driver.
func LoseSnapshot(directory string) error {
	if err := os.Remove(directory + ".json"); err != nil {
		return err
	}
	return os.RemoveAll(directory)
}

// EmptySnapshot takes all files out of a snapshot, which the storage goes on to serve.
func EmptySnapshot(directory string) error {
	if err := os.RemoveAll(directory); err != nil {
		return err
	}
	if err := os.Mkdir(directory, 0o777); err != nil {
		return err
	}
	return os.Chmod(directory, 0o777)
}
