package v1alpha1

import (
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// RestoreReport is the evidence of one run. It holds metadata only, outlives its RestoreTest, and cannot be changed once
// written.
//
// +genclient
// +k8s:deepcopy-gen:interfaces=k8s.io/apimachinery/pkg/runtime.Object
// +kubebuilder:object:root=true
// +kubebuilder:resource:path=restorereports,shortName=rr,scope=Namespaced,categories=kymaros
// +kubebuilder:subresource:status
// +kubebuilder:printcolumn:name="Score",type=integer,JSONPath=`.status.score`
// +kubebuilder:printcolumn:name="Result",type=string,JSONPath=`.status.result`
// +kubebuilder:printcolumn:name="Test",type=string,JSONPath=`.spec.testRef`
// +kubebuilder:printcolumn:name="RTO",type=string,JSONPath=`.status.rto.measured`,priority=1
// +kubebuilder:printcolumn:name="Backup",type=string,JSONPath=`.status.backup.name`,priority=1
// +kubebuilder:printcolumn:name="Reason",type=string,JSONPath=`.status.reason`,priority=1
// +kubebuilder:printcolumn:name="Age",type=date,JSONPath=`.metadata.creationTimestamp`
// +kubebuilder:printcolumn:name="Hygiene",type=string,JSONPath=`.hygiene.status`,priority=1
// +kubebuilder:validation:XValidation:rule="(!has(oldSelf.status) || has(self.status)) && (!has(oldSelf.hygiene) || has(self.hygiene))",message="a report cannot be changed once written"
type RestoreReport struct {
	metav1.TypeMeta   `json:",inline"`
	metav1.ObjectMeta `json:"metadata,omitempty"`

	// Spec names the test and its run.
	// +kubebuilder:validation:XValidation:rule="self == oldSelf",message="a report cannot be changed once written"
	Spec RestoreReportSpec `json:"spec"`
	// Status is the verdict of the run and what it rests on. A report without it has no verdict yet.
	// +optional
	// +kubebuilder:validation:XValidation:rule="self == oldSelf",message="a report cannot be changed once written"
	Status *RestoreReportStatus `json:"status,omitempty"`
	// Hygiene tells what the run left behind. It is written once, when cleanup is done, and says nothing about the backup.
	// +optional
	// +kubebuilder:validation:XValidation:rule="self == oldSelf",message="a report cannot be changed once written"
	Hygiene *Hygiene `json:"hygiene,omitempty"`
}

// RestoreReportList is a list of RestoreReports.
//
// +k8s:deepcopy-gen:interfaces=k8s.io/apimachinery/pkg/runtime.Object
// +kubebuilder:object:root=true
type RestoreReportList struct {
	metav1.TypeMeta `json:",inline"`
	metav1.ListMeta `json:"metadata"`

	// Items are the RestoreReports.
	Items []RestoreReport `json:"items"`
}

// RestoreReportSpec names the test.
type RestoreReportSpec struct {
	// TestRef is the name of the RestoreTest in the report's namespace.
	TestRef string `json:"testRef"`
	// RunID is the run that this report is about.
	// +optional
	RunID string `json:"runID,omitempty"`
}

// RestoreReportStatus is the verdict of a run and what it rests on.
type RestoreReportStatus struct {
	// Score is 0 to 100: 100 less what the validationLevels lost, but from 90 only for the result pass, from 70 to 89 for partial,
	// below that for fail, and 0 for inconclusive.
	// +kubebuilder:validation:Minimum=0
	// +kubebuilder:validation:Maximum=100
	Score int32 `json:"score"`
	// Result is pass (score of at least 90 and nothing that caps it), partial (from 70, or nothing is wrong but what the sandbox
	// caused), fail, or inconclusive: the run has shown nothing about the backup, and the score is 0.
	Result Result `json:"result"`
	// Reason in one word: Passed, or that of the condition or cap that decided the result.
	// +optional
	Reason string `json:"reason,omitempty"`
	// Message says in a sentence why the result is what it is, and what to do.
	// +optional
	Message string `json:"message,omitempty"`
	// Caps are findings that keep the result below pass whatever the score, sorted.
	// +optional
	// +listType=atomic
	Caps []string `json:"caps,omitempty"`
	// StartedAt is the start of the run.
	StartedAt metav1.Time `json:"startedAt"`
	// CompletedAt is the time of the verdict.
	CompletedAt metav1.Time `json:"completedAt"`
	// Trigger is what started the run: Created (the first of a new test), Cron (the clock), Requested (annotation
	// kymaros.io/run-requested), Retry (the one before showed nothing), or Search (the newest backup failed, and this one is older).
	// +optional
	Trigger Trigger `json:"trigger,omitempty"`
	// RTO is the measured recovery time and its parts.
	RTO RTO `json:"rto"`
	// Backup that was restored, or was to be.
	Backup Backup `json:"backup"`
	// Restore is what Velero said. Absent if the run ended before there was a Velero Restore.
	// +optional
	Restore *RestoreResult `json:"restore,omitempty"`
	// Sandboxes that were restored into.
	// +optional
	// +listType=atomic
	Sandboxes []ReportSandbox `json:"sandboxes,omitempty"`
	// NetworkIsolation of the sandboxes.
	// +optional
	NetworkIsolation NetworkIsolation `json:"networkIsolation,omitempty"`
	// IsolationProof is status.sandbox.isolation of the run: whether the network plugin was seen to enforce that. If that had
	// changed when the restore was about to begin, it is what was seen then.
	// +optional
	// +kubebuilder:validation:Enum=proven;unproven;notEnforced;"off"
	IsolationProof IsolationProof `json:"isolationProof,omitempty"`
	// IsolationMoment is status.sandbox.moment of the run: whether traffic of new pods was seen to pass before their policies were in
	// force. Absent if nobody looked, and in reports of versions that did not.
	// +optional
	IsolationMoment *IsolationMoment `json:"isolationMoment,omitempty"`
	// Fence is status.run.fence of the run: whether the admission policies that confine the controller and Velero were in force.
	// +optional
	// +kubebuilder:validation:Enum=intact;notIntact
	Fence FenceState `json:"fence,omitempty"`
	// Velero is status.restore.velero of the run: which version of Velero restored, as far as it was known. Absent if the run ended
	// before a backup was chosen.
	// +optional
	Velero *VeleroServer `json:"velero,omitempty"`
	// Segregation tells whether the backup was restored in another cluster than it was made in. Absent if the run ended before a
	// backup was chosen, and in reports of versions that did not look.
	// +optional
	Segregation *Segregation `json:"segregation,omitempty"`
	// Mappings of spec.restore.mappings, and what each did.
	// +optional
	// +listType=atomic
	// +kubebuilder:validation:MaxItems=48
	Mappings []MappingResult `json:"mappings,omitempty"`
	// Checks that have a verdict, in the order of the HealthCheckPolicy.
	// +optional
	// +listType=atomic
	// +kubebuilder:validation:MaxItems=64
	Checks []CheckStatus `json:"checks,omitempty"`
	// Completeness compares what came back with what the backup must contain. Empty if nothing was compared.
	Completeness Completeness `json:"completeness"`
	// ValidationLevels are the parts of the score.
	ValidationLevels ValidationLevels `json:"validationLevels"`
	// Volumes of the sandboxes and where their data came from.
	// +optional
	// +listType=atomic
	// +kubebuilder:validation:MaxItems=256
	Volumes []VolumeReport `json:"volumes,omitempty"`
	// Scope tells how the test changed the list of kinds that are restored, and what it maps; absent if neither.
	// +optional
	Scope *RestoreScope `json:"scope,omitempty"`
	// SideEffects tell what was kept from acting beside production, and what was therefore not tested.
	// +optional
	SideEffects *SideEffects `json:"sideEffects,omitempty"`
	// PodLogs would be the tails of the logs of pods. Logs may hold application data, so they are never there, whatever
	// spec.logCollection of the test says.
	//
	// Deprecated: nothing writes it.
	// +optional
	// +listType=atomic
	PodLogs []PodLog `json:"podLogs,omitempty"`
	// Events would be those of the sandboxes. Like podLogs they are never there.
	//
	// Deprecated: nothing writes it.
	// +optional
	// +listType=atomic
	Events []ReportEvent `json:"events,omitempty"`
	// Evidence ties the report to the one before. Absent in reports of versions that did not.
	// +optional
	Evidence *Evidence `json:"evidence,omitempty"`
}

// RTO is the measured recovery time and its parts.
type RTO struct {
	// Measured from the start of Velero's restore until all pods were ready and all checks had passed; "0s" if that never
	// came.
	Measured Duration `json:"measured"`
	// Target is sla.maxRTO.
	// +optional
	Target Duration `json:"target,omitempty"`
	// WithinSLA is true when the application recovered within Target, or recovered and there is no Target.
	WithinSLA bool `json:"withinSLA"`
	// Parts of the way; queue is before Measured begins.
	// +optional
	Parts *RTOParts `json:"parts,omitempty"`
}

// RTOParts splits the way to recovery.
type RTOParts struct {
	// Queue: from the sandbox being ready to Velero's start.
	// +optional
	Queue Duration `json:"queue,omitempty"`
	// Restore: from Velero's start to its end.
	// +optional
	Restore Duration `json:"restore,omitempty"`
	// VolumeData: the part of Restore during which volume data was moved.
	// +optional
	VolumeData Duration `json:"volumeData,omitempty"`
	// Pods: from the end of the restore until all pods were ready.
	// +optional
	Pods Duration `json:"pods,omitempty"`
	// Checks: from then until the last check ended.
	// +optional
	Checks Duration `json:"checks,omitempty"`
}

// Backup names what was restored.
type Backup struct {
	// Name of the Velero Backup; empty if none was found.
	Name string `json:"name"`
	// Age of the backup when the restore began.
	Age Duration `json:"age"`
	// Size would be that of the backup. It is never there.
	//
	// Deprecated: nothing writes it.
	// +optional
	Size string `json:"size,omitempty"`
	// StartedAt is when the backup began: nothing younger is in it.
	// +optional
	StartedAt *metav1.Time `json:"startedAt,omitempty"`
}

// RestoreResult is what Velero said.
type RestoreResult struct {
	// Name of the Velero Restore.
	// +optional
	Name string `json:"name,omitempty"`
	// Phase of the Velero Restore when it was last seen.
	// +optional
	Phase string `json:"phase,omitempty"`
	// Warnings is Velero's count of warnings.
	// +optional
	Warnings int32 `json:"warnings"`
	// Errors is Velero's count of errors.
	// +optional
	Errors int32 `json:"errors"`
}

// ReportSandbox is a source namespace and the sandbox it was restored into.
type ReportSandbox struct {
	// Source is the source namespace.
	Source string `json:"source"`
	// Name of the sandbox.
	Name string `json:"name"`
}

// Completeness compares, by name, what the source namespaces hold and the backup must contain with what came back:
// "found/expected" of each kind, over all namespaces.
type Completeness struct {
	// Deployments, "found/expected". Absent if they were not compared.
	// +optional
	Deployments string `json:"deployments,omitempty"`
	// StatefulSets, "found/expected". Absent if they were not compared.
	// +optional
	StatefulSets string `json:"statefulSets,omitempty"`
	// Services, "found/expected". Absent if they were not compared.
	// +optional
	Services string `json:"services,omitempty"`
	// Secrets, "found/expected". Absent if they were not compared.
	// +optional
	Secrets string `json:"secrets,omitempty"`
	// ConfigMaps, "found/expected". Absent if they were not compared.
	// +optional
	ConfigMaps string `json:"configMaps,omitempty"`
	// PVCs are the PersistentVolumeClaims, "found/expected". Absent if they were not compared.
	// +optional
	PVCs string `json:"pvcs,omitempty"`
	// CustomResources would be "found/expected" as well. They are not compared, so it is never there.
	//
	// Deprecated: nothing writes it.
	// +optional
	CustomResources string `json:"customResources,omitempty"`
	// Missing objects, "namespace: kind/name", sorted, at most 100.
	// +optional
	// +listType=atomic
	Missing []string `json:"missing,omitempty"`
	// LeftOut is what the source namespaces held when the backup began and the backup does not hold, by kind: "2 of 3
	// Deployments". It is not compared.
	// +optional
	// +listType=atomic
	// +kubebuilder:validation:MaxItems=16
	LeftOut []string `json:"leftOut,omitempty"`
}

// ValidationLevels are the parts of the score.
type ValidationLevels struct {
	// RestoreIntegrity, of 25 points: whether Velero restored without errors from a backup that is Completed, and nothing came back
	// that could act beside production.
	RestoreIntegrity LevelResult `json:"restoreIntegrity"`
	// Completeness, of 20 points: how many of the objects came back that the backup must contain.
	Completeness LevelResult `json:"completeness"`
	// PodStartup, of 20 points: how many of the pods are ready that the restored workloads ask for.
	PodStartup LevelResult `json:"podStartup"`
	// InternalHealth, of 20 points: how many of the checks passed.
	InternalHealth LevelResult `json:"internalHealth"`
	// CrossNamespaceDeps, of 10 points: how many of the references to other namespaces lead to a Service of the run with a ready pod
	// behind it. With networkIsolation strict none counts, for the sandboxes do not reach each other.
	CrossNamespaceDeps LevelResult `json:"crossNamespaceDeps"`
	// RTOCompliance, of 5 points: whether the application recovered within sla.maxRTO.
	RTOCompliance LevelResult `json:"rtoCompliance"`
}

// LevelResult is one part of the score.
type LevelResult struct {
	// Status: not_tested either earns nothing (it should have been tested) or costs nothing (max 0: it does not apply).
	// +kubebuilder:validation:Enum=pass;fail;partial;not_tested
	Status LevelStatus `json:"status"`
	// Points earned, of Max.
	// +optional
	Points int32 `json:"points"`
	// Max is how many points the level is worth; 0 if it does not apply.
	// +optional
	Max int32 `json:"max"`
	// Detail says in words what was found, or why the level was not tested or does not apply.
	// +optional
	Detail string `json:"detail,omitempty"`
	// Tested names what was looked at, such as checks and references to other namespaces. Absent if there is nothing to name.
	// +optional
	// +listType=atomic
	Tested []string `json:"tested,omitempty"`
	// NotTested names what was not looked at, in most levels with the reason. Absent if there is nothing to name.
	// +optional
	// +listType=atomic
	NotTested []string `json:"notTested,omitempty"`
}

// LevelStatus is the outcome of a level.
type LevelStatus string

// Outcomes of a level.
const (
	LevelPass      LevelStatus = "pass"
	LevelFail      LevelStatus = "fail"
	LevelPartial   LevelStatus = "partial"
	LevelNotTested LevelStatus = "not_tested"
)
