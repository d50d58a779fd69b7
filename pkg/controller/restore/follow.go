package restore

import (
	"fmt"
	"slices"
	"strings"
	"time"

	velerov1 "github.com/vmware-tanzu/velero/pkg/apis/velero/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/kymaros/kymaros/pkg/apis/restore/v1alpha1"
	"github.com/kymaros/kymaros/pkg/velero"
)

// restoring tells whether r has brought something back, or is at it.
func restoring(r *velerov1.Restore) bool {
	return velero.Started(r.Status.Phase) && r.Status.Phase != velerov1.RestorePhaseFailedValidation
}

// follow tells of a Restore that exists. was is what Restored said before, nil if nothing.
func follow(p plan, s seen, was *metav1.Condition, expired bool) plan {
	r := s.restore
	p.status.Name = r.Name
	p.status.BackupName, p.status.BackupPhase = r.Spec.BackupName, r.Annotations[v1alpha1.AnnotationBackupPhase]
	if began, err := time.Parse(time.RFC3339, r.Annotations[v1alpha1.AnnotationBackupTime]); err == nil {
		p.status.BackupTime = &metav1.Time{Time: began}
	}
	p.status.BackupChoice = fromText[v1alpha1.BackupChoice](r.Annotations[v1alpha1.AnnotationBackupChoice])
	p.status.Location = fromText[v1alpha1.BackupLocation](r.Annotations[v1alpha1.AnnotationLocation])
	p.status.Segregation = fromText[v1alpha1.Segregation](r.Annotations[v1alpha1.AnnotationSegregation])
	p.status.Velero = fromText[v1alpha1.VeleroServer](r.Annotations[v1alpha1.AnnotationVelero])
	p.status.Phase = string(r.Status.Phase)
	p.status.StartTime = r.Status.StartTimestamp
	p.status.CompletionTime = r.Status.CompletionTimestamp
	p.status.Warnings, p.status.Errors = int32(r.Status.Warnings), int32(r.Status.Errors)
	if progress := r.Status.Progress; progress != nil {
		p.status.Progress = fmt.Sprintf("%d/%d", progress.ItemsRestored, progress.TotalItems)
	}
	say := func(status metav1.ConditionStatus, reason, format string, args ...any) plan {
		p.condition.Status, p.condition.Reason, p.condition.Message = status, reason, fmt.Sprintf(format, args...)
		return p
	}
	// Not `velero restore describe`: cleanup deletes the Restore as soon as the run is reported.
	look := "see Velero's log for " + r.Name
	if len(s.production) > 0 {
		return say(metav1.ConditionFalse, v1alpha1.ReasonProductionVolume,
			"aborted: %s; the volume stays, whatever its reclaim policy says", strings.Join(first(s.production), "; "))
	}
	unsupported := func() plan {
		return say(metav1.ConditionFalse, v1alpha1.ReasonVeleroUnsupported,
			"Velero before 1.18.3 brings back no volumes of pods beside CSI snapshots, and backup %s has both: %s; update it, or back them up by one method",
			r.Spec.BackupName, strings.Join(first(s.passedOver), "; "))
	}
	yields := was != nil && was.Reason == v1alpha1.ReasonYielded
	inVain := was != nil && (was.Reason == v1alpha1.ReasonCannotStart || was.Reason == v1alpha1.ReasonCannotStartInSandbox || was.Reason == v1alpha1.ReasonClusterLacks)
	switch r.Status.Phase {
	case velerov1.RestorePhaseCompleted:
		if len(s.passedOver) > 0 {
			return unsupported()
		}
		return say(metav1.ConditionTrue, v1alpha1.ReasonCompleted, "Velero restored backup %s (warnings: %d)", r.Spec.BackupName, r.Status.Warnings)
	case velerov1.RestorePhasePartiallyFailed, velerov1.RestorePhaseFailed:
		if velero.Interrupted(r) {
			return say(metav1.ConditionFalse, v1alpha1.ReasonVeleroStalled,
				"Velero's server ended while it restored backup %s, and gave the Restore up when it started again: %s; %s", r.Spec.BackupName, r.Status.FailureReason, look)
		}
		if inVain || yields {
			return say(metav1.ConditionFalse, was.Reason, "%s", was.Message)
		}
		if velero.StoreAway(r) {
			return say(metav1.ConditionFalse, v1alpha1.ReasonBackupLocationUnavailable,
				"Velero could not read backup %s from its location: %s", r.Spec.BackupName, r.Status.FailureReason)
		}
		if r.Status.Phase == velerov1.RestorePhaseFailed {
			return say(metav1.ConditionFalse, v1alpha1.ReasonFailed,
				"Velero failed to restore backup %s: %s; %s", r.Spec.BackupName, or(r.Status.FailureReason, "no reason given"), look)
		}
		// Velero passes volumes over without a word, so an error is one of something else.
		if len(s.passedOver) > 0 && r.Status.Errors == 0 {
			return unsupported()
		}
		reason, unfilled := s.unfilled.verdict(r.Status.Errors, p.status.Location)
		if reason != "" {
			return say(metav1.ConditionFalse, reason, "%s", unfilled)
		}
		if unfilled == "" && len(s.passedOver) > 0 {
			unfilled = "it did not begin to fill the volumes of pods: " + strings.Join(first(s.passedOver), "; ")
		}
		return say(metav1.ConditionFalse, v1alpha1.ReasonPartiallyFailed,
			"Velero restored only a part of backup %s: %d errors, %d warnings%s; %s",
			r.Spec.BackupName, r.Status.Errors, r.Status.Warnings, velero.LogNotWritten(p.status.Location, p.status.Errors), joined(unfilled, look))
	case velerov1.RestorePhaseFailedValidation:
		return say(metav1.ConditionFalse, v1alpha1.ReasonFailedValidation,
			"Velero refused Restore %s of backup %s: %s", r.Name, r.Spec.BackupName, or(strings.Join(r.Status.ValidationErrors, "; "), "no reason given"))
	}
	if s.stalled != "" {
		return say(metav1.ConditionFalse, v1alpha1.ReasonVeleroStalled, "aborted while Restore %s was %s: %s; see the log of the server that ended", r.Name, phaseOf(r), s.stalled)
	}
	if yields || len(s.foreign) > 0 && velero.Filling(r.Status.Phase) {
		// Undecided until Velero is done: it goes on making objects, and whatever volumes come then have to be cancelled too.
		p.cancel = true
		status := metav1.ConditionUnknown
		if expired {
			status = metav1.ConditionFalse
		}
		if yields {
			return say(status, was.Reason, "%s", was.Message)
		}
		return say(status, v1alpha1.ReasonYielded, "made way for Restore %s, which is not a test's: %s", strings.Join(first(s.foreign), ", "), givenUp(p.status.Velero, "the movement of data was cancelled"))
	}
	if inVain || len(s.hopeless) > 0 {
		// Undecided until Velero is done: it goes on making objects, and its volumes may have to be cancelled again.
		p.cancel = true
		status := metav1.ConditionUnknown
		if expired {
			status = metav1.ConditionFalse
		}
		if inVain {
			return say(status, was.Reason, "%s", was.Message)
		}
		reason, messages := cannotStart(s.hopeless)
		cancelled := "was cancelled"
		if slices.ContainsFunc(s.hopeless, func(o obstacle) bool { return o.agent }) {
			cancelled = "was cancelled, for which a node agent has to be there as well: else it is held until the run's deadline"
		}
		return say(status, reason, "Velero's restore waits for what cannot come, and %s: %s", givenUp(p.status.Velero, cancelled), messages)
	}
	if expired && !velero.Started(r.Status.Phase) {
		return say(metav1.ConditionFalse, v1alpha1.ReasonNotStarted,
			"the run's deadline passed before Velero began with Restore %s; see whether Velero runs: kubectl -n %s get pods", r.Name, r.Namespace)
	}
	if expired {
		return say(metav1.ConditionFalse, v1alpha1.ReasonDeadlineExceeded,
			"the run's deadline passed while Velero Restore %s was %s; raise spec.timeout and spec.sandbox.ttl, or %s", r.Name, phaseOf(r), look)
	}
	return say(metav1.ConditionUnknown, v1alpha1.ReasonInProgress, "Velero is restoring backup %s", r.Spec.BackupName)
}

