package healthcheck

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/kymaros/kymaros/pkg/apis/restore/v1alpha1"
)

func moment(d time.Duration) metav1.Time { return metav1.NewTime(noon.Add(d)) }

// restarted gives a pod a container that runs since then, after it had run from one time to another and ended so.
func restarted(name string, from, to, since time.Duration, count, code int32, reason string) func(*corev1.Pod) {
	return func(p *corev1.Pod) {
		p.Status.ContainerStatuses = append(p.Status.ContainerStatuses, corev1.ContainerStatus{
			Name: name, Ready: true, RestartCount: count, State: corev1.ContainerState{Running: &corev1.ContainerStateRunning{StartedAt: moment(since)}},
			LastTerminationState: corev1.ContainerState{Terminated: &corev1.ContainerStateTerminated{ExitCode: code, Reason: reason, Message: "secret", StartedAt: moment(from), FinishedAt: moment(to)}},
		})
		p.Spec.Containers = append(p.Spec.Containers, corev1.Container{Name: name})
	}
}

func withProbe(p *corev1.Pod) { p.Spec.Containers[0].ReadinessProbe = anyProbe }

func made(d time.Duration) func(*corev1.Pod) {
	return func(p *corev1.Pod) { p.CreationTimestamp = moment(d) }
}

// steady are pods as the readiness has them.
func steady(pods ...*corev1.Pod) *readiness {
	r := assess([]contents{{source: "shop", pods: pods}})
	return &r
}

func TestWhatFellSinceAllPodsWereReady(t *testing.T) {
	from := noon.Add(10 * time.Second)
	crashed := pod("worker-1", "", time.Time{}, func(p *corev1.Pod) {
		p.Status.ContainerStatuses = []corev1.ContainerStatus{{Name: "worker", RestartCount: 2, State: waiting("CrashLoopBackOff"),
			LastTerminationState: corev1.ContainerState{Terminated: &corev1.ContainerStateTerminated{ExitCode: 1, Reason: "Error", FinishedAt: moment(17 * time.Second)}}}}
	})
	for name, c := range map[string]struct {
		pod  *corev1.Pod
		want string
	}{
		"a pod that is ready all the time":                 {pod("web-1", "", noon), ""},
		"a container that waits to be started again":       {crashed, "pod worker-1, container worker: exit code 1 (Error), restarts: 2"},
		"a container that runs again":                      {pod("worker-1", "", noon.Add(18*time.Second), restarted("worker", 10*time.Second, 17*time.Second, 18*time.Second, 1, 137, "OOMKilled")), "pod worker-1, container worker: exit code 137 (OOMKilled), restarts: 1"},
		"a restart before all were ready is how one waits": {pod("web-1", "", noon.Add(8*time.Second), restarted("web", 0, 7*time.Second, 8*time.Second, 1, 1, "Error")), ""},
		"readiness that has gone":                          {pod("web-1", "", time.Time{}, container(false, "web", corev1.ContainerState{Running: &corev1.ContainerStateRunning{}})), "pod web-1, container web: not ready"},
		"readiness that went and came":                     {pod("web-1", "", noon.Add(15*time.Second)), "pod web-1, not ready for a while"},
		"a pod that was made since begins":                 {pod("web-2", "", time.Time{}, made(12*time.Second)), ""},
		"a sidecar": {pod("web-1", "", time.Time{}, func(p *corev1.Pod) {
			p.Spec.InitContainers = []corev1.Container{{Name: "proxy", RestartPolicy: new(corev1.ContainerRestartPolicyAlways)}}
			p.Status.InitContainerStatuses = []corev1.ContainerStatus{{Name: "proxy", RestartCount: 1, State: corev1.ContainerState{Terminated: &corev1.ContainerStateTerminated{ExitCode: 2, Reason: "Error"}}}}
		}), "pod web-1, container proxy: exit code 2 (Error), restarts: 1"},
	} {
		t.Run(name, func(t *testing.T) {
			if got := strings.Join(steady(c.pod).fell(from), "; "); got != c.want {
				t.Errorf("got %q, want %q", got, c.want)
			}
		})
	}
}

func TestHowLongPodsAreWatched(t *testing.T) {
	completed, from := noon.Add(20*time.Second), noon.Add(10*time.Second)
	young := restarted("worker", 0, 25*time.Second, 26*time.Second, 1, 1, "Error")
	for name, c := range map[string]struct {
		pod  *corev1.Pod
		want time.Duration // since noon
	}{
		"as long as the test says, from the last check":                       {pod("web-1", "", noon), 50 * time.Second},
		"a container that has restarted outlives twice its last life":         {pod("worker-1", "", noon, young), 26*time.Second + 51*time.Second},
		"one with a readiness probe shows itself whether it works":            {pod("worker-1", "", noon, young, withProbe), 50 * time.Second},
		"one that has outlived that already keeps nobody waiting":             {pod("worker-1", "", noon, restarted("worker", 0, time.Second, 2*time.Second, 1, 1, "Error")), 50 * time.Second},
		"a pod that was made since is watched from the moment it is ready at": {pod("web-2", "", noon.Add(30*time.Second), made(28*time.Second)), time.Minute},
	} {
		t.Run(name, func(t *testing.T) {
			if got := steady(c.pod).stable(completed, from, 30*time.Second).Sub(noon); got != c.want {
				t.Errorf("until %s, want %s", got, c.want)
			}
		})
	}
}

