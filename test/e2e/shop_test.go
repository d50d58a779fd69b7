package e2e

import (
	"context"
	"encoding/json"
	"slices"
	"strings"
	"testing"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/google/go-cmp/cmp"

	"github.com/kymaros/kymaros/pkg/apis/restore/v1alpha1"
	"github.com/kymaros/kymaros/pkg/conditions"
	"github.com/kymaros/kymaros/test/e2e/stage"
)

func TestABackupThatRestoresIntoAWorkingShopPasses(t *testing.T) {
	t.Parallel()
	cluster.Untouched(t, shop.Namespace)
	rt := cluster.RestoreTest("strict", shop.Full, shop.Namespace)
	rt.Spec.SLA = &v1alpha1.SLA{MaxRTO: "10m"}
	rt, report := cluster.AwaitEnd(t, cluster.Start(t, rt, shopWorks()...))

	verdict(t, report, v1alpha1.ResultPass, "Passed")
	s := report.Status
	if s.Score != 100 || rt.Status.Phase != v1alpha1.PhaseCompleted || rt.Status.LastResult != v1alpha1.ResultPass ||
		rt.Status.LastReportRef != report.Name || *rt.Status.LastScore != 100 {
		t.Errorf("score %d, test %+v", s.Score, rt.Status)
	}
	for _, c := range s.Checks {
		if c.Status != v1alpha1.CheckPass || c.Duration == "" {
			t.Errorf("check %+v", c)
		}
	}
	if len(s.Checks) != len(shopWorks()) {
		t.Errorf("%d checks in the report", len(s.Checks))
	}
	if s.NetworkIsolation != v1alpha1.IsolationStrict || s.Backup.Name != shop.Full || s.Backup.Age == "" || s.Backup.StartedAt == nil ||
		s.Restore.Phase != "Completed" || len(s.Sandboxes) != 1 || s.Sandboxes[0].Source != shop.Namespace || s.Trigger != v1alpha1.TriggerCreated {
		t.Errorf("report: %+v", s)
	}
	want := v1alpha1.Completeness{Deployments: "1/1", StatefulSets: "1/1", Services: "2/2", Secrets: "1/1", ConfigMaps: "1/1", PVCs: "1/1"}
	if diff := cmp.Diff(want, s.Completeness); diff != "" {
		t.Errorf("completeness (-want +got):\n%s", diff)
	}
	if len(s.Volumes) != 1 || s.Volumes[0].Claim != "data-db-0" || s.Volumes[0].Method != v1alpha1.VolumeFileSystemBackup || s.Volumes[0].Bytes < 10<<20 {
		t.Errorf("volumes: %+v", s.Volumes)
	}
	recoveryTime(t, s.RTO)
	storyInOrder(t, rt)
	transitionsAsEvents(t, rt)
	immutable(t, report)
}

// recoveryTime fails t unless every part of it is there, and the parts make up the whole.
func recoveryTime(t *testing.T, rto v1alpha1.RTO) {
	t.Helper()
	if rto.Parts == nil || !rto.WithinSLA || rto.Target != "10m" {
		t.Fatalf("recovery time: %+v", rto)
	}
	p := rto.Parts
	for name, part := range map[string]v1alpha1.Duration{"queue": p.Queue, "restore": p.Restore, "volumeData": p.VolumeData, "pods": p.Pods, "checks": p.Checks} {
		if _, err := part.Parse(); part == "" || err != nil {
			t.Errorf("recovery time has no part %s: %+v", name, p)
		}
	}
	if sum := p.Restore.Or(0) + p.Pods.Or(0) + p.Checks.Or(0); rto.Measured.Or(0) != sum || sum == 0 || p.VolumeData.Or(0) > p.Restore.Or(0) || p.VolumeData.Or(0) == 0 {
		t.Errorf("recovery time %s is not the sum of %+v", rto.Measured, p)
	}
}

