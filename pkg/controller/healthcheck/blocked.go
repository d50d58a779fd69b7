package healthcheck

import (
	"cmp"
	"fmt"
	"regexp"
	"slices"
	"strings"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"

	"github.com/kymaros/kymaros/pkg/apis/restore/v1alpha1"
	"github.com/kymaros/kymaros/pkg/hindrance"
)

const (
	// maxBlocked is how many workloads the CRD lets the status name, and maxRefusal how long each reason may be, in bytes.
	maxBlocked = 64
	maxRefusal = 256
)

// guarded finds, in what the API server says when it refuses a pod or a claim, the words of the guards of a sandbox: Pod
// Security, the fence, quotas and limits. Whatever else is refused, a real restore would have refused too.
var guarded = regexp.MustCompile(`violates PodSecurity .*` +
	`|kymaros fence: .*` +
	`|(?:exceeded|failed) quota: .*` +
	`|(?:minimum|maximum) \S+ usage per .*` +
	`|\S+ max limit to request ratio per .*` +
	`|must be less than or equal to (?:\S+ limit|pod limits) of .*` +
	`|must be greater than or equal to aggregate container requests of .*`)

// used is the part of a quota's refusal that changes whenever a pod comes or goes.
var used = regexp.MustCompile(`, used: .*?, limited: `)

// refusal returns why a guard of the sandbox refused something; empty if message tells of anything else. It leaves out the
// name of the pod, which may be a new one with each try.
func refusal(message string) string {
	reason := strings.TrimSuffix(guarded.FindString(message), "]")
	reason = used.ReplaceAllString(reason, ", limited: ")
	if len(reason) > maxRefusal {
		reason = strings.ToValidUTF8(reason[:maxRefusal-3], "") + "…"
	}
	return reason
}

// refusal returns why a pod could not be made, where that is the doing of the sandbox or of the test; else it is empty.
func (in *contents) refusal(message string) string {
	return cmp.Or(refusal(message), in.leaves(message))
}

// ofDeployment returns why the sandbox refuses pods of d: its controller keeps how the last try went.
func (in *contents) ofDeployment(d *appsv1.Deployment) string {
	for _, c := range d.Status.Conditions {
		if c.Type == appsv1.DeploymentReplicaFailure && c.Status == corev1.ConditionTrue {
			return in.refusal(c.Message)
		}
	}
	return ""
}

func (in *contents) ofReplicaSet(r *appsv1.ReplicaSet) string {
	for _, c := range r.Status.Conditions {
		if c.Type == appsv1.ReplicaSetReplicaFailure && c.Status == corev1.ConditionTrue {
			return in.refusal(c.Message)
		}
	}
	return ""
}

// podOf finds the pod in the words of the StatefulSet controller.
var podOf = regexp.MustCompile(` Pod (\S+) in StatefulSet `)

// ofStatefulSet returns why it refuses pods of s. Only events tell of it, and they stay: one about a pod that exists now is over,
// and so are those about the pods that wait for it.
func (in *contents) ofStatefulSet(s *appsv1.StatefulSet) string {
	var reasons []string
	for _, e := range in.failures {
		if e.InvolvedObject.Kind != "StatefulSet" || e.InvolvedObject.Name != s.Name {
			continue
		}
		if name := podOf.FindStringSubmatch(e.Message); name != nil && slices.ContainsFunc(in.pods, func(p *corev1.Pod) bool { return p.Name == name[1] }) {
			continue
		}
		if reason := in.refusal(e.Message); reason != "" {
			reasons = append(reasons, reason)
		}
	}
	if len(reasons) == 0 {
		return ""
	}
	return slices.Min(reasons) // any, but always the same
}

// absentClaim finds the claim in the words of the scheduler.
var absentClaim = regexp.MustCompile(`persistentvolumeclaim "([^"]+)" not found`)

// missing returns the claim without which a pod cannot be scheduled, if that is what it waits for.
func missing(pod *corev1.Pod) string {
	for _, c := range pod.Status.Conditions {
		if c.Type == corev1.PodScheduled && c.Status == corev1.ConditionFalse {
			if found := absentClaim.FindStringSubmatch(c.Message); found != nil {
				return found[1]
			}
		}
	}
	return ""
}

// claimsRefused tells whether a claim that is missing may have been refused for its storage class.
func claimsRefused(rt *v1alpha1.RestoreTest) bool {
	return rt.Status.Sandbox != nil && len(rt.Status.Sandbox.StaticClasses) > 0 && notRestored(rt)
}

// none tells whether the guards have refused all pods that were to run.
func (r *readiness) none() bool { return r.total == 0 && r.hindered }

// needsPod tells whether a check cannot pass without a pod.
func needsPod(check v1alpha1.HealthCheck) bool {
	return check.Type != v1alpha1.CheckResourceExists || check.ResourceExists != nil &&
		slices.ContainsFunc(check.ResourceExists.Resources, func(r v1alpha1.ResourceReference) bool { return r.Kind == "Pod" })
}

// refused is the check's status when there is no pod that it could look at. To run it would take its whole timeout, and
// show nothing about the backup.
func refused(check v1alpha1.HealthCheck) v1alpha1.CheckStatus {
	return v1alpha1.CheckStatus{Name: check.Name, Status: v1alpha1.CheckSkip, Message: "not run: no pod could run in the sandbox"}
}

// blockedText says what the guards refused and what to do; empty if they refused nothing.
func blockedText(refused []string) string {
	if len(refused) == 0 {
		return ""
	}
	return fmt.Sprintf("the sandbox blocked %s (%s)", list(refused, ", "), hindrance.Remedies(refused))
}
