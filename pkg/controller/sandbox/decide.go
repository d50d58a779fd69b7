package sandbox

import (
	"fmt"
	"slices"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/kymaros/kymaros/pkg/apis/restore/v1alpha1"
	"github.com/kymaros/kymaros/pkg/conditions"
	"github.com/kymaros/kymaros/pkg/isolation"
)

// seen is what is known of the sandboxes of a run after a look at all of them.
type seen struct {
	namespaces []v1alpha1.SandboxNamespace
	missing    []string // objects that the cache does not show yet, "kind namespace/name"
	quota      []string // ResourceQuotas that are not enforced yet
	unattested []string // namespaces of which controller attest has not said that they have their guards
	guarded    bool     // all are attested, and who may look into them is let in
	violations []string // what somebody did to the guards
	repairs    []repair // that undo it
	verdict    *verdict // why there can be no sandbox, if so
	// staticClasses are known from the look before the run's first write.
	staticClasses []string
	// isolation is what the canaries show; empty before the guards are in place, and later on.
	isolation isolation.Proof
	// required: without a proof of isolation there is no sandbox, and it is waited for that long.
	required bool
	patience time.Duration
}

// verdict ends the phase.
type verdict struct{ reason, message string }

// decide tells what SandboxReady is.
func decide(rt *v1alpha1.RestoreTest, s seen, now time.Time) metav1.Condition {
	condition := metav1.Condition{Type: v1alpha1.ConditionSandboxReady, Status: metav1.ConditionUnknown}
	expired, _ := conditions.Expired(rt, now)
	switch {
	case s.verdict != nil:
		condition.Status, condition.Reason, condition.Message = metav1.ConditionFalse, s.verdict.reason, s.verdict.message
	case len(s.unattested) > 0 && len(dropped(rt)) > 0:
		// Attest goes by the spec and refuses them, so it would be waited for in vain.
		condition.Status, condition.Reason = metav1.ConditionFalse, v1alpha1.ReasonSpecChanged
		condition.Message = fmt.Sprintf("spec.backupSource.namespaces no longer names %s, which the run began with; run the test again", strings.Join(dropped(rt), ", "))
	case len(s.missing)+len(s.quota) == 0 && s.unproven():
		condition.Reason, condition.Message = v1alpha1.ReasonIsolationUnproven, "waiting for a proof of isolation: "+s.isolation.Message
		if expired || impatient(rt.Status.Sandbox, s.patience, now) {
			condition.Status = metav1.ConditionFalse
			condition.Reason, condition.Message = s.isolation.Verdict()
		}
	case len(s.missing)+len(s.quota) == 0 && len(s.unattested) > 0:
		condition.Reason = v1alpha1.ReasonWaitingForAttestation
		condition.Message = "waiting until controller attest has seen the guards of " + strings.Join(s.unattested, ", ")
		if expired {
			condition.Status, condition.Reason = metav1.ConditionFalse, v1alpha1.ReasonNotStarted
			condition.Message = fmt.Sprintf("the run's deadline passed before controller attest had seen the guards of %s; events %s tell what they lack, without any it is away",
				strings.Join(s.unattested, ", "), v1alpha1.EventNotAttested)
		}
	case len(s.missing)+len(s.quota) == 0:
		condition.Status, condition.Reason, condition.Message = metav1.ConditionTrue, v1alpha1.ReasonGuarded, guarded(rt, s)
	case expired:
		condition.Status, condition.Reason = metav1.ConditionFalse, v1alpha1.ReasonNotStarted
		condition.Message = "the run's deadline passed before these existed: " + strings.Join(slices.Concat(s.missing, s.quota), ", ")
	case now.Sub(begun(rt)) < quick:
		condition.Reason, condition.Message = v1alpha1.ReasonCreating, creating
	case len(s.missing) > 0:
		condition.Reason, condition.Message = v1alpha1.ReasonCreating, "creating "+strings.Join(s.missing, ", ")
	default:
		condition.Reason = v1alpha1.ReasonWaitingForQuota
		condition.Message = "waiting until the cluster enforces " + strings.Join(s.quota, ", ")
	}
	return condition
}

// quick is how long the cluster may take before the condition tells what it takes that long for: each message is a write.
const quick = 5 * time.Second

// creating is the first message of SandboxReady.
const creating = "creating the sandboxes"

// begun is when SandboxReady first told of the run.
func begun(rt *v1alpha1.RestoreTest) time.Time {
	if c := conditions.ForRun(rt, v1alpha1.ConditionSandboxReady); c != nil {
		return c.LastTransitionTime.Time
	}
	return time.Time{}
}

// over tells whether rt's run has its verdict, or gets none any more. Velero may go on restoring all the same, so the guards
// stay watched until cleanup deletes the sandbox.
func over(rt *v1alpha1.RestoreTest) bool {
	return rt.DeletionTimestamp != nil || conditions.Is(rt, v1alpha1.ConditionReported, metav1.ConditionTrue)
}

// bindable tells whether all sandboxes of rt's run have what it takes to let those in who may look, and it was not done yet.
func (s *seen) bindable(rt *v1alpha1.RestoreTest, watching bool) bool {
	done := rt.Status.Sandbox != nil && rt.Status.Sandbox.RunID == rt.Status.Run.ID && rt.Status.Sandbox.Guarded
	return s.verdict == nil && len(s.unattested) == 0 && !done && (watching || len(s.missing)+len(s.quota) == 0 && !s.unproven())
}

