package healthcheck

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/kymaros/kymaros/pkg/apis/restore/v1alpha1"
)

const gone = "shop: Pod/web-1: had to make room: PreemptionByScheduler"

func TestAPodThatHasToGoIsNamedUntilTheEnd(t *testing.T) {
	preempted := pod("web-1", "web", noon, func(p *corev1.Pod) {
		p.DeletionTimestamp = &metav1.Time{}
		p.Status.Conditions = append(p.Status.Conditions, corev1.PodCondition{Type: corev1.DisruptionTarget, Status: corev1.ConditionTrue, Reason: "PreemptionByScheduler"})
	})
	in := contents{source: "shop", deployments: []*appsv1.Deployment{deployment("web", nil)}, pods: []*corev1.Pod{preempted}}
	got := assess([]contents{in})
	if want := []string{gone}; !got.hindered || !cmp.Equal(got.blocked, want) || !cmp.Equal(got.displaced, want) {
		t.Errorf("it is on its way out: %+v", got)
	}
	preempted.Status.Conditions[1].Status = corev1.ConditionFalse
	if got := assess([]contents{in}); got.hindered || got.displaced != nil {
		t.Errorf("it stays: %+v", got)
	}

	// The next look finds another in its place.
	in.pods = []*corev1.Pod{pod("web-2", "web", time.Time{})}
	next := assess([]contents{in})
	p := decide(observed{test: test(under(v1alpha1.ReasonRunning, v1alpha1.HealthStatus{
		StartTime: at(time.Second), PodsReadyTime: at(time.Second), Displaced: []string{gone},
	})), pods: &next, policy: policy("a")}, noon.Add(3*time.Second))
	if want := []string{gone}; !cmp.Equal(p.health.Displaced, want) || !cmp.Equal(p.health.Blocked, want) {
		t.Errorf("health %+v", p.health)
	}
}

func TestWhatFailsWhileAPodHadToGoIsNoVerdictOnTheBackup(t *testing.T) {
	next := readiness{total: 1, waiting: []string{"web-2 (Unschedulable)"}}
	seen := observed{
		test: test(under(v1alpha1.ReasonRunning, v1alpha1.HealthStatus{StartTime: at(time.Second), PodsReadyTime: at(time.Second), Displaced: []string{gone}}),
			func(rt *v1alpha1.RestoreTest) { rt.Status.Run.Spec.HealthChecks.StableFor = "30s" }),
		pods: &next, policy: policy("a"), verdicts: map[string]verdict{"a": {fail("a", "exit code 137, expected 0"), noon.Add(2 * time.Second)}},
	}
	p := decide(seen, noon.Add(3*time.Second))
	if c := p.condition; c.Status != metav1.ConditionFalse || c.Reason != v1alpha1.ReasonBlockedBySandboxPolicy {
		t.Errorf("%s (%s) %s; want the verdict now, and none on the backup", c.Status, c.Reason, c.Message)
	}
	if got := p.health.Checks[0].Status; got != v1alpha1.CheckUnknown {
		t.Errorf("the check is %s", got)
	}
	seen.test.Status.Health.Displaced = nil
	if c := decide(seen, noon.Add(3*time.Second)).condition; c.Reason != v1alpha1.ReasonCheckFailed {
		t.Errorf("nothing had to go, and the verdict is %s (%s)", c.Status, c.Reason)
	}
}
