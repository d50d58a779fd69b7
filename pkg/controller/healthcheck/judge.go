package healthcheck

import (
	"fmt"
	"slices"
	"strings"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/kymaros/kymaros/pkg/apis/restore/v1alpha1"
	"github.com/kymaros/kymaros/pkg/conditions"
)

// judge gives the verdict when every check has one, and the pods were watched for long enough after that.
func (p plan) judge(seen observed, trouble string, ended, now time.Time) plan {
	checks := p.weigh(seen)
	blocked := blockedText(p.health.Blocked)
	completed := p.completed(seen, ended, now)
	var fallen string
	if from := p.from(); from != nil {
		if all := seen.pods.fell(from.Time); len(all) > 0 {
			fallen = "all pods were ready, and then: " + list(all, "; ")
		}
	}
	trouble, fallen = hint(seen.test, trouble), hint(seen.test, fallen)
	switch {
	case seen.pods.lacking() != "" && (len(checks.failed) > 0 || trouble != ""): // whatever else goes wrong may hang on it
		return p.decided(metav1.ConditionFalse, v1alpha1.ReasonClusterLacks, join(seen.pods.lacking(), checks.fails(), trouble, checks.unknowns(), blocked), completed)
	case len(checks.failed) > 0:
		return p.decided(metav1.ConditionFalse, v1alpha1.ReasonCheckFailed, join(checks.fails(), trouble, fallen, checks.unknowns(), blocked), completed)
	case seen.pods.hindered && len(seen.pods.own) == 0: // what goes wrong beside that may hang on it
	case trouble != "":
		return p.decided(metav1.ConditionFalse, v1alpha1.ReasonCheckFailed, join(trouble, fallen, checks.unknowns(), blocked), completed)
	case fallen != "":
		return p.decided(metav1.ConditionFalse, v1alpha1.ReasonUnstable, join(fallen, checks.unknowns(), blocked), completed)
	case len(checks.unknown) > 0:
		return p.decided(metav1.ConditionFalse, v1alpha1.ReasonCheckUnknown, join(checks.unknowns(), blocked), completed)
	}
	// Of an application that has lost its place there is no more to learn, and what is left of it is in somebody's way.
	if trouble == "" && fallen == "" && seen.pods.total > 0 && len(seen.pods.displaced) == 0 {
		watched, over := p.observe(seen, checks, completed, now)
		if !over {
			return watched
		}
		p = watched
	}
	switch {
	case blocked != "":
		return p.decided(metav1.ConditionFalse, v1alpha1.ReasonBlockedBySandboxPolicy, join(blocked,
			fmt.Sprintf("of the rest %s, %d of %d checks passed", seen.pods, checks.passed, checks.total), trouble, fallen, checks.unknowns()), completed)
	case seen.pods.total == 0:
		return p.decided(metav1.ConditionTrue, v1alpha1.ReasonNothingRan,
			join(nothingRan(p.health.NotCounted), checks.passes(seen)), completed)
	case checks.total > 0:
		return p.decided(metav1.ConditionTrue, v1alpha1.ReasonPassed, fmt.Sprintf("%s, %s", seen.pods, checks.passes(seen)), completed)
	}
	return p.decided(metav1.ConditionTrue, v1alpha1.ReasonNotChecked, fmt.Sprintf("%s; %s", seen.pods, checks.passes(seen)), completed)
}

// observe lets the time pass in which the pods are watched. over tells that it has passed, or that there is none.
func (p plan) observe(seen observed, checks weighed, completed, now time.Time) (next plan, over bool) {
	spec := seen.test.Status.Run.Spec.HealthChecks
	expired, left := conditions.Expired(seen.test, now)
	watch, deadline := stableFor(spec), seen.test.Status.Run.Deadline.Time
	until := seen.pods.stable(completed, p.from().Time, watch)
	if !seen.pods.all() { // pods that were made since are given the time that those of the restore had
		until = completed.Add(spec.PodReadyTimeout.Or(defaultPodReadyTimeout))
	}
	switch {
	case !seen.pods.all() && (watch == 0 || !now.Before(until)):
		if seen.pods.hindered {
			return p, true
		}
		return p.decided(metav1.ConditionFalse, v1alpha1.ReasonUnstable, join(fmt.Sprintf("pods did not stay ready: %s", seen.pods), blockedText(p.health.Blocked)), completed), false
	case watch == 0:
		return p, true
	case !now.Before(until) && !until.After(deadline):
		p.health.ObservedTime = &metav1.Time{Time: now}
		return p, true
	case expired:
		return p.decided(metav1.ConditionFalse, v1alpha1.ReasonDeadlineExceeded, join(fmt.Sprintf(
			"the run's deadline passed: the application was not observed for the whole of stableFor (%s) after %s, %s", watch, seen.pods, checks.passes(seen)), blockedText(p.health.Blocked)), completed), false
	}
	p.health.CompletionTime = &metav1.Time{Time: completed}
	p.again = min(left, until.Sub(now))
	return p.with(metav1.ConditionUnknown, v1alpha1.ReasonObserving, fmt.Sprintf("%s, %s; watching for %s whether that stays so", seen.pods, checks.passes(seen), watch)), false
}

