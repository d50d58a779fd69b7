package healthcheck

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/kymaros/kymaros/pkg/apis/restore/v1alpha1"
)

const runID = "20260301-115000-abcdef"

func at(d time.Duration) *metav1.Time { return &metav1.Time{Time: noon.Add(d)} }

// test returns a RestoreTest whose restore ended at noon, in a run due at one o'clock.
func test(change ...func(*v1alpha1.RestoreTest)) *v1alpha1.RestoreTest {
	rt := &v1alpha1.RestoreTest{ObjectMeta: metav1.ObjectMeta{Namespace: "prod", Name: "shop"}}
	rt.Status.Run = &v1alpha1.RunStatus{ID: runID, StartTime: *at(-10 * time.Minute), Deadline: *at(time.Hour)}
	rt.Status.Run.Spec.HealthChecks = v1alpha1.HealthChecks{PolicyRef: "policy", StableFor: "0s"}
	rt.Status.Sandbox = &v1alpha1.SandboxStatus{RunID: runID, Namespaces: []v1alpha1.SandboxNamespace{{Source: "shop", Name: "sandbox-1"}}}
	rt.Status.Restore = &v1alpha1.RestoreStatus{RunID: runID, CompletionTime: at(0)}
	set(v1alpha1.ConditionSandboxReady, metav1.ConditionTrue, v1alpha1.ReasonGuarded)(rt)
	set(v1alpha1.ConditionRestored, metav1.ConditionTrue, v1alpha1.ReasonCompleted)(rt)
	for _, f := range change {
		f(rt)
	}
	return rt
}

// restoredAt sets when the restore ended.
func restoredAt(d time.Duration) func(*v1alpha1.RestoreTest) {
	return func(rt *v1alpha1.RestoreTest) {
		meta.FindStatusCondition(rt.Status.Conditions, v1alpha1.ConditionRestored).LastTransitionTime = *at(d)
	}
}

func set(kind string, status metav1.ConditionStatus, reason string) func(*v1alpha1.RestoreTest) {
	return func(rt *v1alpha1.RestoreTest) {
		for i := range rt.Status.Conditions {
			if rt.Status.Conditions[i].Type == kind {
				rt.Status.Conditions[i].Status, rt.Status.Conditions[i].Reason = status, reason
				return
			}
		}
		rt.Status.Conditions = append(rt.Status.Conditions, metav1.Condition{Type: kind, Status: status, Reason: reason})
	}
}

// under returns a change to a run whose health was written before, under that reason.
func under(reason string, health v1alpha1.HealthStatus) func(*v1alpha1.RestoreTest) {
	return func(rt *v1alpha1.RestoreTest) {
		health.RunID = runID
		rt.Status.Health = &health
		set(v1alpha1.ConditionHealthChecked, metav1.ConditionUnknown, reason)(rt)
	}
}

func without(rt *v1alpha1.RestoreTest) { rt.Status.Run.Spec.HealthChecks.PolicyRef = "" }

func policy(names ...string) *v1alpha1.HealthCheckPolicy {
	p := &v1alpha1.HealthCheckPolicy{ObjectMeta: metav1.ObjectMeta{Namespace: "prod", Name: "policy"}}
	for _, name := range names {
		p.Spec.Checks = append(p.Spec.Checks, v1alpha1.HealthCheck{Name: name})
	}
	return p
}

func pass(name string) v1alpha1.CheckStatus {
	return v1alpha1.CheckStatus{Name: name, Status: v1alpha1.CheckPass, Message: "ok"}
}

func fail(name, message string) v1alpha1.CheckStatus {
	return v1alpha1.CheckStatus{Name: name, Status: v1alpha1.CheckFail, Message: message}
}

func unknown(name, message string) v1alpha1.CheckStatus {
	return v1alpha1.CheckStatus{Name: name, Status: v1alpha1.CheckUnknown, Message: message}
}

