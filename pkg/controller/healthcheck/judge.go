package healthcheck

import (
	"fmt"
	"strings"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/kymaros/kymaros/pkg/apis/restore/v1alpha1"
)

// judge gives the verdict when every check has one.
func (p plan) judge(seen observed, trouble string, ended, now time.Time) plan {
	if ended.IsZero() {
		ended = now // all verdicts were written before a restart
	}
	var failed []string
	passed, total := 0, len(p.health.Checks)
	blocked := blockedText(p.health.Blocked)
	for _, c := range p.health.Checks {
		switch {
		case c.Status == v1alpha1.CheckPass:
			passed++
		case c.Status == v1alpha1.CheckFail || blocked == "": // what was skipped for want of pods was not checked when they came
			failed = append(failed, fmt.Sprintf("%s (%s)", c.Name, c.Message))
		}
	}
	switch {
	case len(failed) > 0:
		return p.decided(metav1.ConditionFalse, v1alpha1.ReasonCheckFailed,
			join(fmt.Sprintf("%d of %d checks failed: %s", len(failed), total, list(failed, ", ")), trouble, blocked), ended)
	case trouble != "":
		return p.decided(metav1.ConditionFalse, v1alpha1.ReasonCheckFailed, join(trouble, blocked), ended)
	case blocked != "":
		return p.decided(metav1.ConditionFalse, v1alpha1.ReasonBlockedBySandboxPolicy,
			join(blocked, fmt.Sprintf("of the rest %s, %d of %d checks passed", seen.pods, passed, total)), ended)
	case total > 0:
		return p.decided(metav1.ConditionTrue, v1alpha1.ReasonPassed, fmt.Sprintf("%s, %d of %d checks passed", seen.pods, total, total), ended)
	}
	reason := "spec.healthChecks.policyRef is empty: name a HealthCheckPolicy there"
	if seen.policy != nil {
		reason = fmt.Sprintf("HealthCheckPolicy %s has no checks: add some", seen.policy.Name)
	}
	return p.decided(metav1.ConditionTrue, v1alpha1.ReasonNotChecked, fmt.Sprintf("%s; no check ran because %s", seen.pods, reason), p.health.PodsReadyTime.Time)
}

// late gives the verdict when the run's deadline has passed. checking tells whether checks were under way.
func (p plan) late(seen observed, pending []v1alpha1.HealthCheck, checking bool, now time.Time) plan {
	unfinished := v1alpha1.CheckStatus{Status: v1alpha1.CheckSkip, Message: "not run: the pods were not ready before the run's deadline"}
	how := "before the restored pods were listed"
	switch {
	case checking:
		unfinished = v1alpha1.CheckStatus{Status: v1alpha1.CheckFail, Message: "not finished before the run's deadline"}
		how = fmt.Sprintf("when %d of %d checks were done", len(p.health.Checks), len(p.health.Checks)+len(pending))
	case seen.pods != nil:
		how = "with " + seen.pods.String()
	}
	if seen.policy != nil {
		done := map[string]v1alpha1.CheckStatus{}
		for _, c := range p.health.Checks {
			done[c.Name] = c
		}
		p.health.Checks = nil
		for _, check := range seen.policy.Spec.Checks {
			c, ok := done[check.Name]
			if !ok {
				c = unfinished
				c.Name = check.Name
			}
			p.health.Checks = append(p.health.Checks, c)
		}
	}
	if seen.pods != nil {
		p.count(seen.pods)
	}
	return p.decided(metav1.ConditionFalse, v1alpha1.ReasonDeadlineExceeded, join("the run's deadline passed "+how, blockedText(p.health.Blocked)), now)
}

// count puts what is known of the pods into the status.
func (p *plan) count(pods *readiness) {
	p.health.Pods = v1alpha1.PodCount{Ready: int32(pods.ready), Total: int32(pods.total)}
	p.health.Blocked = pods.blocked
}

// podTrouble says what is wrong with the pods when checks are over or cannot begin; empty if nothing is.
func podTrouble(health v1alpha1.HealthStatus, pods *readiness, patience time.Duration) string {
	switch {
	case health.PodsReadyTime == nil && pods.all():
		return fmt.Sprintf("the pods became ready only after podReadyTimeout (%s)", patience)
	case health.PodsReadyTime == nil:
		return fmt.Sprintf("pods not ready within %s: %s", patience, pods)
	case !pods.all():
		return fmt.Sprintf("pods did not stay ready: %s", pods)
	}
	return ""
}

// readySince is when the last pod became ready: by the clock of its kubelet, and within what is possible.
func readySince(rt *v1alpha1.RestoreTest, start time.Time, pods *readiness, now time.Time) time.Time {
	since := pods.since
	if since.IsZero() {
		since = start // there is no pod to wait for
	}
	if restore := rt.Status.Restore; restore != nil && restore.CompletionTime != nil && since.Before(restore.CompletionTime.Time) {
		since = restore.CompletionTime.Time
	}
	if since.After(now) {
		since = now
	}
	return since
}

func join(sentences ...string) string {
	var all []string
	for _, s := range sentences {
		if s != "" {
			all = append(all, s)
		}
	}
	return strings.Join(all, "; ")
}
