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
	networkingv1 "k8s.io/api/networking/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/kymaros/kymaros/pkg/apis/restore/v1alpha1"
	"github.com/kymaros/kymaros/test/plane"
)

// What a controller meets that was not there, or was down, when something happened.
func TestAControllerThatStartsCleansUpWhatIsItsOwnAndNothingElse(t *testing.T) {
	plane.Slow(t)
	bad := storedBeforeValidation(t)
	home := newNamespace(t, "orphans")
	vanished := home + "/vanished"
	const run = "20260101-030000-abcdef"

	ended := strandedSandbox(t, "orphan-of-ended-restore", vanished, run)
	ended.restore(t, velerov1.RestorePhaseCompleted)
	running := strandedSandbox(t, "orphan-of-running-restore", vanished+"-too", run)
	runningRestore := running.restore(t, velerov1.RestorePhaseInProgress)

	unmarked := strandedSandbox(t, "without-our-annotation", "", run)
	foreign := strandedSandbox(t, "without-our-label", vanished, run, func(ns *corev1.Namespace) { delete(ns.Labels, v1alpha1.LabelManagedBy) })
	copied := strandedSandbox(t, "with-the-marks-of-another", vanished, run, func(ns *corev1.Namespace) { ns.Labels[v1alpha1.LabelTestNamespace] = "orphan-of-ended-restore" })
	// A test of the same name in another namespace has a run under way, while Velero works for somebody else.
	theirs := somebodyElsesRestore(t)
	const name = "vanished"
	holdRestores(t, name)
	namesake := restoreTest(newNamespace(t, "namesake"), name)
	backup(t, name, sources(namesake)...)
	namesake = createTest(t, namesake)

	c := alone(t)

	t.Run("group", func(t *testing.T) {
		t.Run("an orphan whose Restore has ended goes", func(t *testing.T) {
			t.Parallel()
			ended.gone(t)
		})
		t.Run("an orphan whose Restore is running goes after it", func(t *testing.T) {
			t.Parallel()
			steadily(t, 2*time.Second, running.untouched)
			phase(t, runningRestore, velerov1.RestorePhaseCompleted)
			running.gone(t)
		})
		t.Run("a namespace without our annotation stays", func(t *testing.T) {
			t.Parallel()
			steadily(t, 10*time.Second, unmarked.untouched)
		})
		t.Run("a namespace without our label stays", func(t *testing.T) {
			t.Parallel()
			steadily(t, 10*time.Second, foreign.untouched)
		})
		t.Run("a namespace with the marks of another stays", func(t *testing.T) {
			t.Parallel()
			steadily(t, 10*time.Second, copied.untouched)
		})
		t.Run("the run of a namesake waits for somebody else's Restore and goes on", func(t *testing.T) {
			t.Parallel()
			waiting := await(t, namesake, v1alpha1.ConditionScheduled, metav1.ConditionTrue, v1alpha1.ReasonQueued)
			if waiting.Status.Sandbox != nil {
				t.Errorf("before its turn it has a sandbox: %+v", waiting.Status.Sandbox)
			}
			phase(t, theirs, velerov1.RestorePhaseCompleted)
			r := restoreOf(t, namesake)
			rt := await(t, namesake, v1alpha1.ConditionSandboxReady, metav1.ConditionTrue, v1alpha1.ReasonGuarded)
			ended.gone(t) // what the orphan shares with it is the label with the test's name
			ns, err := kube.CoreV1().Namespaces().Get(t.Context(), rt.Status.SandboxNamespace, metav1.GetOptions{})
			if err != nil || ns.DeletionTimestamp != nil {
				t.Errorf("the namesake's sandbox went with the orphan (%v)", err)
			}
			finish(t, r)
			awaitEnd(t, rt)
		})
		t.Run("an object from before validation is told of and stops nothing", func(t *testing.T) {
			t.Parallel()
			for _, want := range []struct {
				rt     *v1alpha1.RestoreTest
				reason string
				words  []string
			}{
				{bad["stored-ttl"], v1alpha1.ReasonInvalidSpec, []string{`spec.sandbox.ttl: "1d" is not a duration`, "24h"}},
				{bad["stored-cron"], v1alpha1.ReasonInvalidSchedule, []string{`spec.schedule.cron: "CRON_TZ=Europe/Brussels" begins with a time zone`, "write that into spec.schedule.timezone"}},
			} {
				rt := want.rt
				var message string
				if statusRefused(t, rt) {
					message = awaitEvent(t, rt, want.reason).Message
					var err error
					if rt, err = current(t.Context(), rt); err != nil {
						t.Fatal(err)
					}
				} else {
					rt = await(t, rt, v1alpha1.ConditionScheduled, metav1.ConditionFalse, want.reason)
					message = meta.FindStatusCondition(rt.Status.Conditions, v1alpha1.ConditionScheduled).Message
				}
				if !contains(message, want.words) {
					t.Errorf("it is told %q", message)
				}
				if rt.Status.Run != nil {
					t.Errorf("a run began: %+v", rt.Status.Run)
				}
				quiet(t, c, rt)
			}
		})
	})
	for _, s := range []*stranded{unmarked, foreign, copied} {
		s.remove(t)
	}
}

