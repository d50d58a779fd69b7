package bench

import (
	"context"
	"time"

	velerov1 "github.com/vmware-tanzu/velero/pkg/apis/velero/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/watch"

	"github.com/kymaros/kymaros/pkg/apis/restore/v1alpha1"
	"github.com/kymaros/kymaros/pkg/conditions"
	"github.com/kymaros/kymaros/test/e2e/stage"
)

// observation is when what was seen of a run.
type observation struct {
	created   time.Time // the RestoreTest
	guarded   time.Time // SandboxReady
	restoring time.Time // Velero has begun
	restored  time.Time // Velero has completed
	podsReady time.Time // the last pod of the sandboxes became ready
	checked   time.Time // HealthChecked
	reported  time.Time // the report has its status
	cleaned   time.Time // CleanedUp

	ready map[string]bool
}

// seen is an object as it was at a time.
type seen struct {
	at     time.Time
	object runtime.Object
}

// watchAll watches all that the run of rt, which does not exist yet, will change.
func watchAll(ctx context.Context, rt *v1alpha1.RestoreTest) (<-chan seen, error) {
	of := metav1.ListOptions{LabelSelector: v1alpha1.LabelTest + "=" + rt.Name}
	all := make(chan seen, 1000)
	for _, begin := range []func() (watch.Interface, error){
		func() (watch.Interface, error) {
			return cluster.Kymaros.RestoreV1alpha1().RestoreTests(rt.Namespace).Watch(ctx, metav1.ListOptions{FieldSelector: "metadata.name=" + rt.Name})
		},
		func() (watch.Interface, error) {
			return cluster.Kymaros.RestoreV1alpha1().RestoreReports(rt.Namespace).Watch(ctx, of)
		},
		func() (watch.Interface, error) {
			return cluster.Kymaros.VeleroV1().Restores(stage.VeleroNamespace).Watch(ctx, of)
		},
		// No pod carries our labels: which are in a sandbox is known later.
		func() (watch.Interface, error) {
			return cluster.Kube.CoreV1().Pods(metav1.NamespaceAll).Watch(ctx, metav1.ListOptions{})
		},
	} {
		w, err := begin()
		if err != nil {
			return nil, err
		}
		go func() {
			defer w.Stop()
			for event := range w.ResultChan() {
				if event.Type == watch.Deleted {
					continue
				}
				select {
				case all <- seen{time.Now(), event.Object}:
				case <-ctx.Done():
					return
				}
			}
		}()
	}
	return all, nil
}

// note takes down the first time of everything.
func (o *observation) note(rt *v1alpha1.RestoreTest, s seen) {
	first := func(when *time.Time, happened bool) {
		if happened && when.IsZero() {
			*when = s.at
		}
	}
	switch object := s.object.(type) {
	case *v1alpha1.RestoreTest:
		first(&o.guarded, conditions.Is(object, v1alpha1.ConditionSandboxReady, metav1.ConditionTrue))
		first(&o.checked, conditions.Decided(conditions.ForRun(object, v1alpha1.ConditionHealthChecked)))
		first(&o.cleaned, conditions.Is(object, v1alpha1.ConditionCleanedUp, metav1.ConditionTrue))
	case *v1alpha1.RestoreReport:
		first(&o.reported, object.Status != nil)
	case *velerov1.Restore:
		first(&o.restoring, object.Status.StartTimestamp != nil)
		first(&o.restored, object.Status.Phase == velerov1.RestorePhaseCompleted)
	case *corev1.Pod:
		// Names of sandboxes begin like this; the namespace of a pod is all there is to go by.
		if o.ready == nil {
			o.ready = map[string]bool{}
		}
		if inSandbox(object.Namespace, rt.Name) && stage.Ready(object) && !o.ready[string(object.UID)] {
			o.ready[string(object.UID)] = true
			o.podsReady = s.at
		}
	}
}

// inSandbox tells whether the namespace is a sandbox of the test.
func inSandbox(namespace, test string) bool {
	prefix := "rp-test-" + test + "-"
	return len(namespace) == len(prefix)+6 && namespace[:len(prefix)] == prefix
}
