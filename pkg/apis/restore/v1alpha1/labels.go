package v1alpha1

// Labels on every object that is created in or for a sandbox. Users select by them, so keys and meanings are API.
const (
	// LabelManagedBy is "kymaros" on all that Kymaros made. Nothing without it is ever changed or deleted.
	LabelManagedBy = "kymaros.io/managed-by"
	// LabelTest and LabelRestoreTestNamespace are the name of the RestoreTest and its namespace:
	// `kubectl delete ns -l kymaros.io/test=NAME,kymaros.io/restoretest-namespace=NAMESPACE` cleans up by hand. The name alone
	// is that of other teams' tests too. Sandboxes that an older version made lack the second.
	LabelTest                 = "kymaros.io/test"
	LabelRestoreTestNamespace = "kymaros.io/restoretest-namespace"
	// LabelTestNamespace is the name of the sandbox namespace.
	LabelTestNamespace = "kymaros.io/test-namespace"
	// LabelGroup has one value for all sandboxes of one run; traffic of networkIsolation "group" is bounded by it.
	LabelGroup = "kymaros.io/group"
	// LabelRun is the run id.
	LabelRun = "kymaros.io/run"
	// LabelGuarded has the run id as its value once a sandbox has all its guards, as who did not make them has seen them. Nothing is
	// restored into one without. It is given once.
	LabelGuarded = "kymaros.io/guarded"

	// ManagedBy is the value of LabelManagedBy.
	ManagedBy = "kymaros"
)

// Annotations.
const (
	// AnnotationRestoreTest is "<namespace>/<name>" of the RestoreTest, in full: label values end at 63 characters.
	AnnotationRestoreTest = "kymaros.io/restoretest"
	// AnnotationSource is the source namespace that a sandbox stands for.
	AnnotationSource = "kymaros.io/source-namespace"
	// AnnotationBackupTime and AnnotationBackupPhase, on a Velero Restore, are those of its backup: they count also when the
	// Backup is gone, and after a restart of the controller.
	AnnotationBackupTime  = "kymaros.io/backup-time"
	AnnotationBackupPhase = "kymaros.io/backup-phase"
	// AnnotationBackupChoice, there too, is status.restore.backupChoice as JSON.
	AnnotationBackupChoice = "kymaros.io/backup-choice"
	// AnnotationVelero, there too, is status.restore.velero as JSON.
	AnnotationVelero = "kymaros.io/velero"
	// AnnotationLocation and AnnotationSegregation, there too, are status.restore.location and .segregation as JSON.
	AnnotationLocation    = "kymaros.io/backup-location"
	AnnotationSegregation = "kymaros.io/segregation"
	// AnnotationMappedClass, on a claim in a sandbox, is the storage class in the backup that was mapped. AnnotationMappedSelector, on
	// a pod, with the number of the mapping, is the node label; AnnotationMappedImages, there too, are the prefixes, with commas between
	// them.
	AnnotationMappedClass    = "kymaros.io/mapped-storage-class"
	AnnotationMappedSelector = "kymaros.io/mapped-node-selector-"
	AnnotationMappedImages   = "kymaros.io/mapped-images"
	// AnnotationImageRegistries, on a sandbox, is what the policy of manifests/mappings goes by: "from=to", with commas between them, the
	// longest first.
	AnnotationImageRegistries = "kymaros.io/image-registries"
	// AnnotationGateTarget and AnnotationNameserver, there too, are what the policy of manifests/newborn goes by: the address of Service
	// canary-target, which pods must not reach, and with networkIsolation group that of our DNS.
	AnnotationGateTarget = "kymaros.io/gate-target"
	AnnotationNameserver = "kymaros.io/nameserver"
	// AnnotationRunRequested starts a run of the RestoreTest whenever its value changes.
	AnnotationRunRequested = "kymaros.io/run-requested"
	// AnnotationSilenceUntil, on a RestoreTest, keeps notifications back until that time (RFC 3339).
	AnnotationSilenceUntil = "kymaros.io/silence-until"
	// AnnotationCoverage, on a namespace, leaves it out of the coverage: "ignore", or "ignore: " and why. It still is listed.
	AnnotationCoverage = "kymaros.io/coverage"
	// AnnotationControls of a RestoreTest names the controls that its owner says its reports are evidence for, with commas between
	// them, such as "dora-12-2, iso27001-a-8-13". Reports have them in status.evidence.controls.
	AnnotationControls = "kymaros.io/controls"
)

// Finalizer holds a sandbox namespace, its guard policies and a RestoreTest with a run until cleanup is done.
const Finalizer = "kymaros.io/sandbox-cleanup"

// LabelReportTest is the label under which reports of a test are found: the test's name.
const LabelReportTest = "restore.kymaros.io/test-name"
