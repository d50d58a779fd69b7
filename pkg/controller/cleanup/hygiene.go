package cleanup

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/tools/cache"
	"k8s.io/klog/v2"

	"github.com/kymaros/kymaros/pkg/apis/restore/v1alpha1"
	"github.com/kymaros/kymaros/pkg/conditions"
	"github.com/kymaros/kymaros/pkg/controller"
	"github.com/kymaros/kymaros/pkg/evidence"
	"github.com/kymaros/kymaros/pkg/metrics"
)

// maxLeaked is how many leaks the CRDs let a status and a report name.
const maxLeaked = 256

// leakedOf returns what a run has left behind, sorted by object: what was found, and what status remembers, because once the
// namespaces are gone nothing else tells whose a volume was.
func leakedOf(run string, found []leak, status *v1alpha1.CleanupStatus) []v1alpha1.Leak {
	var all []v1alpha1.Leak
	for _, l := range found {
		if l.run == run {
			all = append(all, l.Leak)
		}
	}
	if status != nil && status.RunID == run {
		all = append(all, status.Leaked...)
	}
	// Stable: of two reasons the newer one is first.
	slices.SortStableFunc(all, func(a, b v1alpha1.Leak) int { return strings.Compare(a.Object, b.Object) })
	all = slices.CompactFunc(all, func(a, b v1alpha1.Leak) bool { return a.Object == b.Object })
	return all[:min(len(all), maxLeaked)]
}

// hygieneOf returns what a report says about a run that left this behind.
func hygieneOf(leaked []v1alpha1.Leak, now time.Time) v1alpha1.Hygiene {
	h := v1alpha1.Hygiene{Status: v1alpha1.HygieneClean, CleanedAt: metav1.NewTime(now.Truncate(time.Second)), Leaked: leaked}
	if len(leaked) > 0 {
		h.Status = v1alpha1.HygieneLeaked
	}
	return h
}

// settle writes what runs leave behind that no condition tells of, those of a RestoreTest that is gone or has another run by
// now. It comes right before the last trace of them goes.
func (c *Controller) settle(ctx context.Context, key cache.ObjectName, rt *v1alpha1.RestoreTest, s seen) error {
	for _, run := range runs(s) {
		if rt != nil && conditions.Active(rt) && rt.Status.Run.ID == run {
			continue // finish does
		}
		leaked := leakedOf(run, s.leaked, nil)
		for _, l := range leaked {
			klog.FromContext(ctx).Info("Left behind", "run", run, "object", l.Object, "reason", l.Reason)
		}
		_, written, err := c.hygiene(ctx, key, run, leaked)
		if err != nil {
			return err
		}
		if written {
			metrics.Leaked(key.Namespace, key.Name, len(leaked))
		}
	}
	return nil
}

// hygiene writes into the report of a run what the run leaves behind, once, and tells whether it did. There may be no report:
// it is not ours to wait for. The verdict is not touched. It returns the digest of what the report has; nil if it has none.
func (c *Controller) hygiene(ctx context.Context, key cache.ObjectName, run string, leaked []v1alpha1.Leak) (has *v1alpha1.HygieneDigest, written bool, err error) {
	reports := c.client.RestoreV1alpha1().RestoreReports(key.Namespace)
	list, err := reports.List(ctx, metav1.ListOptions{LabelSelector: v1alpha1.LabelRun + "=" + run})
	if err != nil {
		return nil, false, fmt.Errorf("list reports of run %s: %w", run, err)
	}
	for i := range list.Items {
		report := &list.Items[i]
		if report.Spec.TestRef != key.Name || report.Spec.RunID != run || !controller.WroteReport(report) {
			continue // the label alone makes no report of the run
		}
		if report.Hygiene != nil {
			has = digestOf(report)
			continue
		}
		body, err := json.Marshal(map[string]any{
			"metadata": map[string]any{"uid": report.UID},
			"hygiene":  hygieneOf(leaked, time.Now()),
		})
		if err != nil {
			return nil, false, err
		}
		now, err := reports.Patch(ctx, report.Name, types.MergePatchType, body, metav1.PatchOptions{FieldManager: controller.FieldManager(controller.Cleanup)})
		switch {
		case err == nil:
			written, has = true, digestOf(now)
		case apierrors.IsInvalid(err) || apierrors.IsForbidden(err) || apierrors.IsNotFound(err) || apierrors.IsConflict(err):
			// Somebody was faster, or pruned it, or forbids it. No reason to keep a sandbox or a test for ever.
			klog.FromContext(ctx).Error(err, "The report does not take what the run left behind", "report", klog.KObj(report))
		default:
			return nil, false, fmt.Errorf("write hygiene of report %s: %w", report.Name, err)
		}
	}
	return has, written, nil
}

// digestOf returns which hygiene a report has; nil if the report has no number.
func digestOf(report *v1alpha1.RestoreReport) *v1alpha1.HygieneDigest {
	if report.Hygiene == nil || report.Status == nil || report.Status.Evidence == nil {
		return nil
	}
	digest, err := evidence.DigestOf(report.Hygiene)
	if err != nil { // of texts
		return nil
	}
	return &v1alpha1.HygieneDigest{Sequence: report.Status.Evidence.Sequence, Digest: digest}
}

// lastHygiene returns which hygiene the newest report has that has one.
func lastHygiene(rt *v1alpha1.RestoreTest) *v1alpha1.HygieneDigest {
	if rt == nil || rt.Status.Cleanup == nil { // of a test that is gone sandboxes may be left
		return nil
	}
	return rt.Status.Cleanup.Hygiene
}
