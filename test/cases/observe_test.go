package cases

import (
	"context"
	"errors"
	"fmt"
	"time"

	velerov1 "github.com/vmware-tanzu/velero/pkg/apis/velero/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/kymaros/kymaros/pkg/apis/restore/v1alpha1"
	"github.com/kymaros/kymaros/pkg/conditions"
	"github.com/kymaros/kymaros/test/e2e/stage"
)

const (
	// reportTimeout holds while the restores of all other cases go first.
	reportTimeout = 25 * time.Minute
	// cleanUpTimeout is how long a run is watched that is not cleaned up in time.
	cleanUpTimeout = cleanedUpWithin + 30*time.Second
)

var reports = schema.GroupVersionResource{Group: v1alpha1.GroupVersion.Group, Version: v1alpha1.GroupVersion.Version, Resource: "restorereports"}

// observe follows a run to its end.
func (s *scene) observe(ctx context.Context, test *unstructured.Unstructured, right Right) (Observed, error) {
	o := Observed{CleanedUp: -1, VeleroBusy: -1}
	var rt *v1alpha1.RestoreTest
	look := func(ctx context.Context) error {
		now, err := s.cluster.Kymaros.RestoreV1alpha1().RestoreTests(test.GetNamespace()).Get(ctx, test.GetName(), metav1.GetOptions{})
		if err != nil {
			return err
		}
		rt = now
		return s.velero(ctx, rt, &o)
	}
	err := stage.Poll(ctx, reportTimeout, func(ctx context.Context) error {
		if err := look(ctx); err != nil {
			return err
		}
		if reported := conditions.ForRun(rt, v1alpha1.ConditionReported); reported == nil || !conditions.Decided(reported) {
			return fmt.Errorf("no report\n%s", stage.Conditions(rt))
		}
		return nil
	})
	if err != nil {
		return o, err
	}
	// That it takes too long is seen in what is observed.
	_ = stage.Poll(ctx, max(cleanUpTimeout, right.CleanedUpWithin.Duration), func(ctx context.Context) error {
		if err := look(ctx); err != nil {
			return err
		}
		cleaned := conditions.ForRun(rt, v1alpha1.ConditionCleanedUp)
		if cleaned == nil || cleaned.Status != metav1.ConditionTrue {
			return errors.New("not cleaned up")
		}
		o.CleanedUp = cleaned.LastTransitionTime.Sub(conditions.ForRun(rt, v1alpha1.ConditionReported).LastTransitionTime.Time)
		return nil
	})
	if restore := rt.Status.Restore; restore == nil || restore.StartTime == nil {
		o.VeleroBusy = 0
	}
	return o, s.read(ctx, rt, &o)
}

// velero notes how long Velero is, or was, at the restore of rt's run.
func (s *scene) velero(ctx context.Context, rt *v1alpha1.RestoreTest, o *Observed) error {
	if o.VeleroBusy >= 0 || rt.Status.Restore == nil || rt.Status.Restore.Name == "" || rt.Status.Restore.StartTime == nil {
		return nil
	}
	r, err := s.cluster.Kymaros.VeleroV1().Restores(stage.VeleroNamespace).Get(ctx, rt.Status.Restore.Name, metav1.GetOptions{})
	switch {
	case err == nil:
		switch r.Status.Phase {
		case velerov1.RestorePhaseCompleted, velerov1.RestorePhasePartiallyFailed, velerov1.RestorePhaseFailed, velerov1.RestorePhaseFailedValidation:
		default:
			return nil
		}
	case !apierrors.IsNotFound(err):
		return err
	}
	o.VeleroBusy = time.Since(rt.Status.Restore.StartTime.Time)
	return nil
}

// read adds what report and conditions say.
func (s *scene) read(ctx context.Context, rt *v1alpha1.RestoreTest, o *Observed) error {
	report, err := s.cluster.Objects.Resource(reports).Namespace(rt.Namespace).Get(ctx, rt.Status.LastReportRef, metav1.GetOptions{})
	if err != nil {
		return err
	}
	status, _, err := unstructured.NestedMap(report.Object, "status")
	if err != nil {
		return err
	}
	o.Texts = texts(status)
	for _, c := range rt.Status.Conditions {
		o.Texts = append(o.Texts, c.Message)
	}
	if rt.Status.Health != nil {
		o.Texts = append(o.Texts, rt.Status.Health.Blocked...)
	}
	o.Result, _, _ = unstructured.NestedString(status, "result")
	o.Reason, _, _ = unstructured.NestedString(status, "reason")
	o.Message, _, _ = unstructured.NestedString(status, "message")
	o.Score, _, err = unstructured.NestedInt64(status, "score")
	return err
}
