package cleanup

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	velerov1 "github.com/vmware-tanzu/velero/pkg/apis/velero/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/tools/cache"
	"k8s.io/klog/v2"

	"github.com/kymaros/kymaros/pkg/apis/restore/v1alpha1"
	"github.com/kymaros/kymaros/pkg/names"
)

// snapshotContents are cluster-scoped. Velero makes one for each snapshot that it restores from, and never deletes it.
var snapshotContents = schema.GroupVersionResource{Group: "snapshot.storage.k8s.io", Version: "v1", Resource: "volumesnapshotcontents"}

const snapshotPrefix = "volumesnapshotcontent/"

// runs returns the ids of the runs that s holds something of, sorted.
func runs(s seen) []string {
	var all []string
	for _, ns := range s.namespaces {
		all = append(all, ns.Labels[v1alpha1.LabelRun])
	}
	for _, r := range s.restores {
		all = append(all, r.Labels[v1alpha1.LabelRun])
	}
	slices.Sort(all)
	return slices.Compact(all)
}

// snapshots adds to s the VolumeSnapshotContents that Velero made in these runs of the test.
func (c *Controller) snapshots(ctx context.Context, key cache.ObjectName, s *seen, runs []string) error {
	for _, run := range runs {
		// Velero shortens values that are too long for a label; the names of our Restores are not.
		selector := velerov1.RestoreNameLabel + "=" + names.Restore(key.Name, run)
		list, err := c.dynamic.Resource(snapshotContents).List(ctx, metav1.ListOptions{LabelSelector: selector})
		if apierrors.IsNotFound(err) {
			return nil // the cluster has no CSI snapshots
		}
		if err != nil {
			return fmt.Errorf("list VolumeSnapshotContents: %w", err)
		}
		contents, leaked := sortSnapshots(run, list.Items)
		s.snapshots = append(s.snapshots, contents...)
		s.leaked = append(s.leaked, leaked...)
	}
	return nil
}

// snapshotsLeft does so for the sandboxes of which it is not known that there are none.
func (c *Controller) snapshotsLeft(ctx context.Context, key cache.ObjectName, s *seen) error {
	if len(s.namespaces) > 0 && !slices.ContainsFunc(s.namespaces, func(ns *corev1.Namespace) bool { return !c.notes.of(ns.UID).noSnapshots }) {
		return nil
	}
	if err := c.snapshots(ctx, key, s, runs(*s)); err != nil {
		return err
	}
	for _, ns := range s.namespaces {
		c.notes.of(ns.UID).noSnapshots = len(s.snapshots) == 0 && !slices.ContainsFunc(s.leaked, func(l leak) bool { return l.run == ns.Labels[v1alpha1.LabelRun] })
	}
	return nil
}

// sortSnapshots separates what may be deleted from what must not: with any policy but Retain the snapshot in the storage
// would be deleted too, and that is the backup.
func sortSnapshots(run string, all []unstructured.Unstructured) (deletable []*unstructured.Unstructured, leaked []leak) {
	for i := range all {
		o := &all[i]
		policy, _, _ := unstructured.NestedString(o.Object, "spec", "deletionPolicy")
		if policy == "Retain" {
			deletable = append(deletable, o)
			continue
		}
		leaked = append(leaked, leak{run, v1alpha1.Leak{Object: snapshotPrefix + o.GetName(), Reason: fmt.Sprintf(
			"its deletionPolicy is %q: deleting it would delete the snapshot that the backup rests on; set the policy to Retain, then delete it", policy)}})
	}
	return deletable, leaked
}

// deleteSnapshots deletes VolumeSnapshotContents; the snapshots themselves stay. The resource version makes sure that the
// policy is still the one that was seen.
func (c *Controller) deleteSnapshots(ctx context.Context, all []*unstructured.Unstructured) error {
	var errs []error
	for _, o := range all {
		if o.GetDeletionTimestamp() != nil {
			continue
		}
		klog.FromContext(ctx).V(2).Info("Deleting VolumeSnapshotContent", "volumeSnapshotContent", o.GetName())
		uid, version := o.GetUID(), o.GetResourceVersion()
		err := c.dynamic.Resource(snapshotContents).Delete(ctx, o.GetName(), metav1.DeleteOptions{
			Preconditions: &metav1.Preconditions{UID: &uid, ResourceVersion: &version},
		})
		if err != nil && !apierrors.IsNotFound(err) {
			errs = append(errs, fmt.Errorf("delete VolumeSnapshotContent %s: %w", o.GetName(), err))
		}
	}
	return errors.Join(errs...)
}

func snapshotNames(all []*unstructured.Unstructured) string {
	var list []string
	for _, o := range all {
		list = append(list, o.GetName())
	}
	slices.Sort(list)
	return strings.Join(list, ", ")
}
