package restore

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	velerov1 "github.com/vmware-tanzu/velero/pkg/apis/velero/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/sets"
	"k8s.io/klog/v2"

	"github.com/kymaros/kymaros/pkg/apis/restore/v1alpha1"
	"github.com/kymaros/kymaros/pkg/backups"
	"github.com/kymaros/kymaros/pkg/controller"
	"github.com/kymaros/kymaros/pkg/velero"
)

// firstLook is how long a Restore has not changed when its sandboxes are looked at; the next look comes after twice that time, and
// so on until lastPause. Most restores are over before the first.
const (
	firstLook = 10 * time.Second
	lastPause = time.Minute
	// cancelAgain is how soon a Restore that makes way is looked at for volumes that came since.
	cancelAgain = 2 * time.Second
)

// stillness is since when a Restore has not changed. It is in memory only: after a restart of the controller it begins anew.
type stillness struct {
	version string
	next    time.Time
	pause   time.Duration
	// agentless is since when looks have found that a node agent is missing; zero if none is. It does not begin anew with a change.
	agentless time.Time
}

// due tells whether the sandboxes of r, which is under way, are to be looked at now, and when to ask again.
func (c *Controller) due(r *velerov1.Restore, now time.Time) (bool, time.Duration) {
	still := c.still[r.Name]
	if still.version != r.ResourceVersion {
		still = stillness{version: r.ResourceVersion, next: now.Add(firstLook), pause: firstLook, agentless: still.agentless}
	}
	due := !now.Before(still.next)
	if due {
		still.pause = min(2*still.pause, lastPause)
		still.next = now.Add(still.pause)
	}
	c.still[r.Name] = still
	return due, still.next.Sub(now)
}

// watch looks whether what s tells of, a Restore under way that has not changed for a while, waits for what cannot come. claims are
// those of the sandboxes. At the deadline it looks in any case, to tell why the run ends.
func (c *Controller) watch(ctx context.Context, rt *v1alpha1.RestoreTest, s *seen, claims map[string][]corev1.PersistentVolumeClaim, expired bool, now time.Time) error {
	r := s.restore
	if velero.Terminal(r.Status.Phase) {
		delete(c.still, r.Name)
		return c.lookBack(ctx, rt, s)
	}
	due, again := c.due(r, now)
	s.lookAgain = again
	if !due && !expired {
		return nil
	}
	if !velero.Started(r.Status.Phase) && !expired {
		return nil
	}
	pods, err := c.veleroPods(ctx)
	if err != nil {
		return err
	}
	if r.Status.Phase != velerov1.RestorePhaseInProgress || expired { // of one in progress the next server says what happened
		if s.stalled = velero.Restarted(r, pods); s.stalled == "" && expired && velero.Down(pods) {
			s.stalled = "Velero's server does not run"
		}
		if s.stalled != "" {
			return nil
		}
	}
	if !velero.Filling(r.Status.Phase) {
		return nil
	}
	seen := look{test: &rt.Status.Run.Spec, restore: r, claims: claims, sources: sourcesOf(rt), classes: sets.New[string](), agents: velero.AgentNodes(pods), ending: expired,
		elsewhere: backups.Elsewhere(fromText[v1alpha1.Segregation](r.Annotations[v1alpha1.AnnotationSegregation]))}
	for _, ns := range rt.Status.Sandbox.Namespaces {
		if ns.Deleted {
			continue // nor may its events be read any more
		}
		pods, err := c.kube.CoreV1().Pods(ns.Name).List(ctx, metav1.ListOptions{})
		if err != nil {
			return fmt.Errorf("list pods of %s: %w", ns.Name, err)
		}
		seen.pods = append(seen.pods, pods.Items...)
		events, err := c.kube.CoreV1().Events(ns.Name).List(ctx, metav1.ListOptions{FieldSelector: "involvedObject.kind=Pod"})
		if err != nil {
			return fmt.Errorf("list events of %s: %w", ns.Name, err)
		}
		seen.events = append(seen.events, events.Items...)
	}
	classes, err := c.classes(ctx)
	if err != nil {
		return err
	}
	for i := range classes {
		seen.classes.Insert(classes[i].Name)
	}
	missing := seen.agentMissing()
	seen.agentless = c.agentlessSince(r, missing, now)
	if missing || expired {
		if seen.moves.podVolumes, err = c.podVolumes(ctx, r); err != nil {
			return err
		}
		if seen.moves.downloads, err = c.downloads(ctx, r); err != nil {
			return err
		}
	}
	s.hopeless = hopeless(seen, now)
	return nil
}

