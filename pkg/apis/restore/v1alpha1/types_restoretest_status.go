package v1alpha1

import (
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
)

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

	// +optional
	Sandbox *SandboxStatus `json:"sandbox,omitempty"`
	// +optional
	Restore *RestoreStatus `json:"restore,omitempty"`
	// +optional
	Health *HealthStatus `json:"health,omitempty"`
	// +optional
	Report *ReportStatus `json:"report,omitempty"`
	// +optional
	Cleanup *CleanupStatus `json:"cleanup,omitempty"`

	// Conditions: Scheduled, SandboxReady, Restored, HealthChecked, Reported, CleanedUp.
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
}

// ObjectCount counts objects.
type ObjectCount struct {
	// +optional
	Found int32 `json:"found"`
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

// SandboxStatus is written by sandbox.
type SandboxStatus struct {
	RunID string `json:"runID"`
	// Namespaces, one a source namespace.
	// +optional
	// +listType=map
	// +listMapKey=source
	// +kubebuilder:validation:MaxItems=16
	Namespaces []SandboxNamespace `json:"namespaces,omitempty"`
	// StaticClasses are storage classes of which somebody's volume waits for a claim. A claim of a sandbox would take it:
	// the quota refuses claims of these classes.
	// +optional
	// +listType=set
	StaticClasses []string `json:"staticClasses,omitempty"`
	// Violations are changes that somebody made to the guards of the sandbox during the run, sorted. They are put back,
	// and the run cannot pass any more.
	// +optional
	// +listType=set
	Violations []string `json:"violations,omitempty"`
	// Isolation tells what the canaries have shown of the network plugin, before anything is restored.
	// +optional
	// +kubebuilder:validation:Enum=proven;unproven;notEnforced;"off"
	Isolation IsolationProof `json:"isolation,omitempty"`
	// UnprovenSince is when the canaries were first asked in this run, if they did not prove isolation then. A run waits a
	// minute for a proof.
	// +optional
	UnprovenSince *metav1.Time `json:"unprovenSince,omitempty"`
}

// IsolationProof is what is known of whether the network plugin enforces NetworkPolicies.
type IsolationProof string

// Proofs of isolation.
const (
	// IsolationProven: on every node with canaries, what a policy cuts off was cut off, and nothing else was.
	IsolationProven IsolationProof = "proven"
	// IsolationUnproven: canaries are missing, not ready, or find that the network itself does not work.
	IsolationUnproven IsolationProof = "unproven"
	// IsolationNotEnforced: on at least one node traffic passed that a policy forbids.
	IsolationNotEnforced IsolationProof = "notEnforced"
	// IsolationOff: nobody looked.
	IsolationOff IsolationProof = "off"
)

// SandboxNamespace stands for one source namespace.
type SandboxNamespace struct {
	Source string `json:"source"`
	Name   string `json:"name"`
	// UID of the namespace, once it exists. Only this very namespace is restored into and checked.
	// +optional
	UID types.UID `json:"uid,omitempty"`
	// Quota is what the ResourceQuota of the sandbox lets all pods and claims request, as it was found when the run began:
	// given by the test or by a flag of the controller, else twice what production requested. Nothing bounds what it leaves out.
	// +optional
	Quota SandboxQuota `json:"quota,omitempty,omitzero"`
	// Limits are what the LimitRange of the sandbox lets a container take that declares no limit itself. One that production
	// lets take more may be throttled or killed for it: the sandbox's doing, not the backup's. Nothing bounds what it leaves out.
	// +optional
	Limits SandboxLimits `json:"limits,omitempty,omitzero"`
}

// SandboxLimits are those of a container that declares none.
type SandboxLimits struct {
	// CPU that the container may use.
	// +optional
	CPU Quantity `json:"cpu,omitempty"`
	// Memory that the container may use; beyond it is killed (OOMKilled).
	// +optional
	Memory Quantity `json:"memory,omitempty"`
}

// RestoreStatus is written by restore.
type RestoreStatus struct {
	RunID string `json:"runID"`
	// BackupName is the Velero Backup that is restored.
	// +optional
	BackupName string `json:"backupName,omitempty"`
	// BackupTime is when that backup began.
	// +optional
	BackupTime *metav1.Time `json:"backupTime,omitempty"`
	// BackupPhase is Completed or PartiallyFailed.
	// +optional
	BackupPhase string `json:"backupPhase,omitempty"`
	// BackupChoice tells what that backup lacks, and which newer ones were not taken.
	// +optional
	BackupChoice *BackupChoice `json:"backupChoice,omitempty"`
	// Velero is what was known of Velero's server when the restore was asked for.
	// +optional
	Velero *VeleroServer `json:"velero,omitempty"`
	// Name of the Velero Restore.
	// +optional
	Name string `json:"name,omitempty"`
	// Phase of the Velero Restore.
	// +optional
	Phase string `json:"phase,omitempty"`
	// QueuedTime is when the sandbox was ready and the restore began to wait for its turn.
	// +optional
	QueuedTime *metav1.Time `json:"queuedTime,omitempty"`
	// StartTime and CompletionTime are Velero's.
	// +optional
	StartTime *metav1.Time `json:"startTime,omitempty"`
	// +optional
	CompletionTime *metav1.Time `json:"completionTime,omitempty"`
	// Progress is Velero's count of items, "restored/total".
	// +optional
	Progress string `json:"progress,omitempty"`
	// Warnings and Errors are Velero's counts.
	// +optional
	Warnings int32 `json:"warnings,omitempty"`
	// +optional
	Errors int32 `json:"errors,omitempty"`
}

// BackupChoice tells of the backup that was chosen, as it was when its restore was asked for.
type BackupChoice struct {
	// Age of the backup, from its beginning. Empty if that is not known. spec.backupSource.maxBackupAge bounds it.
	// +optional
	Age Duration `json:"age,omitempty"`
	// LeavesOut says what the filters of the backup leave out of what the test restores.
	// +optional
	// +listType=atomic
	// +kubebuilder:validation:MaxItems=16
	LeavesOut []string `json:"leavesOut,omitempty"`
	// NewerBackups of a source namespace that were not taken, "name: phase, begun when: why"; those that failed first, then the
	// newest. Not all of them, if there are many. None if the test names its backup, or selection is not
	// Latest.
	// +optional
	// +listType=atomic
	// +kubebuilder:validation:MaxItems=16
	NewerBackups []string `json:"newerBackups,omitempty"`
	// NewerCount counts all newer backups of a source namespace that were not taken.
	// +optional
	NewerCount int32 `json:"newerCount,omitempty"`
	// NewerFailed counts those of them that were to hold all that the test restores, and do not: Velero failed or partly failed
	// to make them, has not ended after a day, or found nothing to back up.
	// +optional
	NewerFailed int32 `json:"newerFailed,omitempty"`
	// OlderCount counts the older backups that hold as much and could have been restored as well, as far as was known.
	// +optional
	OlderCount int32 `json:"olderCount,omitempty"`
	// Candidates counts the backups among which selection Random or OldestUnverified chose this one.
	// +optional
	Candidates int32 `json:"candidates,omitempty"`
}

// VeleroServer tells of Velero's server, and what the Restore says because of that.
type VeleroServer struct {
	// Version of the server, by the tag of its image or the controller's flag --velero-version; empty if neither says one.
	// +optional
	Version string `json:"version,omitempty"`
	// Note says what the Restore says because of that version, or why the version is not known; empty if there is nothing to say.
	// +optional
	Note string `json:"note,omitempty"`
}

// HealthStatus is written by healthcheck.
type HealthStatus struct {
	RunID string `json:"runID"`
	// StartTime is when waiting for pods began.
	// +optional
	StartTime *metav1.Time `json:"startTime,omitempty"`
	// PodsReadyTime is when the last pod became ready.
	// +optional
	PodsReadyTime *metav1.Time `json:"podsReadyTime,omitempty"`
	// LastReadyTime is when the last pod became ready, as PodsReadyTime, by the clock of its node: what that clock says of the
	// pods later is compared with it.
	// +optional
	LastReadyTime *metav1.Time `json:"lastReadyTime,omitempty"`
	// CompletionTime is when the last check ended. The time in which the pods are watched begins there.
	// +optional
	CompletionTime *metav1.Time `json:"completionTime,omitempty"`
	// ObservedTime is when the time ended in which the pods were watched after the last check; absent if they were not, or not
	// for the whole of it.
	// +optional
	ObservedTime *metav1.Time `json:"observedTime,omitempty"`
	// Policy is the HealthCheckPolicy as it was when the run began. The run works with that, whatever becomes of it.
	// +optional
	Policy *PolicyVersion `json:"policy,omitempty"`
	// Pods that are ready, of those that the restored workloads ask for.
	// +optional
	Pods PodCount `json:"pods,omitempty"`
	// Blocked names what the sandbox refused to run or held up, and why, sorted: "source: Kind/name: reason". It says nothing
	// about the backup.
	// +optional
	// +listType=set
	// +kubebuilder:validation:MaxItems=64
	Blocked []string `json:"blocked,omitempty"`
	// Displaced names those of blocked that ran and had to go during the run, sorted, for production or for their node.
	// +optional
	// +listType=set
	// +kubebuilder:validation:MaxItems=64
	Displaced []string `json:"displaced,omitempty"`
	// NotCounted names pods that do their work once, "source: Pod/name", and those of a rollout that is stuck while the pods
	// before it serve, "source: Pod/name: why", sorted. They are neither waited for nor held against the run.
	// +optional
	// +listType=set
	// +kubebuilder:validation:MaxItems=64
	NotCounted []string `json:"notCounted,omitempty"`
	// Checks that have a verdict, in the order of the policy.
	// +optional
	// +listType=map
	// +listMapKey=name
	// +kubebuilder:validation:MaxItems=64
	Checks []CheckStatus `json:"checks,omitempty"`
}

// PolicyVersion tells which text of a HealthCheckPolicy is meant.
type PolicyVersion struct {
	UID        types.UID `json:"uid"`
	Generation int64     `json:"generation"`
}

// PodCount counts pods.
type PodCount struct {
	// +optional
	Ready int32 `json:"ready"`
	// +optional
	Total int32 `json:"total"`
}

// CheckStatus is the verdict of one check.
type CheckStatus struct {
	Name string `json:"name"`
	// +kubebuilder:validation:Enum=pass;fail;skip;unknown
	Status CheckResult `json:"status"`
	// +optional
	Duration Duration `json:"duration,omitempty"`
	// Message never holds output of the application.
	// +optional
	Message string `json:"message,omitempty"`
}

// CheckResult is the outcome of a check.
type CheckResult string

// Outcomes of a check.
const (
	CheckPass CheckResult = "pass"
	CheckFail CheckResult = "fail"
	CheckSkip CheckResult = "skip"
	// CheckUnknown: the check could not tell. It was cut off, or what it found may be the sandbox's doing.
	CheckUnknown CheckResult = "unknown"
)

// ReportStatus is written by report.
type ReportStatus struct {
	RunID string `json:"runID"`
	// Result of the run, once it is over.
	// +optional
	Result Result `json:"result,omitempty"`
	// Name of its RestoreReport.
	// +optional
	Name string `json:"name,omitempty"`
}

// CleanupStatus is written by cleanup.
type CleanupStatus struct {
	RunID string `json:"runID"`
	// Remaining are the objects that still exist, "kind/name", sorted.
	// +optional
	// +listType=atomic
	Remaining []string `json:"remaining,omitempty"`
	// Leaked are objects that stay for good, because deleting them could destroy what is not the run's.
	// +optional
	// +listType=atomic
	// +kubebuilder:validation:MaxItems=256
	Leaked []Leak `json:"leaked,omitempty"`
}

// Leak is an object that a run leaves behind.
type Leak struct {
	// Object is "kind/name".
	Object string `json:"object"`
	// Reason says why it was not deleted, and what to do.
	Reason string `json:"reason"`
}
