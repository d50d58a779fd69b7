package v1alpha1

import metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

// RestoreTestStatus is the story of the current or last run. It is also the only way the controllers talk to each other:
// each writes one condition and one fragment, by server-side apply under its own field manager.
type RestoreTestStatus struct {
	// Phase in one word. Written by schedule.
	// +optional
	// +kubebuilder:validation:Enum=Idle;Queued;Running;Completed;Failed
	Phase Phase `json:"phase,omitempty"`
	// Run is the current or last run. Written by schedule.
	// +optional
	Run *RunStatus `json:"run,omitempty"`
	// NextRunAt is when the clock starts the next run; what has passed starts when the run before is over. Written by schedule.
	// +optional
	NextRunAt *metav1.Time `json:"nextRunAt,omitempty"`
	// MissedRuns are the times before the current or last run, or since, at which the clock started none. Absent if there are
	// none. Written by schedule.
	// +optional
	MissedRuns *MissedRuns `json:"missedRuns,omitempty"`

	// Search is the last search for the newest backup that restores, or the one under way. Absent before one, and when a run of the
	// newest backup has passed since. Written by schedule.
	// +optional
	Search *SearchStatus `json:"search,omitempty"`

	// LastRunAt is when the last report was written. Written by report, as are the four below. The first four tell nothing of the
	// runs of a search: an older backup that passes does not make up for the newest that failed.
	// +optional
	LastRunAt *metav1.Time `json:"lastRunAt,omitempty"`
	// LastScore is 0 to 100; absent after an inconclusive run.
	// +optional
	// +kubebuilder:validation:Minimum=0
	// +kubebuilder:validation:Maximum=100
	LastScore *int32 `json:"lastScore,omitempty"`
	// LastResult is that of the last run: pass, partial, fail or inconclusive.
	// +optional
	// +kubebuilder:validation:Enum=pass;partial;fail;inconclusive
	LastResult Result `json:"lastResult,omitempty"`
	// LastReportRef names the RestoreReport in the test's namespace.
	// +optional
	LastReportRef string `json:"lastReportRef,omitempty"`

	// LastVerified is the newest backup that passed, however many runs have ended otherwise since. Written by report.
	// +optional
	LastVerified *VerifiedBackup `json:"lastVerified,omitempty"`
	// LastRun is what the last run has measured, while the next one is under way as well: what metrics tell, also right after a
	// restart. Like LastResult it tells nothing of the runs of a search. Written by report.
	// +optional
	LastRun *LastRun `json:"lastRun,omitempty"`

	// SandboxNamespace is the first of SandboxNamespaces. Written by sandbox.
	// +optional
	SandboxNamespace string `json:"sandboxNamespace,omitempty"`
	// SandboxNamespaces are the names in status.sandbox. Written by sandbox.
	// +optional
	// +listType=atomic
	SandboxNamespaces []string `json:"sandboxNamespaces,omitempty"`
	// RestoreID is the name in status.restore. Written by restore.
	// +optional
	RestoreID string `json:"restoreID,omitempty"`
	// RestoreIDs holds RestoreID: there is one Restore a run. Written by restore.
	// +optional
	// +listType=atomic
	RestoreIDs []string `json:"restoreIDs,omitempty"`

	// Sandbox tells of the namespaces that are restored into. Written by sandbox.
	// +optional
	Sandbox *SandboxStatus `json:"sandbox,omitempty"`
	// Restore tells of the backup and the Velero Restore. Written by restore.
	// +optional
	Restore *RestoreStatus `json:"restore,omitempty"`
	// Health tells of the pods and the checks. Written by healthcheck.
	// +optional
	Health *HealthStatus `json:"health,omitempty"`
	// Report tells of the verdict. Written by report.
	// +optional
	Report *ReportStatus `json:"report,omitempty"`
	// Cleanup tells what is still there, or stays. Written by cleanup.
	// +optional
	Cleanup *CleanupStatus `json:"cleanup,omitempty"`

	// Notifications are those that were sent of late, or are to be. Absent as long as there is no channel. Written by notify.
	// +optional
	Notifications *NotificationsStatus `json:"notifications,omitempty"`

	// Conditions: Scheduled, SandboxReady, Restored, HealthChecked, Reported, CleanedUp, Notified.
	// +optional
	// +listType=map
	// +listMapKey=type
	Conditions []metav1.Condition `json:"conditions,omitempty"`
}