// storyInOrder fails t unless every condition is True for a reason, one after another.
func storyInOrder(t *testing.T, rt *v1alpha1.RestoreTest) {
	t.Helper()
	var last *metav1.Condition
	for _, want := range []struct{ condition, reason string }{
		{v1alpha1.ConditionSandboxReady, v1alpha1.ReasonGuarded},
		{v1alpha1.ConditionRestored, v1alpha1.ReasonCompleted},
		{v1alpha1.ConditionHealthChecked, v1alpha1.ReasonPassed},
		{v1alpha1.ConditionReported, v1alpha1.ReasonReportWritten},
		{v1alpha1.ConditionCleanedUp, v1alpha1.ReasonNothingLeft},
		{v1alpha1.ConditionScheduled, v1alpha1.ReasonNextRunPlanned},
	} {
		c := conditions.ForRun(rt, want.condition)
		if c == nil || c.Status != metav1.ConditionTrue || c.Reason != want.reason || c.Message == "" {
			t.Errorf("want %s=True (%s)\n%s", want.condition, want.reason, stage.Conditions(rt))
			continue
		}
		// Scheduled has been True since before the run.
		if last != nil && c.Type != v1alpha1.ConditionScheduled && c.LastTransitionTime.Before(&last.LastTransitionTime) {
			t.Errorf("%s was decided before %s", c.Type, last.Type)
		}
		last = c
	}
}

// transitionsAsEvents fails t unless there is one event for the beginning and one for the end of a run that passes.
func transitionsAsEvents(t *testing.T, rt *v1alpha1.RestoreTest) {
	t.Helper()
	events, err := cluster.Events(t.Context(), rt)
	if err != nil {
		t.Fatal(err)
	}
	seen := map[string]int32{}
	for _, e := range events {
		seen[e.Reason] += max(e.Count, 1)
		if e.Type != "Normal" {
			t.Errorf("event %s: %s", e.Reason, e.Message)
		}
	}
	// What is between the conditions tell: an event is a write.
	want := map[string]int32{"RunStarted": 1, "ReportWritten": 1}
	if diff := cmp.Diff(want, seen); diff != "" {
		t.Errorf("events by reason (-want +got):\n%s", diff)
	}
}

// immutable fails t if the report can be changed.
func immutable(t *testing.T, report *v1alpha1.RestoreReport) {
	t.Helper()
	reports := cluster.Kymaros.RestoreV1alpha1().RestoreReports(report.Namespace)
	for what, change := range map[string]map[string]any{
		"score": {"status": map[string]any{"score": 1}}, "test": {"spec": map[string]any{"testRef": "other"}}, "status": {"status": nil},
	} {
		for _, subresource := range []string{"", "status"} {
			body, err := json.Marshal(change)
			if err != nil {
				t.Fatal(err)
			}
			var path []string
			if subresource != "" {
				path = append(path, subresource)
			}
			if _, err := reports.Patch(t.Context(), report.Name, types.MergePatchType, body, metav1.PatchOptions{}, path...); err != nil && !apierrors.IsInvalid(err) {
				t.Errorf("change of %s through %q: %v", what, subresource, err)
			}
		}
	}
	after, err := reports.Get(t.Context(), report.Name, metav1.GetOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(report.Status, after.Status); diff != "" || after.Spec != report.Spec {
		t.Errorf("the report was changed:\n%s", diff)
	}
}

func TestABackupWithOtherDataFails(t *testing.T) {
	t.Parallel()
	cluster.Untouched(t, shop.Namespace)
	rt, report := cluster.AwaitEnd(t, cluster.Start(t, cluster.RestoreTest("short", shop.Short, shop.Namespace), shopWorks()...))

	verdict(t, report, v1alpha1.ResultFail, v1alpha1.ReasonCheckFailed)
	checked := conditions.ForRun(rt, v1alpha1.ConditionHealthChecked)
	if rt.Status.Phase != v1alpha1.PhaseFailed || checked.Status != metav1.ConditionFalse || checked.Reason != v1alpha1.ReasonCheckFailed ||
		!strings.Contains(checked.Message, "all-orders-are-back") || !strings.Contains(report.Status.Message, "all-orders-are-back") {
		t.Errorf("the failed check is not named: %q\n%s", report.Status.Message, stage.Conditions(rt))
	}
	for _, c := range report.Status.Checks {
		if failed := c.Status == v1alpha1.CheckFail; failed != (c.Name == "all-orders-are-back") {
			t.Errorf("check %+v", c)
		}
	}
	// What the database holds is nobody's business.
	evidence, err := json.Marshal([]any{rt.Status, report, slices.Collect(eventMessages(t, rt))})
	if err != nil {
		t.Fatal(err)
	}
	if strings.Contains(string(evidence), "49000") {
		t.Error("output of the database got into status, report or events")
	}
}

func eventMessages(t *testing.T, rt *v1alpha1.RestoreTest) func(yield func(string) bool) {
	events, err := cluster.Events(context.WithoutCancel(t.Context()), rt)
	if err != nil {
		t.Fatal(err)
	}
	return func(yield func(string) bool) {
		for _, e := range events {
			if !yield(e.Message) {
				return
			}
		}
	}
}