// joined returns the texts that are not empty, with a semicolon between.
func joined(texts ...string) string {
	return strings.Join(slices.DeleteFunc(texts, func(s string) bool { return s == "" }), "; ")
}

// cannotStart says what Velero waits for in vain, and whether that says something about the backup: if all of it is of the sandbox'
// making it does not, nor what a cluster lacks that is not that of the backup.
func cannotStart(all []obstacle) (reason, what string) {
	bad, lacking := false, false
	var messages []string
	for _, o := range all {
		message := o.message
		if o.mapping != "" {
			message += " in this cluster (map it by spec.restore.mappings." + o.mapping + ")"
		}
		messages = append(messages, message)
		lacks := o.mapping != "" || o.agent
		bad, lacking = bad || !o.ours && !lacks, lacking || lacks
	}
	switch {
	case bad:
		reason = v1alpha1.ReasonCannotStart
	case lacking:
		reason = v1alpha1.ReasonClusterLacks
	default:
		reason = v1alpha1.ReasonCannotStartInSandbox
	}
	return reason, strings.Join(first(messages), "; ")
}

// givenUp says cancelled, or what that server does instead.
func givenUp(s *v1alpha1.VeleroServer, cancelled string) string {
	if cancelsFiles(s) {
		return cancelled
	}
	return "Velero before 1.17 cannot be asked to give file-system restores up: it is held until the run's deadline"
}

// first returns the first few of all, and how many more there are: a message has an end.
func first(all []string) []string {
	const most = 5
	if len(all) <= most {
		return all
	}
	return append(slices.Clone(all[:most]), fmt.Sprintf("and %d more", len(all)-most))
}

func phaseOf(r *velerov1.Restore) string { return or(string(r.Status.Phase), "waiting for Velero") }

func or(s, otherwise string) string {
	if s == "" {
		return otherwise
	}
	return s
}