// agentlessSince notes whether a look at r has found a node agent missing, and returns since when looks have.
func (c *Controller) agentlessSince(r *velerov1.Restore, missing bool, now time.Time) time.Time {
	still := c.still[r.Name]
	switch {
	case !missing:
		still.agentless = time.Time{}
	case still.agentless.IsZero():
		still.agentless = now
	}
	c.still[r.Name] = still
	return still.agentless
}

// lookBack looks what came of the volumes of what s tells of, a Restore that has ended.
func (c *Controller) lookBack(ctx context.Context, rt *v1alpha1.RestoreTest, s *seen) error {
	r := s.restore
	switch {
	case r.Status.Phase == velerov1.RestorePhasePartiallyFailed:
	case r.Status.Phase == velerov1.RestorePhaseCompleted && !mayNotPassOver(r):
	default:
		return nil
	}
	var m moves
	var err error
	if m.podVolumes, err = c.podVolumes(ctx, r); err != nil {
		return err
	}
	if s.passedOver, err = c.passedOver(ctx, rt, r, m.podVolumes); err != nil || r.Status.Phase == velerov1.RestorePhaseCompleted {
		return err
	}
	if m.downloads, err = c.downloads(ctx, r); err != nil {
		return err
	}
	s.unfilled.gaveUp, s.unfilled.doubtful = m.gaveUp(rt, fromText[v1alpha1.VeleroServer](r.Annotations[v1alpha1.AnnotationVelero]))
	s.unfilled.agentless, err = c.agentless(ctx, rt, r, m.podVolumes)
	return err
}

// cancel has Velero give up the volumes that it still fills for r, if p wants it. Velero before 1.17 cannot for file-system backups, and
// ends with the time that the Restore gives it, which is the run's.
func (c *Controller) cancel(ctx context.Context, p plan, r *velerov1.Restore) error {
	if !p.cancel {
		return nil
	}
	patch, err := json.Marshal(map[string]any{"spec": map[string]any{"cancel": true}})
	if err != nil {
		return err
	}
	options := metav1.PatchOptions{FieldManager: controller.FieldManager(controller.Restore)}
	var errs []error
	var podVolumes []velerov1.PodVolumeRestore
	if cancelsFiles(p.status.Velero) {
		if podVolumes, err = c.podVolumes(ctx, r); err != nil {
			return err
		}
	}
	for _, o := range podVolumes {
		if !over(string(o.Status.Phase)) && !o.Spec.Cancel {
			klog.FromContext(ctx).V(2).Info("Cancelling data movement", "podVolumeRestore", klog.KObj(&o))
			_, err := c.client.VeleroV1().PodVolumeRestores(r.Namespace).Patch(ctx, o.Name, types.MergePatchType, patch, options)
			errs = append(errs, ignoreNotFound(err))
		}
	}
	downloads, err := c.downloads(ctx, r)
	errs = append(errs, err)
	for _, o := range downloads {
		if !over(string(o.Status.Phase)) && !o.Spec.Cancel {
			klog.FromContext(ctx).V(2).Info("Cancelling data movement", "dataDownload", klog.KObj(&o))
			_, err := c.client.VeleroV2alpha1().DataDownloads(r.Namespace).Patch(ctx, o.Name, types.MergePatchType, patch, options)
			errs = append(errs, ignoreNotFound(err))
		}
	}
	return errors.Join(errs...)
}

// cancelsFiles tells whether that server, nil if it is not known, can be asked to give up what it restores of files.
func cancelsFiles(s *v1alpha1.VeleroServer) bool { return velero.CancelsFiles(versionOf(s)) }

func ignoreNotFound(err error) error {
	if apierrors.IsNotFound(err) {
		return nil
	}
	return err
}

// abandon deletes the Restore of a run that ended because Velero stalled, also one that is not terminal: each server of Velero that
// starts would take it up anew. By then nothing makes objects for it.
func (c *Controller) abandon(ctx context.Context, rt *v1alpha1.RestoreTest, restored *metav1.Condition) error {
	if restored.Reason != v1alpha1.ReasonVeleroStalled || !created(rt) {
		return nil
	}
	r, err := c.restores.Get(rt.Status.Restore.Name)
	if apierrors.IsNotFound(err) || err == nil && (!c.ours(rt, r) || r.DeletionTimestamp != nil || velero.Terminal(r.Status.Phase)) {
		return nil // what is terminal cleanup deletes
	}
	if err != nil {
		return err
	}
	klog.FromContext(ctx).V(2).Info("Deleting the Restore on which Velero stalled", "restore", klog.KObj(r), "phase", r.Status.Phase)
	err = c.client.VeleroV1().Restores(r.Namespace).Delete(ctx, r.Name, metav1.DeleteOptions{Preconditions: &metav1.Preconditions{UID: &r.UID}})
	if ignoreNotFound(err) != nil {
		return fmt.Errorf("delete Restore %s: %w", r.Name, err)
	}
	return nil
}
