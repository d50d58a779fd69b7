package volumes

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	velerov1 "github.com/vmware-tanzu/velero/pkg/apis/velero/v1"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/util/sets"

	"github.com/kymaros/kymaros/pkg/velero"
)

func TestClaimsOfProductionThatABackupKnows(t *testing.T) {
	backupBegan := time.Date(2026, 11, 21, 3, 0, 0, 0, time.UTC)
	claim := func(name string, created time.Time) *corev1.PersistentVolumeClaim {
		return &corev1.PersistentVolumeClaim{ObjectMeta: metav1.ObjectMeta{Namespace: "shop", Name: name, CreationTimestamp: metav1.NewTime(created)}}
	}
	skip, err := velero.ReadPolicy(map[string]string{"x": "volumePolicies: [{conditions: {csi: {driver: d}}, action: {type: skip}}]"})
	if err != nil {
		t.Fatal(err)
	}
	rules := &velerov1.Backup{Spec: velerov1.BackupSpec{ResourcePolicy: &corev1.TypedLocalObjectReference{Name: "rules"}}}
	for name, c := range map[string]struct {
		began   time.Time
		backup  *velerov1.Backup
		claims  []string
		skipped []string
	}{
		"those that are older":                  {began: backupBegan, backup: &velerov1.Backup{}, claims: []string{"shop/old"}},
		"all, if its time is not known":         {backup: &velerov1.Backup{}, claims: []string{"shop/new", "shop/old"}},
		"of which its policy may leave out one": {began: backupBegan, backup: rules, claims: []string{"shop/old"}, skipped: []string{"shop/old"}},
		"which nobody asks if it is gone":       {began: backupBegan, claims: []string{"shop/old"}},
	} {
		o := NewObserver(Run{Sources: []string{"shop"}, Sandboxes: []string{"box"}, BackupBegan: c.began, Backup: c.backup})
		for _, pvc := range []*corev1.PersistentVolumeClaim{claim("old", backupBegan.Add(-time.Second)), claim("new", backupBegan.Add(time.Second))} {
			o.Source("shop", schema.GroupKind{}, pvc)
		}
		o.Beside(&corev1.PersistentVolume{Spec: corev1.PersistentVolumeSpec{
			ClaimRef:               &corev1.ObjectReference{Namespace: "shop", Name: "old"},
			PersistentVolumeSource: corev1.PersistentVolumeSource{CSI: &corev1.CSIPersistentVolumeSource{Driver: "d"}},
		}})
		o.Policy(skip)
		l := o.Result()
		if diff := cmp.Diff(c.claims, sets.List(sets.KeySet(l.Production.Claims))); diff != "" {
			t.Errorf("%s: claims (-want +got):\n%s", name, diff)
		}
		if !l.Backup.Skipped.Equal(sets.New(c.skipped...)) || l.Backup.Gone != (c.backup == nil) {
			t.Errorf("%s: skipped %v, gone %t", name, l.Backup.Skipped, l.Backup.Gone)
		}
	}
}

func TestCronJobsNameClaimsIfTheyCameBack(t *testing.T) {
	o := NewObserver(Run{Restore: "restore"})
	for name, restore := range map[string]string{"ours": "restore", "another": "other"} {
		o.Sandbox("shop", schema.GroupKind{}, &batchv1.CronJob{ObjectMeta: metav1.ObjectMeta{Name: name, Labels: map[string]string{velerov1.RestoreNameLabel: restore}}})
	}
	if l := o.Result(); len(l.Workloads) != 1 || l.Workloads[0].Name != "CronJob/ours" {
		t.Errorf("%+v", l.Workloads)
	}
}

func TestVolumesThatAreReadAgainCountOnce(t *testing.T) {
	o := NewObserver(Run{Sandboxes: []string{"box"}})
	bound := func(name string) *corev1.PersistentVolume {
		return &corev1.PersistentVolume{ObjectMeta: metav1.ObjectMeta{Name: name}, Spec: corev1.PersistentVolumeSpec{ClaimRef: &corev1.ObjectReference{Namespace: "box"}}}
	}
	o.Beside(bound("gone meanwhile"))
	o.Anew()
	o.Beside(bound("pv"))
	if all := o.Result().Inventory.Bound(); len(all) != 1 || all[0].Name != "pv" {
		t.Errorf("%+v", all)
	}
}

func TestPodsOfAVolumeAreThoseThatWereRead(t *testing.T) {
	o := NewObserver(Run{})
	o.PodsRead("shop")
	if l := o.Result(); !l.Production.Read.Equal(sets.New("shop")) {
		t.Errorf("%v", l.Production.Read)
	}
	if b := BackupOf(nil); !b.Gone || strings.TrimSpace(b.Policy) != "" {
		t.Errorf("%+v", b)
	}
}
