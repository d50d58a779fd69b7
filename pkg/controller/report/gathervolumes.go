package report

import (
	"context"

	velerov1 "github.com/vmware-tanzu/velero/pkg/apis/velero/v1"
	velerov2alpha1 "github.com/vmware-tanzu/velero/pkg/apis/velero/v2alpha1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"

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

// volumes looks up all PersistentVolumes, those of the sandboxes to be compared with the others. Version "0" is the API
// server's cache, which may be a moment behind the claims; "" is the newest state.
func (l *look) volumes(sandboxes []string, version string) {
	l.seen.inventory = volumes.NewInventory(sandboxes...)
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