// VerifiedBackup is a backup that was restored into an application that works.
type VerifiedBackup struct {
	// BackupName is its name in Velero.
	BackupName string `json:"backupName"`
	// BackupTime is when it began.
	// +optional
	BackupTime *metav1.Time `json:"backupTime,omitempty"`
	// Time is when the run began that passed.
	Time metav1.Time `json:"time"`
	// Report names the RestoreReport of that run. It may have been pruned since.
	// +optional
	Report string `json:"report,omitempty"`
	// Namespaces are the source namespaces that were restored.
	// +optional
	// +listType=atomic
	// +kubebuilder:validation:MaxItems=16
	Namespaces []string `json:"namespaces,omitempty"`
}

// LastRun is what the last run has measured, and how it compares with those before. What it did not get to is left out.
type LastRun struct {
	// RunID of the run.
	RunID string `json:"runID"`
	// Reason of its result, as in its report.
	// +optional
	Reason string `json:"reason,omitempty"`
	// Message says in a sentence why, as its report does, shortened.
	// +optional
	Message string `json:"message,omitempty"`
	// BackupName is the backup that it restored, or was to.
	// +optional
	BackupName string `json:"backupName,omitempty"`
	// Previous is the result of the run before it.
	// +optional
	Previous Result `json:"previous,omitempty"`
	// NotTested counts what it did not test of what a real restore brings back.
	// +optional
	NotTested int32 `json:"notTested,omitempty"`
	// Streak is how many runs in a row have had its result, itself included.
	// +optional
	Streak int32 `json:"streak,omitempty"`
	// PreviousScore is that of the last run before it that has one.
	// +optional
	PreviousScore *int32 `json:"previousScore,omitempty"`
	// PassedAt is when the last run began that passed, be it this one or one before.
	// +optional
	PassedAt *metav1.Time `json:"passedAt,omitempty"`
	// LineWait is how long the run waited in the line, from being due to its turn.
	// +optional
	LineWait Duration `json:"lineWait,omitempty"`
	// RTO is its recovery time with its parts, as in its report.
	// +optional
	RTO *RTO `json:"rto,omitempty"`
	// BackupAge is how old the backup was when its restore began.
	// +optional
	BackupAge Duration `json:"backupAge,omitempty"`
	// Completeness counts the objects that the backup must contain and those that came back, over all kinds and namespaces.
	// +optional
	Completeness *ObjectCount `json:"completeness,omitempty"`
	// Sequence is that of the newest report, that of a run of a search included: the head of the chain of reports. Whoever keeps it
	// and the digest outside of the cluster can tell later whether reports are missing or were changed.
	// +optional
	Sequence int64 `json:"sequence,omitempty"`
	// Digest of that report.
	// +optional
	Digest Digest `json:"digest,omitempty"`
}

// ObjectCount counts objects.
type ObjectCount struct {
	// Found counts those that came back, of those expected.
	// +optional
	Found int32 `json:"found"`
	// Expected counts those that the backup must contain.
	// +optional
	Expected int32 `json:"expected"`
}

// SearchStatus is a search for the newest backup that restores. It follows a run that failed, and goes back, one backup a run.
type SearchStatus struct {
	// State of the search.
	// +kubebuilder:validation:Enum=Searching;Found;NotFound
	State SearchState `json:"state"`
	// RunID is the last run that it took notice of.
	RunID string `json:"runID"`
	// Runs counts those that it took; spec.onFailure.searchLastGood.maxRuns bounds them.
	// +optional
	Runs int32 `json:"runs,omitempty"`
	// Failed is the newest backup that failed, of the run that the search follows.
	Failed TriedBackup `json:"failed"`
	// Tried are the older backups that did not pass either, the newest first.
	// +optional
	// +listType=atomic
	// +kubebuilder:validation:MaxItems=20
	Tried []TriedBackup `json:"tried,omitempty"`
	// Again: the last run showed nothing, and its backup is tried once more.
	// +optional
	Again bool `json:"again,omitempty"`
	// LastGood is the newest backup that restores, once it is found.
	// +optional
	LastGood *VerifiedBackup `json:"lastGood,omitempty"`
	// Message says in a sentence what is known.
	// +optional
	Message string `json:"message,omitempty"`
}