// unproven tells whether the sandbox has to wait for a proof of isolation.
func (s *seen) unproven() bool { return s.required && s.isolation.State != v1alpha1.IsolationProven }

// impatient tells whether a run has waited long enough for a proof, since it first asked for one. What speaks against isolation
// may pass, as a restart of the network plugin does, so it decides no sooner than what leaves it open.
func impatient(own *v1alpha1.SandboxStatus, patience time.Duration, now time.Time) bool {
	return own != nil && own.UnprovenSince != nil && now.Sub(own.UnprovenSince.Time) >= patience
}

// fragment returns sandbox's own fields of the status. Violations of the run are never forgotten, and static classes stay
// as they were found: the quota is made of them, and must not look changed when somebody makes a volume.
func fragment(rt *v1alpha1.RestoreTest, s seen, now time.Time) v1alpha1.RestoreTestStatus {
	status := v1alpha1.RestoreTestStatus{Sandbox: &v1alpha1.SandboxStatus{RunID: rt.Status.Run.ID, Namespaces: s.namespaces}}
	for _, ns := range s.namespaces {
		status.SandboxNamespaces = append(status.SandboxNamespaces, ns.Name)
	}
	if len(s.namespaces) > 0 {
		status.SandboxNamespace = s.namespaces[0].Name
	}
	violations := slices.Clone(s.violations)
	status.Sandbox.StaticClasses = s.staticClasses
	status.Sandbox.Isolation, status.Sandbox.Moment = s.isolation.State, s.isolation.Moment
	if s.isolation.State != "" && s.unproven() {
		status.Sandbox.UnprovenSince = &metav1.Time{Time: now.Truncate(time.Second)}
	}
	if old := rt.Status.Sandbox; old != nil && old.RunID == rt.Status.Run.ID {
		violations = append(violations, old.Violations...)
		status.Sandbox.StaticClasses = old.StaticClasses
		if old.UnprovenSince != nil {
			status.Sandbox.UnprovenSince = old.UnprovenSince
		}
		status.Sandbox.Guarded = s.guarded || old.Guarded
		if s.isolation.State == "" {
			status.Sandbox.Isolation, status.Sandbox.Moment = old.Isolation, old.Moment
		}
	}
	slices.Sort(violations)
	status.Sandbox.Violations = slices.Compact(violations)
	return status
}

// refusal returns the verdict that err means, or nil when another try may succeed.
func refusal(err error, what string) *verdict {
	if apierrors.HasStatusCause(err, corev1.NamespaceTerminatingCause) || strings.Contains(err.Error(), "exceeded quota") {
		// The second: our own count of policies lags behind the deletion of one.
		return nil
	}
	if apierrors.IsForbidden(err) || apierrors.IsInvalid(err) || apierrors.IsBadRequest(err) {
		return &verdict{v1alpha1.ReasonRejected, fmt.Sprintf("the API server refused %s: %v", what, err)}
	}
	return nil
}

// goes is the verdict of a sandbox of which something is being deleted before it is ready. Our finalizer keeps that until the end of
// the run, and nothing takes its place before.
func goes(what string) *verdict {
	return &verdict{v1alpha1.ReasonSandboxLost, what + " was deleted by somebody while the sandbox was being made"}
}

func taken(rt *v1alpha1.RestoreTest, sandbox v1alpha1.SandboxNamespace) *verdict {
	var remedy strings.Builder
	remedy.WriteString("delete it, or choose another")
	for i, source := range rt.Status.Run.Spec.BackupSource.Namespaces {
		if source.Name == sandbox.Source && source.SandboxName != "" {
			remedy.WriteString(fmt.Sprintf(" spec.backupSource.namespaces[%d].sandboxName", i))
			return &verdict{v1alpha1.ReasonNameTaken, fmt.Sprintf("namespace %q exists already and is not this run's; %s", sandbox.Name, remedy.String())}
		}
	}
	return &verdict{v1alpha1.ReasonNameTaken, fmt.Sprintf("namespace %q exists already and is not this run's; %s spec.sandbox.namespacePrefix", sandbox.Name, remedy.String())}
}

func guarded(rt *v1alpha1.RestoreTest, s seen) string {
	var all []string
	for _, ns := range s.namespaces {
		all = append(all, fmt.Sprintf("%s for %s", ns.Name, ns.Source))
	}
	mode := rt.Status.Run.Spec.Sandbox.NetworkIsolation
	if mode == "" {
		mode = v1alpha1.IsolationStrict
	}
	message := fmt.Sprintf("%s: policies for network isolation %s, quota, limits and pod security are in place", strings.Join(all, ", "), mode)
	switch s.isolation.State {
	case v1alpha1.IsolationProven:
		message += ", and canaries show that the policies are enforced"
	case v1alpha1.IsolationNotEnforced, v1alpha1.IsolationUnproven:
		message += fmt.Sprintf("; isolation is %s: %s", s.isolation.State, s.isolation.Message)
	case v1alpha1.IsolationOff:
		message += "; whether the policies are enforced was not looked at"
	}
	if own := rt.Status.Sandbox; own != nil && len(own.StaticClasses) > 0 {
		message += fmt.Sprintf("; claims of storage class %s are refused, for a volume that was made or kept by hand waits for its claim: bind or delete it",
			strings.Join(own.StaticClasses, ", "))
	}
	return message
}
