package score

// Reasons of a report, beside Passed and those of the conditions that end a run. They are named here in the order in which
// they decide: the first that applies is the reason of the report.
const (
	// ReasonGuardsViolated: somebody changed the guards of a sandbox during the run.
	ReasonGuardsViolated = "GuardsViolated"
	// ReasonNotNeutralised: an object came back as it is in production, and could act beside it; or nobody could look.
	ReasonNotNeutralised = "NotNeutralised"
	// ReasonNothingRestored: a source namespace has no object in its sandbox.
	ReasonNothingRestored = "NothingRestored"
	// ReasonWorkloadsNotInBackup: a source namespace has workloads, and none of them is in the backup.
	ReasonWorkloadsNotInBackup = "WorkloadsNotInBackup"
	// ReasonLeftOut: the backup leaves out objects that production has. It costs no points.
	ReasonLeftOut = "LeftOut"
	// ReasonVolumeNotShown: the test itself did not bring back data that a real restore would. It says nothing about the backup.
	ReasonVolumeNotShown = "VolumeNotShown"
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
	// ReasonNotTested: something that should have been looked at could not be read.
	ReasonNotTested = "NotTested"
	// ReasonRTOExceeded: the recovery took longer than sla.maxRTO.
	ReasonRTOExceeded = "RTOExceeded"
	// ReasonDependenciesNotCovered: the application names services that the test does not restore.
	ReasonDependenciesNotCovered = "DependenciesNotCovered"
	// ReasonNotCompared: the controller was not given the right to read some kind. It costs no points.
	ReasonNotCompared = "NotCompared"
)