func TestDecide(t *testing.T) {
	some := &readiness{ready: 1, total: 2, since: noon.Add(2 * time.Second), waiting: []string{"db-0 (Pending)"}}
	all := &readiness{ready: 2, total: 2, since: noon.Add(3 * time.Second)}
	begun := v1alpha1.HealthStatus{StartTime: at(time.Second)}
	ready := v1alpha1.HealthStatus{StartTime: at(time.Second), PodsReadyTime: at(3 * time.Second)}
	now := noon.Add(5 * time.Second)
	const left = time.Hour - 5*time.Second

	tests := []struct {
		name   string
		seen   observed
		now    time.Time // default: 5 seconds after the restore
		watch  bool
		run    []string
		again  time.Duration
		status metav1.ConditionStatus // empty: nothing is written
		reason string
		text   string
		health v1alpha1.HealthStatus
	}{
		// Before and after.
		{name: "a test without a run", seen: observed{test: test(func(rt *v1alpha1.RestoreTest) { rt.Status.Run = nil })}},
		{name: "a run that is cleaned up", seen: observed{test: test(func(rt *v1alpha1.RestoreTest) {
			rt.Status.Cleanup = &v1alpha1.CleanupStatus{RunID: runID}
			set(v1alpha1.ConditionCleanedUp, metav1.ConditionTrue, v1alpha1.ReasonNothingLeft)(rt)
		})}},
		{name: "a test that is being deleted", seen: observed{test: test(func(rt *v1alpha1.RestoreTest) { rt.DeletionTimestamp = at(0) }), pods: all, policy: policy("a")}},
		{name: "a run that is reported", seen: observed{test: test(under(v1alpha1.ReasonRunning, ready), func(rt *v1alpha1.RestoreTest) {
			rt.Status.Report = &v1alpha1.ReportStatus{RunID: runID}
			set(v1alpha1.ConditionReported, metav1.ConditionTrue, v1alpha1.ReasonReportWritten)(rt)
		}), pods: all, policy: policy("a")}},
		{name: "a run that is decided", seen: observed{test: test(under("", ready), set(v1alpha1.ConditionHealthChecked, metav1.ConditionFalse, v1alpha1.ReasonCheckFailed)), pods: all, policy: policy("a")}},
		{name: "a new run", seen: observed{test: test(func(rt *v1alpha1.RestoreTest) {
			rt.Status.Restore.RunID, rt.Status.Sandbox.RunID = "old", "old"
			rt.Status.Health = &v1alpha1.HealthStatus{RunID: "old", Checks: []v1alpha1.CheckStatus{pass("a")}}
			set(v1alpha1.ConditionHealthChecked, metav1.ConditionTrue, v1alpha1.ReasonPassed)(rt)
		})}, status: metav1.ConditionUnknown, reason: v1alpha1.ReasonWaiting, text: "waiting for the restore", health: v1alpha1.HealthStatus{RunID: runID}},
		{name: "a restore that is under way", seen: observed{test: test(set(v1alpha1.ConditionRestored, metav1.ConditionUnknown, v1alpha1.ReasonInProgress))},
			status: metav1.ConditionUnknown, reason: v1alpha1.ReasonWaiting, text: "waiting for the restore", health: v1alpha1.HealthStatus{RunID: runID}},
		{name: "a sandbox that somebody deleted", seen: observed{test: test(func(rt *v1alpha1.RestoreTest) {
			rt.Status.Sandbox.Namespaces = []v1alpha1.SandboxNamespace{{Source: "shop", Name: "sbx"}, {Source: "db", Name: "sbx-db", Deleted: true}}
		}), policy: policy("a")}, status: metav1.ConditionFalse, reason: v1alpha1.ReasonSandboxLost, text: "somebody deleted sandbox sbx-db before the checks had ended",
			health: v1alpha1.HealthStatus{RunID: runID, StartTime: &metav1.Time{Time: now}, CompletionTime: &metav1.Time{Time: now}}},
		{name: "a sandbox that failed", seen: observed{test: test(set(v1alpha1.ConditionSandboxReady, metav1.ConditionFalse, v1alpha1.ReasonNameTaken), set(v1alpha1.ConditionRestored, metav1.ConditionUnknown, v1alpha1.ReasonWaiting))},
			status: metav1.ConditionUnknown, reason: v1alpha1.ReasonWaiting, text: "nothing to check: SandboxReady is False (NameTaken)", health: v1alpha1.HealthStatus{RunID: runID}},
		{name: "a restore that failed", seen: observed{test: test(set(v1alpha1.ConditionRestored, metav1.ConditionFalse, v1alpha1.ReasonFailed))},
			status: metav1.ConditionUnknown, reason: v1alpha1.ReasonWaiting, text: "nothing to check: Restored is False (Failed)", health: v1alpha1.HealthStatus{RunID: runID}},

		// Pods.
		{name: "the restore is done", seen: observed{test: test(), policy: policy("a")},
			watch: true, again: left, status: metav1.ConditionUnknown, reason: v1alpha1.ReasonWaitingForPods, text: "listing the restored pods", health: v1alpha1.HealthStatus{RunID: runID, StartTime: at(5 * time.Second)}},
		{name: "a restore that failed in part is checked", seen: observed{test: test(set(v1alpha1.ConditionRestored, metav1.ConditionFalse, v1alpha1.ReasonPartiallyFailed)), policy: policy("a")},
			watch: true, again: left, status: metav1.ConditionUnknown, reason: v1alpha1.ReasonWaitingForPods, text: "listing the restored pods", health: v1alpha1.HealthStatus{RunID: runID, StartTime: at(5 * time.Second)}},
		{name: "pods are not ready", seen: observed{test: test(under(v1alpha1.ReasonWaitingForPods, begun)), pods: some, policy: policy("a")},
			watch: true, again: 5*time.Minute - 4*time.Second, status: metav1.ConditionUnknown, reason: v1alpha1.ReasonWaitingForPods, text: "1 of 2 pods ready; waiting for db-0 (Pending)",
			health: v1alpha1.HealthStatus{RunID: runID, StartTime: at(time.Second), Pods: v1alpha1.PodCount{Ready: 1, Total: 2}}},
		{name: "pods are not ready, and the deadline is near", seen: observed{test: test(under(v1alpha1.ReasonWaitingForPods, begun), func(rt *v1alpha1.RestoreTest) { rt.Status.Run.Deadline = *at(6 * time.Second) }), pods: some, policy: policy("a")},
			watch: true, again: time.Second, status: metav1.ConditionUnknown, reason: v1alpha1.ReasonWaitingForPods, text: "1 of 2 pods ready; waiting for db-0 (Pending)",
			health: v1alpha1.HealthStatus{RunID: runID, StartTime: at(time.Second), Pods: v1alpha1.PodCount{Ready: 1, Total: 2}}},

		// Nothing to run.
		{name: "no policy is named", seen: observed{test: test(under(v1alpha1.ReasonWaitingForPods, begun), without), pods: all},
			watch: true, status: metav1.ConditionTrue, reason: v1alpha1.ReasonNotChecked, text: "all 2 pods ready; no check ran because spec.healthChecks.policyRef is empty: name a HealthCheckPolicy there",
			health: v1alpha1.HealthStatus{RunID: runID, StartTime: at(time.Second), PodsReadyTime: at(3 * time.Second), CompletionTime: at(3 * time.Second), Pods: v1alpha1.PodCount{Ready: 2, Total: 2}}},
		{name: "the policy has no checks", seen: observed{test: test(under(v1alpha1.ReasonWaitingForPods, begun)), pods: all, policy: policy()},
			watch: true, status: metav1.ConditionTrue, reason: v1alpha1.ReasonNotChecked, text: "all 2 pods ready; no check ran because HealthCheckPolicy policy has no checks: add some",
			health: v1alpha1.HealthStatus{RunID: runID, StartTime: at(time.Second), PodsReadyTime: at(3 * time.Second), CompletionTime: at(3 * time.Second), Pods: v1alpha1.PodCount{Ready: 2, Total: 2}}},
		{name: "no policy is named and pods do not become ready", seen: observed{test: test(under(v1alpha1.ReasonWaitingForPods, begun), without), pods: some}, now: noon.Add(301 * time.Second),
			watch: true, status: metav1.ConditionFalse, reason: v1alpha1.ReasonCheckFailed, text: "pods not ready within 5m0s: 1 of 2 pods ready; waiting for db-0 (Pending)",
			health: v1alpha1.HealthStatus{RunID: runID, StartTime: at(time.Second), CompletionTime: at(301 * time.Second), Pods: v1alpha1.PodCount{Ready: 1, Total: 2}}},
		{name: "the policy does not exist", seen: observed{test: test(under(v1alpha1.ReasonWaitingForPods, begun)), pods: all},
			watch: true, status: metav1.ConditionFalse, reason: v1alpha1.ReasonPolicyNotFound, text: "HealthCheckPolicy policy does not exist in namespace prod: create it, or correct spec.healthChecks.policyRef",
			health: v1alpha1.HealthStatus{RunID: runID, StartTime: at(time.Second), PodsReadyTime: at(3 * time.Second), CompletionTime: at(5 * time.Second), Pods: v1alpha1.PodCount{Ready: 2, Total: 2}}},
		{name: "the policy does not exist and pods do not become ready", seen: observed{test: test(under(v1alpha1.ReasonWaitingForPods, begun)), pods: some}, now: noon.Add(301 * time.Second),
			watch: true, status: metav1.ConditionFalse, reason: v1alpha1.ReasonPolicyNotFound, text: "HealthCheckPolicy policy does not exist in namespace prod: create it, or correct spec.healthChecks.policyRef; pods not ready within 5m0s: 1 of 2 pods ready; waiting for db-0 (Pending)",
			health: v1alpha1.HealthStatus{RunID: runID, StartTime: at(time.Second), CompletionTime: at(301 * time.Second), Pods: v1alpha1.PodCount{Ready: 1, Total: 2}}},

		// When pods became ready.
		{name: "pods cannot have been ready before the restore ended", seen: observed{test: test(without), pods: &readiness{ready: 1, total: 1, since: noon.Add(-time.Minute)}},
			watch: true, status: metav1.ConditionTrue, reason: v1alpha1.ReasonNotChecked, text: "all 1 pods ready; no check ran because spec.healthChecks.policyRef is empty: name a HealthCheckPolicy there",
			health: v1alpha1.HealthStatus{RunID: runID, StartTime: at(5 * time.Second), PodsReadyTime: at(0), CompletionTime: at(0), Pods: v1alpha1.PodCount{Ready: 1, Total: 1}}},
		{name: "nor in the future", seen: observed{test: test(without), pods: &readiness{ready: 1, total: 1, since: noon.Add(time.Minute)}},
			watch: true, status: metav1.ConditionTrue, reason: v1alpha1.ReasonNotChecked, text: "all 1 pods ready; no check ran because spec.healthChecks.policyRef is empty: name a HealthCheckPolicy there",
			health: v1alpha1.HealthStatus{RunID: runID, StartTime: at(5 * time.Second), PodsReadyTime: at(5 * time.Second), CompletionTime: at(5 * time.Second), Pods: v1alpha1.PodCount{Ready: 1, Total: 1}}},
		{name: "pods that were ready in time while nobody looked", seen: observed{test: test(under(v1alpha1.ReasonWaitingForPods, begun), without), pods: all}, now: noon.Add(20 * time.Minute),
			watch: true, status: metav1.ConditionTrue, reason: v1alpha1.ReasonNotChecked, text: "all 2 pods ready; no check ran because spec.healthChecks.policyRef is empty: name a HealthCheckPolicy there",
			health: v1alpha1.HealthStatus{RunID: runID, StartTime: at(time.Second), PodsReadyTime: at(3 * time.Second), CompletionTime: at(3 * time.Second), Pods: v1alpha1.PodCount{Ready: 2, Total: 2}}},

		// Checks.
		{name: "pods are ready, checks start", seen: observed{test: test(under(v1alpha1.ReasonWaitingForPods, begun)), pods: all, policy: policy("b", "a")},
			watch: true, run: []string{"b", "a"}, again: left, status: metav1.ConditionUnknown, reason: v1alpha1.ReasonRunning, text: "0 of 2 checks done",
			health: v1alpha1.HealthStatus{RunID: runID, StartTime: at(time.Second), PodsReadyTime: at(3 * time.Second), Pods: v1alpha1.PodCount{Ready: 2, Total: 2}}},
		{name: "pods are not ready in time, checks start all the same", seen: observed{test: test(under(v1alpha1.ReasonWaitingForPods, begun), func(rt *v1alpha1.RestoreTest) { rt.Status.Run.Spec.HealthChecks.PodReadyTimeout = "4s" }), pods: some, policy: policy("a")},
			watch: true, run: []string{"a"}, again: left, status: metav1.ConditionUnknown, reason: v1alpha1.ReasonRunning, text: "0 of 1 checks done",
			health: v1alpha1.HealthStatus{RunID: runID, StartTime: at(time.Second), Pods: v1alpha1.PodCount{Ready: 1, Total: 2}}},
		{name: "a check ended", seen: observed{test: test(under(v1alpha1.ReasonRunning, ready)), pods: all, policy: policy("b", "a"), verdicts: map[string]verdict{"a": {pass("a"), noon}}},
			watch: true, run: []string{"b"}, again: left, status: metav1.ConditionUnknown, reason: v1alpha1.ReasonRunning, text: "1 of 2 checks done",
			health: v1alpha1.HealthStatus{RunID: runID, StartTime: at(time.Second), PodsReadyTime: at(3 * time.Second), Pods: v1alpha1.PodCount{Ready: 2, Total: 2}, Checks: []v1alpha1.CheckStatus{pass("a")}}},
		{name: "after a restart nothing is written before the pods are known", seen: observed{test: test(under(v1alpha1.ReasonRunning, ready)), policy: policy("a")},
			watch: true, again: left, health: v1alpha1.HealthStatus{RunID: runID, StartTime: at(time.Second), PodsReadyTime: at(3 * time.Second)}},
		{name: "a verdict that was written is not asked for again", seen: observed{test: test(under(v1alpha1.ReasonRunning, func() v1alpha1.HealthStatus {
			h := ready
			h.Checks = []v1alpha1.CheckStatus{fail("b", "no")}
			return h
		}())), pods: all, policy: policy("a", "b"), verdicts: map[string]verdict{"b": {pass("b"), noon}}},
			watch: true, run: []string{"a"}, again: left, status: metav1.ConditionUnknown, reason: v1alpha1.ReasonRunning, text: "1 of 2 checks done",
			health: v1alpha1.HealthStatus{RunID: runID, StartTime: at(time.Second), PodsReadyTime: at(3 * time.Second), Pods: v1alpha1.PodCount{Ready: 2, Total: 2}, Checks: []v1alpha1.CheckStatus{fail("b", "no")}}},

		// Verdicts.
		{name: "all pass", seen: observed{test: test(under(v1alpha1.ReasonRunning, ready)), pods: all, policy: policy("b", "a"), verdicts: map[string]verdict{"a": {pass("a"), noon.Add(4 * time.Second)}, "b": {pass("b"), noon.Add(time.Second)}}},
			watch: true, status: metav1.ConditionTrue, reason: v1alpha1.ReasonPassed, text: "all 2 pods ready, 2 of 2 checks passed",
			health: v1alpha1.HealthStatus{RunID: runID, StartTime: at(time.Second), PodsReadyTime: at(3 * time.Second), CompletionTime: at(4 * time.Second), Pods: v1alpha1.PodCount{Ready: 2, Total: 2}, Checks: []v1alpha1.CheckStatus{pass("b"), pass("a")}}},
		{name: "some fail", seen: observed{test: test(under(v1alpha1.ReasonRunning, ready)), pods: all, policy: policy("a", "b"), verdicts: map[string]verdict{"a": {pass("a"), noon}, "b": {fail("b", "status 500, expected 200"), noon.Add(4 * time.Second)}}},
			watch: true, status: metav1.ConditionFalse, reason: v1alpha1.ReasonCheckFailed, text: "1 of 2 checks failed: b (status 500, expected 200)",
			health: v1alpha1.HealthStatus{RunID: runID, StartTime: at(time.Second), PodsReadyTime: at(3 * time.Second), CompletionTime: at(4 * time.Second), Pods: v1alpha1.PodCount{Ready: 2, Total: 2}, Checks: []v1alpha1.CheckStatus{pass("a"), fail("b", "status 500, expected 200")}}},
		{name: "all pass but pods never became ready", seen: observed{test: test(under(v1alpha1.ReasonRunning, begun)), pods: some, policy: policy("a"), verdicts: map[string]verdict{"a": {pass("a"), noon.Add(302 * time.Second)}}}, now: noon.Add(303 * time.Second),
			watch: true, status: metav1.ConditionFalse, reason: v1alpha1.ReasonCheckFailed, text: "pods not ready within 5m0s: 1 of 2 pods ready; waiting for db-0 (Pending)",
			health: v1alpha1.HealthStatus{RunID: runID, StartTime: at(time.Second), CompletionTime: at(302 * time.Second), Pods: v1alpha1.PodCount{Ready: 1, Total: 2}, Checks: []v1alpha1.CheckStatus{pass("a")}}},
		{name: "all pass but pods became ready late", seen: observed{test: test(under(v1alpha1.ReasonRunning, begun)), pods: &readiness{ready: 2, total: 2, since: noon.Add(302 * time.Second)}, policy: policy("a"), verdicts: map[string]verdict{"a": {pass("a"), noon.Add(303 * time.Second)}}}, now: noon.Add(304 * time.Second),
			watch: true, status: metav1.ConditionFalse, reason: v1alpha1.ReasonCheckFailed, text: "the pods became ready only after podReadyTimeout (5m0s)",
			health: v1alpha1.HealthStatus{RunID: runID, StartTime: at(time.Second), CompletionTime: at(303 * time.Second), Pods: v1alpha1.PodCount{Ready: 2, Total: 2}, Checks: []v1alpha1.CheckStatus{pass("a")}}},
		{name: "all pass but a pod did not stay ready", seen: observed{test: test(under(v1alpha1.ReasonRunning, ready)), pods: some, policy: policy("a"), verdicts: map[string]verdict{"a": {pass("a"), noon.Add(4 * time.Second)}}},
			watch: true, status: metav1.ConditionFalse, reason: v1alpha1.ReasonUnstable, text: "pods did not stay ready: 1 of 2 pods ready; waiting for db-0 (Pending)",
			health: v1alpha1.HealthStatus{RunID: runID, StartTime: at(time.Second), PodsReadyTime: at(3 * time.Second), CompletionTime: at(4 * time.Second), Pods: v1alpha1.PodCount{Ready: 1, Total: 2}, Checks: []v1alpha1.CheckStatus{pass("a")}}},

		{name: "a check could not tell", seen: observed{test: test(under(v1alpha1.ReasonRunning, ready)), pods: all, policy: policy("a", "b"), verdicts: map[string]verdict{"a": {pass("a"), noon}, "b": {unknown("b", "cut off"), noon.Add(4 * time.Second)}}},
			watch: true, status: metav1.ConditionFalse, reason: v1alpha1.ReasonCheckUnknown, text: "1 of 2 checks could not tell: b (cut off)",
			health: v1alpha1.HealthStatus{RunID: runID, StartTime: at(time.Second), PodsReadyTime: at(3 * time.Second), CompletionTime: at(4 * time.Second), Pods: v1alpha1.PodCount{Ready: 2, Total: 2}, Checks: []v1alpha1.CheckStatus{pass("a"), unknown("b", "cut off")}}},
		{name: "nothing ran although a check passed", seen: observed{test: test(under(v1alpha1.ReasonRunning, ready)), pods: &readiness{}, policy: policy("a"), verdicts: map[string]verdict{"a": {pass("a"), noon.Add(4 * time.Second)}}},
			watch: true, status: metav1.ConditionTrue, reason: v1alpha1.ReasonNothingRan, text: "nothing ran: no workload asks for a pod, and there is none; 1 of 1 checks passed",
			health: v1alpha1.HealthStatus{RunID: runID, StartTime: at(time.Second), PodsReadyTime: at(3 * time.Second), CompletionTime: at(4 * time.Second), Checks: []v1alpha1.CheckStatus{pass("a")}}},
		{name: "nothing ran but a pod of a CI runner", seen: observed{test: test(under(v1alpha1.ReasonWaitingForPods, begun), without), pods: &readiness{notCounted: []string{"shop: Pod/runner"}}},
			watch: true, status: metav1.ConditionTrue, reason: v1alpha1.ReasonNothingRan, text: "nothing ran but what does its work once: shop: Pod/runner; no check ran because spec.healthChecks.policyRef is empty: name a HealthCheckPolicy there",
			health: v1alpha1.HealthStatus{RunID: runID, StartTime: at(time.Second), PodsReadyTime: at(time.Second), CompletionTime: at(time.Second), NotCounted: []string{"shop: Pod/runner"}}},

		// The deadline.
		{name: "the deadline passes before the pods are listed", seen: observed{test: test(), policy: policy("a")}, now: noon.Add(time.Hour),
			watch: true, status: metav1.ConditionFalse, reason: v1alpha1.ReasonUnattended, text: "the run's deadline passed before the restored pods were listed; kymaros-prober was not at work",
			health: v1alpha1.HealthStatus{RunID: runID, StartTime: at(time.Hour), CompletionTime: at(time.Hour), Checks: []v1alpha1.CheckStatus{{Name: "a", Status: v1alpha1.CheckSkip, Message: "not run: the pods were not ready before the run's deadline"}}}},
		{name: "the restore takes all the time of the run", seen: observed{test: test(restoredAt(time.Hour - time.Second)), policy: policy("a")}, now: noon.Add(time.Hour),
			watch: true, status: metav1.ConditionFalse, reason: v1alpha1.ReasonDeadlineExceeded, text: "the run's deadline passed before the restored pods were listed",
			health: v1alpha1.HealthStatus{RunID: runID, StartTime: at(time.Hour), CompletionTime: at(time.Hour), Checks: []v1alpha1.CheckStatus{{Name: "a", Status: v1alpha1.CheckSkip, Message: "not run: the pods were not ready before the run's deadline"}}}},
		{name: "the restore came back in part, and nobody looks until the deadline", seen: observed{test: test(set(v1alpha1.ConditionRestored, metav1.ConditionFalse, v1alpha1.ReasonPartiallyFailed)), policy: policy("a")}, now: noon.Add(time.Hour),
			watch: true, status: metav1.ConditionFalse, reason: v1alpha1.ReasonDeadlineExceeded, text: "the run's deadline passed before the restored pods were listed",
			health: v1alpha1.HealthStatus{RunID: runID, StartTime: at(time.Hour), CompletionTime: at(time.Hour), Checks: []v1alpha1.CheckStatus{{Name: "a", Status: v1alpha1.CheckSkip, Message: "not run: the pods were not ready before the run's deadline"}}}},
		{name: "a check failed, and then nobody looked until the deadline", seen: observed{test: test(under(v1alpha1.ReasonRunning, ready), func(rt *v1alpha1.RestoreTest) { rt.Status.Health.Checks = []v1alpha1.CheckStatus{fail("b", "no rows")} }), policy: policy("a", "b")}, now: noon.Add(time.Hour),
			watch: true, status: metav1.ConditionFalse, reason: v1alpha1.ReasonDeadlineExceeded, text: "the run's deadline passed when 1 of 2 checks were done",
			health: v1alpha1.HealthStatus{RunID: runID, StartTime: at(time.Second), PodsReadyTime: at(3 * time.Second), CompletionTime: at(time.Hour),
				Checks: []v1alpha1.CheckStatus{{Name: "a", Status: v1alpha1.CheckUnknown, Message: "not finished before the run's deadline"}, fail("b", "no rows")}}},
		{name: "the deadline passes before the pods are ready", seen: observed{test: test(under(v1alpha1.ReasonWaitingForPods, begun), without), pods: some}, now: noon.Add(time.Hour),
			watch: true, status: metav1.ConditionFalse, reason: v1alpha1.ReasonDeadlineExceeded, text: "the run's deadline passed with 1 of 2 pods ready; waiting for db-0 (Pending)",
			health: v1alpha1.HealthStatus{RunID: runID, StartTime: at(time.Second), CompletionTime: at(time.Hour), Pods: v1alpha1.PodCount{Ready: 1, Total: 2}}},
		{name: "the deadline passes while checks run", seen: observed{test: test(under(v1alpha1.ReasonRunning, ready)), pods: all, policy: policy("a", "b"), verdicts: map[string]verdict{"b": {pass("b"), noon}}}, now: noon.Add(time.Hour),
			watch: true, status: metav1.ConditionFalse, reason: v1alpha1.ReasonDeadlineExceeded, text: "the run's deadline passed when 1 of 2 checks were done",
			health: v1alpha1.HealthStatus{RunID: runID, StartTime: at(time.Second), PodsReadyTime: at(3 * time.Second), CompletionTime: at(time.Hour), Pods: v1alpha1.PodCount{Ready: 2, Total: 2},
				Checks: []v1alpha1.CheckStatus{{Name: "a", Status: v1alpha1.CheckUnknown, Message: "not finished before the run's deadline"}, pass("b")}}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if tt.now.IsZero() {
				tt.now = now
			}
			before := tt.seen.test.DeepCopy()
			got := decide(tt.seen, tt.now)
			want := plan{watch: tt.watch, again: tt.again, health: tt.health}
			for _, name := range tt.run {
				want.run = append(want.run, v1alpha1.HealthCheck{Name: name})
			}
			if tt.status != "" {
				want.condition = metav1.Condition{Type: v1alpha1.ConditionHealthChecked, Status: tt.status, Reason: tt.reason, Message: tt.text}
			}
			if diff := cmp.Diff(want, got, cmp.AllowUnexported(plan{}), cmpopts.EquateEmpty(), cmpopts.IgnoreFields(v1alpha1.HealthStatus{}, "LastReadyTime", "Policy")); diff != "" {
				t.Error(diff)
			}
			if diff := cmp.Diff(before, tt.seen.test); diff != "" {
				t.Errorf("decide changed what it was given: %s", diff)
			}
		})
	}
}

