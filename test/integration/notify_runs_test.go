package integration

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	velerov1 "github.com/vmware-tanzu/velero/pkg/apis/velero/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/kymaros/kymaros/pkg/apis/restore/v1alpha1"
	"github.com/kymaros/kymaros/test/plane"
)

// realRuns shows each event once, of runs that the controllers make: what they write is what is told.
func realRuns(t *testing.T) {
	plane.Slow(t)
	t.Parallel()
	shared(t)
	bad, good := newReceiver(t, nil), newReceiver(t, nil)
	ns := notified(t, "runs", map[string]string{"bad": bad.URL, "good": good.URL})
	policy(t, ns, "web")
	// test creates one whose Restores are held, of a source with so many backups.
	test := func(t *testing.T, name string, backups int, edits ...edit) *v1alpha1.RestoreTest {
		t.Helper()
		source(t, "src-"+name)
		backupsOf(t, name, backups)
		holdRestores(t, name)
		edits = append([]edit{telling("bad", "good"), func(rt *v1alpha1.RestoreTest) { rt.Spec.HealthChecks.PolicyRef = "web" }}, edits...)
		return createTest(t, restoreTest(ns, name, edits...))
	}
	// hears waits for the next message of a test, and wants these events in it.
	hears := func(t *testing.T, r *receiver, name string, n int, want ...string) {
		t.Helper()
		eventually(t, runTimeout, func(context.Context) error {
			got := eventsOf(r.of(name))
			if len(got) < n {
				return fmt.Errorf("%d messages: %v", len(got), got)
			}
			if !slices.Equal(strings.Fields(got[n-1]), want) {
				t.Fatalf("message %d is of %s, want %v", n, got[n-1], want)
			}
			return nil
		})
	}
	t.Run("verified, partial and regressed, failed, lastGoodChanged, recovered", func(t *testing.T) {
		t.Parallel()
		const name = "told-of-all"
		rt := test(t, name, 2, func(rt *v1alpha1.RestoreTest) {
			rt.Spec.OnFailure = &v1alpha1.OnFailure{SearchLastGood: &v1alpha1.SearchLastGood{MaxRuns: 1}}
		})
		var r *velerov1.Restore
		again := func(value string) {
			t.Helper()
			last := rt.Status.Run.ID
			askForRun(t, rt, value)
			rt, r = next(t, rt, last)
		}
		rt, r = next(t, rt, "")
		finish(t, r)
		hears(t, good, name, 1, "verified")

		again("partial")
		phase(t, r, velerov1.RestorePhaseInProgress)
		if err := restoreObjects(t.Context(), r); err != nil {
			t.Fatal(err)
		}
		phase(t, r, velerov1.RestorePhasePartiallyFailed, func(s *velerov1.RestoreStatus) { s.Errors = 2 })
		hears(t, bad, name, 1, "partial", "regressed")

		again("failed")
		phase(t, r, velerov1.RestorePhaseInProgress)
		phase(t, r, velerov1.RestorePhaseFailed)
		hears(t, bad, name, 2, "failed", "regressed")
		rt, r = next(t, rt, rt.Status.Run.ID) // the search
		finish(t, r)
		hears(t, bad, name, 3, "lastGoodChanged")

		again("mended")
		finish(t, r)
		hears(t, bad, name, 4, "recovered")
		hears(t, good, name, 2, "verified")
	})
	t.Run("rtoExceeded", func(t *testing.T) {
		t.Parallel()
		const name = "told-of-slowness"
		rt := test(t, name, 1, func(rt *v1alpha1.RestoreTest) { rt.Spec.SLA = &v1alpha1.SLA{MaxRTO: "1s", AlertOnExceed: true} })
		_, r := next(t, rt, "")
		phase(t, r, velerov1.RestorePhaseInProgress)
		time.Sleep(3 * time.Second) // for which the application is away
		if err := restoreObjects(t.Context(), r); err != nil {
			t.Fatal(err)
		}
		phase(t, r, velerov1.RestorePhaseCompleted)
		eventually(t, runTimeout, func(context.Context) error {
			for _, m := range bad.of(name) {
				if m.Event == "rtoExceeded" || slices.Contains(m.Also, "rtoExceeded") {
					return nil
				}
			}
			return fmt.Errorf("heard %v", eventsOf(bad.of(name)))
		})
	})
	t.Run("leaked", func(t *testing.T) {
		t.Parallel()
		const name, pv = "told-of-leaks", "told-of-leaks"
		rt := test(t, name, 1)
		_, r := next(t, rt, "")
		rt = await(t, rt, v1alpha1.ConditionSandboxReady, metav1.ConditionTrue, v1alpha1.ReasonGuarded)
		provision(t, rt.Status.SandboxNamespace, pv, pv, corev1.PersistentVolumeReclaimRetain)
		phase(t, r, velerov1.RestorePhaseInProgress)
		if err := kube.CoreV1().Namespaces().Delete(t.Context(), rt.Status.SandboxNamespace, metav1.DeleteOptions{}); err != nil {
			t.Fatal(err)
		}
		gone(t, "the claim", func(ctx context.Context) error {
			_, err := kube.CoreV1().PersistentVolumeClaims(rt.Status.SandboxNamespace).Get(ctx, "data", metav1.GetOptions{})
			return err
		})
		phase(t, r, velerov1.RestorePhaseFailed)
		hears(t, bad, name, 1, "leaked", "partial") // nothing was learnt of the backup
	})
	t.Run("notVerified", func(t *testing.T) {
		t.Parallel()
		const name = "told-of-silence"
		rt := createTest(t, restoreTest(ns, name, telling("bad", "good"), func(rt *v1alpha1.RestoreTest) {
			rt.Spec.Schedule.Cron = "* * * * *" // there is no backup of which a run could be good
			rt.Spec.Notifications.OnFailure[0].OnlyChanges = true
		}))
		t.Cleanup(func() {
			if err := kymaros.RestoreV1alpha1().RestoreTests(ns).Delete(context.WithoutCancel(t.Context()), rt.Name, metav1.DeleteOptions{}); err != nil {
				t.Error(err)
			}
		})
		eventually(t, runTimeout, func(context.Context) error {
			for _, m := range bad.of(name) {
				if m.Event == "notVerified" || slices.Contains(m.Also, "notVerified") {
					return nil
				}
			}
			return errors.New("heard " + strings.Join(eventsOf(bad.of(name)), ", "))
		})
	})
}
