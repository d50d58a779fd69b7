package cleanup

import (
	"context"
	"errors"
	"fmt"

	velerov1 "github.com/vmware-tanzu/velero/pkg/apis/velero/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/client-go/tools/cache"
	"k8s.io/klog/v2"

	"github.com/kymaros/kymaros/pkg/apis/restore/v1alpha1"
	"github.com/kymaros/kymaros/pkg/names"
	"github.com/kymaros/kymaros/pkg/velero"
)

// liveRestores replaces the Restores in s by those that the API server knows: a Restore that the cache does not show yet
// must hold its sandbox too.
func (c *Controller) liveRestores(ctx context.Context, key cache.ObjectName, keep string, s *seen) error {
	selector := labels.SelectorFromSet(labels.Set{v1alpha1.LabelManagedBy: v1alpha1.ManagedBy, v1alpha1.LabelTest: names.LabelValue(key.Name)}).String()
	list, err := c.client.VeleroV1().Restores(c.veleroNamespace).List(ctx, metav1.ListOptions{LabelSelector: selector})
	if err != nil {
		return fmt.Errorf("list Restores: %w", err)
	}
	s.restores = nil
	for i := range list.Items {
		if expendable(&list.Items[i], key, keep) {
			s.restores = append(s.restores, &list.Items[i])
		}
	}
	return nil
}

// cancelRestores deletes the Restores that Velero has not begun with. The resource version makes sure that it still has
// not when the deletion happens.
func (c *Controller) cancelRestores(ctx context.Context, restores []*velerov1.Restore) error {
	var errs []error
	for _, r := range restores {
		if velero.Started(r.Status.Phase) || r.DeletionTimestamp != nil {
			continue
		}
		errs = append(errs, c.deleteRestore(ctx, r, metav1.Preconditions{UID: &r.UID, ResourceVersion: &r.ResourceVersion}))
	}
	return errors.Join(errs...)
}

func (c *Controller) deleteRestores(ctx context.Context, restores []*velerov1.Restore) error {
	var errs []error
	for _, r := range restores {
		if r.DeletionTimestamp == nil {
			errs = append(errs, c.deleteRestore(ctx, r, metav1.Preconditions{UID: &r.UID}))
		}
	}
	return errors.Join(errs...)
}

func (c *Controller) deleteRestore(ctx context.Context, r *velerov1.Restore, preconditions metav1.Preconditions) error {
	klog.FromContext(ctx).V(2).Info("Deleting Restore", "restore", klog.KObj(r), "phase", r.Status.Phase)
	err := c.client.VeleroV1().Restores(r.Namespace).Delete(ctx, r.Name, metav1.DeleteOptions{Preconditions: &preconditions})
	if err != nil && !apierrors.IsNotFound(err) {
		return fmt.Errorf("delete Restore %s: %w", r.Name, err)
	}
	return nil
}
