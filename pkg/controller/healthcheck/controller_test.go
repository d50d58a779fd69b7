package healthcheck

import (
	"context"
	"maps"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	kubefake "k8s.io/client-go/kubernetes/fake"
	"k8s.io/client-go/tools/record"

	"github.com/kymaros/kymaros/pkg/apis/restore/v1alpha1"
	"github.com/kymaros/kymaros/pkg/conditions"
	"github.com/kymaros/kymaros/pkg/evidence"
	"github.com/kymaros/kymaros/pkg/generated/clientset/versioned/fake"
	"github.com/kymaros/kymaros/pkg/generated/informers/externalversions"
)

// world is the controller at work before fake API servers, in a bubble of time.
type world struct {
	t       *testing.T
	kymaros *fake.Clientset
	kube    *kubefake.Clientset
	events  *record.FakeRecorder
	start   time.Time

	mu      sync.Mutex
	ran     map[string]int // how often each check was started
	now     int            // how many checks run
	most    int            // how many ran at a time
	cut     []string       // checks whose context ended first
	verdict func(ctx context.Context, name string) v1alpha1.CheckStatus
}

// begin returns a world in which a restore has just ended: a StatefulSet asks for a pod that is not ready.
func begin(t *testing.T, checks []string, change ...func(*v1alpha1.RestoreTest)) *world {
	now := time.Now()
	rt := test(change...)
	rt.Status.Run.Deadline = metav1.NewTime(now.Add(time.Hour))
	rt.Status.Restore.CompletionTime = &metav1.Time{Time: now}
	p := policy(checks...)
	w := &world{
		t: t, start: now, ran: map[string]int{}, events: record.NewFakeRecorder(1000),
		kymaros: fake.NewClientset(rt, p),
		kube:    kubefake.NewClientset(statefulSet("db", 1), pod("db-0", "db", time.Time{})),
		verdict: func(_ context.Context, name string) v1alpha1.CheckStatus { return pass(name) },
	}
	return w
}

// control runs a controller until the returned function is called.
func (w *world) control(workers int) (*Controller, func()) {
	w.t.Helper()
	ctx, cancel := context.WithCancel(w.t.Context())
	factory := externalversions.NewSharedInformerFactory(w.kymaros, 0)
	c, err := New(ctx, Options{
		Client: w.kymaros, Kube: w.kube, Recorder: w.events, Run: w.run, Workers: workers,
		Tests: factory.Restore().V1alpha1().RestoreTests(), Policies: factory.Restore().V1alpha1().HealthCheckPolicies(),
	})
	if err != nil {
		w.t.Fatal(err)
	}
	factory.StartWithContext(ctx)
	done := make(chan struct{})
	go func() {
		c.Run(ctx)
		factory.Shutdown()
		close(done)
	}()
	synctest.Wait()
	return c, func() {
		cancel()
		<-done
	}
}

func (w *world) run(ctx context.Context, check v1alpha1.HealthCheck, sandboxes []v1alpha1.SandboxNamespace, _ time.Duration) v1alpha1.CheckStatus {
	if len(sandboxes) != 1 || sandboxes[0].Name != "sandbox-1" {
		w.t.Errorf("check %s got sandboxes %v", check.Name, sandboxes)
	}
	w.mu.Lock()
	w.ran[check.Name]++
	w.now++
	w.most = max(w.most, w.now)
	w.mu.Unlock()
	got := w.verdict(ctx, check.Name)
	w.mu.Lock()
	defer w.mu.Unlock()
	w.now--
	if ctx.Err() != nil {
		w.cut = append(w.cut, check.Name)
	}
	return got
}

// takes returns a verdict after a time, or when ctx ends.
func takes(d time.Duration) func(context.Context, string) v1alpha1.CheckStatus {
	return func(ctx context.Context, name string) v1alpha1.CheckStatus {
		select {
		case <-time.After(d):
			return pass(name)
		case <-ctx.Done():
			return fail(name, "cut")
		}
	}
}

// after lets time pass until that long after the beginning, and until all is quiet.
func (w *world) after(d time.Duration) {
	<-time.After(time.Until(w.start.Add(d)))
	synctest.Wait()
}

