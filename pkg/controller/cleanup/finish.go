package cleanup

import (
	"context"
	"errors"
	"fmt"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/kymaros/kymaros/pkg/apis/restore/v1alpha1"
	"github.com/kymaros/kymaros/pkg/conditions"
	"github.com/kymaros/kymaros/pkg/controller"
)

// reportGrace is how long a deleted RestoreTest is held for the report of its last run.
const reportGrace = 10 * time.Second

// unlabelled looks for a sandbox of rt's run that is still there although its labels do not show it any more. It must not
// be deleted for its name alone, nor be forgotten.
func (c *Controller) unlabelled(ctx context.Context, rt *v1alpha1.RestoreTest) (string, error) {
	status := rt.Status.Sandbox
	if status == nil || status.RunID != rt.Status.Run.ID {
		return "", nil
	}
	for _, ns := range status.Namespaces {
		live, err := c.kube.CoreV1().Namespaces().Get(ctx, ns.Name, metav1.GetOptions{})
		switch {
		case apierrors.IsNotFound(err):
		case err != nil:
			return "", err
		case ns.UID != "" && live.UID == ns.UID && !sandbox(live):
			return ns.Name, nil
		}
	}
	return "", nil
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
		RunID: rt.Status.Run.ID, Remaining: []string{"namespace/" + lost},
	}})
}

// finish says that nothing is left, and then lets the RestoreTest go.
func (c *Controller) finish(ctx context.Context, rt *v1alpha1.RestoreTest, keep string, s seen) (time.Duration, error) {
	if rt == nil || keep != "" {
		return 0, nil
	}
	if conditions.Active(rt) {
		if lost, err := c.unlabelled(ctx, rt); err != nil || lost != "" {
			return time.Minute, errors.Join(err, c.say(ctx, rt, lost))
		}
		if rt.DeletionTimestamp != nil && !conditions.Is(rt, v1alpha1.ConditionReported, metav1.ConditionTrue) {
			if left := reportGrace - time.Since(rt.DeletionTimestamp.Time); left > 0 {
				return left, nil
			}
		}
		return 0, c.report(ctx, rt, keep, s)
	}
	if !controller.HasFinalizer(rt) {
		return 0, nil
	}
	return 0, unfinalize(rt, func(patch []byte) error {
		_, err := c.client.RestoreV1alpha1().RestoreTests(rt.Namespace).Patch(ctx, rt.Name, types.MergePatchType, patch,
			metav1.PatchOptions{FieldManager: controller.FieldManager(controller.Cleanup)})
		return err
	})
}
