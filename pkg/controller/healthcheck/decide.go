package healthcheck

import (
	"fmt"
	"strings"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/kymaros/kymaros/pkg/apis/restore/v1alpha1"
	"github.com/kymaros/kymaros/pkg/conditions"
	"github.com/kymaros/kymaros/pkg/evidence"
)

const (
	defaultPodReadyTimeout = 5 * time.Minute

	// listing is how long the first lists may take before the condition tells of them.
	listing = 2 * time.Second
	// spent is how near to the deadline a restore has spent the time of a run. One that ended sooner left time to look at the pods.
	spent = time.Minute

	// maxMessage bounds the message of the condition, in bytes.
	maxMessage = 2048
)

// observed is all that a decision depends on, besides the time.
type observed struct {
	test *v1alpha1.RestoreTest
	// pods is nil until every watch has seen its first list.
	pods *readiness
	// policy is that with which the run began; nil if the test names none, or none that exists.
	policy *v1alpha1.HealthCheckPolicy
	// policyChanged tells that the policy is no longer that with which the run began, and nobody has a copy.
	policyChanged bool
	// verdicts are those of checks that ended in this process, by name of the check.
	verdicts map[string]verdict
}

// verdict is how a check ended, and when.
type verdict struct {
	status v1alpha1.CheckStatus
	ended  time.Time
}

// plan is what is to be done.
type plan struct {
	// watch: pods are to be watched, and checks may run. Else whatever was started for the run is stopped.
	watch bool
	// run are the checks that ought to be running.
	run []v1alpha1.HealthCheck
	// condition and health are to be written. An empty condition: nothing is.
	condition metav1.Condition
	health    v1alpha1.HealthStatus
	// again: look again after this time.
	again time.Duration
}

func (p plan) with(status metav1.ConditionStatus, reason, message string) plan {
	if len(message) > maxMessage {
		message = strings.ToValidUTF8(message[:maxMessage-3], "") + "…"
	}
	p.condition = metav1.Condition{Type: v1alpha1.ConditionHealthChecked, Status: status, Reason: reason, Message: message}
	return p
}

// decided returns p as the end of the checks.
func (p plan) decided(status metav1.ConditionStatus, reason, message string, completed time.Time) plan {
	p.run, p.again = nil, 0
	p.health.CompletionTime = &metav1.Time{Time: completed}
	return p.with(status, reason, message)
}

