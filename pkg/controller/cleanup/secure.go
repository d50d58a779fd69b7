package cleanup

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/sets"
	"k8s.io/klog/v2"

	"github.com/kymaros/kymaros/pkg/controller"
	"github.com/kymaros/kymaros/pkg/volumes"
)

// volumes adds to s what becomes of the volumes of the sandboxes. They are looked at before a claim goes, whoever deletes it,
// and again when nothing else is left.
func (c *Controller) volumes(ctx context.Context, s *seen) error {
	live := slices.ContainsFunc(s.namespaces, func(ns *corev1.Namespace) bool { return ns.DeletionTimestamp == nil })
	unsecured := slices.ContainsFunc(s.namespaces, func(ns *corev1.Namespace) bool { return !c.notes.of(ns.UID).secured })
	holding := slices.ContainsFunc(s.namespaces, func(ns *corev1.Namespace) bool { return c.notes.of(ns.UID).claims })
	terminating := slices.ContainsFunc(s.namespaces, func(ns *corev1.Namespace) bool { return ns.DeletionTimestamp != nil })
	switch {
	case len(s.namespaces) == 0:
		return nil
	case next(*s) == awaitRestore && !terminating:
		return nil // Velero may still change the policy of a volume; nobody deletes a claim
	case !live && !unsecured && len(s.contents) > 0:
		return nil // a volume does not go before its claim
	case !live && !unsecured && !holding:
		return nil // there never was one
	}
	return c.plan(ctx, s, boxes(s.namespaces), live)
}

// plan looks at the volumes of the sandboxes and their claims. What is to be deleted or remembered is decided on the newest
// state; that there is nothing to decide may be seen in the API server's cache, unless live.
func (c *Controller) plan(ctx context.Context, s *seen, sandboxes []box, live bool) error {
	versions := []string{"0", ""}
	if live {
		versions = versions[1:]
	}
	var names []string
	for _, b := range sandboxes {
		names = append(names, b.name)
	}
	for _, version := range versions {
		list, err := c.kube.CoreV1().PersistentVolumes().List(ctx, metav1.ListOptions{ResourceVersion: version})
		if err != nil {
			return fmt.Errorf("list PersistentVolumes: %w", err)
		}
		inventory := volumes.NewInventory(names...)
		for i := range list.Items {
			inventory.Add(&list.Items[i])
		}
		// After the volumes: a claim that is there now was there when its volume was seen.
		claims := sets.New[types.UID]()
		if len(inventory.Bound()) > 0 {
			if claims, err = c.claims(ctx, names); err != nil {
				return err
			}
			for _, ns := range s.namespaces {
				c.notes.of(ns.UID).claims = true
			}
		}
		s.planned = plan(inventory, claims, sandboxes)
		if s.settled() {
			return nil
		}
	}
	return nil
}

// claims returns the UIDs of all claims in the sandboxes.
func (c *Controller) claims(ctx context.Context, namespaces []string) (sets.Set[types.UID], error) {
	all := sets.New[types.UID]()
	for _, ns := range namespaces {
		list, err := c.metadata.Resource(corev1.SchemeGroupVersion.WithResource("persistentvolumeclaims")).Namespace(ns).List(ctx, metav1.ListOptions{})
		if err != nil {
			return nil, fmt.Errorf("list PersistentVolumeClaims of %s: %w", ns, err)
		}
		for i := range list.Items {
			all.Insert(list.Items[i].UID)
		}
	}
	return all, nil
}

// secure gives volumes their reclaim policy, on condition that they are still as they were judged.
func (c *Controller) secure(ctx context.Context, all []volumes.Volume, policy corev1.PersistentVolumeReclaimPolicy) error {
	var errs []error
	for _, v := range all {
		klog.FromContext(ctx).V(2).Info("Changing reclaim policy", "persistentVolume", v.Name, "from", v.Policy, "to", policy)
		body, err := json.Marshal(map[string]any{
			"metadata": map[string]any{"uid": v.UID, "resourceVersion": v.ResourceVersion},
			"spec":     map[string]any{"persistentVolumeReclaimPolicy": policy},
		})
		if err != nil {
			return err
		}
		_, err = c.kube.CoreV1().PersistentVolumes().Patch(ctx, v.Name, types.MergePatchType, body, metav1.PatchOptions{FieldManager: controller.FieldManager(controller.Cleanup)})
		if err != nil && !apierrors.IsNotFound(err) {
			errs = append(errs, fmt.Errorf("give PersistentVolume %s reclaim policy %s: %w", v.Name, policy, err))
		}
	}
	return errors.Join(errs...)
}
