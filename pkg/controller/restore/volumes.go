package restore

import (
	"context"
	"fmt"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/kymaros/kymaros/pkg/apis/restore/v1alpha1"
	"github.com/kymaros/kymaros/pkg/volumes"
)

// production looks whether a claim of rt's sandboxes has a volume that is production's, and says which. What Velero restored
// is not used before this is known.
func (c *Controller) production(ctx context.Context, rt *v1alpha1.RestoreTest) ([]string, error) {
	var claims []volumes.Claim
	var sandboxes []string
	for _, ns := range rt.Status.Sandbox.Namespaces {
		sandboxes = append(sandboxes, ns.Name)
		list, err := c.kube.CoreV1().PersistentVolumeClaims(ns.Name).List(ctx, metav1.ListOptions{})
		if err != nil {
			return nil, fmt.Errorf("list PersistentVolumeClaims of %s: %w", ns.Name, err)
		}
		for i := range list.Items {
			claims = append(claims, volumes.ClaimOf(ns.Source, &list.Items[i]))
		}
	}
	if len(claims) == 0 {
		return nil, nil
	}
	// From the API server's cache, unless that is behind the claims: then the newest state.
	var inventory *volumes.Inventory
	for _, version := range []string{"0", ""} {
		list, err := c.kube.CoreV1().PersistentVolumes().List(ctx, metav1.ListOptions{ResourceVersion: version})
		if err != nil {
			return nil, fmt.Errorf("list PersistentVolumes: %w", err)
		}
		inventory = volumes.NewInventory(sandboxes...)
		for i := range list.Items {
			inventory.Add(&list.Items[i])
		}
		if inventory.Knows(claims) {
			break
		}
	}
	return volumes.Production(claims, inventory, rt.Status.Run.StartTime.Time), nil
}
