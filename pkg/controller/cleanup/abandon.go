package cleanup

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	velerov1 "github.com/vmware-tanzu/velero/pkg/apis/velero/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/klog/v2"

	"github.com/kymaros/kymaros/pkg/apis/restore/v1alpha1"
	"github.com/kymaros/kymaros/pkg/conditions"
	"github.com/kymaros/kymaros/pkg/metrics"
	"github.com/kymaros/kymaros/pkg/velero"
)

// crashPause is how long until it is looked again whether Velero's server has ended over a Restore. A server that crashes with each start
// is started anew after 10 s, 20 s, and so on.
const crashPause = 30 * time.Second

// finalized tells whether Velero is about to finish r: over what it meets there, its server may end with each start.
func finalized(r *velerov1.Restore) bool {
	return velero.Finalizing(r.Status.Phase) && r.DeletionTimestamp == nil
}

// abandon deletes the Restores on which Velero's server has ended, for the next one would take them up. The restore controller watches
// those of runs without a verdict; here are those of which there is one, and those whose test is gone.
func (c *Controller) abandon(ctx context.Context, rt *v1alpha1.RestoreTest, restores []*velerov1.Restore) error {
	if !slices.ContainsFunc(restores, finalized) {
		return nil
	}
	pods, err := c.kube.CoreV1().Pods(c.veleroNamespace).List(ctx, metav1.ListOptions{ResourceVersion: "0"})
	if err != nil {
		return fmt.Errorf("list pods of %s: %w", c.veleroNamespace, err)
	}
	var errs []error
	for _, r := range restores {
		what := velero.Restarted(r, pods.Items)
		if what == "" || !finalized(r) {
			continue
		}
		if err := c.deleteRestore(ctx, r, metav1.Preconditions{UID: &r.UID}); err != nil {
			errs = append(errs, err)
			continue
		}
		klog.FromContext(ctx).Info("Velero stalled on a Restore, which was deleted", "restore", klog.KObj(r), "phase", r.Status.Phase)
		if rt == nil {
			metrics.VeleroStalled()
		} else if restored := conditions.ForRun(rt, v1alpha1.ConditionRestored); restored == nil || restored.Reason != v1alpha1.ReasonVeleroStalled {
			metrics.VeleroStalled()
			c.status.Recorder.Event(rt, corev1.EventTypeWarning, v1alpha1.ReasonVeleroStalled, what+"; it was deleted. See the log of the server that ended")
		}
	}
	return errors.Join(errs...)
}