func (w *world) test() *v1alpha1.RestoreTest {
	w.t.Helper()
	rt, err := w.kymaros.RestoreV1alpha1().RestoreTests("prod").Get(context.Background(), "shop", metav1.GetOptions{})
	if err != nil {
		w.t.Fatal(err)
	}
	return rt
}

// expect compares the condition.
func (w *world) expect(status metav1.ConditionStatus, reason, message string) {
	w.t.Helper()
	got := conditions.ForRun(w.test(), v1alpha1.ConditionHealthChecked)
	if got == nil {
		w.t.Fatalf("no condition, want %s/%s", status, reason)
	}
	if got.Status != status || got.Reason != reason || got.Message != message {
		w.t.Fatalf("after %s: got %s/%s %q, want %s/%s %q", time.Since(w.start), got.Status, got.Reason, got.Message, status, reason, message)
	}
}

func (w *world) edit(change func(*v1alpha1.RestoreTest)) {
	w.t.Helper()
	rt := w.test()
	change(rt)
	// The fake takes status too, in one write: a second would undo what the controller has written since the first.
	if _, err := w.kymaros.RestoreV1alpha1().RestoreTests("prod").Update(context.Background(), rt, metav1.UpdateOptions{}); err != nil {
		w.t.Fatal(err)
	}
	synctest.Wait()
}

// pod sets whether db-0 is ready, since now.
func (w *world) ready(ready bool) {
	w.t.Helper()
	p := pod("db-0", "db", time.Time{})
	p.Status.Conditions[0].LastTransitionTime = metav1.Now()
	if ready {
		p.Status.Conditions[0].Status = corev1.ConditionTrue
	}
	if _, err := w.kube.CoreV1().Pods("sandbox-1").UpdateStatus(context.Background(), p, metav1.UpdateOptions{}); err != nil {
		w.t.Fatal(err)
	}
	synctest.Wait()
}

// quiet fails if the controller still holds something for a run.
func quiet(t *testing.T, c *Controller) {
	t.Helper()
	if len(c.watches.runs) != 0 || len(c.pool.runs) != 0 {
		t.Errorf("left: %d watches, %d runs of checks", len(c.watches.runs), len(c.pool.runs))
	}
}

func TestARunIsDecidedAtTheEventOfItsLastPod(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := begin(t, nil, without)
		c, stop := w.control(0)
		defer stop()
		w.expect(metav1.ConditionUnknown, v1alpha1.ReasonWaitingForPods, "0 of 1 pods ready; waiting for db-0 (Running)")
		w.after(7 * time.Second)
		before := time.Now()
		w.ready(true)
		w.expect(metav1.ConditionTrue, v1alpha1.ReasonNotChecked, "all 1 pods ready; no check ran because spec.healthChecks.policyRef is empty: name a HealthCheckPolicy there")
		if took := time.Since(before); took != 0 {
			t.Errorf("took %s: it polls", took)
		}
		if got, want := w.test().Status.Health.PodsReadyTime.Time, w.start.Add(7*time.Second); !got.Equal(want) {
			t.Errorf("pods ready at %s, want %s", got, want)
		}
		quiet(t, c)
	})
}

func TestASandboxWithoutPodsIsDecidedToo(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := begin(t, nil, without)
		w.kube = kubefake.NewClientset()
		_, stop := w.control(0)
		defer stop()
		w.expect(metav1.ConditionTrue, v1alpha1.ReasonNothingRan, "nothing ran: no workload asks for a pod, and there is none; no check ran because spec.healthChecks.policyRef is empty: name a HealthCheckPolicy there")
	})
}

