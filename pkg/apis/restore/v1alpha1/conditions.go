package v1alpha1

// Condition types of a RestoreTest, in the order of a run. Each has one writer, named here, and counts for the run whose
// id stands in that writer's status fragment. Unknown: under way. True and False: decided, and never changed again in
// that run.
const (
	// ConditionScheduled, written by schedule: True while the test has a next run or one under way.
	ConditionScheduled = "Scheduled"
	// ConditionSandboxReady, written by sandbox: True when every namespace and all its guards exist and are enforced.
	ConditionSandboxReady = "SandboxReady"
	// ConditionRestored, written by restore: True when Velero's Restore is Completed.
	ConditionRestored = "Restored"
	// ConditionHealthChecked, written by healthcheck: True when all pods are ready and all checks passed.
	ConditionHealthChecked = "HealthChecked"
	// ConditionReported, written by report: True when the verdict stands. The reason tells whether there is a RestoreReport.
	ConditionReported = "Reported"
	// ConditionCleanedUp, written by cleanup: True when nothing of the run is left. Never False: it does not give up.
	ConditionCleanedUp = "CleanedUp"
	// ConditionNotified, written by notify: True when everybody was told who is to be. It tells of the test as a whole, and changes at
	// any time.
	ConditionNotified = "Notified"
)

// Reasons that more than one controller uses.
const (
	// ReasonWaiting: the phase before is not decided yet.
	ReasonWaiting = "Waiting"
	// ReasonDeadlineExceeded: the run's deadline passed while the backup was restored or checked.
	ReasonDeadlineExceeded = "DeadlineExceeded"
	// ReasonNotStarted: the run's deadline passed before Velero began to restore.
	ReasonNotStarted = "NotStarted"
	// ReasonUnattended: the run's deadline passed while Kymaros itself was not at work, so that nobody saw how far the application had
	// come. It says nothing about the backup.
	ReasonUnattended = "Unattended"
)

// Reasons of Scheduled. ReasonQueued is one too: a run is due and waits for its turn; and ReasonVeleroStalled: the line does not move.
const (
	// ReasonNextRunPlanned: status.nextRunAt holds the next run.
	ReasonNextRunPlanned = "NextRunPlanned"
	// ReasonRunStarted: status.run is under way.
	ReasonRunStarted = "RunStarted"
	// ReasonMissedTurn: a run by the clock was not started within spec.schedule.startingDeadlineSeconds; status.missedRuns tells, and
	// status.nextRunAt holds the next. It says nothing about the backup.
	ReasonMissedTurn = "MissedTurn"
	// ReasonInvalidSchedule: cron or timezone cannot be read, or never comes; edit spec.schedule.
	ReasonInvalidSchedule = "InvalidSchedule"
	// ReasonInvalidSpec: another field of the spec makes a run impossible; the message names it.
	ReasonInvalidSpec = "InvalidSpec"
	// ReasonFenceNotIntact: a run is due, and does not start until the admission fence is as shipped; the message names what is
	// not, or that it could not be looked at. kubectl apply -f manifests/fence.
	ReasonFenceNotIntact = "FenceNotIntact"
	// ReasonSuspended: spec.suspend is true; no run starts by the clock.
	ReasonSuspended = "Suspended"
)

// Reasons of SandboxReady.
const (
	// ReasonCreating: namespaces and guards are being created.
	ReasonCreating = "Creating"
	// ReasonWaitingForQuota: the ResourceQuota is not enforced yet (its status.hard is empty).
	ReasonWaitingForQuota = "WaitingForQuota"
	// ReasonWaitingForAttestation: the guards are there, and controller attest has not said yet that it has seen them all.
	ReasonWaitingForAttestation = "WaitingForAttestation"
	// ReasonIsolationUnproven: canaries have not shown that the network plugin enforces NetworkPolicies. False once that has
	// lasted for a minute. Also a reason of Restored, as is the next: canaries are asked again right before the restore.
	ReasonIsolationUnproven = "IsolationUnproven"
	// ReasonIsolationNotEnforced: a canary that a NetworkPolicy cuts off reaches others, or is reached.
	ReasonIsolationNotEnforced = "IsolationNotEnforced"
	// ReasonGuarded: every sandbox exists with all its guards.
	ReasonGuarded = "Guarded"
	// ReasonSpecChanged: the spec no longer names a namespace that a sandbox of the run was made for.
	ReasonSpecChanged = "SpecChanged"
	// ReasonNameTaken: a namespace of that name exists and is not this run's.
	ReasonNameTaken = "NameTaken"
	// ReasonRejected: the API server refused a sandbox object (admission, quota, invalid field).
	ReasonRejected = "Rejected"
)

