package cleanup

import (
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes/fake"
	clienttesting "k8s.io/client-go/testing"
	"k8s.io/client-go/tools/cache"

	"github.com/kymaros/kymaros/pkg/apis/restore/v1alpha1"
)

// ending returns a sandbox of prod/shop that terminates.
func ending(edits ...func(*corev1.Namespace)) *corev1.Namespace {
	ns := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{
		Name: "sbx", UID: "uid", Finalizers: []string{v1alpha1.Finalizer}, DeletionTimestamp: &metav1.Time{Time: time.Now()},
		Labels: map[string]string{
			v1alpha1.LabelManagedBy: v1alpha1.ManagedBy, v1alpha1.LabelTestNamespace: "sbx", v1alpha1.LabelRun: "run", v1alpha1.LabelGroup: "run",
		},
		Annotations: map[string]string{v1alpha1.AnnotationRestoreTest: "prod/shop", v1alpha1.AnnotationSource: "shop"},
	}}
	for _, edit := range edits {
		edit(ns)
	}
	return ns
}

func TestPodsAreDeletedInTheSandboxThatWasSeenOnly(t *testing.T) {
	for name, c := range map[string]struct {
		live func(*corev1.Namespace)
		want int
	}{
		"the pods of a sandbox that terminates": {func(*corev1.Namespace) {}, 1},
		"not of one that lives":                 {func(ns *corev1.Namespace) { ns.DeletionTimestamp = nil }, 0},
		"not of another namespace of that name": {func(ns *corev1.Namespace) { ns.UID = "other" }, 0},
		"not of a namespace without our label":  {func(ns *corev1.Namespace) { delete(ns.Labels, v1alpha1.LabelManagedBy) }, 0},
		"not of one that is no sandbox":         {func(ns *corev1.Namespace) { delete(ns.Annotations, v1alpha1.AnnotationSource) }, 0},
		"not of another run": {func(ns *corev1.Namespace) {
			ns.Labels[v1alpha1.LabelRun], ns.Labels[v1alpha1.LabelGroup] = "next", "next"
		}, 0},
		"not of another test":                    {func(ns *corev1.Namespace) { ns.Annotations[v1alpha1.AnnotationRestoreTest] = "prod/mail" }, 0},
		"not of one that nothing keeps any more": {func(ns *corev1.Namespace) { ns.Finalizers = nil }, 0},
		"not of one that is gone, and no error":  {nil, 0},
	} {
		t.Run(name, func(t *testing.T) {
			kube := fake.NewClientset()
			if c.live != nil {
				kube = fake.NewClientset(ending(c.live))
			}
			controller := Controller{kube: kube}
			if err := controller.hurry(t.Context(), cache.NewObjectName("prod", "shop"), []*corev1.Namespace{ending()}); err != nil {
				t.Fatal(err)
			}
			deleted := 0
			for _, action := range kube.Actions() {
				if action.GetVerb() == "get" {
					continue
				}
				deleted++
				d, ok := action.(clienttesting.DeleteCollectionActionImpl)
				if !ok || d.Namespace != "sbx" || d.Resource.Resource != "pods" || *d.DeleteOptions.GracePeriodSeconds != 2 {
					t.Errorf("%+v", action)
				}
			}
			if deleted != c.want {
				t.Errorf("%d deletions, want %d", deleted, c.want)
			}
		})
	}
}

func TestPodsThatTakeTheirTime(t *testing.T) {
	deleted := func(grace *int64) *corev1.Pod {
		return &corev1.Pod{ObjectMeta: metav1.ObjectMeta{DeletionTimestamp: &metav1.Time{Time: time.Now()}, DeletionGracePeriodSeconds: grace}}
	}
	for name, c := range map[string]struct {
		pod  *corev1.Pod
		want bool
	}{
		"one that nobody has deleted":                  {&corev1.Pod{}, true},
		"one that was deleted with a grace of its own": {deleted(new(int64(30))), true},
		"one that is hurried already":                  {deleted(new(podGrace)), false},
		"one that is killed":                           {deleted(new(int64(0))), false},
		"one that a finalizer holds":                   {deleted(nil), false},
	} {
		if got := lingers(c.pod); got != c.want {
			t.Errorf("%s: %v, want %v", name, got, c.want)
		}
	}
}