func TestChecksRunInABoundedPoolAndReportThroughTheQueue(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := begin(t, []string{"e", "d", "c", "b", "a"})
		w.verdict = takes(10 * time.Second)
		c, stop := w.control(2)
		defer stop()
		w.ready(true)
		w.expect(metav1.ConditionUnknown, v1alpha1.ReasonRunning, "0 of 5 checks done")
		w.after(10*time.Second + progress)
		w.expect(metav1.ConditionUnknown, v1alpha1.ReasonRunning, "2 of 5 checks done")
		w.after(20*time.Second + progress)
		w.expect(metav1.ConditionUnknown, v1alpha1.ReasonRunning, "4 of 5 checks done")
		w.after(30 * time.Second)
		w.expect(metav1.ConditionTrue, v1alpha1.ReasonPassed, "all 1 pods ready, 5 of 5 checks passed")
		if w.most != 2 {
			t.Errorf("%d checks at a time, want 2", w.most)
		}
		health := w.test().Status.Health
		if diff := cmp.Diff([]v1alpha1.CheckStatus{pass("e"), pass("d"), pass("c"), pass("b"), pass("a")}, health.Checks); diff != "" {
			t.Error(diff)
		}
		if want := w.start.Add(30 * time.Second); !health.CompletionTime.Time.Equal(want) {
			t.Errorf("completed at %s, want %s", health.CompletionTime, want)
		}
		quiet(t, c)
	})
}

func TestChecksStartWhenPodsTakeTooLong(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := begin(t, []string{"a"}, func(rt *v1alpha1.RestoreTest) { rt.Status.Run.Spec.HealthChecks.PodReadyTimeout = "90s" })
		c, stop := w.control(0)
		defer stop()
		w.after(89 * time.Second)
		w.expect(metav1.ConditionUnknown, v1alpha1.ReasonWaitingForPods, "0 of 1 pods ready; waiting for db-0 (Running)")
		w.after(90 * time.Second)
		w.expect(metav1.ConditionFalse, v1alpha1.ReasonCheckFailed, "pods not ready within 1m30s: 0 of 1 pods ready; waiting for db-0 (Running)")
		if diff := cmp.Diff([]v1alpha1.CheckStatus{pass("a")}, w.test().Status.Health.Checks); diff != "" {
			t.Error(diff)
		}
		quiet(t, c)
	})
}

func TestAPodThatFallsDuringTheChecksFailsTheRun(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := begin(t, []string{"a"})
		w.verdict = takes(10 * time.Second)
		_, stop := w.control(0)
		defer stop()
		w.ready(true)
		w.after(5 * time.Second)
		w.ready(false)
		w.after(10 * time.Second)
		w.expect(metav1.ConditionFalse, v1alpha1.ReasonUnstable, "all pods were ready, and then: pod db-0, Running")
	})
}

func TestTheDeadlineEndsChecks(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := begin(t, []string{"a", "b", "c"})
		w.verdict = func(ctx context.Context, name string) v1alpha1.CheckStatus {
			if name == "b" {
				return pass(name)
			}
			return takes(24*time.Hour)(ctx, name)
		}
		c, stop := w.control(0)
		defer stop()
		w.ready(true)
		w.after(time.Hour - time.Second)
		w.expect(metav1.ConditionUnknown, v1alpha1.ReasonRunning, "1 of 3 checks done")
		w.after(time.Hour)
		got := conditions.ForRun(w.test(), v1alpha1.ConditionHealthChecked)
		if got.Status != metav1.ConditionFalse || got.Reason != v1alpha1.ReasonDeadlineExceeded {
			t.Errorf("got %+v", got)
		}
		for _, c := range w.test().Status.Health.Checks {
			if want := c.Name == "b"; (c.Status == v1alpha1.CheckPass) != want {
				t.Errorf("got %+v", c)
			}
		}
		if slices.Sort(w.cut); !slices.Equal(w.cut, []string{"a", "c"}) {
			t.Errorf("cut: %v, want a and c", w.cut)
		}
		quiet(t, c)
	})
}

func TestARestartRepeatsNoVerdict(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := begin(t, []string{"a", "b"})
		w.verdict = func(ctx context.Context, name string) v1alpha1.CheckStatus {
			if name == "a" {
				return fail(name, "no")
			}
			return takes(time.Minute)(ctx, name)
		}
		_, stop := w.control(0)
		w.ready(true)
		w.expect(metav1.ConditionUnknown, v1alpha1.ReasonRunning, "1 of 2 checks done")
		w.after(30 * time.Second)
		stop()
		if !slices.Equal(w.cut, []string{"b"}) {
			t.Errorf("cut: %v, want b", w.cut)
		}
		w.expect(metav1.ConditionUnknown, v1alpha1.ReasonRunning, "1 of 2 checks done")

		c, stop := w.control(0)
		defer stop()
		w.expect(metav1.ConditionUnknown, v1alpha1.ReasonRunning, "1 of 2 checks done")
		w.after(90 * time.Second)
		w.expect(metav1.ConditionFalse, v1alpha1.ReasonCheckFailed, "1 of 2 checks failed: a (no)")
		if want := map[string]int{"a": 1, "b": 2}; !maps.Equal(w.ran, want) {
			t.Errorf("ran %v, want %v", w.ran, want)
		}
		quiet(t, c)
	})
}

