package v1alpha1

import (
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
)

// SandboxStatus is written by sandbox.
type SandboxStatus struct {
	// RunID is the run that this tells of.
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
	// Guarded tells that the guards of all namespaces were seen by kymaros-prober, and that who may look into them is let in.
	// +optional
	Guarded bool `json:"guarded,omitempty"`
	// Moment tells, when the canaries were asked, whether the network plugin was seen to let traffic of a new pod pass.
	// +optional
	Moment *IsolationMoment `json:"moment,omitempty"`
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

// IsolationMoment is what is known of the time between the first instruction of a new pod and the moment at which its policies are in
// force: some network plugins let its traffic pass until then.
type IsolationMoment struct {
	// State: noneSeen, if no pod of canary-fenced got an answer when it began; seen, if one did; unknown, if one could not look.
	// +kubebuilder:validation:Enum=noneSeen;seen;unknown
	State MomentState `json:"state"`
	// Longest that was seen on any node.
	// +optional
	Longest Duration `json:"longest,omitempty"`
	// Message names the pods that saw it, or says why it is not known.
	// +optional
	Message string `json:"message,omitempty"`
}

// MomentState is what is known of such a moment.
type MomentState string

// States of IsolationMoment.
const (
	MomentNoneSeen MomentState = "noneSeen"
	MomentSeen     MomentState = "seen"
	MomentUnknown  MomentState = "unknown"
)

// SandboxNamespace stands for one source namespace.
type SandboxNamespace struct {
	// Source is the source namespace.
	Source string `json:"source"`
	// Name of the sandbox.
	Name string `json:"name"`
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
	// Deleted tells that somebody deleted the namespace during the run. Who may look into it may not any more: bindings go with it.
	// +optional
	Deleted bool `json:"deleted,omitempty"`
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
	// RunID is the run that this tells of.
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
	// Location is where that backup lies, as it was when the restore was asked for.
	// +optional
	Location *BackupLocation `json:"location,omitempty"`
	// Segregation tells whether that backup was made in another cluster.
	// +optional
	Segregation *Segregation `json:"segregation,omitempty"`
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
	// StartTime is when Velero began, by its own word.
	// +optional
	StartTime *metav1.Time `json:"startTime,omitempty"`
	// CompletionTime is when Velero ended, by its own word. Absent until then.
	// +optional
	CompletionTime *metav1.Time `json:"completionTime,omitempty"`
	// Progress is Velero's count of items, "restored/total".
	// +optional
	Progress string `json:"progress,omitempty"`
	// Warnings is Velero's count of warnings.
	// +optional
	Warnings int32 `json:"warnings,omitempty"`
	// Errors is Velero's count of errors.
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

// BackupLocation is a BackupStorageLocation.
type BackupLocation struct {
	// Name of the BackupStorageLocation.
	Name string `json:"name"`
	// ReadOnly: its accessMode is ReadOnly, so Velero puts no backups there and deletes none. It still writes what it has to say of
	// Restores.
	// +optional
	ReadOnly bool `json:"readOnly,omitempty"`
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

// ReportStatus is written by report.
type ReportStatus struct {
	// RunID is the run that this tells of.
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
	// RunID is the run that this tells of.
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
	// Hygiene is that of the newest report that has one, also while the next run is under way: its record is not complete without.
	// +optional
	Hygiene *HygieneDigest `json:"hygiene,omitempty"`
}

// Leak is an object that a run leaves behind.
type Leak struct {
	// Object is "kind/name".
	Object string `json:"object"`
	// Reason says why it was not deleted, and what to do.
	Reason string `json:"reason"`
}