func TestStableFor(t *testing.T) {
	for text, want := range map[v1alpha1.Duration]time.Duration{"": 30 * time.Second, "0s": 0, "2m": 2 * time.Minute, "soon": 30 * time.Second} {
		if got := stableFor(v1alpha1.HealthChecks{StableFor: text}); got != want {
			t.Errorf("%q: %s, want %s", text, got, want)
		}
	}
}

func TestDecideAboutWhatGoesOnRunning(t *testing.T) {
	lasts := func(rt *v1alpha1.RestoreTest) { rt.Status.Run.Spec.HealthChecks.StableFor = "" }
	group := func(rt *v1alpha1.RestoreTest) { rt.Status.Run.Spec.Sandbox.NetworkIsolation = v1alpha1.IsolationGroup }
	ready := v1alpha1.HealthStatus{StartTime: at(time.Second), PodsReadyTime: at(10 * time.Second), LastReadyTime: at(10 * time.Second)}
	running := under(v1alpha1.ReasonRunning, ready)
	observed20 := ready
	observed20.CompletionTime, observed20.Checks = at(20*time.Second), []v1alpha1.CheckStatus{pass("a")}
	observing := under(v1alpha1.ReasonObserving, observed20)
	well := steady(pod("web-1", "", noon.Add(10*time.Second)))
	crash := steady(pod("worker-1", "", noon.Add(31*time.Second), restarted("worker", 23*time.Second, 30*time.Second, 31*time.Second, 1, 1, "Error")))
	done := map[string]verdict{"a": {pass("a"), noon.Add(20 * time.Second)}}
	due := func(d time.Duration) func(*v1alpha1.RestoreTest) {
		return func(rt *v1alpha1.RestoreTest) { rt.Status.Run.Deadline = *at(d) }
	}
	const watching = "all 1 pods ready, 1 of 1 checks passed; watching for 30s whether that stays so"
	for name, c := range map[string]struct {
		rt        *v1alpha1.RestoreTest
		pods      *readiness
		verdicts  map[string]verdict
		now       time.Duration
		status    metav1.ConditionStatus
		reason    string
		says      string
		again     time.Duration
		completed time.Duration
		observed  bool
	}{
		"the last check passed":                                      {test(lasts, running), well, done, 21 * time.Second, metav1.ConditionUnknown, v1alpha1.ReasonObserving, watching, 29 * time.Second, 20 * time.Second, false},
		"while it lasts":                                             {test(lasts, observing), well, nil, 49 * time.Second, metav1.ConditionUnknown, v1alpha1.ReasonObserving, watching, time.Second, 20 * time.Second, false},
		"it is over, and RTO ends at its begin":                      {test(lasts, observing), well, nil, 50 * time.Second, metav1.ConditionTrue, v1alpha1.ReasonPassed, "all 1 pods ready, 1 of 1 checks passed", 0, 20 * time.Second, true},
		"a test that turns it off":                                   {test(running), well, done, 21 * time.Second, metav1.ConditionTrue, v1alpha1.ReasonPassed, "all 1 pods ready, 1 of 1 checks passed", 0, 20 * time.Second, false},
		"a container ended":                                          {test(lasts, observing, group), crash, nil, 32 * time.Second, metav1.ConditionFalse, v1alpha1.ReasonUnstable, "all pods were ready, and then: pod worker-1, container worker: exit code 1 (Error), restarts: 1", 0, 20 * time.Second, false},
		"a container ended while nobody looked":                      {test(lasts, observing, group), crash, nil, 10 * time.Minute, metav1.ConditionFalse, v1alpha1.ReasonUnstable, "all pods were ready, and then: pod worker-1, container worker: exit code 1 (Error), restarts: 1", 0, 20 * time.Second, false},
		"it may be isolation":                                        {test(lasts, observing), crash, nil, 32 * time.Second, metav1.ConditionFalse, v1alpha1.ReasonUnstable, "all pods were ready, and then: pod worker-1, container worker: exit code 1 (Error), restarts: 1; networkIsolation strict lets restored pods reach nothing: if they need each other, set sandbox.networkIsolation: group", 0, 20 * time.Second, false},
		"a pod is replaced and waited for":                           {test(lasts, observing), steady(pod("web-2", "", time.Time{}, made(25*time.Second))), nil, 50 * time.Second, metav1.ConditionUnknown, v1alpha1.ReasonObserving, "0 of 1 pods ready; waiting for web-2 (Running), 1 of 1 checks passed; watching for 30s whether that stays so", 270 * time.Second, 20 * time.Second, false},
		"the other pod does not come":                                {test(lasts, observing), steady(pod("web-2", "", time.Time{}, made(25*time.Second))), nil, 320 * time.Second, metav1.ConditionFalse, v1alpha1.ReasonUnstable, "pods did not stay ready: 0 of 1 pods ready; waiting for web-2 (Running)", 0, 20 * time.Second, false},
		"the deadline is near":                                       {test(lasts, observing, due(40*time.Second)), well, nil, 39 * time.Second, metav1.ConditionUnknown, v1alpha1.ReasonObserving, watching, time.Second, 20 * time.Second, false},
		"the deadline cuts it short":                                 {test(lasts, observing, due(40*time.Second)), well, nil, 40 * time.Second, metav1.ConditionFalse, v1alpha1.ReasonDeadlineExceeded, "the run's deadline passed: the application was not observed for the whole of stableFor (30s) after all 1 pods ready, 1 of 1 checks passed", 0, 20 * time.Second, false},
		"it ended before the deadline, and only then somebody looks": {test(lasts, observing, due(time.Minute)), well, nil, 2 * time.Minute, metav1.ConditionTrue, v1alpha1.ReasonPassed, "all 1 pods ready, 1 of 1 checks passed", 0, 20 * time.Second, true},
		"the deadline passes and nothing is listed yet":              {test(lasts, observing, due(time.Minute)), nil, nil, 2 * time.Minute, metav1.ConditionFalse, v1alpha1.ReasonUnattended, "the run's deadline passed before the pods were listed again: the application was not observed for the whole of stableFor (30s); kymaros-prober was not at work", 0, 20 * time.Second, false},
	} {
		t.Run(name, func(t *testing.T) {
			got := decide(observed{test: c.rt, pods: c.pods, policy: policy("a"), verdicts: c.verdicts}, noon.Add(c.now))
			if got.condition.Status != c.status || got.condition.Reason != c.reason || got.condition.Message != c.says || got.again != c.again {
				t.Errorf("got %s/%s %q, again %s", got.condition.Status, got.condition.Reason, got.condition.Message, got.again)
			}
			if h := got.health; h.CompletionTime == nil || !h.CompletionTime.Equal(at(c.completed)) || (h.ObservedTime != nil) != c.observed {
				t.Errorf("completed %v, observed %v", h.CompletionTime, h.ObservedTime)
			}
		})
	}
}

