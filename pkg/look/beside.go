package look

import (
	"context"

	velerov1 "github.com/vmware-tanzu/velero/pkg/apis/velero/v1"
	velerov2alpha1 "github.com/vmware-tanzu/velero/pkg/apis/velero/v2alpha1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/klog/v2"

	pkgvelero "github.com/kymaros/kymaros/pkg/velero"
)

// Kinds that not every cluster serves.
var (
	// SnapshotContents are VolumeSnapshotContents.
	SnapshotContents = schema.GroupVersionResource{Group: "snapshot.storage.k8s.io", Version: "v1", Resource: "volumesnapshotcontents"}
	dataDownloads    = velerov2alpha1.SchemeGroupVersion.WithResource("datadownloads")
	dataUploads      = velerov2alpha1.SchemeGroupVersion.WithResource("datauploads")
)

// PersistentVolumes lists all of the cluster, those of the sandboxes to be compared with the others. Version "0" is the API server's
// cache, which may be a moment behind the claims; "" is the newest state.
func (l *Look) PersistentVolumes(version string) Request {
	return Request{what: "persistentvolumes", topics: []Topic{Volumes}, do: func(ctx context.Context) error {
		return each(ctx, as(l.k.Kube.CoreV1().PersistentVolumes().List).at(version), l.handBeside)
	}}
}

// Transfers lists what Velero wrote into volumes in the run: file-system restores, and the downloads of its data mover.
func (l *Look) Transfers() []Request {
	of := labels.Set{velerov1.RestoreNameLabel: l.run.Restore}.String()
	return []Request{
		l.ofVelero("podvolumerestores", as(l.k.Velero.VeleroV1().PodVolumeRestores(l.k.VeleroNamespace).List).labelled(of)),
		l.ofVelero("datadownloads", as(l.k.Velero.VeleroV2alpha1().DataDownloads(l.k.VeleroNamespace).List).labelled(of), dataDownloads),
	}
}

// Held lists what the backup holds of single volumes: what file-system backup and the data mover took.
func (l *Look) Held() []Request {
	of := labels.Set{velerov1.BackupNameLabel: pkgvelero.LabelValue(l.run.Backup)}.String()
	return []Request{
		l.ofVelero("podvolumebackups", as(l.k.Velero.VeleroV1().PodVolumeBackups(l.k.VeleroNamespace).List).labelled(of)),
		l.ofVelero("datauploads", as(l.k.Velero.VeleroV2alpha1().DataUploads(l.k.VeleroNamespace).List).labelled(of), dataUploads, dataDownloads),
	}
}

// ofVelero lists a kind in Velero's namespace. A Velero without a data mover serves some of them not; those that are named are not
// asked for if one of them was missed a moment ago.
func (l *Look) ofVelero(resource string, of list, optional ...schema.GroupVersionResource) Request {
	return Request{what: resource + " in namespace " + l.k.VeleroNamespace, topics: []Topic{Volumes}, do: func(ctx context.Context) error {
		return l.k.absent.unless(func() error { return each(ctx, of, l.handBeside) }, optional...)
	}}
}

// Snapshots lists what Velero made of the backup's snapshots: the contents with the label of its Restore. It never fails: the volume
// is missing all the same, only the words for it are.
func (l *Look) Snapshots() Request {
	of := as(l.k.Dynamic.Resource(SnapshotContents).List).labelled(labels.Set{velerov1.RestoreNameLabel: l.run.Restore}.String())
	return Request{what: SnapshotContents.Resource, do: func(ctx context.Context) error {
		if err := l.k.absent.unless(func() error { return each(ctx, of, l.handBeside) }, SnapshotContents); err != nil {
			klog.FromContext(ctx).V(2).Info("Not told why snapshots are no volumes", "err", err)
		}
		return nil
	}}
}

// Policy reads the resource policy of the backup, the ConfigMap of that name, and hands it to do, or the error if there is none.
func (l *Look) Policy(name string, do func(*corev1.ConfigMap, error)) Request {
	return Request{what: "resource policy " + name, topics: []Topic{Volumes}, do: func(ctx context.Context) error {
		cm, err := l.k.Kube.CoreV1().ConfigMaps(l.k.VeleroNamespace).Get(ctx, name, metav1.GetOptions{})
		if err != nil && !apierrors.IsNotFound(err) {
			return err
		}
		l.note(func() { do(cm, err) })
		return nil
	}}
}
