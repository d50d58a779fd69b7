package cleanup

import (
	"testing"
	"time"

	velerov1 "github.com/vmware-tanzu/velero/pkg/apis/velero/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/tools/cache"

	"github.com/kymaros/kymaros/pkg/apis/restore/v1alpha1"
	"github.com/kymaros/kymaros/pkg/conditions"
	velerolisters "github.com/kymaros/kymaros/pkg/generated/listers/velero/v1"
)

// The cache may still show a Restore that is gone by the time the API server is asked; and of a sandbox that has lost its label it shows
// nothing. That both are gone is no reason to say so before the sandbox was looked for by its name.
func TestNothingIsSaidToBeLeftBeforeTheSandboxWasLookedFor(t *testing.T) {
	s := newStage(t)
	key, now := cache.NewObjectName("prod", "shop"), metav1.Now()
	rt := &v1alpha1.RestoreTest{
		ObjectMeta: metav1.ObjectMeta{Namespace: key.Namespace, Name: key.Name, ResourceVersion: "1"},
		Status: v1alpha1.RestoreTestStatus{
			Run:     &v1alpha1.RunStatus{ID: "run", StartTime: now, Deadline: metav1.NewTime(now.Add(time.Hour))},
			Sandbox: &v1alpha1.SandboxStatus{RunID: "run", Namespaces: []v1alpha1.SandboxNamespace{{Name: "sbx", UID: "uid", Source: "shop"}}},
			Report:  &v1alpha1.ReportStatus{RunID: "run"}, Cleanup: &v1alpha1.CleanupStatus{RunID: "run"},
			Conditions: []metav1.Condition{
				{Type: v1alpha1.ConditionReported, Status: metav1.ConditionTrue, Reason: v1alpha1.ReasonReportWritten},
				{Type: v1alpha1.ConditionCleanedUp, Status: metav1.ConditionUnknown, Reason: v1alpha1.ReasonDeletingRestore},
			},
		},
	}
	ns := ending(func(ns *corev1.Namespace) { delete(ns.Labels, v1alpha1.LabelManagedBy) })
	restore := &velerov1.Restore{ObjectMeta: metav1.ObjectMeta{Namespace: "velero", Name: "kymaros-shop", Labels: map[string]string{
		v1alpha1.LabelManagedBy: v1alpha1.ManagedBy, v1alpha1.LabelTest: key.Name, v1alpha1.LabelRestoreTestNamespace: key.Namespace, v1alpha1.LabelRun: "run",
	}, Annotations: ns.Annotations}, Status: velerov1.RestoreStatus{Phase: velerov1.RestorePhaseCompleted}}
	shown := cache.NewIndexer(cache.MetaNamespaceKeyFunc, cache.Indexers{})
	for _, err := range []error{s.client.Tracker().Add(rt), s.tests.Add(rt), shown.Add(restore)} {
		if err != nil {
			t.Fatal(err)
		}
	}
	s.restores = velerolisters.NewRestoreLister(shown)
	if _, err := s.kube.CoreV1().Namespaces().Create(t.Context(), ns, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	if seen, err := s.observe(key, ""); err != nil || len(seen.restores) != 1 || len(seen.namespaces) != 0 {
		t.Fatalf("the cache shows %+v, %v", seen, err)
	}
	if _, err := s.sync(t.Context(), key); err == nil {
		t.Error("it does not look again")
	}
	after, err := s.client.RestoreV1alpha1().RestoreTests(key.Namespace).Get(t.Context(), key.Name, metav1.GetOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if conditions.Is(after, v1alpha1.ConditionCleanedUp, metav1.ConditionTrue) {
		t.Errorf("it is said that nothing is left: %+v", after.Status.Conditions)
	}
	live, err := s.kube.CoreV1().Namespaces().Get(t.Context(), ns.Name, metav1.GetOptions{})
	if err != nil || live.Labels[v1alpha1.LabelManagedBy] != v1alpha1.ManagedBy {
		t.Errorf("the sandbox has not got its label back: %v, %v", live.Labels, err)
	}
}
