package integration

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	velerov1 "github.com/vmware-tanzu/velero/pkg/apis/velero/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/kymaros/kymaros/pkg/apis/restore/v1alpha1"
	"github.com/kymaros/kymaros/pkg/conditions"
)

// askForRun gives the annotation that asks for a run that value.
func askForRun(t *testing.T, rt *v1alpha1.RestoreTest, value string) {
	t.Helper()
	patch := []byte(`{"metadata":{"annotations":{"` + v1alpha1.AnnotationRunRequested + `":"` + value + `"}}}`)
	if _, err := kymaros.RestoreV1alpha1().RestoreTests(rt.Namespace).Patch(t.Context(), rt.Name, types.MergePatchType, patch, metav1.PatchOptions{}); err != nil {
		t.Fatal(err)
	}
}

func TestRequestsDuringARunStartExactlyOneMore(t *testing.T) {
	t.Parallel()
	shared(t)
	const name = "one-more"
	source(t, "src-"+name)
	holdRestores(t, name)
	first := begin(t, name)
	restore := restoreOf(t, first)
	phase(t, restore, velerov1.RestorePhaseInProgress)
	for _, value := range []string{"a", "b", "c"} {
		askForRun(t, first, value)
	}
	first = awaitThat(t, first, func(rt *v1alpha1.RestoreTest) error {
		if c := meta.FindStatusCondition(rt.Status.Conditions, v1alpha1.ConditionScheduled); !strings.Contains(c.Message, "another one is asked for") {
			return errors.New("nothing tells of the request; " + story(rt))
		}
		return nil
	})
	heldRestores.Delete(name)
	finish(t, restore)
	second := awaitWithin(t, runTimeout, first, func(rt *v1alpha1.RestoreTest) error {
		if rt.Status.Run.ID == first.Status.Run.ID || !conditions.Began(rt) {
			return errors.New("no other run began; " + story(rt))
		}
		return nil
	})
	if run := second.Status.Run; run.Trigger != v1alpha1.TriggerRequested || run.Request != "c" {
		t.Errorf("the run answers %q and was started by %s", run.Request, run.Trigger)
	}
	awaitWithin(t, runTimeout, second, ended)
	steadily(t, 5*time.Second, func(ctx context.Context) error {
		rt, err := current(ctx, second)
		if err == nil && rt.Status.Run.ID != second.Status.Run.ID {
			err = errors.New("a third run began; " + story(rt))
		}
		return err
	})
	nothingLeft(t, second)
	if n := len(reports(t, second)); n != 2 {
		t.Errorf("%d reports of 2 runs", n)
	}
	began := 0
	for _, e := range events(t, second) {
		if e.Reason == v1alpha1.ReasonRunStarted {
			began += int(max(e.Count, 1))
		}
	}
	if began != 2 {
		t.Errorf("%d events tell that a run began, want 2", began)
	}
}

func TestATestThatWaitsForTheClockSaysWhenAndWhatItMissed(t *testing.T) {
	t.Parallel()
	shared(t)
	source(t, "src-by-clock")
	rt := begin(t, "by-clock", func(rt *v1alpha1.RestoreTest) {
		rt.Spec.Schedule = v1alpha1.Schedule{Cron: "0 0 1 1 *", Timezone: "Pacific/Auckland", RunOnCreate: new(false), Jitter: "1h"}
	})
	rt = await(t, rt, v1alpha1.ConditionScheduled, metav1.ConditionTrue, v1alpha1.ReasonNextRunPlanned)
	if rt.Status.Run != nil || rt.Status.Phase != v1alpha1.PhaseIdle || rt.Status.NextRunAt == nil {
		t.Fatalf("%s; run %+v, next %v", story(rt), rt.Status.Run, rt.Status.NextRunAt)
	}
	zone, err := time.LoadLocation("Pacific/Auckland")
	if err != nil {
		t.Fatal(err)
	}
	if next := rt.Status.NextRunAt.In(zone); next.YearDay() != 1 || next.Hour() != 0 {
		t.Errorf("next run at %v", next)
	}

	// What a controller finds that was away for years.
	long := []byte(`{"status":{"nextRunAt":"` + rt.Status.NextRunAt.AddDate(-3, 0, 0).UTC().Format(time.RFC3339) + `"}}`)
	if _, err := kymaros.RestoreV1alpha1().RestoreTests(rt.Namespace).Patch(t.Context(), rt.Name, types.MergePatchType, long, metav1.PatchOptions{}, "status"); err != nil {
		t.Fatal(err)
	}
	missed := await(t, rt, v1alpha1.ConditionScheduled, metav1.ConditionTrue, v1alpha1.ReasonMissedTurn)
	if m := missed.Status.MissedRuns; missed.Status.Run != nil || m == nil || m.Count != 3 || !missed.Status.NextRunAt.Equal(rt.Status.NextRunAt) {
		t.Errorf("missed %+v, next %v; %s", missed.Status.MissedRuns, missed.Status.NextRunAt, story(missed))
	}
	askForRun(t, rt, "now")
	awaitThat(t, rt, func(rt *v1alpha1.RestoreTest) error {
		if rt.Status.Run == nil {
			return errors.New("no run began; " + story(rt))
		}
		return nil
	})
	rt, _ = awaitEnd(t, rt)
	if c := meta.FindStatusCondition(rt.Status.Conditions, v1alpha1.ConditionScheduled); c.Reason != v1alpha1.ReasonNextRunPlanned {
		t.Errorf("after a run: %s", story(rt))
	}
}
