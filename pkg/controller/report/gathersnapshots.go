package report

import (
	"context"
	"strings"

	velerov1 "github.com/vmware-tanzu/velero/pkg/apis/velero/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/klog/v2"

	"github.com/kymaros/kymaros/pkg/volumes"
)

var snapshotContents = schema.GroupVersionResource{Group: "snapshot.storage.k8s.io", Version: "v1", Resource: "volumesnapshotcontents"}

// maxStorageWords is how much of what the storage says is told, in bytes.
const maxStorageWords = 512

// snapshots looks up why the storage makes no volume of a snapshot, if a claim waits for one: what Velero made of the backup's are the
// contents with the label of its Restore.
func (l *look) snapshots() {
	if !volumes.Awaited(l.seen.claims) {
		return
	}
	l.add("volumesnapshotcontents", func(ctx context.Context) error {
		selector := labels.Set{velerov1.RestoreNameLabel: l.restore}.String()
		list := func(ctx context.Context, o metav1.ListOptions) (*unstructured.UnstructuredList, error) {
			o.LabelSelector = selector
			return l.c.dynamic.Resource(snapshotContents).List(ctx, o)
		}
		err := each(ctx, list, func(o *unstructured.Unstructured) {
			snapshot, said := trouble(o)
			l.note(func() {
				if said != "" {
					l.seen.snapshots[snapshot] = said
				}
			})
		})
		if err != nil { // the volume is missing all the same: only the words for it are
			klog.FromContext(ctx).V(2).Info("Not told why snapshots are no volumes", "err", err)
		}
		return nil
	})
}

// trouble returns the VolumeSnapshot of a content, "namespace/name", and what the storage says is wrong with it; "" if nothing.
func trouble(content *unstructured.Unstructured) (snapshot, said string) {
	text := func(path ...string) string {
		s, _, _ := unstructured.NestedString(content.Object, path...)
		return s
	}
	said = strings.Join(strings.Fields(text("status", "error", "message")), " ")
	if len(said) > maxStorageWords {
		said = strings.ToValidUTF8(said[:maxStorageWords-3], "") + "…"
	}
	return text("spec", "volumeSnapshotRef", "namespace") + "/" + text("spec", "volumeSnapshotRef", "name"), said
}