// Reasons of Restored.
const (
	// ReasonQueued: another Restore is running or waiting; Velero does one at a time and ours never goes first.
	ReasonQueued = "Queued"
	// ReasonInProgress: Velero is restoring.
	ReasonInProgress = "InProgress"
	// ReasonCompleted: Velero's phase Completed.
	ReasonCompleted = "Completed"
	// ReasonBackupNotFound: no usable backup with all source namespaces.
	ReasonBackupNotFound = "BackupNotFound"
	// ReasonBackupLocationUnavailable: the BackupStorageLocation of the backup is not Available, or Velero could not read the backup, or
	// data of its volumes, from there; or there is no backup, and Velero has read no location yet. It says nothing about the backup.
	ReasonBackupLocationUnavailable = "BackupLocationUnavailable"
	// ReasonNoOlderBackup: the run is one of a search for a backup that restores, and none is left to try. It says nothing about any.
	ReasonNoOlderBackup = "NoOlderBackup"
	// ReasonFailedValidation: Velero refused the Restore.
	ReasonFailedValidation = "FailedValidation"
	// ReasonPartiallyFailed: Velero restored some items only. The run goes on, never to full marks.
	ReasonPartiallyFailed = "PartiallyFailed"
	// ReasonFailed: Velero's phase Failed.
	ReasonFailed = "Failed"
	// ReasonSandboxLost: a sandbox was changed or deleted before the restore into it began. Also a reason of SandboxReady, if that
	// happened while it was being made, and of HealthChecked, if it was deleted before the checks had ended.
	ReasonSandboxLost = "SandboxLost"
	// ReasonLost: the Restore vanished before it ended.
	ReasonLost = "Lost"
	// ReasonVeleroStalled: Velero's server ended while it was at work on the Restore, which is given up: a server that starts would
	// take it up anew. If that happens after the verdict it is the reason of a warning by cleanup, and of no condition. Or what moves
	// data for Velero ended, a node agent or a pod of its own, and all errors of the Restore are of that. It says nothing about the backup.
	ReasonVeleroStalled = "VeleroStalled"
	// ReasonYielded: a Restore of somebody else came while ours was under way, and ours made way: its data movement was cancelled.
	// Unknown until Velero is done with it. It says nothing about the backup, and the run is tried again once.
	ReasonYielded = "Yielded"
	// ReasonCannotStart: Velero fills volumes of pods that can never run in this cluster, and was told to give them up. Unknown until
	// it has. The message names pod, claim and cause.
	ReasonCannotStart = "CannotStart"
	// ReasonCannotStartInSandbox: the same, and all of it is of the making of the sandbox, of nodes, of Velero, or of what the test
	// leaves out. It says nothing about the backup.
	ReasonCannotStartInSandbox = "CannotStartInSandbox"
	// ReasonClusterLacks: the backup was made in another cluster, and this one lacks a storage class, an image or a node label that it
	// asks for; or, wherever it was made, no node agent of Velero is where volumes are to be filled, or what is to move the data does not
	// come up. The message names them, and the mapping for each that has one. It says nothing about the backup. Also a reason of
	// HealthChecked.
	ReasonClusterLacks = "ClusterLacks"
	// ReasonVeleroUnsupported: Velero's server is of a version that does not restore what the test needs. It says nothing
	// about the backup.
	ReasonVeleroUnsupported = "VeleroUnsupported"
	// ReasonNotPermitted: spec.restore.includedResources names what the controller's flag does not permit.
	ReasonNotPermitted = "NotPermitted"
	// ReasonProductionVolume: a claim of a sandbox got a volume that was there before the run, or that another volume
	// shares. The run is aborted, and the volume never deleted.
	ReasonProductionVolume = "ProductionVolume"
)

