package score

import (
	"time"

	"github.com/kymaros/kymaros/pkg/apis/restore/v1alpha1"
)

// Evidence is what a run has shown. Of what its zero value holds, nothing was shown.
type Evidence struct {
	Backup Backup
	// Ended tells why the run ended without all checks passed; empty if they passed.
	Ended        Cause
	Restore      Restore
	Completeness Count
	Pods         Pods
	Checks       Checks
	Dependencies Count
	RTO          RTO
	Volumes      Volumes
	SideEffects  SideEffects
	// LeftOut is what production has and the backup leaves out, by kind: "2 of 3 Deployments". Unsaved are the source namespaces
	// that have workloads, none of which is in the backup.
	LeftOut, Unsaved []string
	// Empty are the source namespaces of which nothing came back.
	Empty []string
	// Blocked are the workloads and pods that the guards of the sandbox refused to run, and why, sorted. That says nothing
	// about the backup.
	Blocked []string
	// NotCounted are the pods that are neither waited for nor held against the run, and why, sorted.
	NotCounted []string
	// NotCompared says what completeness and dependencies leave out because nobody may read it; empty if nothing.
	NotCompared string
	// Unread says what could not be read although the controller may, sorted. It costs no points: nothing is known of it.
	Unread []string
	// Violations are changes that somebody made to the guards of the sandboxes.
	Violations []string
}

// Backup that was restored.
type Backup struct {
	// Age when the restore began, and the most that the test allows; 0 for no bound.
	Age, MaxAge time.Duration
	// NewerFailed are how many backups of the same namespaces that began later failed, or hold only a part.
	NewerFailed int32
}

// Cause of an end: a condition's reason and message.
type Cause struct{ Reason, Message string }

// Restore tells how Velero's Restore ended.
type Restore struct {
	Outcome Outcome
	// Detail says why it is not complete.
	Detail string
	// Note says what else is known of Velero's errors; empty if nothing is.
	Note string
	// PartialBackup: the backup itself is PartiallyFailed.
	PartialBackup    bool
	Warnings, Errors int32
}

// Outcome of a restore.
type Outcome int

// Outcomes.
const (
	NotRestored Outcome = iota
	Restored
	PartlyRestored
	RestoreFailed
)

// Count is an outcome that is counted.
type Count struct {
	Found, Expected int
	// Refused are those of the missing that the sandbox did not take.
	Refused int
	// Unknown says why it could not be looked at, although it should.
	Unknown string
	// Detail in words; with nothing expected, why it does not apply.
	Detail           string
	Tested, Untested []string
}

// Pods that are ready. Counted tells whether Total is all that the workloads ask for.
type Pods struct {
	Ready, Total int32
	Counted      bool
	// Excused: what is not ready may hang on what the sandbox blocked.
	Excused bool
}

// Checks that have a verdict. All tells whether every check of the policy has one.
type Checks struct {
	Results []v1alpha1.CheckStatus
	All     bool
	// Asked tells whether the test names a policy.
	Asked bool
}

// RTO is the time to recovery. Target is 0 without spec.sla.
type RTO struct {
	// Started tells whether Velero began to restore, Recovered whether all pods were ready and all checks passed.
	Started, Recovered bool
	Measured, Target   time.Duration
	// Lazy are volumes whose data may come later than all of that.
	Lazy []string
}

// Volumes whose data ought to be there and has no proven source, and those that the test itself did not bring back, each with
// the reason. Unknown says why they could not be looked up.
type Volumes struct {
	Unproven, NotShown []string
	Unknown            string
}

// SideEffects are what of the restored objects could act beside production. Left names the objects that a resource modifier
// should have changed and did not. Unknown says why not all could be looked at.
type SideEffects struct {
	Left    []string
	Unknown string
}
