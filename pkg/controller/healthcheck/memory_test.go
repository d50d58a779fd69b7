package healthcheck

import (
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/kymaros/kymaros/pkg/apis/restore/v1alpha1"
)

// limited gives the container of a pod a memory limit, and the pod what the API server notes when a LimitRange gave it.
func limited(limit, note string) func(*corev1.Pod) {
	return func(p *corev1.Pod) {
		p.Spec.Containers = []corev1.Container{{Name: "db", Resources: corev1.ResourceRequirements{Limits: corev1.ResourceList{corev1.ResourceMemory: resource.MustParse(limit)}}}}
		p.Annotations = map[string]string{limitRanger: note}
	}
}

const byRange = "LimitRanger plugin set: cpu, memory request for container db; cpu, memory limit for container db"

// killed has its container killed at the 17th second, and wait to be started again.
func killed(reason string) func(*corev1.Pod) {
	return func(p *corev1.Pod) {
		p.Status.ContainerStatuses = []corev1.ContainerStatus{{Name: "db", RestartCount: 2, State: waiting("CrashLoopBackOff"),
			LastTerminationState: corev1.ContainerState{Terminated: &corev1.ContainerStateTerminated{ExitCode: 137, Reason: reason, FinishedAt: moment(17 * time.Second)}}}}
	}
}

func TestWhoseMemoryLimitKilledAContainer(t *testing.T) {
	for name, c := range map[string]struct {
		limit, note, reason string
		ours                bool
	}{
		"the sandbox's": {"512Mi", byRange, "OOMKilled", true},
		"the sandbox's, of a pod with other notes": {"512Mi", "LimitRanger plugin set: memory limit for container db", "OOMKilled", true},
		"its own":                                     {"512Mi", "", "OOMKilled", false},
		"its own, in a pod that got a request":        {"512Mi", "LimitRanger plugin set: memory request for container db", "OOMKilled", false},
		"its own, beside a container without one":     {"512Mi", "LimitRanger plugin set: memory limit for container web", "OOMKilled", false},
		"that of a LimitRange in production":          {"256Mi", byRange, "OOMKilled", false},
		"none: it ended by itself":                    {"512Mi", byRange, "Error", false},
		"its own, and the sandbox gave it one of CPU": {"512Mi", "LimitRanger plugin set: cpu limit for container db", "OOMKilled", false},
	} {
		t.Run(name, func(t *testing.T) {
			in := contents{source: "shop", limits: v1alpha1.SandboxLimits{Memory: "512Mi"}, pods: []*corev1.Pod{pod("db-0", "db", time.Time{}, limited(c.limit, c.note), killed(c.reason))}}
			got := assess([]contents{in})
			left := got.letGo()
			if ours := len(left.blocked) == 1 && strings.Contains(left.blocked[0], "container db was killed for want of memory") && strings.Contains(left.blocked[0], "512Mi"); ours != c.ours {
				t.Errorf("blocked %q", left.blocked)
			}
			if fallen := got.fell(noon.Add(10 * time.Second)); (len(fallen) == 0) != c.ours {
				t.Errorf("held against the backup: %q", fallen)
			}
			in.limits = v1alpha1.SandboxLimits{}
			if got := assess([]contents{in}); len(got.letGo().blocked) > 0 {
				t.Errorf("the sandbox has no limit: %q", got.letGo().blocked)
			}
		})
	}
}

func TestAKillForTheSandboxsLimitNeverBlamesTheBackup(t *testing.T) {
	ready := v1alpha1.HealthStatus{StartTime: at(time.Second), PodsReadyTime: at(10 * time.Second), LastReadyTime: at(10 * time.Second)}
	for name, c := range map[string]struct {
		health v1alpha1.HealthStatus
		db     *corev1.Pod
		seen   string
	}{
		"that never got ready":                {v1alpha1.HealthStatus{StartTime: at(time.Second)}, pod("db-0", "db", time.Time{}, limited("512Mi", byRange), killed("OOMKilled")), v1alpha1.ReasonBlockedBySandboxPolicy},
		"that was ready":                      {ready, pod("db-0", "db", time.Time{}, limited("512Mi", byRange), killed("OOMKilled")), v1alpha1.ReasonBlockedBySandboxPolicy},
		"that was ready and is so again":      {ready, pod("db-0", "db", noon.Add(20*time.Second), limited("512Mi", byRange), killed("OOMKilled")), v1alpha1.ReasonBlockedBySandboxPolicy},
		"that was killed before it was ready": {ready, pod("db-0", "db", noon.Add(9*time.Second), limited("512Mi", byRange), restarted("db", 0, 5*time.Second, 6*time.Second, 1, 137, "OOMKilled")), v1alpha1.ReasonPassed},
		"whose limit is its own":              {ready, pod("db-0", "db", time.Time{}, limited("512Mi", ""), killed("OOMKilled")), v1alpha1.ReasonUnstable},
	} {
		t.Run(name, func(t *testing.T) {
			pods := assess([]contents{{source: "shop", limits: v1alpha1.SandboxLimits{Memory: "512Mi"}, pods: []*corev1.Pod{c.db}}})
			status := "rows"
			check := verdict{fail(status, "no pod is ready"), noon.Add(20 * time.Second)}
			if c.seen == v1alpha1.ReasonPassed || c.seen == v1alpha1.ReasonUnstable {
				check = verdict{pass(status), noon.Add(20 * time.Second)}
			}
			run := test(under(v1alpha1.ReasonRunning, c.health))
			got := decide(observed{test: run, pods: &pods, policy: policy(status), verdicts: map[string]verdict{status: check}}, noon.Add(400*time.Second))
			if got.condition.Reason != c.seen || got.condition.Status == metav1.ConditionUnknown {
				t.Errorf("got %s %q", got.condition.Reason, got.condition.Message)
			}
			if c.seen == v1alpha1.ReasonBlockedBySandboxPolicy && !strings.Contains(got.condition.Message, "raise sandbox.resourceQuota.memory") {
				t.Errorf("no remedy: %q", got.condition.Message)
			}
		})
	}
}
