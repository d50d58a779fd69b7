package backups

import (
	"reflect"
	"testing"
	"time"

	velerov1 "github.com/vmware-tanzu/velero/pkg/apis/velero/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// narrowing are values of all fields of a BackupSpec that leave out something of what a test wants.
var narrowing = map[string]any{
	"IncludedNamespaces":               []string{"shop"},
	"ExcludedNamespaces":               []string{"shop"},
	"IncludedResources":                []string{"secrets"},
	"ExcludedResources":                []string{"deploy"},
	"IncludedNamespaceScopedResources": []string{"statefulsets.apps"},
	"ExcludedNamespaceScopedResources": []string{"persistentvolumeclaims"},
	"LabelSelector":                    parse("team=crm"),
	"OrLabelSelectors":                 []*metav1.LabelSelector{parse("team=crm")},
	"SnapshotVolumes":                  new(false),
	"StorageLocation":                  "down",
	"ResourcePolicy":                   &corev1.TypedLocalObjectReference{Kind: "configmap", Name: "rules"},
}

// harmless are values of all others, and why they leave out nothing that a test wants.
var harmless = map[string]struct {
	value any
	why   string
}{
	"Metadata":                       {velerov1.Metadata{Labels: map[string]string{"a": "b"}}, "of the Backup itself"},
	"IncludedClusterScopedResources": {[]string{"storageclasses"}, "no test restores what belongs to the whole cluster"},
	"ExcludedClusterScopedResources": {[]string{"*"}, "the same; snapshots follow their claims regardless"},
	"IncludeClusterResources":        {new(false), "the same"},
	"TTL":                            {metav1.Duration{Duration: time.Hour}, "status.expiration counts"},
	"VolumeGroupSnapshotLabelKey":    {"group", "which snapshots are taken together"},
	"Hooks":                          {velerov1.BackupHooks{Resources: []velerov1.BackupResourceHookSpec{{Name: "freeze"}}}, "run in pods; a hook that fails makes the backup PartiallyFailed"},
	"VolumeSnapshotLocations":        {[]string{"elsewhere"}, "where snapshots are"},
	"DefaultVolumesToRestic":         {new(false), "Velero copies it into the next"},
	"DefaultVolumesToFsBackup":       {new(false), "says how data is taken; none is a matter of SnapshotVolumes"},
	"OrderedResources":               {map[string]string{"pods": "shop/a"}, "what is backed up first"},
	"CSISnapshotTimeout":             {metav1.Duration{Duration: time.Second}, "one that is too short makes the backup PartiallyFailed"},
	"ItemOperationTimeout":           {metav1.Duration{Duration: time.Second}, "the same"},
	"SnapshotMoveData":               {new(true), "where the data is"},
	"DataMover":                      {"another", "who moves it"},
	"UploaderConfig":                 {&velerov1.UploaderConfigForBackup{ParallelFilesUpload: 1}, "how fast"},
}

func TestEveryFieldOfABackupThatLeavesSomethingOutIsConsidered(t *testing.T) {
	known := Known{
		Locations: map[string]string{"down": "is Unavailable"},
		Policies:  map[string]Policy{"rules": ParsePolicy(map[string]string{"a": "includeExcludePolicy: {excludedNamespaceScopedResources: [services]}"})},
	}
	whole := backup("whole", completed, 2*time.Hour, snapshots(1))
	of := reflect.TypeFor[velerov1.BackupSpec]()
	for i := range of.NumField() {
		field := of.Field(i).Name
		value, narrows := narrowing[field]
		other, passes := harmless[field]
		switch {
		case narrows == passes:
			t.Errorf("BackupSpec.%s: say in one of the tables whether it leaves out something of what a test wants", field)
			continue
		case passes && other.why == "":
			t.Errorf("BackupSpec.%s: say why it is harmless", field)
		case passes:
			value = other.value
		}
		newest := backup("newest", completed, time.Hour)
		reflect.ValueOf(&newest.Spec).Elem().Field(i).Set(reflect.ValueOf(value))
		choice, err := Choose([]*velerov1.Backup{newest, whole}, wanted(t), known)
		if err != nil {
			t.Errorf("BackupSpec.%s: %v", field, err)
		} else if taken := choice.Backup == newest; taken == narrows {
			t.Errorf("BackupSpec.%s: %v: the newest is taken: %t, want %t", field, value, taken, !narrows)
		}
	}
	if fields := len(narrowing) + len(harmless); fields != of.NumField() {
		t.Errorf("the tables have %d fields, BackupSpec has %d", fields, of.NumField())
	}
}
