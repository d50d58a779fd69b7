package restore

import (
	"context"
	"fmt"
	"slices"

	velerov1 "github.com/vmware-tanzu/velero/pkg/apis/velero/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/sets"

	"github.com/kymaros/kymaros/pkg/apis/restore/v1alpha1"
	"github.com/kymaros/kymaros/pkg/velero"
	"github.com/kymaros/kymaros/pkg/volumes"
)

// production looks whether a claim of rt's sandboxes has a volume that is production's, and says which: with every step of
// the Restore, for its pods write as soon as they run, and once more when it has ended. While nothing new is bound the
// volumes of the cluster are not listed again.
func (c *Controller) production(ctx context.Context, rt *v1alpha1.RestoreTest, r *velerov1.Restore) ([]string, error) {
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
	if len(claims) == 0 || !velero.Terminal(r.Status.Phase) && !c.unjudged(r.Name, claims) {
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
	c.judge(r, claims)
	return volumes.Production(claims, inventory, rt.Status.Run.StartTime.Time), nil
}

// unjudged tells whether a claim is bound that was not when the volumes were last listed.
func (c *Controller) unjudged(restore string, claims []volumes.Claim) bool {
	return slices.ContainsFunc(claims, func(claim volumes.Claim) bool { return claim.Bound && !c.judged[restore].Has(claim.UID) })
}

// judge remembers which claims were looked at, as long as the Restore goes on. There is one worker, so nobody else asks.
func (c *Controller) judge(r *velerov1.Restore, claims []volumes.Claim) {
	if velero.Terminal(r.Status.Phase) {
		delete(c.judged, r.Name)
		return
	}
	seen := sets.New[string]()
	for _, claim := range claims {
		if claim.Bound {
			seen.Insert(claim.UID)
		}
	}
	c.judged[r.Name] = seen
}