// Reasons of HealthChecked.
const (
	// ReasonWaitingForPods: not all expected pods are ready yet.
	ReasonWaitingForPods = "WaitingForPods"
	// ReasonRunning: checks are running.
	ReasonRunning = "Running"
	// ReasonObserving: all pods ready, all checks passed; the pods are watched for spec.healthChecks.stableFor.
	ReasonObserving = "Observing"
	// ReasonPassed: all pods ready, all checks passed, and all went on running.
	ReasonPassed = "Passed"
	// ReasonNotChecked: all pods ready, and the test names no policy, so nothing was checked.
	ReasonNotChecked = "NotChecked"
	// ReasonCheckFailed: at least one check failed, or pods never became ready.
	ReasonCheckFailed = "CheckFailed"
	// ReasonNothingRan: True, and never a pass: no workload asks for a pod and there is none, so not one process of the
	// application was seen. status.health.pods.total is 0, and status.health.blocked empty.
	ReasonNothingRan = "NothingRan"
	// ReasonUnstable: all pods were ready, and then containers ended or pods were no longer ready.
	ReasonUnstable = "Unstable"
	// ReasonCheckUnknown: no check failed, and at least one could not tell. It says nothing about the backup.
	ReasonCheckUnknown = "CheckUnknown"
	// ReasonBlockedBySandboxPolicy: the sandbox refused pods (Pod Security, quota, limits, the fence) or held them up (isolation,
	// readiness gates, no room beside production, nodes that take no pods), or they need what the test leaves out. Nothing that
	// failed beside them is held against the backup.
	ReasonBlockedBySandboxPolicy = "BlockedBySandboxPolicy"
	// ReasonPolicyNotFound: spec.healthChecks.policyRef names no HealthCheckPolicy of the test's namespace.
	ReasonPolicyNotFound = "PolicyNotFound"
	// ReasonPolicyChanged: the policy was edited or deleted in mid-run, and the controller, restarted since, has no copy of what
	// the run began with. Run again.
	ReasonPolicyChanged = "PolicyChanged"
)

// Reasons of Reported.
const (
	// ReasonReportWritten: status.lastReportRef names the report of this run.
	ReasonReportWritten = "ReportWritten"
	// ReasonReportNotStored: all names that the report may have are taken by RestoreReports that are not ours. The verdict
	// stands in status.lastResult and lastScore alone.
	ReasonReportNotStored = "ReportNotStored"
)

// Reasons of CleanedUp.
const (
	// ReasonDeletingRestore: waiting until Velero's Restore is terminal, or until it is deleted.
	ReasonDeletingRestore = "DeletingRestore"
	// ReasonNamespacesTerminating: sandboxes are being deleted.
	ReasonNamespacesTerminating = "NamespacesTerminating"
	// ReasonStuck: something does not go; the message names it. Cleanup goes on trying.
	ReasonStuck = "Stuck"
	// ReasonNothingLeft: no namespace, volume or Restore of the run is left.
	ReasonNothingLeft = "NothingLeft"
	// ReasonLeaked: nothing is left but what status.cleanup.leaked names, and that stays.
	ReasonLeaked = "Leaked"
)

// Reasons of Notified.
const (
	// ReasonDelivered: every channel has taken what it was to be told.
	ReasonDelivered = "Delivered"
	// ReasonNothingToTell: nothing has happened yet that a channel is to be told of.
	ReasonNothingToTell = "NothingToTell"
	// ReasonSending: Unknown; messages are to be sent, or sent again. The message tells what failed.
	ReasonSending = "Sending"
	// ReasonSilenced: Unknown; annotation kymaros.io/silence-until keeps messages back.
	ReasonSilenced = "Silenced"
	// ReasonSecretNotReadable: a Secret that a channel names does not exist, lacks a key, or may not be read; the message tells what to
	// do. It is tried again.
	ReasonSecretNotReadable = "SecretNotReadable"
	// ReasonUndeliverable: a message was given up; the message names channel and cause.
	ReasonUndeliverable = "Undeliverable"
)

