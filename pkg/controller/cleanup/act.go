package cleanup

import (
	"context"
	"errors"
	"fmt"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/tools/cache"
	"k8s.io/klog/v2"

	"github.com/kymaros/kymaros/pkg/apis/restore/v1alpha1"
	"github.com/kymaros/kymaros/pkg/controller"
)

// act does what next asks for.
func (c *Controller) act(ctx context.Context, key cache.ObjectName, rt *v1alpha1.RestoreTest, s seen) error {
	switch next(s) {
	case awaitRestore:
		// Not reclaim: Velero gives a volume the policy of the original as the last thing it does.
		return errors.Join(c.cancelRestores(ctx, s.restores), c.abandon(ctx, rt, s.restores), c.secure(ctx, s.protect, corev1.PersistentVolumeReclaimRetain))
	case secureVolumes:
		err := errors.Join(c.secure(ctx, s.protect, corev1.PersistentVolumeReclaimRetain), c.secure(ctx, s.reclaim, corev1.PersistentVolumeReclaimDelete))
		if err != nil {
			return err // pods keep their claims, and claims their volumes
		}
		return errors.Join(c.hurry(ctx, key, s.lingering), c.deleteNamespaces(ctx, key, s.namespaces))
	case deleteNamespaces:
		return errors.Join(c.hurry(ctx, key, s.lingering), c.deleteNamespaces(ctx, key, s.namespaces))
	case awaitContents:
		return c.hurry(ctx, key, s.lingering)
	case deleteSnapshots:
		return c.deleteSnapshots(ctx, s.snapshots)
	case release:
		if err := c.settle(ctx, key, rt, s); err != nil {
			return err
		}
		return errors.Join(c.deleteRestores(ctx, s.restores), c.release(ctx, s.namespaces))
	case done:
	}
	return nil
}

// deleteNamespaces deletes sandboxes after a last look at each: what no longer carries our labels is not ours to delete.
func (c *Controller) deleteNamespaces(ctx context.Context, key cache.ObjectName, namespaces []*corev1.Namespace) error {
	var errs []error
	for _, ns := range namespaces {
		if ns.DeletionTimestamp != nil {
			continue
		}
		live, err := c.kube.CoreV1().Namespaces().Get(ctx, ns.Name, metav1.GetOptions{})
		if apierrors.IsNotFound(err) {
			continue
		}
		if err != nil {
			errs = append(errs, err)
			continue
		}
		if !sameSandbox(live, ns, key) {
			continue
		}
		klog.FromContext(ctx).V(2).Info("Deleting sandbox", "namespace", ns.Name)
		err = c.kube.CoreV1().Namespaces().Delete(ctx, ns.Name, metav1.DeleteOptions{Preconditions: &metav1.Preconditions{UID: &live.UID}})
		if err != nil && !apierrors.IsNotFound(err) {
			errs = append(errs, fmt.Errorf("delete namespace %s: %w", ns.Name, err))
		}
	}
	return errors.Join(errs...)
}

// release takes our finalizers off the guards of each namespace, and, when the namespace controller is done with it, off
// the namespace.
func (c *Controller) release(ctx context.Context, namespaces []*corev1.Namespace) error {
	options := metav1.PatchOptions{FieldManager: controller.FieldManager(controller.Cleanup)}
	var errs []error
	for _, ns := range namespaces {
		if !emptied(ns) && len(ns.Spec.Finalizers) > 0 {
			continue // the fence would refuse it; the update of the namespace that says so brings us back
		}
		if len(ns.Spec.Finalizers) > 0 {
			errs = append(errs, c.releaseGuards(ctx, ns))
			continue // the namespace controller is not done; its update brings us back
		}
		if !controller.HasFinalizer(ns) {
			continue
		}
		errs = append(errs, unfinalize(ns, func(patch []byte) error {
			left, err := c.kube.CoreV1().Namespaces().Patch(ctx, ns.Name, types.MergePatchType, patch, options)
			if err == nil && len(left.Finalizers)+len(left.Spec.Finalizers) == 0 {
				c.notes.went(ns.UID) // with the last finalizer the API server has deleted it
			}
			return err
		}))
	}
	return errors.Join(errs...)
}

// releaseGuards takes our finalizer off the guards of a namespace. They are listed live: one that the cache does not know would hold
// the namespace for ever.
func (c *Controller) releaseGuards(ctx context.Context, ns *corev1.Namespace) error {
	policies := c.kube.NetworkingV1().NetworkPolicies(ns.Name)
	selector := labels.SelectorFromSet(labels.Set{v1alpha1.LabelManagedBy: v1alpha1.ManagedBy}).String()
	list, err := policies.List(ctx, metav1.ListOptions{LabelSelector: selector})
	if err != nil {
		return fmt.Errorf("list NetworkPolicies of %s: %w", ns.Name, err)
	}
	var errs []error
	for i := range list.Items {
		policy := &list.Items[i]
		if !controller.HasFinalizer(policy) {
			continue
		}
		errs = append(errs, unfinalize(policy, func(patch []byte) error {
			_, err := policies.Patch(ctx, policy.Name, types.MergePatchType, patch, metav1.PatchOptions{FieldManager: controller.FieldManager(controller.Cleanup)})
			return err
		}))
	}
	return errors.Join(errs...)
}

// unfinalize takes our finalizer off o by patch.
func unfinalize(o metav1.Object, patch func([]byte) error) error {
	body, err := controller.FinalizerPatch(o, false)
	if err != nil {
		return err
	}
	if err := patch(body); err != nil && !apierrors.IsNotFound(err) {
		return fmt.Errorf("take our finalizer off %s: %w", o.GetName(), err)
	}
	return nil
}
