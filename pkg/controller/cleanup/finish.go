package cleanup

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/tools/cache"

	"github.com/kymaros/kymaros/pkg/apis/restore/v1alpha1"
	"github.com/kymaros/kymaros/pkg/conditions"
	"github.com/kymaros/kymaros/pkg/controller"
	"github.com/kymaros/kymaros/pkg/metrics"
)

// reportGrace is how long a deleted RestoreTest is held for the report of its last run.
const reportGrace = 10 * time.Second

// former looks for the sandboxes of rt's run that status tells of and the cache does not show. One that is still there must not be
// deleted for its name alone, nor be forgotten: it gets the label back by which it is found, or is lost if more is missing. Of those
// that are gone volumes may be left, because somebody took our finalizer off.
func (c *Controller) former(ctx context.Context, rt *v1alpha1.RestoreTest) (gone []box, lost string, err error) {
	status := rt.Status.Sandbox
	if status == nil || status.RunID != rt.Status.Run.ID || c.notes.allWent(status.Namespaces) {
		return nil, "", nil
	}
	for _, ns := range status.Namespaces {
		if ns.UID == "" {
			continue // never made: whoever has that name, it is not ours
		}
		live, err := c.kube.CoreV1().Namespaces().Get(ctx, ns.Name, metav1.GetOptions{})
		switch {
		case apierrors.IsNotFound(err):
			gone = append(gone, box{ns.Name, rt.Status.Run.ID, rt.Status.Run.StartTime.Time})
		case err != nil:
			return nil, "", err
		case live.UID != ns.UID:
		case !sandbox(live):
			return nil, ns.Name, nil
		case live.Labels[v1alpha1.LabelManagedBy] != v1alpha1.ManagedBy:
			if err := c.relabel(ctx, live); err != nil {
				return nil, "", err
			}
			return nil, "", behind(ns.Name)
		case !expendable(live, cache.MetaObjectToName(rt), ""):
			return nil, ns.Name, nil
		default:
			return nil, "", behind(ns.Name)
		}
	}
	return gone, "", nil
}

// relabel gives a sandbox, which all else shows to be one, the label back by which it is found.
func (c *Controller) relabel(ctx context.Context, ns *corev1.Namespace) error {
	body, err := json.Marshal(map[string]any{"metadata": map[string]any{"uid": ns.UID, "labels": map[string]string{v1alpha1.LabelManagedBy: v1alpha1.ManagedBy}}})
	if err != nil {
		return err
	}
	_, err = c.kube.CoreV1().Namespaces().Patch(ctx, ns.Name, types.MergePatchType, body, metav1.PatchOptions{FieldManager: controller.FieldManager(controller.Cleanup)})
	if err != nil && !apierrors.IsNotFound(err) {
		return fmt.Errorf("give namespace %s its label back: %w", ns.Name, err)
	}
	return nil
}

// behind has a sandbox looked at again that the cache does not show, or not any more.
func behind(namespace string) error {
	return apierrors.NewConflict(corev1.Resource("namespaces"), namespace, errors.New("the cache does not show it"))
}

// say writes that a sandbox has lost its labels.
func (c *Controller) say(ctx context.Context, rt *v1alpha1.RestoreTest, lost string) error {
	if lost == "" {
		return nil
	}
	condition := metav1.Condition{
		Type: v1alpha1.ConditionCleanedUp, Status: metav1.ConditionUnknown, Reason: v1alpha1.ReasonStuck,
		Message: fmt.Sprintf("somebody took the kymaros.io labels or annotations off sandbox %s; delete it by hand, and its finalizer %s", lost, v1alpha1.Finalizer),
	}
	return c.status.Write(ctx, rt, condition, v1alpha1.RestoreTestStatus{Cleanup: &v1alpha1.CleanupStatus{
		RunID: rt.Status.Run.ID, Remaining: []string{"namespace/" + lost}, Leaked: leakedOf(rt.Status.Run.ID, nil, rt.Status.Cleanup),
		Hygiene: lastHygiene(rt),
	}})
}

// conclude looks for what is left of rt's run although its namespaces are gone, writes it into the report, and ends the run.
func (c *Controller) conclude(ctx context.Context, key cache.ObjectName, rt *v1alpha1.RestoreTest, keep string, gone []box) (time.Duration, error) {
	var s seen
	run := rt.Status.Run.ID
	if len(gone) > 0 {
		if err := c.plan(ctx, &s, gone, false); err != nil {
			return 0, err
		}
	}
	if own := rt.Status.Sandbox; own == nil || own.RunID != run || !c.notes.allWent(own.Namespaces) {
		if err := c.snapshots(ctx, key, &s, []string{run}); err != nil {
			return 0, err
		}
	}
	if next(s) != done {
		return c.step(ctx, key, rt, keep, s)
	}
	leaked := leakedOf(run, s.leaked, rt.Status.Cleanup)
	has, _, err := c.hygiene(ctx, key, run, leaked)
	if err != nil {
		return 0, err
	}
	if err := c.report(ctx, rt, keep, s, cmp.Or(has, lastHygiene(rt))); err != nil {
		return 0, err
	}
	metrics.Leaked(rt.Namespace, rt.Name, len(leaked))
	if reported := conditions.ForRun(rt, v1alpha1.ConditionReported); conditions.Decided(reported) {
		metrics.CleanedUp(time.Since(reported.LastTransitionTime.Time))
	}
	return 0, nil
}

// finish says that nothing is left, and then lets the RestoreTest go.
func (c *Controller) finish(ctx context.Context, key cache.ObjectName, rt *v1alpha1.RestoreTest, keep string) (time.Duration, error) {
	if rt == nil {
		return 0, nil
	}
	if keep != "" {
		return reportDue(rt, time.Now()), nil // a run that nobody reports, and that has no sandbox, wakes nobody
	}
	if conditions.Active(rt) {
		gone, lost, err := c.former(ctx, rt)
		if err != nil || lost != "" {
			return time.Minute, errors.Join(err, c.say(ctx, rt, lost))
		}
		if rt.DeletionTimestamp != nil && !conditions.Is(rt, v1alpha1.ConditionReported, metav1.ConditionTrue) {
			if left := reportGrace - time.Since(rt.DeletionTimestamp.Time); left > 0 {
				return left, nil
			}
		}
		return c.conclude(ctx, key, rt, keep, gone)
	}
	if !controller.HasFinalizer(rt) || rt.DeletionTimestamp == nil && rt.Status.Phase == v1alpha1.PhaseRunning {
		return 0, nil // the second: that the run is over is about to be written, which brings us back
	}
	return 0, unfinalize(rt, func(patch []byte) error {
		_, err := c.client.RestoreV1alpha1().RestoreTests(rt.Namespace).Patch(ctx, rt.Name, types.MergePatchType, patch,
			metav1.PatchOptions{FieldManager: controller.FieldManager(controller.Cleanup)})
		return err
	})
}
