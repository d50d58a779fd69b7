package cleanup

import (
	"testing"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	kubefake "k8s.io/client-go/kubernetes/fake"
	"k8s.io/client-go/tools/cache"

	"github.com/kymaros/kymaros/pkg/apis/restore/v1alpha1"
)

// The cache shows what carries our label. Of a sandbox that it does not show nobody may say that nothing is left.
func TestASandboxThatTheCacheDoesNotShowIsNotForgotten(t *testing.T) {
	without := func(label string) func(*corev1.Namespace) {
		return func(ns *corev1.Namespace) { delete(ns.Labels, label) }
	}
	for name, c := range map[string]struct {
		edit     func(*corev1.Namespace)
		lost     string
		again    bool
		relabels int
	}{
		"it has lost the label, and gets it back": {without(v1alpha1.LabelManagedBy), "", true, 1},
		"the cache is behind":                     {func(*corev1.Namespace) {}, "", true, 0},
		"it has lost its run":                     {without(v1alpha1.LabelRun), "sbx", false, 0},
		"it says that it is another test's":       {func(ns *corev1.Namespace) { ns.Annotations[v1alpha1.AnnotationRestoreTest] = "prod/other" }, "sbx", false, 0},
		"another namespace has its name":          {func(ns *corev1.Namespace) { ns.UID = "other" }, "", false, 0},
	} {
		t.Run(name, func(t *testing.T) {
			kube := kubefake.NewClientset(ending(c.edit))
			rt := &v1alpha1.RestoreTest{ObjectMeta: metav1.ObjectMeta{Namespace: "prod", Name: "shop"}, Status: v1alpha1.RestoreTestStatus{
				Run:     &v1alpha1.RunStatus{ID: "run"},
				Sandbox: &v1alpha1.SandboxStatus{RunID: "run", Namespaces: []v1alpha1.SandboxNamespace{{Name: "sbx", UID: "uid", Source: "shop"}}},
			}}
			gone, lost, err := (&Controller{kube: kube}).former(t.Context(), rt)
			if lost != c.lost || apierrors.IsConflict(err) != c.again || err != nil && !c.again || len(gone) > 0 {
				t.Errorf("gone %v, lost %q, error %v", gone, lost, err)
			}
			patches := 0
			for _, a := range kube.Actions() {
				if a.GetVerb() == "patch" {
					patches++
				}
			}
			live, err := kube.CoreV1().Namespaces().Get(t.Context(), "sbx", metav1.GetOptions{})
			if err != nil {
				t.Fatal(err)
			}
			if patches != c.relabels || c.again && live.Labels[v1alpha1.LabelManagedBy] != v1alpha1.ManagedBy {
				t.Errorf("%d patches, labels %v", patches, live.Labels)
			}
		})
	}
}

// The finalizer goes when the schedule has written that the run is over: before, the two writes would only meet.
func TestTheFinalizerGoesWhenTheRunIsSaidToBeOver(t *testing.T) {
	for name, c := range map[string]struct {
		phase   v1alpha1.Phase
		deleted bool
		want    int
	}{
		"it is about to be said":      {v1alpha1.PhaseRunning, false, 0},
		"it is said":                  {v1alpha1.PhaseCompleted, false, 1},
		"a deleted test says no more": {v1alpha1.PhaseRunning, true, 1},
	} {
		t.Run(name, func(t *testing.T) {
			s := newStage(t)
			rt := &v1alpha1.RestoreTest{
				ObjectMeta: metav1.ObjectMeta{Namespace: "prod", Name: "shop", ResourceVersion: "1", Finalizers: []string{v1alpha1.Finalizer}},
				Status: v1alpha1.RestoreTestStatus{
					Phase: c.phase, Run: &v1alpha1.RunStatus{ID: "run", StartTime: metav1.Now(), Deadline: metav1.Now()}, Cleanup: &v1alpha1.CleanupStatus{RunID: "run"},
					Conditions: []metav1.Condition{{Type: v1alpha1.ConditionCleanedUp, Status: metav1.ConditionTrue, Reason: v1alpha1.ReasonNothingLeft}},
				},
			}
			if c.deleted {
				rt.DeletionTimestamp = new(metav1.Now())
			}
			if err := s.client.Tracker().Add(rt); err != nil {
				t.Fatal(err)
			}
			if _, err := s.finish(t.Context(), cache.MetaObjectToName(rt), rt, ""); err != nil {
				t.Fatal(err)
			}
			if n := len(s.client.Actions()); n != c.want {
				t.Errorf("%d requests, want %d", n, c.want)
			}
		})
	}
}

// What was seen to go, with all that was looked for before, is not asked for once more.
func TestASandboxThatWentHereIsNotAskedForAgain(t *testing.T) {
	for name, c := range map[string]struct {
		finalizers []string
		want       int
	}{
		"it went with our finalizer":         {nil, 0},
		"somebody else's finalizer holds it": {[]string{"example.com/hold"}, 1},
	} {
		t.Run(name, func(t *testing.T) {
			ns := ending(func(ns *corev1.Namespace) {
				ns.Finalizers, ns.Spec.Finalizers = append([]string{v1alpha1.Finalizer}, c.finalizers...), nil
			})
			kube := kubefake.NewClientset(ns)
			controller := &Controller{kube: kube}
			if err := controller.release(t.Context(), []*corev1.Namespace{ns}); err != nil {
				t.Fatal(err)
			}
			kube.ClearActions()
			rt := &v1alpha1.RestoreTest{ObjectMeta: metav1.ObjectMeta{Namespace: "prod", Name: "shop"}, Status: v1alpha1.RestoreTestStatus{
				Run:     &v1alpha1.RunStatus{ID: "run"},
				Sandbox: &v1alpha1.SandboxStatus{RunID: "run", Namespaces: []v1alpha1.SandboxNamespace{{Name: ns.Name, UID: ns.UID, Source: "shop"}}},
			}}
			if _, _, err := controller.former(t.Context(), rt); err != nil && !apierrors.IsConflict(err) {
				t.Fatal(err)
			}
			if n := len(kube.Actions()); n != c.want {
				t.Errorf("%d requests, want %d", n, c.want)
			}
		})
	}
}
