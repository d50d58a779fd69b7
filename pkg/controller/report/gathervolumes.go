package report

import (
	"context"
	"slices"

	velerov1 "github.com/vmware-tanzu/velero/pkg/apis/velero/v1"
	velerov2alpha1 "github.com/vmware-tanzu/velero/pkg/apis/velero/v2alpha1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/util/sets"
	"k8s.io/utils/ptr"

	"github.com/kymaros/kymaros/pkg/apis/restore/v1alpha1"
	pkgvelero "github.com/kymaros/kymaros/pkg/velero"
	"github.com/kymaros/kymaros/pkg/volumes"
)

// transfers looks up what Velero wrote into volumes in the run: file-system restores, and the downloads of its data mover.
func (l *look) transfers(restore string) {
	selector := labels.SelectorFromSet(labels.Set{velerov1.RestoreNameLabel: restore}).String()
	restores := l.c.client.VeleroV1().PodVolumeRestores(l.c.veleroNamespace)
	l.add("podvolumerestores in namespace "+l.c.veleroNamespace, func(ctx context.Context) error {
		list := func(ctx context.Context, o metav1.ListOptions) (*velerov1.PodVolumeRestoreList, error) {
			o.LabelSelector = selector
			return restores.List(ctx, o)
		}
		return each(ctx, list, func(pvr *velerov1.PodVolumeRestore) {
			l.note(func() { l.seen.transfers = append(l.seen.transfers, volumes.TransferOf(pvr)) })
		})
	}, topicVolumes)
	downloads := l.c.client.VeleroV2alpha1().DataDownloads(l.c.veleroNamespace)
	l.add("datadownloads in namespace "+l.c.veleroNamespace, func(ctx context.Context) error {
		list := func(ctx context.Context, o metav1.ListOptions) (*velerov2alpha1.DataDownloadList, error) {
			o.LabelSelector = selector
			return downloads.List(ctx, o)
		}
		err := each(ctx, list, func(d *velerov2alpha1.DataDownload) {
			l.note(func() { l.seen.transfers = append(l.seen.transfers, volumes.DownloadOf(d)) })
		})
		if apierrors.IsNotFound(err) {
			return nil // a Velero without a data mover
		}
		return err
	}, topicVolumes)
}

// backedUp looks up what the backup says of single volumes, if there are some into which nothing was written, and what its
// resource policy leaves out, if nothing else tells. Most reports need neither.
func (l *look) backedUp(rt *v1alpha1.RestoreTest) {
	backup := l.seen.backup
	if backup == nil {
		return // Velero deletes all of it with the Backup
	}
	open := l.seen.unread[topicVolumes] == "" && slices.ContainsFunc(volumeReports(rt, l.seen), func(v v1alpha1.VolumeReport) bool { return !volumes.CameBack(v) })
	if open {
		l.held(backup)
	}
	name := policyName(backup)
	if name == "" || !open && l.seen.notListed == "" {
		return
	}
	l.add("resource policy "+name, func(ctx context.Context) error {
		cm, err := l.c.kube.CoreV1().ConfigMaps(l.c.veleroNamespace).Get(ctx, name, metav1.GetOptions{})
		if err == nil {
			l.seen.policy, err = pkgvelero.ReadPolicy(cm.Data)
		} else if !apierrors.IsNotFound(err) {
			return err
		}
		if err != nil {
			l.seen.policyUnread = err.Error()
		}
		return nil
	}, topicVolumes)
}

// held looks up what file-system backup and the data mover took.
func (l *look) held(backup *velerov1.Backup) {
	selector := labels.SelectorFromSet(labels.Set{velerov1.BackupNameLabel: pkgvelero.LabelValue(backup.Name)}).String()
	note := func(b volumes.Backed) { l.note(func() { l.seen.held = append(l.seen.held, b) }) }
	backups, uploads := l.c.client.VeleroV1().PodVolumeBackups(l.c.veleroNamespace), l.c.client.VeleroV2alpha1().DataUploads(l.c.veleroNamespace)
	l.add("podvolumebackups in namespace "+l.c.veleroNamespace, func(ctx context.Context) error {
		list := func(ctx context.Context, o metav1.ListOptions) (*velerov1.PodVolumeBackupList, error) {
			o.LabelSelector = selector
			return backups.List(ctx, o)
		}
		return each(ctx, list, func(b *velerov1.PodVolumeBackup) { note(volumes.BackedUp(b)) })
	}, topicVolumes)
	l.add("datauploads in namespace "+l.c.veleroNamespace, func(ctx context.Context) error {
		list := func(ctx context.Context, o metav1.ListOptions) (*velerov2alpha1.DataUploadList, error) {
			o.LabelSelector = selector
			return uploads.List(ctx, o)
		}
		err := each(ctx, list, func(u *velerov2alpha1.DataUpload) { note(volumes.UploadOf(u)) })
		if apierrors.IsNotFound(err) {
			return nil // a Velero without a data mover
		}
		return err
	}, topicVolumes)
}

// policyName is the name of the resource policy of a backup, a ConfigMap; "" if it has none.
func policyName(backup *velerov1.Backup) string {
	if backup == nil || backup.Spec.ResourcePolicy == nil {
		return ""
	}
	return backup.Spec.ResourcePolicy.Name
}

// skipped finds the claims whose volumes the resource policy of the backup leaves out.
func (l *look) skipped() {
	l.seen.skipped = sets.New[string]()
	for key, claim := range l.claims {
		if l.seen.policy.Skips(claim, l.seen.inventory.OfSources[key]) {
			l.seen.skipped.Insert(key)
		}
	}
}

// backupOf is what volumes are to know of the backup.
func (s seen) backupOf() volumes.Backup {
	if s.backup == nil {
		return volumes.Backup{Gone: true}
	}
	return volumes.Backup{
		FileSystem:      ptr.Deref(s.backup.Spec.DefaultVolumesToFsBackup, false),
		NativeSnapshots: s.backup.Status.VolumeSnapshotsCompleted > 0,
		Held:            s.held, Skipped: s.skipped, Policy: policyName(s.backup),
	}
}

// volumes looks up all PersistentVolumes, those of the sandboxes to be compared with the others. Version "0" is the API
// server's cache, which may be a moment behind the claims; "" is the newest state.
func (l *look) volumes(sandboxes []string, version string) {
	l.seen.inventory = volumes.NewInventory(sandboxes...)
	l.seen.inventory.Sources = l.finder.Sources
	l.add("persistentvolumes", func(ctx context.Context) error {
		list := func(ctx context.Context, o metav1.ListOptions) (*corev1.PersistentVolumeList, error) {
			if o.Continue == "" {
				o.ResourceVersion = version
			}
			return l.c.kube.CoreV1().PersistentVolumes().List(ctx, o)
		}
		return each(ctx, list, func(pv *corev1.PersistentVolume) {
			l.note(func() { l.seen.inventory.Add(pv) })
		})
	}, topicVolumes)
}
