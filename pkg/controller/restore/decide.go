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
	server  server                 // of Velero, if there is a backup
	// location is where the backup lies, nil if it does not say, and origin where it was made.
	location *v1alpha1.BackupLocation
	origin   *v1alpha1.Segregation
	listing  string   // backup that would be restored, of which it is not known yet what it holds
	busy     []string // Restores that Velero does before ours
	before   string   // RestoreTest that had its turn before ours and has no Restore yet
	// resources is all that the test restores; nil if refused says why it may not.
	resources []string
	refused   error
	// production says which claims have a volume of production, once the restore has ended.
	production []string
	// hopeless is what Velero waits for in vain, as far as somebody looked.
	hopeless []obstacle
	// unfilled is what came of the volumes, known once the restore has ended in part.
	unfilled unfilled
	// passedOver are pods whose volumes were not filled, for Velero is too old to do so beside CSI snapshots; known once it has ended.
	passedOver []string
	// foreign are Restores of others that Velero is not done with.
	foreign []string
	// stalled says what became of Velero's server; "" if it is at work.
	stalled string
	// lookAgain is when the Restore is to be looked at again if it does not change; 0 if it has ended.
	lookAgain time.Duration
	// isolation is what the canaries show when the deadline ends the wait for a proof.
	isolation isolation.Proof
}

// plan is what decide wants done.
type plan struct {
	condition metav1.Condition
	status    v1alpha1.RestoreStatus
	create    bool     // create the Restore of plan.status.BackupName
	resources []string // that it names
	contents  bool     // so that contents of CSI snapshots come back, which are not of a namespace
	cancel    bool     // have Velero give up the volumes that it still fills
}

// decide tells what Restored is, and whether it is our turn.
func decide(rt *v1alpha1.RestoreTest, s seen, now time.Time) plan {
	p := step(rt, s, now)
	if about := ofBackup(rt, p.status); !strings.HasSuffix(p.condition.Message, about) { // a message that is repeated has it
		p.condition.Message += about
	}
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
		return follow(p, s, conditions.ForRun(rt, v1alpha1.ConditionRestored), expired)
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
		return say(metav1.ConditionFalse, v1alpha1.ReasonNotStarted,
			"the run's deadline passed while waiting for %s; raise spec.timeout and spec.sandbox.ttl", waitedFor(s.busy))
	case errors.As(s.missing, new(backups.LocationError)):
		return say(metav1.ConditionFalse, v1alpha1.ReasonBackupLocationUnavailable, "%v", s.missing)
	case errors.As(s.missing, new(backups.ExhaustedError)):
		return say(metav1.ConditionFalse, v1alpha1.ReasonNoOlderBackup, "%v", s.missing)
	case s.missing != nil:
		return say(metav1.ConditionFalse, v1alpha1.ReasonBackupNotFound, "%v", s.missing)
	case len(s.busy) > 0:
		return say(metav1.ConditionUnknown, v1alpha1.ReasonQueued,
			"Velero restores one at a time and a test never goes first; waiting for %s", waitedFor(s.busy))
	case s.before != "":
		return say(metav1.ConditionUnknown, v1alpha1.ReasonQueued, "Velero restores one at a time; RestoreTest %s goes before", s.before)
	}
	p.status.BackupName, p.status.BackupPhase, p.status.BackupChoice = s.backup.Name, string(s.backup.Status.Phase), s.choice
	p.status.BackupTime = s.backup.Status.StartTimestamp
	p.status.Location, p.status.Segregation = s.location, s.origin
	terms := s.server.terms(s.backup, s.resources)
	p.status.Velero = &terms.status
	if terms.unsupported != "" {
		return say(metav1.ConditionFalse, v1alpha1.ReasonVeleroUnsupported, "nothing was restored: %s", terms.unsupported)
	}
	p.create, p.resources, p.contents = true, terms.resources, terms.contents
	return say(metav1.ConditionUnknown, v1alpha1.ReasonInProgress, "restoring backup %s", s.backup.Name)
}

// inDoubt returns what the run waits for if it is its turn and its isolation is not proven any more.
func inDoubt(rt *v1alpha1.RestoreTest) string {
	if restored := conditions.ForRun(rt, v1alpha1.ConditionRestored); restored != nil && restored.Reason == v1alpha1.ReasonIsolationUnproven {
		return restored.Message
	}
	return ""
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