func TestARestartGoesOnWatching(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := begin(t, []string{"a"}, func(rt *v1alpha1.RestoreTest) { rt.Status.Run.Spec.HealthChecks.StableFor = "30s" })
		_, stop := w.control(0)
		w.ready(true)
		const watching = "all 1 pods ready, 1 of 1 checks passed; watching for 30s whether that stays so"
		w.expect(metav1.ConditionUnknown, v1alpha1.ReasonObserving, watching)
		w.after(20 * time.Second)
		stop()
		c, stop := w.control(0)
		defer stop()
		w.after(29 * time.Second)
		w.expect(metav1.ConditionUnknown, v1alpha1.ReasonObserving, watching)
		w.after(31 * time.Second)
		w.expect(metav1.ConditionTrue, v1alpha1.ReasonPassed, "all 1 pods ready, 1 of 1 checks passed")
		if got := w.test().Status.Health.CompletionTime; !got.Time.Equal(w.start) {
			t.Errorf("completed at %s, want %s", got, w.start)
		}
		quiet(t, c)
	})
}

func TestAPolicyThatIsEditedInMidRunChangesNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := begin(t, []string{"a"})
		_, stop := w.control(0)
		edited := policy("b")
		edited.Generation = 2
		if _, err := w.kymaros.RestoreV1alpha1().HealthCheckPolicies("prod").Update(t.Context(), edited, metav1.UpdateOptions{}); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		defer stop()
		w.ready(true)
		w.expect(metav1.ConditionTrue, v1alpha1.ReasonPassed, "all 1 pods ready, 1 of 1 checks passed")
		if w.ran["a"] != 1 || w.ran["b"] != 0 {
			t.Errorf("ran %v", w.ran)
		}
	})
}

func TestAPolicyThatIsEditedInMidRunIsNotedAfterARestart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := begin(t, []string{"a"})
		_, stop := w.control(0)
		stop()
		edited := policy("b")
		edited.Generation = 2
		if _, err := w.kymaros.RestoreV1alpha1().HealthCheckPolicies("prod").Update(t.Context(), edited, metav1.UpdateOptions{}); err != nil {
			t.Fatal(err)
		}
		_, stop = w.control(0)
		defer stop()
		w.ready(true)
		w.expect(metav1.ConditionFalse, v1alpha1.ReasonPolicyChanged, "HealthCheckPolicy policy was changed in mid-run, and the controller was restarted since: run again")
	})
}
