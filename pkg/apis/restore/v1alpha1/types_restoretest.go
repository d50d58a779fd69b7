package v1alpha1

import (
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// RestoreTest proves, on a schedule, that the newest Velero backup of an application restores into a working one.
//
// +genclient
// +k8s:deepcopy-gen:interfaces=k8s.io/apimachinery/pkg/runtime.Object
// +kubebuilder:object:root=true
// +kubebuilder:resource:path=restoretests,shortName=rt,scope=Namespaced,categories=kymaros
// +kubebuilder:subresource:status
// +kubebuilder:printcolumn:name="Phase",type=string,JSONPath=`.status.phase`
// +kubebuilder:printcolumn:name="Score",type=integer,JSONPath=`.status.lastScore`
// +kubebuilder:printcolumn:name="Result",type=string,JSONPath=`.status.lastResult`
// +kubebuilder:printcolumn:name="Last Run",type=date,JSONPath=`.status.lastRunAt`
// +kubebuilder:printcolumn:name="Next Run",type=string,JSONPath=`.status.nextRunAt`,priority=1
// +kubebuilder:printcolumn:name="Report",type=string,JSONPath=`.status.lastReportRef`,priority=1
// +kubebuilder:printcolumn:name="Age",type=date,JSONPath=`.metadata.creationTimestamp`
type RestoreTest struct {
	metav1.TypeMeta   `json:",inline"`
	metav1.ObjectMeta `json:"metadata,omitempty"`

	// Spec says what is restored, when, into what and how it is judged. An edit counts for the next run.
	Spec RestoreTestSpec `json:"spec"`
	// Status is the story of the current or last run.
	// +optional
	Status RestoreTestStatus `json:"status,omitempty"`
}

// RestoreTestList is a list of RestoreTests.
//
// +k8s:deepcopy-gen:interfaces=k8s.io/apimachinery/pkg/runtime.Object
// +kubebuilder:object:root=true
type RestoreTestList struct {
	metav1.TypeMeta `json:",inline"`
	metav1.ListMeta `json:"metadata"`

	// Items are the RestoreTests.
	Items []RestoreTest `json:"items"`
}

// RestoreTestSpec says what is restored, when, into what and how it is judged. An edit counts for the next run.
//
// +kubebuilder:validation:XValidation:rule="!has(self.onFailure) || !has(self.onFailure.searchLastGood) || (!has(self.backupSource.backupName) || size(self.backupSource.backupName) == 0 || self.backupSource.backupName == 'latest') && (!has(self.backupSource.selection) || self.backupSource.selection == 'Latest')",message="goes back from the newest backup: leave it out, or let backupSource take the latest (backupName latest, selection Latest)",fieldPath=".onFailure.searchLastGood"
type RestoreTestSpec struct {
	// BackupSource names the backup and the namespaces to restore.
	BackupSource BackupSource `json:"backupSource"`
	// Schedule says when runs start. A new RestoreTest runs at once, unless schedule.runOnCreate is false, then by the clock.
	Schedule Schedule `json:"schedule"`
	// Suspend stops runs by the clock; a run that is under way goes on, and one asked for by annotation still starts.
	// +optional
	Suspend bool `json:"suspend,omitempty"`
	// Restore widens or narrows what is restored, and maps names of another cluster.
	// +optional
	Restore *RestoreScope `json:"restore,omitempty"`
	// Sandbox shapes the namespaces that are restored into. May be {}.
	Sandbox SandboxSpec `json:"sandbox"`
	// HealthChecks says how the restored application is checked. Without a policy no run is ever more than "partial".
	// +optional
	HealthChecks HealthChecks `json:"healthChecks,omitempty"`
	// SLA bounds the recovery time.
	// +optional
	SLA *SLA `json:"sla,omitempty"`
	// OnFailure says what follows a run whose result is fail.
	// +optional
	OnFailure *OnFailure `json:"onFailure,omitempty"`
	// Notifications are sent when a run ends.
	// +optional
	Notifications *Notifications `json:"notifications,omitempty"`
	// Timeout bounds the whole run, from its start to its verdict. Default 1h; sandbox.ttl bounds it too.
	// +optional
	Timeout *Duration `json:"timeout,omitempty"`
	// HistoryLimit is how many reports of this test are kept; older ones are deleted.
	// +optional
	// +kubebuilder:default=10
	// +kubebuilder:validation:Minimum=1
	HistoryLimit *int32 `json:"historyLimit,omitempty"`
	// LogCollection is accepted, for manifests of the existing API have it, and does nothing.
	//
	// Deprecated: leave it out.
	// +optional
	LogCollection *LogCollection `json:"logCollection,omitempty"`
}

// BackupSource names the backup and the namespaces to restore.
//
// +kubebuilder:validation:XValidation:rule="!has(self.selection) || !has(self.backupName) || size(self.backupName) == 0 || self.backupName == 'latest'",message="selection chooses among backups, and backupName names one: leave one of them out",fieldPath=".selection"
// +kubebuilder:validation:XValidation:rule="!has(self.maxAge) || has(self.selection) && self.selection != 'Latest'",message="bounds what selection Random and OldestUnverified choose among: name one of them, or use maxBackupAge",fieldPath=".maxAge"
// +kubebuilder:validation:XValidation:rule="!has(self.maxBackupAge) || !has(self.selection) || self.selection == 'Latest'",message="tells whether the newest backup is too old, and selection takes older ones: use maxAge, and maxBackupAge in a test of the latest",fieldPath=".maxBackupAge"
type BackupSource struct {
	// Provider is the backup tool.
	// +kubebuilder:validation:Enum=velero
	Provider string `json:"provider"`
	// BackupName is the Velero Backup to restore; empty or "latest" is the newest Completed one that holds what the test
	// restores. One whose filters leave some of it out is taken only if no other holds more, a PartiallyFailed one only if no
	// Completed one holds as much; status.restore.backupChoice tells.
	// +optional
	// +kubebuilder:validation:MaxLength=253
	BackupName string `json:"backupName,omitempty"`
	// ScheduleName takes only backups of that Velero Schedule, by their label velero.io/schedule-name.
	// +optional
	// +kubebuilder:validation:MaxLength=253
	ScheduleName string `json:"scheduleName,omitempty"`
	// StorageLocation takes only backups of that BackupStorageLocation: several clusters may share the others.
	// +optional
	// +kubebuilder:validation:MaxLength=253
	StorageLocation string `json:"storageLocation,omitempty"`
	// Selection says which of the backups that hold as much as the best: Latest, the newest; Random, any, another in each run; or
	// OldestUnverified, the oldest that has not passed by any RestoreReport of the test that is kept (see historyLimit), or when
	// all have, the one that last did so longest ago. Default Latest.
	// +optional
	// +kubebuilder:validation:Enum=Latest;Random;OldestUnverified
	Selection BackupSelection `json:"selection,omitempty"`
	// MaxAge bounds how old a backup may be that Random and OldestUnverified choose, from its beginning. Default: none is too old.
	// +optional
	MaxAge Duration `json:"maxAge,omitempty"`
	// AllowOlderThanNamespace accepts a backup that began before a source namespace that exists was created. Without it such a
	// backup is passed over, or refused if it is the named one: it may hold what somebody else kept in a namespace of that name.
	// To set it takes the right to create Velero Restores. Needed where a namespace was itself restored, or made anew, and there
	// is no backup of it since.
	// +optional
	AllowOlderThanNamespace bool `json:"allowOlderThanNamespace,omitempty"`
	// MaxBackupAge is how old the backup may be when its restore begins, counted from its own beginning. An older one is restored
	// all the same, and the run says so. Without it a backup is never too old.
	// +optional
	MaxBackupAge Duration `json:"maxBackupAge,omitempty"`
	// Namespaces are the source namespaces, restored together. They need not exist any more.
	// +listType=map
	// +listMapKey=name
	// +kubebuilder:validation:MinItems=1
	// +kubebuilder:validation:MaxItems=16
	Namespaces []SourceNamespace `json:"namespaces"`
	// LabelSelector restores only objects that carry all these labels.
	// +optional
	LabelSelector map[string]string `json:"labelSelector,omitempty"`
}

// BackupSelection is a way to choose a backup.
type BackupSelection string

// Ways to choose a backup.
const (
	SelectLatest           BackupSelection = "Latest"
	SelectRandom           BackupSelection = "Random"
	SelectOldestUnverified BackupSelection = "OldestUnverified"
)

// SourceNamespace is a namespace in the backup, and the sandbox for it.
//
// +kubebuilder:validation:XValidation:rule="!has(self.sandboxName) || self.sandboxName != self.name",message="sandboxName must differ from name: a test never restores into its source"
type SourceNamespace struct {
	// Name of the namespace in the backup.
	// +kubebuilder:validation:MaxLength=63
	// +kubebuilder:validation:Pattern=`^[a-z0-9]([-a-z0-9]*[a-z0-9])?$`
	Name string `json:"name"`
	// SandboxName is used instead of a generated sandbox name. The namespace must not exist, and no RoleBinding or
	// ClusterRoleBinding may give rights to its ServiceAccounts. Names that begin with kube- or openshift- are refused.
	// +optional
	// +kubebuilder:validation:MaxLength=63
	// +kubebuilder:validation:Pattern=`^[a-z0-9]([-a-z0-9]*[a-z0-9])?$`
	// +kubebuilder:validation:XValidation:rule="!self.startsWith('kube-') && !self.startsWith('openshift-')",message="must not begin with kube- or openshift-, for policies of clusters exempt such namespaces: choose another name"
	SandboxName string `json:"sandboxName,omitempty"`
}

// RestoreScope widens or narrows the list of kinds that are restored: pods and the workloads that own them, Services,
// ConfigMaps, Secrets, ServiceAccounts, claims, and CronJobs (suspended). Every other kind stays out unless it is named
// here and permitted.
type RestoreScope struct {
	// IncludedResources are restored too. Each needs the permission of the cluster's administrator: the controller's flag
	// --permitted-resources.
	// +optional
	// +listType=set
	// +kubebuilder:validation:MaxItems=32
	IncludedResources []ResourceName `json:"includedResources,omitempty"`
	// ExcludedResources are not restored.
	// +optional
	// +listType=set
	// +kubebuilder:validation:MaxItems=32
	ExcludedResources []ResourceName `json:"excludedResources,omitempty"`
	// Mappings name what stands in this cluster for storage classes, registries and node labels of the one that was backed up.
	// +optional
	Mappings *Mappings `json:"mappings,omitempty"`
}

// ResourceName is a resource with its group, in the plural: deployments.apps; of the core group without one: configmaps.
//
// +kubebuilder:validation:MaxLength=253
// +kubebuilder:validation:Pattern=`^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$`
type ResourceName string

// Schedule says when runs start.
//
// +kubebuilder:validation:XValidation:rule="!has(self.timezone) || size(self.timezone) == 0 || !self.cron.trim().matches('^(CRON_)?TZ=')",message="there are two time zones, and cron begins with one: write that into schedule.timezone, and only the fields into cron, for example 0 3 * * *",fieldPath=".cron"
type Schedule struct {
	// Cron has five fields (minute hour day month weekday) or is a descriptor such as @daily. Where clocks are changed, what they
	// skip comes when the gap ends, and what they repeat comes once; with every hour in its field, it follows real time. A
	// CRON_TZ= before the fields is read as timezone.
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=512
	// +kubebuilder:validation:XValidation:rule="!self.trim().matches('^(CRON_)?TZ=[^ ]*$')",message="is a time zone and nothing else: write that into schedule.timezone, and the fields here, for example 0 3 * * *"
	Cron string `json:"cron"`
	// Timezone is an IANA name such as Europe/Brussels. Default UTC.
	// +optional
	// +kubebuilder:validation:MaxLength=64
	// +kubebuilder:validation:XValidation:rule="self.lowerAscii() != 'local'",message="must be an IANA name such as Europe/Brussels: Local would be the zone of the controller's machine"
	Timezone string `json:"timezone,omitempty"`
	// StartingDeadlineSeconds is how late a run by the clock may start. Of several times that were missed one run makes up for all,
	// if the last was not missed by more; else the next time is waited for. Default 86400, which is a day.
	// +optional
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=31536000
	StartingDeadlineSeconds *int64 `json:"startingDeadlineSeconds,omitempty"`
	// Jitter has runs by the clock start later, by less than that, so that not all tests of one time start at once. It is the same
	// for all runs of a test, part of status.nextRunAt, and always less than the shortest time between two times of cron. It does
	// not count for @every. Default none.
	// +optional
	Jitter Duration `json:"jitter,omitempty"`
	// RunOnCreate has a test that has never run start at once; false has it wait for the clock. Default true.
	// +optional
	RunOnCreate *bool `json:"runOnCreate,omitempty"`
}

// HealthChecks says how the restored application is checked.
type HealthChecks struct {
	// PolicyRef names a HealthCheckPolicy in the namespace of the RestoreTest.
	// +optional
	// +kubebuilder:validation:MaxLength=253
	PolicyRef string `json:"policyRef,omitempty"`
	// Timeout bounds each check that has none of its own. Default 10s for httpGet and tcpSocket, 30s for all others.
	// +optional
	Timeout Duration `json:"timeout,omitempty"`
	// PodReadyTimeout is how long pods may take to become ready after the restore before the checks start regardless.
	// Default 5m.
	// +optional
	PodReadyTimeout Duration `json:"podReadyTimeout,omitempty"`
	// StableFor is how long the pods are watched after all checks have passed: what ends, restarts or is no longer ready then
	// fails the run. It lasts longer where a container without a readiness probe has restarted: until that has run for more
	// than twice as long as it lived last. The recovery time ends where this time begins. Default 30s; 0s turns it off.
	// +optional
	StableFor Duration `json:"stableFor,omitempty"`
}

// SLA bounds the recovery time.
type SLA struct {
	// MaxRTO is the longest acceptable time from the start of Velero's restore until all pods are ready and all checks
	// pass.
	MaxRTO Duration `json:"maxRTO"`
	// AlertOnExceed asks for an event of type Warning when MaxRTO is exceeded.
	// +optional
	AlertOnExceed bool `json:"alertOnExceed,omitempty"`
}

// OnFailure says what follows a run whose result is fail.
type OnFailure struct {
	// SearchLastGood has the test go back through older backups until one passes. status.search tells what it found.
	// +optional
	SearchLastGood *SearchLastGood `json:"searchLastGood,omitempty"`
}

// SearchLastGood bounds the search for the newest backup that restores.
type SearchLastGood struct {
	// MaxRuns is how many runs a search may take, each of one backup.
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=20
	MaxRuns int32 `json:"maxRuns"`
}

// LogCollection would put the tail of pod logs and events into the report. Logs may hold application data, so nothing does.
//
// Deprecated: leave it out.
type LogCollection struct {
	// Enabled would turn it on.
	// +optional
	// +kubebuilder:default=true
	Enabled *bool `json:"enabled,omitempty"`
	// MaxLines would bound the tail of each container.
	// +optional
	// +kubebuilder:default=100
	// +kubebuilder:validation:Minimum=10
	// +kubebuilder:validation:Maximum=1000
	MaxLines int32 `json:"maxLines,omitempty"`
	// IncludeEvents would add the events of the sandboxes.
	// +optional
	// +kubebuilder:default=true
	IncludeEvents *bool `json:"includeEvents,omitempty"`
	// IncludeInit would add logs of init containers.
	// +optional
	// +kubebuilder:default=true
	IncludeInit *bool `json:"includeInit,omitempty"`
	// IncludePrevious would add logs of the instance before the last restart.
	// +optional
	// +kubebuilder:default=true
	IncludePrevious *bool `json:"includePrevious,omitempty"`
}