func TestMessagesAreBounded(t *testing.T) {
	got := plan{}.with(metav1.ConditionFalse, "x", strings.Repeat("ü", 5000)).condition.Message
	if len(got) > maxMessage || !strings.HasSuffix(got, "ü…") {
		t.Errorf("%d bytes: %q", len(got), got)
	}
}

func TestAPolicyThatChangedWhileNobodyHadACopyIsRefused(t *testing.T) {
	rt := test(under(v1alpha1.ReasonRunning, v1alpha1.HealthStatus{StartTime: at(0), PodsReadyTime: at(0), Policy: &v1alpha1.PolicyVersion{UID: "p", Generation: 1},
		Checks: []v1alpha1.CheckStatus{fail("a", "no rows")}}))
	p := decide(observed{test: rt, pods: &readiness{ready: 1, total: 1}, policyChanged: true}, noon)
	if p.condition.Status != metav1.ConditionFalse || p.condition.Reason != v1alpha1.ReasonPolicyChanged || len(p.health.Checks) != 1 {
		t.Errorf("%s %s %q with %v", p.condition.Status, p.condition.Reason, p.condition.Message, p.health.Checks)
	}
}

func TestTheFirstListsNeedNoWordsUnlessTheyTakeLong(t *testing.T) {
	for age, want := range map[time.Duration]string{time.Second: "", listing: v1alpha1.ReasonWaitingForPods} {
		rt := test()
		now := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
		rt.Status.Run.Deadline = metav1.NewTime(now.Add(time.Hour))
		meta.FindStatusCondition(rt.Status.Conditions, v1alpha1.ConditionRestored).LastTransitionTime = metav1.NewTime(now.Add(-age))
		p := decide(observed{test: rt, policy: policy("a")}, now)
		if p.condition.Reason != want || !p.watch || want == "" && p.again != listing {
			t.Errorf("%v after the restore: %q, look again after %v", age, p.condition.Reason, p.again)
		}
	}
}