// TriedBackup is a backup that a run has tested.
type TriedBackup struct {
	// BackupName is its name in Velero.
	BackupName string `json:"backupName"`
	// BackupTime is when it began.
	// +optional
	BackupTime *metav1.Time `json:"backupTime,omitempty"`
	// Result of the run; inconclusive if it showed nothing in two runs.
	Result Result `json:"result"`
	// Report names the RestoreReport of the run.
	// +optional
	Report string `json:"report,omitempty"`
}

// SearchState is how far a search is.
type SearchState string

// States of a search.
const (
	// SearchUnderWay: the next older backup is to be tried.
	SearchUnderWay SearchState = "Searching"
	// SearchFound: a backup passed.
	SearchFound SearchState = "Found"
	// SearchNotFound: no backup passed, and no other is tried.
	SearchNotFound SearchState = "NotFound"
)

// Phase of a RestoreTest.
type Phase string

// Phases: Idle before the first run; Queued while one waits for its turn; Running until cleaned up; then Failed after the result
// fail, else Completed.
const (
	PhaseIdle      Phase = "Idle"
	PhaseQueued    Phase = "Queued"
	PhaseRunning   Phase = "Running"
	PhaseCompleted Phase = "Completed"
	PhaseFailed    Phase = "Failed"
)

// Result of a run.
type Result string

// Results.
const (
	// ResultPass: the backup was restored into an application that works; a score of at least 90, and nothing that caps it.
	ResultPass Result = "pass"
	// ResultPartial: a score of at least 70, or nothing is wrong but what the sandbox caused.
	ResultPartial Result = "partial"
	// ResultFail: the backup does not restore into a working application.
	ResultFail Result = "fail"
	// ResultInconclusive: the run has shown nothing about the backup. It has no score.
	ResultInconclusive Result = "inconclusive"
)

// Trigger is what started a run.
type Trigger string

// Triggers.
const (
	// TriggerCreated: the first run of a new test.
	TriggerCreated Trigger = "Created"
	// TriggerCron: the clock.
	TriggerCron Trigger = "Cron"
	// TriggerRequested: annotation kymaros.io/run-requested.
	TriggerRequested Trigger = "Requested"
	// TriggerRetry: the run before showed nothing, for it made way for a Restore of somebody else, or Velero's server ended. There is
	// one such run at most.
	TriggerRetry Trigger = "Retry"
	// TriggerSearch: the newest backup failed, and an older one is tried (spec.onFailure.searchLastGood).
	TriggerSearch Trigger = "Search"
)

// MissedRuns are times at which the clock started no run: no controller was there, or the run before was still under way.
type MissedRuns struct {
	// Count of them; 101 says that there were more than 100.
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=101
	Count int32 `json:"count"`
	// Last is the last of them.
	Last metav1.Time `json:"last"`
}

// RunStatus is what a run began with, or will when its turn comes. Written by schedule.
type RunStatus struct {
	// ID is unique among all runs of the cluster: when it came into the line, in UTC, and 6 characters of a hash.
	ID string `json:"id"`
	// Spec is the test's spec when the run began; as long as it waits, when it came into the line.
	Spec RestoreTestSpec `json:"spec"`
	// Trigger is what started the run.
	Trigger Trigger `json:"trigger"`
	// Request is the value of the annotation kymaros.io/run-requested when the run began.
	// +optional
	Request string `json:"request,omitempty"`
	// ScheduledTime is when the run was due.
	ScheduledTime metav1.Time `json:"scheduledTime"`
	// StartTime is when it had its turn and began; not set as long as it waits in the line.
	// +optional
	StartTime metav1.Time `json:"startTime,omitzero"`
	// Deadline is when its verdict is due; not set as long as it waits in the line.
	// +optional
	Deadline metav1.Time `json:"deadline,omitzero"`
	// MissedTime is when it left the line without having had its turn.
	// +optional
	MissedTime metav1.Time `json:"missedTime,omitzero"`
	// Fence tells whether the admission policies of manifests/fence were in force, as shipped, when the run began.
	// +optional
	// +kubebuilder:validation:Enum=intact;notIntact
	Fence FenceState `json:"fence,omitempty"`
}

// FenceState is what was seen of the admission fence.
type FenceState string

// States of the fence.
const (
	// FenceIntact: every policy and binding is there as shipped, and refuses what it must.
	FenceIntact FenceState = "intact"
	// FenceNotIntact: it is missing, changed or not in force. A run begins only with --require-fence=false then.
	FenceNotIntact FenceState = "notIntact"
)
