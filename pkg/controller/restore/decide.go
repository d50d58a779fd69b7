package restore

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	velerov1 "github.com/vmware-tanzu/velero/pkg/apis/velero/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/kymaros/kymaros/pkg/apis/restore/v1alpha1"
	"github.com/kymaros/kymaros/pkg/backups"
	"github.com/kymaros/kymaros/pkg/conditions"
	"github.com/kymaros/kymaros/pkg/isolation"
	"github.com/kymaros/kymaros/pkg/velero"
)

// seen is what is known when a run's restore is looked at.
type seen struct {
	restore *velerov1.Restore // of this run; nil if there is none
	backup  *velerov1.Backup  // that would be restored now; nil if missing says why there is none
	missing error
	choice  *v1alpha1.BackupChoice // of backup
	busy    []string               // Restores that Velero does before ours
	refused error                  // why the test may not restore what it asks for
	// production says which claims have a volume of production, once the restore has ended.
	production []string
	// isolation is what the canaries show when the deadline ends the wait for a proof.
	isolation isolation.Proof
}

// plan is what decide wants done.
type plan struct {
	condition metav1.Condition
	status    v1alpha1.RestoreStatus
	create    bool // create the Restore of plan.status.BackupName
}

// decide tells what Restored is, and whether it is our turn.
func decide(rt *v1alpha1.RestoreTest, s seen, now time.Time) plan {
	p := step(rt, s, now)
	p.condition.Message += ofBackup(rt, p.status)
	return p
}

func step(rt *v1alpha1.RestoreTest, s seen, now time.Time) plan {
	p := plan{
		condition: metav1.Condition{Type: v1alpha1.ConditionRestored, Status: metav1.ConditionUnknown},
		status:    v1alpha1.RestoreStatus{RunID: rt.Status.Run.ID},
	}
	if old := rt.Status.Restore; old != nil && old.RunID == p.status.RunID {
		p.status = *old.DeepCopy()
	}
	say := func(status metav1.ConditionStatus, reason, format string, args ...any) plan {
		p.condition.Status, p.condition.Reason, p.condition.Message = status, reason, fmt.Sprintf(format, args...)
		return p
	}
	if !conditions.Is(rt, v1alpha1.ConditionSandboxReady, metav1.ConditionTrue) {
		return say(metav1.ConditionUnknown, v1alpha1.ReasonWaiting, "waiting for %s", v1alpha1.ConditionSandboxReady)
	}
	if p.status.QueuedTime == nil {
		p.status.QueuedTime = &metav1.Time{Time: now}
	}
	expired, _ := conditions.Expired(rt, now)

	if s.restore != nil {
		return follow(p, s, expired)
	}
	switch {
	case s.refused != nil:
		return say(metav1.ConditionFalse, v1alpha1.ReasonNotPermitted, "%v", s.refused)
	case p.status.Name != "":
		return say(metav1.ConditionFalse, v1alpha1.ReasonLost,
			"Velero Restore %s is gone before it ended; it was deleted, by hand or together with its backup %s", p.status.Name, p.status.BackupName)
	case expired && inDoubt(rt) != "" && s.isolation.State == v1alpha1.IsolationNotEnforced:
		reason, message := s.isolation.Verdict()
		return say(metav1.ConditionFalse, reason, "%s", message)
	case expired && inDoubt(rt) != "":
		return say(metav1.ConditionFalse, v1alpha1.ReasonIsolationUnproven, "nothing was restored: the run's deadline passed while %s", inDoubt(rt))
	case expired:
		return say(metav1.ConditionFalse, v1alpha1.ReasonDeadlineExceeded,
			"the run's deadline passed while waiting for %s; raise spec.timeout and spec.sandbox.ttl", waitedFor(s.busy))
	case errors.As(s.missing, new(backups.LocationError)):
		return say(metav1.ConditionFalse, v1alpha1.ReasonBackupLocationUnavailable, "%v", s.missing)
	case s.missing != nil:
		return say(metav1.ConditionFalse, v1alpha1.ReasonBackupNotFound, "%v", s.missing)
	case len(s.busy) > 0:
		return say(metav1.ConditionUnknown, v1alpha1.ReasonQueued,
			"Velero restores one at a time and a test never goes first; waiting for %s", waitedFor(s.busy))
	}
	p.create = true
	p.status.BackupName, p.status.BackupPhase, p.status.BackupChoice = s.backup.Name, string(s.backup.Status.Phase), s.choice
	p.status.BackupTime = s.backup.Status.StartTimestamp
	return say(metav1.ConditionUnknown, v1alpha1.ReasonInProgress, "restoring backup %s", s.backup.Name)
}