// decide says what is to be done about the health of the run.
func decide(seen observed, now time.Time) plan {
	rt := seen.test
	if !conditions.Active(rt) || rt.DeletionTimestamp != nil ||
		conditions.Decided(conditions.ForRun(rt, v1alpha1.ConditionReported)) ||
		conditions.Decided(conditions.ForRun(rt, v1alpha1.ConditionHealthChecked)) {
		return plan{}
	}
	p := plan{health: v1alpha1.HealthStatus{RunID: rt.Status.Run.ID}}
	if rt.Status.Health != nil && rt.Status.Health.RunID == rt.Status.Run.ID {
		p.health = *rt.Status.Health.DeepCopy()
	}
	if seen.policy != nil && p.health.Policy == nil {
		p.health.Policy = &v1alpha1.PolicyVersion{UID: seen.policy.UID, Generation: seen.policy.Generation}
		p.health.Policy.Digest, _ = evidence.DigestOf(seen.policy.Spec) // of what has none, the version must do
	}
	if waits := waits(rt); waits != "" {
		return p.with(metav1.ConditionUnknown, v1alpha1.ReasonWaiting, waits)
	}

	if p.health.StartTime == nil {
		p.health.StartTime = &metav1.Time{Time: now}
	}
	if gone := conditions.DeletedSandbox(rt); gone != "" {
		return p.decided(metav1.ConditionFalse, v1alpha1.ReasonSandboxLost, fmt.Sprintf("somebody deleted sandbox %s before the checks had ended", gone), now)
	}
	p.watch = true
	expired, left := conditions.Expired(rt, now)
	checks := rt.Status.Run.Spec.HealthChecks
	patience := checks.PodReadyTimeout.Or(defaultPodReadyTimeout)
	limit := p.health.StartTime.Add(patience)
	if seen.pods != nil {
		seen.pods = seen.pods.displace(p.health.Displaced)
	}
	if seen.pods != nil && timeIsUp(rt, now) {
		seen.pods = seen.pods.letGo()
	}
	pending, ended := p.collect(seen)
	current := conditions.ForRun(rt, v1alpha1.ConditionHealthChecked)
	checking := current != nil && current.Reason == v1alpha1.ReasonRunning
	observing := current != nil && current.Reason == v1alpha1.ReasonObserving
	if expired && !(observing && seen.pods != nil) {
		return p.late(seen, pending, checking, now)
	}
	p.again = left
	if seen.pods == nil {
		if checking || observing { // after a restart: nothing new to say yet
			return p
		}
		if restored := conditions.ForRun(rt, v1alpha1.ConditionRestored); now.Sub(restored.LastTransitionTime.Time) < listing {
			p.again = listing
			return p
		}
		return p.with(metav1.ConditionUnknown, v1alpha1.ReasonWaitingForPods, "listing the restored pods")
	}

	if from := p.from(); from != nil {
		seen.pods = seen.pods.squeeze(from.Time)
	}
	p.count(seen.pods)
	if since := readySince(rt, p.health.StartTime.Time, seen.pods, now); p.health.PodsReadyTime == nil && seen.pods.all() && !since.After(limit) {
		p.health.PodsReadyTime = &metav1.Time{Time: since}
		if !seen.pods.since.IsZero() {
			p.health.LastReadyTime = &metav1.Time{Time: seen.pods.since}
		}
	}
	if p.health.PodsReadyTime == nil && now.Before(limit) {
		p.again = min(left, limit.Sub(now))
		return p.with(metav1.ConditionUnknown, v1alpha1.ReasonWaitingForPods, seen.pods.String())
	}

	trouble := podTrouble(p.health, seen.pods, patience)
	if seen.policyChanged {
		return p.decided(metav1.ConditionFalse, v1alpha1.ReasonPolicyChanged, join(fmt.Sprintf(
			"HealthCheckPolicy %s was changed in mid-run, and the controller was restarted since: run again", checks.PolicyRef), trouble, blockedText(p.health.Blocked)), now)
	}
	if checks.PolicyRef != "" && seen.policy == nil {
		return p.decided(metav1.ConditionFalse, v1alpha1.ReasonPolicyNotFound, join(fmt.Sprintf(
			"HealthCheckPolicy %s does not exist in namespace %s: create it, or correct spec.healthChecks.policyRef", checks.PolicyRef, rt.Namespace), trouble, blockedText(p.health.Blocked)), now)
	}
	if len(pending) > 0 {
		total := len(seen.policy.Spec.Checks)
		p.run = pending
		return p.with(metav1.ConditionUnknown, v1alpha1.ReasonRunning, fmt.Sprintf("%d of %d checks done", total-len(pending), total))
	}
	return p.judge(seen, trouble, ended, now)
}

// timeIsUp tells whether the restored pods have had the time that they have to become ready.
func timeIsUp(rt *v1alpha1.RestoreTest, now time.Time) bool {
	health := rt.Status.Health
	if expired, _ := conditions.Expired(rt, now); expired || health == nil || health.RunID != rt.Status.Run.ID || health.StartTime == nil {
		return expired
	}
	return !now.Before(health.StartTime.Add(rt.Status.Run.Spec.HealthChecks.PodReadyTimeout.Or(defaultPodReadyTimeout)))
}

// waits says why it is not yet time for health checks, or never will be in this run.
func waits(rt *v1alpha1.RestoreTest) string {
	restored := conditions.ForRun(rt, v1alpha1.ConditionRestored)
	if conditions.Is(rt, v1alpha1.ConditionRestored, metav1.ConditionTrue) ||
		conditions.Is(rt, v1alpha1.ConditionRestored, metav1.ConditionFalse) && restored.Reason == v1alpha1.ReasonPartiallyFailed {
		if rt.Status.Sandbox == nil || rt.Status.Sandbox.RunID != rt.Status.Run.ID {
			return "waiting for the sandbox"
		}
		return ""
	}
	for _, kind := range []string{v1alpha1.ConditionSandboxReady, v1alpha1.ConditionRestored} {
		if c := conditions.ForRun(rt, kind); c != nil && c.Status == metav1.ConditionFalse {
			return fmt.Sprintf("nothing to check: %s is False (%s)", c.Type, c.Reason)
		}
	}
	return "waiting for the restore"
}
