package real

import (
	"context"
	"errors"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/types"

	"github.com/kymaros/kymaros/test/e2e/stage"
)

// passingClass is a class of snapshots that one backup asks for and that is gone afterwards.
const passingClass = "csi-passing"

var errNotReady = errors.New("the snapshot is not ready to use")

func createPassingClass(ctx context.Context) error {
	if err := deletePassingClass(ctx); err != nil && !apierrors.IsNotFound(err) { // of a run that was cut off
		return err
	}
	_, err := cluster.Objects.Resource(stage.VolumeSnapshotClasses).Create(ctx, &unstructured.Unstructured{Object: map[string]any{
		"apiVersion": "snapshot.storage.k8s.io/v1", "kind": "VolumeSnapshotClass", "metadata": map[string]any{"name": passingClass},
		"driver": stage.CSIDriver, "deletionPolicy": "Delete",
	}}, metav1.CreateOptions{})
	return err
}

func deletePassingClass(ctx context.Context) error {
	return cluster.Objects.Resource(stage.VolumeSnapshotClasses).Delete(ctx, passingClass, metav1.DeleteOptions{})
}

// markClass has Velero take the usual class of snapshots, or none: of several that are not marked it takes none, and if a backup names
// one that is not there it takes the marked one.
func markClass(ctx context.Context, marked bool) error {
	patch := `{"metadata":{"labels":{"velero.io/csi-volumesnapshot-class":null}}}`
	if marked {
		patch = `{"metadata":{"labels":{"velero.io/csi-volumesnapshot-class":"true"}}}`
	}
	_, err := cluster.Objects.Resource(stage.VolumeSnapshotClasses).Patch(ctx, stage.CSIClass, types.MergePatchType, []byte(patch), metav1.PatchOptions{})
	return err
}

// markFiles has Velero back up the files of those volumes of late's database, a name or null, instead of a snapshot.
func markFiles(ctx context.Context, volumes string) error {
	_, err := cluster.Kube.CoreV1().Pods(late).Patch(ctx, "db-0", types.MergePatchType,
		[]byte(`{"metadata":{"annotations":{"backup.velero.io/backup-volumes":`+volumes+`}}}`), metav1.PatchOptions{})
	return err
}

// snapshotOfProduction takes a snapshot of the shop's volume that is nobody's backup.
func snapshotOfProduction(ctx context.Context, namespace string) error {
	snapshots := cluster.Objects.Resource(stage.VolumeSnapshots).Namespace(namespace)
	_, err := snapshots.Create(ctx, &unstructured.Unstructured{Object: map[string]any{
		"apiVersion": "snapshot.storage.k8s.io/v1", "kind": "VolumeSnapshot", "metadata": map[string]any{"name": "before-the-upgrade"},
		"spec": map[string]any{"volumeSnapshotClassName": stage.CSIClass, "source": map[string]any{"persistentVolumeClaimName": "data-db-0"}},
	}}, metav1.CreateOptions{})
	if err != nil {
		return err
	}
	return stage.Poll(ctx, stage.RunTimeout, func(ctx context.Context) error {
		s, err := snapshots.Get(ctx, "before-the-upgrade", metav1.GetOptions{})
		if err != nil {
			return err
		}
		if ready, _, _ := unstructured.NestedBool(s.Object, "status", "readyToUse"); !ready {
			return errNotReady
		}
		return nil
	})
}