// somebodyElsesRestore creates a Restore that is under way and has nothing to do with us.
func somebodyElsesRestore(t *testing.T) *velerov1.Restore {
	t.Helper()
	r, err := kymaros.VeleroV1().Restores(veleroNamespace).Create(t.Context(), &velerov1.Restore{
		ObjectMeta: metav1.ObjectMeta{Name: "disaster-recovery"}, Spec: velerov1.RestoreSpec{BackupName: "b"},
		Status: velerov1.RestoreStatus{Phase: velerov1.RestorePhaseInProgress},
	}, metav1.CreateOptions{})
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// stranded is a sandbox whose RestoreTest does not exist.
type stranded struct {
	ns *corev1.Namespace
}

// strandedSandbox creates a namespace as the controller does for a run of that test; change may make it somebody else's.
func strandedSandbox(t *testing.T, name, test, run string, change ...func(*corev1.Namespace)) *stranded {
	t.Helper()
	_, short, _ := strings.Cut(test, "/")
	ns := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{
		Name: name,
		Labels: map[string]string{
			v1alpha1.LabelManagedBy: v1alpha1.ManagedBy, v1alpha1.LabelTest: short, v1alpha1.LabelRun: run, v1alpha1.LabelGroup: run,
			v1alpha1.LabelTestNamespace: name,
		},
		Finalizers: []string{v1alpha1.Finalizer},
	}}
	if test != "" {
		ns.Annotations = map[string]string{v1alpha1.AnnotationRestoreTest: test, v1alpha1.AnnotationSource: "src-" + name}
	}
	for _, f := range change {
		f(ns)
	}
	ns, err := kube.CoreV1().Namespaces().Create(t.Context(), ns, metav1.CreateOptions{})
	if err != nil {
		t.Fatal(err)
	}
	policy := &networkingv1.NetworkPolicy{ObjectMeta: metav1.ObjectMeta{Name: denyAll, Labels: ns.Labels, Annotations: ns.Annotations, Finalizers: ns.Finalizers}}
	if _, err := kube.NetworkingV1().NetworkPolicies(name).Create(t.Context(), policy, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	return &stranded{ns}
}

func (s *stranded) restore(t *testing.T, phase velerov1.RestorePhase) *velerov1.Restore {
	t.Helper()
	r, err := kymaros.VeleroV1().Restores(veleroNamespace).Create(t.Context(), &velerov1.Restore{
		ObjectMeta: metav1.ObjectMeta{Name: "restore-" + s.ns.Name, Labels: s.ns.Labels, Annotations: s.ns.Annotations},
		Spec:       velerov1.RestoreSpec{BackupName: "b", NamespaceMapping: map[string]string{"source": s.ns.Name}},
		Status:     velerov1.RestoreStatus{Phase: phase},
	}, metav1.CreateOptions{})
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// untouched returns an error unless all of s is as it was made.
func (s *stranded) untouched(ctx context.Context) error {
	ns, err := kube.CoreV1().Namespaces().Get(ctx, s.ns.Name, metav1.GetOptions{})
	if err != nil {
		return err
	}
	if ns.ResourceVersion != s.ns.ResourceVersion {
		return fmt.Errorf("namespace %s was touched: deleted at %v, finalizers %v", ns.Name, ns.DeletionTimestamp, ns.Finalizers)
	}
	p, err := kube.NetworkingV1().NetworkPolicies(ns.Name).Get(ctx, denyAll, metav1.GetOptions{})
	if err == nil && !slices.Equal(p.Finalizers, s.ns.Finalizers) {
		err = errors.New("the finalizer was taken off its policy")
	}
	return err
}

func (s *stranded) gone(t *testing.T) {
	t.Helper()
	gone(t, "namespace "+s.ns.Name, func(ctx context.Context) error {
		_, err := kube.CoreV1().Namespaces().Get(ctx, s.ns.Name, metav1.GetOptions{})
		return err
	})
	gone(t, "its Restore", func(ctx context.Context) error {
		_, err := kymaros.VeleroV1().Restores(veleroNamespace).Get(ctx, "restore-"+s.ns.Name, metav1.GetOptions{})
		return err
	})
}

// remove takes away what only a test has made, so that no later controller meets it.
func (s *stranded) remove(t *testing.T) {
	t.Helper()
	none := []byte(`{"metadata":{"finalizers":null,"labels":null}}`)
	ctx := t.Context()
	_, err := kube.NetworkingV1().NetworkPolicies(s.ns.Name).Patch(ctx, denyAll, types.MergePatchType, none, metav1.PatchOptions{})
	if err == nil {
		_, err = kube.CoreV1().Namespaces().Patch(ctx, s.ns.Name, types.MergePatchType, none, metav1.PatchOptions{})
	}
	if err == nil {
		err = kube.CoreV1().Namespaces().Delete(ctx, s.ns.Name, metav1.DeleteOptions{})
	}
	if err != nil {
		t.Error(err)
	}
}

func TestAnIdleControllerAsksForNothing(t *testing.T) {
	const n = 100
	ns := newNamespace(t, "idle")
	for i := range n {
		rt := restoreTest(ns, fmt.Sprintf("idle-%03d", i))
		rt.Spec.Suspend = i%2 == 0
		rt = createTest(t, rt)
		if i%2 == 0 {
			continue
		}
		hasRun(rt)
		if _, err := kymaros.RestoreV1alpha1().RestoreTests(ns).UpdateStatus(t.Context(), rt, metav1.UpdateOptions{}); err != nil {
			t.Fatal(err)
		}
	}
	c := alone(t)
	// Each gets its word once: suspended, or when it runs next.
	eventually(t, stepTimeout, func(ctx context.Context) error {
		list, err := kymaros.RestoreV1alpha1().RestoreTests(ns).List(ctx, metav1.ListOptions{})
		if err != nil {
			return err
		}
		for i := range list.Items {
			rt := &list.Items[i]
			c := meta.FindStatusCondition(rt.Status.Conditions, v1alpha1.ConditionScheduled)
			if c == nil || c.Reason != v1alpha1.ReasonSuspended && c.Reason != v1alpha1.ReasonNextRunPlanned {
				return errors.New(story(rt))
			}
		}
		return nil
	})
	// What was under way comes to its end: events are told one by one.
	eventually(t, stepTimeout, func(ctx context.Context) error {
		since := time.Now()
		select {
		case <-time.After(5 * time.Second):
		case <-ctx.Done():
			return ctx.Err()
		}
		asked := c.seen(func(r *request) bool { return r.at.After(since) && !r.watch && !strings.Contains(r.path, "/leases/") })
		if len(asked) > 0 {
			return fmt.Errorf("%d requests although there is nothing to do, the first: %s", len(asked), &asked[0])
		}
		return nil
	})
	if len(c.seen(func(r *request) bool { return r.watch })) == 0 {
		t.Error("the proxy has seen no watch: it does not see the controller")
	}
	// No other controller is to meet them.
	if err := kymaros.RestoreV1alpha1().RestoreTests(ns).DeleteCollection(t.Context(), metav1.DeleteOptions{}, metav1.ListOptions{}); err != nil {
		t.Error(err)
	}
}

// hasRun gives rt the status of a test whose last run ended well.
func hasRun(rt *v1alpha1.RestoreTest) {
	const id = "20260101-000000-abcdef"
	start := metav1.NewTime(time.Now().Add(-time.Minute).Truncate(time.Second))
	score := int32(100)
	rt.Status = v1alpha1.RestoreTestStatus{
		Phase: v1alpha1.PhaseCompleted,
		Run: &v1alpha1.RunStatus{ID: id, Spec: rt.Spec, Trigger: v1alpha1.TriggerCreated, ScheduledTime: start, StartTime: start,
			Deadline: metav1.NewTime(start.Add(time.Hour))},
		LastRunAt: &start, LastScore: &score, LastResult: v1alpha1.ResultPass, LastReportRef: rt.Name + "-20260101-000000",
		Sandbox: &v1alpha1.SandboxStatus{RunID: id, Namespaces: []v1alpha1.SandboxNamespace{{Source: "src", Name: "rp-test-" + rt.Name + "-abcdef"}}},
		Restore: &v1alpha1.RestoreStatus{RunID: id, Name: "kymaros-" + rt.Name + "-" + id},
		Health:  &v1alpha1.HealthStatus{RunID: id}, Report: &v1alpha1.ReportStatus{RunID: id}, Cleanup: &v1alpha1.CleanupStatus{RunID: id},
	}
	for _, c := range [][2]string{
		{v1alpha1.ConditionSandboxReady, v1alpha1.ReasonGuarded}, {v1alpha1.ConditionRestored, v1alpha1.ReasonCompleted},
		{v1alpha1.ConditionHealthChecked, v1alpha1.ReasonPassed}, {v1alpha1.ConditionReported, v1alpha1.ReasonReportWritten},
		{v1alpha1.ConditionCleanedUp, v1alpha1.ReasonNothingLeft},
	} {
		rt.Status.Conditions = append(rt.Status.Conditions, metav1.Condition{Type: c[0], Status: metav1.ConditionTrue, Reason: c[1], LastTransitionTime: start})
	}
}