// from is since when all pods were ready, by the clocks of their nodes; nil if they never were.
func (p plan) from() *metav1.Time {
	if p.health.LastReadyTime != nil {
		return p.health.LastReadyTime
	}
	return p.health.PodsReadyTime
}

// completed is when the last check ended; without checks, when the last pod became ready.
func (p plan) completed(seen observed, ended, now time.Time) time.Time {
	switch {
	case p.health.CompletionTime != nil:
		return p.health.CompletionTime.Time
	case !ended.IsZero():
		return ended
	case len(p.health.Checks) == 0 && p.health.PodsReadyTime != nil && seen.pods.all():
		return p.health.PodsReadyTime.Time
	}
	return now // all verdicts were written before a restart, or there was nothing to wait for
}

// late gives the verdict when the run's deadline has passed. checking tells whether checks were under way.
func (p plan) late(seen observed, pending []v1alpha1.HealthCheck, checking bool, now time.Time) plan {
	unfinished := v1alpha1.CheckStatus{Status: v1alpha1.CheckSkip, Message: "not run: the pods were not ready before the run's deadline"}
	how := "before the restored pods were listed"
	reason := v1alpha1.ReasonDeadlineExceeded
	switch {
	case checking:
		unfinished = v1alpha1.CheckStatus{Status: v1alpha1.CheckUnknown, Message: "not finished before the run's deadline"}
		how = fmt.Sprintf("when %d of %d checks were done", len(p.health.Checks), len(p.health.Checks)+len(pending))
	case p.health.CompletionTime != nil:
		how = fmt.Sprintf("before the pods were listed again: the application was not observed for the whole of stableFor (%s)", stableFor(seen.test.Status.Run.Spec.HealthChecks))
	case seen.pods != nil:
		how = "with " + seen.pods.String()
		if seen.pods.hindered && seen.pods.all() { // it came while only what is held up was waited for
			reason = v1alpha1.ReasonBlockedBySandboxPolicy
		}
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
	completed := now
	if p.health.CompletionTime != nil {
		completed = p.health.CompletionTime.Time
	}
	if seen.pods != nil {
		p.count(seen.pods)
	}
	if p.unattended(seen) {
		reason = v1alpha1.ReasonUnattended
		how += "; kymaros-prober was not at work"
	}
	return p.decided(metav1.ConditionFalse, reason, join("the run's deadline passed "+how, blockedText(p.health.Blocked)), completed)
}

// unattended tells whether nobody looked at the pods, which came back in time, and nothing is known to be wrong.
func (p plan) unattended(seen observed) bool {
	restored := conditions.ForRun(seen.test, v1alpha1.ConditionRestored)
	return seen.pods == nil && restored.Status == metav1.ConditionTrue && seen.test.Status.Run.Deadline.Sub(restored.LastTransitionTime.Time) > spent &&
		!slices.ContainsFunc(p.health.Checks, func(c v1alpha1.CheckStatus) bool { return c.Status == v1alpha1.CheckFail })
}

// count puts what is known of the pods into the status.
func (p *plan) count(pods *readiness) {
	p.health.Pods = v1alpha1.PodCount{Ready: int32(pods.ready), Total: int32(pods.total)}
	p.health.Blocked, p.health.Displaced, p.health.NotCounted = pods.blocked, pods.displaced, pods.notCounted
}

// podTrouble says what is wrong with the pods when checks are over or cannot begin; empty if nothing is.
func podTrouble(health v1alpha1.HealthStatus, pods *readiness, patience time.Duration) string {
	switch {
	case health.PodsReadyTime == nil && pods.all():
		return fmt.Sprintf("the pods became ready only after podReadyTimeout (%s)", patience)
	case health.PodsReadyTime == nil:
		return fmt.Sprintf("pods not ready within %s: %s", patience, pods)
	}
	return ""
}

// hint adds to the trouble of containers what isolation may have to do with it.
func hint(rt *v1alpha1.RestoreTest, trouble string) string {
	if !strings.Contains(trouble, "container ") || !strict(rt) {
		return trouble
	}
	return trouble + "; networkIsolation strict lets restored pods reach nothing: if they need each other, set sandbox.networkIsolation: group"
}

// strict tells whether the pods of the run can reach nothing.
func strict(rt *v1alpha1.RestoreTest) bool {
	return rt.Status.Run.Spec.Sandbox.NetworkIsolation != v1alpha1.IsolationGroup
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
