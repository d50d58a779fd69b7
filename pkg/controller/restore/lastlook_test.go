package restore

import (
	"errors"
	"testing"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes/fake"

	"github.com/kymaros/kymaros/pkg/apis/restore/v1alpha1"
	kymarosfake "github.com/kymaros/kymaros/pkg/generated/clientset/versioned/fake"
	"github.com/kymaros/kymaros/pkg/names"
)

func TestLastLook(t *testing.T) {
	type world struct {
		rt         *v1alpha1.RestoreTest // as the API server has it
		shop, db   *corev1.Namespace
		cached     string // resource version of the version that was decided from
		namespaces []*corev1.Namespace
	}
	sandbox := func(rt *v1alpha1.RestoreTest, source, name string) *corev1.Namespace {
		ns := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: name, UID: "uid-", Labels: names.Labels(rt, name), Annotations: names.Annotations(rt)}}
		ns.Annotations[v1alpha1.AnnotationSource] = source
		return ns
	}
	for name, c := range map[string]struct {
		change   func(*world)
		lost     bool
		conflict bool
	}{
		"what SandboxReady told of is still there": {change: func(*world) {}},
		"a sandbox is gone":                        {change: func(w *world) { w.namespaces = w.namespaces[:1] }, lost: true},
		"a sandbox is going":                       {change: func(w *world) { w.db.DeletionTimestamp, w.db.Finalizers = &metav1.Time{Time: now}, []string{"x"} }, lost: true},
		"a sandbox was made anew":                  {change: func(w *world) { w.db.UID = "other" }, lost: true},
		"a sandbox has lost a label":               {change: func(w *world) { delete(w.db.Labels, v1alpha1.LabelManagedBy) }, lost: true},
		"an older version made it, with a label less": {change: func(w *world) {
			delete(w.shop.Labels, v1alpha1.LabelRestoreTestNamespace)
			delete(w.db.Labels, v1alpha1.LabelRestoreTestNamespace)
		}},
		"a sandbox is of a namesake":          {change: func(w *world) { w.db.Labels[v1alpha1.LabelRestoreTestNamespace] = "other" }, lost: true},
		"a sandbox stands for another source": {change: func(w *world) { w.db.Annotations[v1alpha1.AnnotationSource] = "other" }, lost: true},
		"a sandbox is of another test":        {change: func(w *world) { w.db.Annotations[v1alpha1.AnnotationRestoreTest] = "team/other" }, lost: true},
		"the status names a namespace of production": {change: func(w *world) {
			w.rt.Status.Sandbox.Namespaces[0].Name = "billing"
			w.namespaces = append(w.namespaces, &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: "billing"}})
		}, lost: true},
		"the status names no sandbox": {change: func(w *world) { w.rt.Status.Sandbox.Namespaces = nil }, lost: true},
		"the guards were changed":     {change: func(w *world) { w.rt.Status.Sandbox.Violations = []string{"quota"} }, lost: true},
		"the test has changed since":  {change: func(w *world) { w.cached = "1" }, conflict: true},
	} {
		t.Run(name, func(t *testing.T) {
			rt := test()
			rt.ResourceVersion = "2"
			w := world{rt: rt, cached: "2", shop: sandbox(rt, "shop", "sbx-shop"), db: sandbox(rt, "db", "sbx-db")}
			w.namespaces = []*corev1.Namespace{w.shop, w.db}
			c.change(&w)
			kube := fake.NewClientset()
			for _, ns := range w.namespaces {
				if err := kube.Tracker().Add(ns); err != nil {
					t.Fatal(err)
				}
			}
			for i := range w.rt.Status.Sandbox.Namespaces {
				w.rt.Status.Sandbox.Namespaces[i].UID = "uid-"
			}
			controller := Controller{kube: kube, client: kymarosfake.NewClientset(w.rt)}
			decidedFrom := w.rt.DeepCopy()
			decidedFrom.ResourceVersion = w.cached
			err := controller.lastLook(t.Context(), decidedFrom)
			var lost sandboxLostError
			if errors.As(err, &lost) != c.lost || apierrors.IsConflict(err) != c.conflict || (err != nil) != (c.lost || c.conflict) {
				t.Errorf("got %v, want lost %v, conflict %v", err, c.lost, c.conflict)
			}
			if !c.lost {
				return
			}
			if refused, _ := refusal(metav1.Condition{}, "nightly", err); refused.Reason != v1alpha1.ReasonSandboxLost {
				t.Errorf("the condition is %+v", refused)
			}
		})
	}
}