func TestARunThatIsOverIsLeftAlone(t *testing.T) {
	for name, end := range map[string]func(*v1alpha1.RestoreTest){
		"its test is being deleted": func(rt *v1alpha1.RestoreTest) {
			rt.DeletionTimestamp, rt.Finalizers = &metav1.Time{Time: time.Now()}, []string{v1alpha1.Finalizer}
		},
		"it is reported": func(rt *v1alpha1.RestoreTest) {
			rt.Status.Report = &v1alpha1.ReportStatus{RunID: runID}
			set(v1alpha1.ConditionReported, metav1.ConditionTrue, v1alpha1.ReasonReportWritten)(rt)
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := begin(t, []string{"a"})
				w.verdict = takes(24 * time.Hour)
				c, stop := w.control(0)
				defer stop()
				w.ready(true)
				w.edit(end)
				if !slices.Equal(w.cut, []string{"a"}) {
					t.Errorf("cut: %v, want a", w.cut)
				}
				quiet(t, c)
				w.after(2 * time.Hour)
				w.expect(metav1.ConditionUnknown, v1alpha1.ReasonRunning, "0 of 1 checks done")
			})
		})
	}
}

func TestATestThatVanishesLeavesNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := begin(t, []string{"a"})
		w.verdict = takes(24 * time.Hour)
		c, stop := w.control(0)
		defer stop()
		w.ready(true)
		if err := w.kymaros.RestoreV1alpha1().RestoreTests("prod").Delete(t.Context(), "shop", metav1.DeleteOptions{}); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		if !slices.Equal(w.cut, []string{"a"}) {
			t.Errorf("cut: %v, want a", w.cut)
		}
		quiet(t, c)
	})
}

func TestTheNextRunStartsAnew(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := begin(t, []string{"a"})
		c, stop := w.control(0)
		defer stop()
		w.ready(true)
		w.expect(metav1.ConditionTrue, v1alpha1.ReasonPassed, "all 1 pods ready, 1 of 1 checks passed")
		w.edit(func(rt *v1alpha1.RestoreTest) {
			rt.Status.Run.ID, rt.Status.Restore.RunID = "next", "next"
			set(v1alpha1.ConditionRestored, metav1.ConditionUnknown, v1alpha1.ReasonWaiting)(rt)
		})
		w.expect(metav1.ConditionUnknown, v1alpha1.ReasonWaiting, "waiting for the restore")
		digest, err := evidence.DigestOf(policy("a").Spec)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(&v1alpha1.HealthStatus{RunID: "next", Policy: &v1alpha1.PolicyVersion{Digest: digest}}, w.test().Status.Health); diff != "" {
			t.Error(diff)
		}
		quiet(t, c)
		w.edit(func(rt *v1alpha1.RestoreTest) {
			rt.Status.Sandbox.RunID = "next"
			set(v1alpha1.ConditionRestored, metav1.ConditionTrue, v1alpha1.ReasonCompleted)(rt)
		})
		w.expect(metav1.ConditionTrue, v1alpha1.ReasonPassed, "all 1 pods ready, 1 of 1 checks passed")
		if w.ran["a"] != 2 {
			t.Errorf("ran %v", w.ran)
		}
	})
}

func TestNoEventTellsThatAllWentWell(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := begin(t, []string{"a", "b"})
		_, stop := w.control(0)
		defer stop()
		w.ready(false)
		w.ready(true)
		w.after(time.Minute)
		if got := conditions.ForRun(w.test(), v1alpha1.ConditionHealthChecked); got == nil || got.Reason != v1alpha1.ReasonPassed {
			t.Fatalf("HealthChecked: %v", got)
		}
		for len(w.events.Events) > 0 {
			t.Errorf("event %q", <-w.events.Events)
		}
	})
}