// Reasons of a report, beside Passed and those of the conditions that end a run. They are named here in the order in which
// they decide: the first that applies is the reason of the report.
const (
	// ReasonGuardsViolated: somebody changed the guards of a sandbox during the run.
	ReasonGuardsViolated = "GuardsViolated"
	// ReasonNotNeutralised: an object came back as it is in production, and could act beside it; or nobody could look.
	ReasonNotNeutralised = "NotNeutralised"
	// ReasonNothingRestored: a source namespace has no object in its sandbox.
	ReasonNothingRestored = "NothingRestored"
	// ReasonVolumeUnproven: no source was found for the data of a volume, or it could not be looked up.
	ReasonVolumeUnproven = "VolumeUnproven"
	// ReasonCheckSkipped: a check was not run.
	ReasonCheckSkipped = "CheckSkipped"
	// ReasonPodsNotReady: not all pods are ready.
	ReasonPodsNotReady = "PodsNotReady"
	// ReasonBackupPartiallyFailed: the backup itself does not hold everything.
	ReasonBackupPartiallyFailed = "BackupPartiallyFailed"
	// ReasonObjectsMissing: objects that the backup must contain did not come back.
	ReasonObjectsMissing = "ObjectsMissing"
	// ReasonNotRead: what the verdict rests on could not be read until the run's deadline.
	ReasonNotRead = "NotRead"
	// ReasonBackupTooOld: the backup was older than spec.backupSource.maxBackupAge allows when the restore began.
	ReasonBackupTooOld = "BackupTooOld"
	// ReasonNewerBackupsFailed: backups that began later failed or hold only a part. It costs no points: see maxBackupAge.
	ReasonNewerBackupsFailed = "NewerBackupsFailed"
	// ReasonWorkloadsNotInBackup: a source namespace has workloads, and none of them is in the backup.
	ReasonWorkloadsNotInBackup = "WorkloadsNotInBackup"
	// ReasonVolumeNotShown: the test itself did not bring back data that a real restore would. It says nothing about the backup.
	ReasonVolumeNotShown = "VolumeNotShown"
	// ReasonLeftOut: the backup leaves out objects that production has. It costs no points.
	ReasonLeftOut = "LeftOut"
	// ReasonNotTested: something that should have been looked at could not be read.
	ReasonNotTested = "NotTested"
	// ReasonRTOExceeded: the recovery took longer than sla.maxRTO.
	ReasonRTOExceeded = "RTOExceeded"
	// ReasonDependenciesNotCovered: the application names services that the test does not restore.
	ReasonDependenciesNotCovered = "DependenciesNotCovered"
	// ReasonNotCompared: objects of some kind could not be compared, for want of a right or of the list of the backup. It costs no points.
	ReasonNotCompared = "NotCompared"
)

// Reasons under which a report's run ended before it could be scored, beside those of the False conditions.
const (
	// ReasonTestDeleted: the RestoreTest was deleted while its run was under way.
	ReasonTestDeleted = "TestDeleted"
)

// Reasons of events that tell of no transition.
const (
	// EventGuardChanged: somebody changed or deleted a guard of a sandbox during the run.
	EventGuardChanged = "GuardChanged"
	// EventNotAttested: a guard of a sandbox is not as it must be, so nothing is restored into it.
	EventNotAttested = "NotAttested"
	// EventForeignReport: a RestoreReport says that it is of the run, or has its name, and the controller did not write it.
	EventForeignReport = "ForeignReport"
	// EventLastGoodFound: the newest backup fails, and the search for one that restores has found it.
	EventLastGoodFound = "LastGoodFound"
	// EventNoGoodBackup: the newest backup fails, and the search for one that restores has found none.
	EventNoGoodBackup = "NoGoodBackup"
)
