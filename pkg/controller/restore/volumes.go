package restore

import (
	"context"
	"fmt"
	"slices"
	"time"

	velerov1 "github.com/vmware-tanzu/velero/pkg/apis/velero/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/sets"

	"github.com/kymaros/kymaros/pkg/apis/restore/v1alpha1"
	"github.com/kymaros/kymaros/pkg/conditions"
	"github.com/kymaros/kymaros/pkg/velero"
	"github.com/kymaros/kymaros/pkg/volumes"
)

// inside looks into the sandboxes of a Restore that exists: whether a volume of production is in them, and whether Velero waits there
// for what cannot come. It does when the Restore has changed, and after a while when it does not; that the RestoreTest changes says
// nothing about them.
func (c *Controller) inside(ctx context.Context, rt *v1alpha1.RestoreTest, s *seen, now time.Time) error {
	if s.restore == nil {
		return nil
	}
	expired, _ := conditions.Expired(rt, now)
	if still := c.still[s.restore.Name]; still.version == s.restore.ResourceVersion && now.Before(still.next) && !expired {
		s.lookAgain = still.next.Sub(now)
		return nil
	}
	var claims map[string][]corev1.PersistentVolumeClaim
	if restoring(s.restore) {
		var err error
		if claims, err = c.claims(ctx, rt); err != nil {
			return err
		}
		if s.production, err = c.production(ctx, rt, s.restore, claims); err != nil {
			return err
		}
	}
	return c.watch(ctx, rt, s, claims, expired, now)
}

// claims returns those of rt's sandboxes, by the name of the sandbox.
func (c *Controller) claims(ctx context.Context, rt *v1alpha1.RestoreTest) (map[string][]corev1.PersistentVolumeClaim, error) {
	all := map[string][]corev1.PersistentVolumeClaim{}
	for _, ns := range rt.Status.Sandbox.Namespaces {
		list, err := c.kube.CoreV1().PersistentVolumeClaims(ns.Name).List(ctx, metav1.ListOptions{})
		if err != nil {
			return nil, fmt.Errorf("list PersistentVolumeClaims of %s: %w", ns.Name, err)
		}
		all[ns.Name] = list.Items
	}
	return all, nil
}

// production looks whether a claim of rt's sandboxes has a volume that is production's, and says which: with every step of
// the Restore, for its pods write as soon as they run, and once more when it has ended. While nothing new is bound the
// volumes of the cluster are not listed again.
func (c *Controller) production(ctx context.Context, rt *v1alpha1.RestoreTest, r *velerov1.Restore, of map[string][]corev1.PersistentVolumeClaim) ([]string, error) {
	var claims []volumes.Claim
	var sandboxes []string
	for _, ns := range rt.Status.Sandbox.Namespaces {
		sandboxes = append(sandboxes, ns.Name)
		for i := range of[ns.Name] {
			claims = append(claims, volumes.ClaimOf(ns.Source, &of[ns.Name][i]))
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
