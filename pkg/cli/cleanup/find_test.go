package cleanup

import (
	"fmt"
	"slices"
	"testing"
	"time"

	velerov1 "github.com/vmware-tanzu/velero/pkg/apis/velero/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/kymaros/kymaros/pkg/apis/restore/v1alpha1"
)

func TestOnlyWhatNoRunNeedsIsLeftOver(t *testing.T) {
	now := time.Date(2026, 11, 26, 10, 0, 0, 0, time.UTC)
	meta := func() metav1.ObjectMeta {
		return metav1.ObjectMeta{Name: "rp-1", Labels: map[string]string{v1alpha1.LabelManagedBy: v1alpha1.ManagedBy, v1alpha1.LabelRun: "run-1"},
			Annotations: map[string]string{v1alpha1.AnnotationRestoreTest: "team/shop"}}
	}
	active := func() *v1alpha1.RestoreTest {
		rt := &v1alpha1.RestoreTest{ObjectMeta: metav1.ObjectMeta{Namespace: "team", Name: "shop"}}
		rt.Status.Run = &v1alpha1.RunStatus{ID: "run-1", StartTime: metav1.NewTime(now.Add(-time.Minute))}
		return rt
	}
	for sentence, c := range map[string]struct {
		change          func(*metav1.ObjectMeta, *v1alpha1.RestoreTest)
		leftOver, inUse int
	}{
		"its run is under way":      {func(*metav1.ObjectMeta, *v1alpha1.RestoreTest) {}, 0, 2},
		"another run is under way":  {func(_ *metav1.ObjectMeta, rt *v1alpha1.RestoreTest) { rt.Status.Run.ID = "run-2" }, 2, 0},
		"its test is gone":          {func(_ *metav1.ObjectMeta, rt *v1alpha1.RestoreTest) { rt.Name = "other" }, 2, 0},
		"its test is being deleted": {func(_ *metav1.ObjectMeta, rt *v1alpha1.RestoreTest) { rt.DeletionTimestamp = &metav1.Time{Time: now} }, 0, 2},
		"its run is cleaned up": {func(_ *metav1.ObjectMeta, rt *v1alpha1.RestoreTest) {
			rt.Status.Cleanup = &v1alpha1.CleanupStatus{RunID: "run-1"}
			rt.Status.Conditions = []metav1.Condition{{Type: v1alpha1.ConditionCleanedUp, Status: metav1.ConditionTrue}}
		}, 2, 0},
		"its test is being deleted after the run": {func(_ *metav1.ObjectMeta, rt *v1alpha1.RestoreTest) {
			rt.DeletionTimestamp = &metav1.Time{Time: now}
			rt.Status.Cleanup = &v1alpha1.CleanupStatus{RunID: "run-1"}
			rt.Status.Conditions = []metav1.Condition{{Type: v1alpha1.ConditionCleanedUp, Status: metav1.ConditionTrue}}
		}, 0, 2},
		"a namespace that names no test": {func(m *metav1.ObjectMeta, _ *v1alpha1.RestoreTest) { m.Annotations = nil }, 1, 0},
		"it is not ours":                 {func(m *metav1.ObjectMeta, _ *v1alpha1.RestoreTest) { delete(m.Labels, v1alpha1.LabelManagedBy) }, 0, 0},
	} {
		m, rt := meta(), active()
		c.change(&m, rt)
		got := Find([]corev1.Namespace{{ObjectMeta: m}}, []velerov1.Restore{{ObjectMeta: m}}, []*v1alpha1.RestoreTest{rt}, now)
		if len(got.LeftOver) != c.leftOver || len(got.InUse) != c.inUse {
			t.Errorf("%s: %+v", sentence, got)
		}
	}
}

func TestWhatIsFoundIsInOrderAndSaysWhatBecomesOfIt(t *testing.T) {
	now := time.Date(2026, 11, 26, 10, 0, 0, 0, time.UTC)
	meta := func(name string, going bool) metav1.ObjectMeta {
		m := metav1.ObjectMeta{Name: name, UID: types.UID("uid-" + name), CreationTimestamp: metav1.NewTime(now.Add(-time.Hour)),
			Labels: map[string]string{v1alpha1.LabelManagedBy: v1alpha1.ManagedBy}, Annotations: map[string]string{v1alpha1.AnnotationRestoreTest: "team/gone"}}
		if going {
			m.DeletionTimestamp = &metav1.Time{Time: now}
		}
		return m
	}
	leaks := &v1alpha1.RestoreTest{ObjectMeta: metav1.ObjectMeta{Namespace: "team", Name: "shop"}}
	leaks.Status.Cleanup = &v1alpha1.CleanupStatus{RunID: "run-1", Leaked: []v1alpha1.Leak{{Object: "PersistentVolume/pv-2", Reason: "shared"}, {Object: "PersistentVolume/pv-1", Reason: "shared"}}}
	got := Find([]corev1.Namespace{{ObjectMeta: meta("b", true)}, {ObjectMeta: meta("a", false)}}, []velerov1.Restore{{ObjectMeta: meta("r", true)}}, []*v1alpha1.RestoreTest{leaks}, now)
	var all []string
	for _, i := range append(got.LeftOver, got.Untouchable...) {
		all = append(all, fmt.Sprintf("%s/%s of %s, %s, going %t", i.Kind, i.Name, i.Test, i.Why, i.Going))
	}
	want := []string{
		"Namespace/a of team/gone, its test is gone, going false", "Namespace/b of team/gone, its test is gone, going true", "Restore/r of team/gone, its test is gone, going true",
		"PersistentVolume/pv-1 of team/shop, shared, going false", "PersistentVolume/pv-2 of team/shop, shared, going false",
	}
	if !slices.Equal(all, want) || got.LeftOver[0].UID != "uid-a" || got.LeftOver[0].Age != time.Hour {
		t.Errorf("%q %+v", all, got.LeftOver)
	}
}