// inDoubt returns what the run waits for if it is its turn and its isolation is not proven any more.
func inDoubt(rt *v1alpha1.RestoreTest) string {
	if restored := conditions.ForRun(rt, v1alpha1.ConditionRestored); restored != nil && restored.Reason == v1alpha1.ReasonIsolationUnproven {
		return restored.Message
	}
	return ""
}

// restoring tells whether r has brought something back, or is at it.
func restoring(r *velerov1.Restore) bool {
	return velero.Started(r.Status.Phase) && r.Status.Phase != velerov1.RestorePhaseFailedValidation
}

// follow tells of a Restore that exists.
func follow(p plan, s seen, expired bool) plan {
	r := s.restore
	p.status.Name = r.Name
	p.status.BackupName, p.status.BackupPhase = r.Spec.BackupName, r.Annotations[v1alpha1.AnnotationBackupPhase]
	if began, err := time.Parse(time.RFC3339, r.Annotations[v1alpha1.AnnotationBackupTime]); err == nil {
		p.status.BackupTime = &metav1.Time{Time: began}
	}
	p.status.BackupChoice = fromText(r.Annotations[v1alpha1.AnnotationBackupChoice])
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
	switch r.Status.Phase {
	case velerov1.RestorePhaseCompleted:
		return say(metav1.ConditionTrue, v1alpha1.ReasonCompleted, "Velero restored backup %s (warnings: %d)", r.Spec.BackupName, r.Status.Warnings)
	case velerov1.RestorePhasePartiallyFailed:
		return say(metav1.ConditionFalse, v1alpha1.ReasonPartiallyFailed,
			"Velero restored only a part of backup %s: %d errors, %d warnings; %s", r.Spec.BackupName, r.Status.Errors, r.Status.Warnings, look)
	case velerov1.RestorePhaseFailed:
		return say(metav1.ConditionFalse, v1alpha1.ReasonFailed, "Velero failed to restore backup %s: %s; %s", r.Spec.BackupName, or(r.Status.FailureReason, "no reason given"), look)
	case velerov1.RestorePhaseFailedValidation:
		return say(metav1.ConditionFalse, v1alpha1.ReasonFailedValidation,
			"Velero refused Restore %s of backup %s: %s", r.Name, r.Spec.BackupName, or(strings.Join(r.Status.ValidationErrors, "; "), "no reason given"))
	}
	if expired {
		return say(metav1.ConditionFalse, v1alpha1.ReasonDeadlineExceeded,
			"the run's deadline passed while Velero Restore %s was %s; raise spec.timeout and spec.sandbox.ttl, or %s", r.Name, phaseOf(r), look)
	}
	return say(metav1.ConditionUnknown, v1alpha1.ReasonInProgress, "Velero is restoring backup %s", r.Spec.BackupName)
}

// first returns the first few of all, and how many more there are: a message has an end.
func first(all []string) []string {
	const most = 5
	if len(all) <= most {
		return all
	}
	return append(slices.Clone(all[:most]), fmt.Sprintf("and %d more", len(all)-most))
}

// busy returns the Restores that Velero does before ours, sorted: every one that is not ours, and ours when there are
// limit of them already.
func busy(all []*velerov1.Restore, limit int) []string {
	var others, own []string
	for _, r := range all {
		switch {
		case velero.Terminal(r.Status.Phase):
		case r.Labels[v1alpha1.LabelManagedBy] == v1alpha1.ManagedBy:
			own = append(own, r.Name)
		default:
			others = append(others, r.Name)
		}
	}
	if len(own) >= limit {
		others = append(others, own...)
	}
	slices.Sort(others)
	return others
}

func waitedFor(busy []string) string {
	if len(busy) == 0 {
		return "its turn"
	}
	return "Restore " + strings.Join(busy, ", ")
}

func phaseOf(r *velerov1.Restore) string { return or(string(r.Status.Phase), "waiting for Velero") }

func or(s, otherwise string) string {
	if s == "" {
		return otherwise
	}
	return s
}
