package integration

import (
	"context"
	"fmt"
	"os"
	"sync"
	"testing"
	"time"

	velerov1 "github.com/vmware-tanzu/velero/pkg/apis/velero/v1"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/util/intstr"
	"k8s.io/client-go/informers"
	"k8s.io/client-go/tools/cache"
	"k8s.io/client-go/util/retry"

	"github.com/kymaros/kymaros/pkg/apis/restore/v1alpha1"
	"github.com/kymaros/kymaros/pkg/generated/informers/externalversions"
)

// startFakes starts a Velero and a kubelet for the whole package.
func startFakes() (stop func()) {
	ctx, cancel := context.WithCancel(context.Background())
	var wg sync.WaitGroup
	inBackground := func(what string, do func() error) {
		wg.Go(func() {
			if err := do(); err != nil && ctx.Err() == nil && !apierrors.IsNotFound(err) {
				fmt.Fprintf(os.Stderr, "integration: %s: %v\n", what, err)
			}
		})
	}

	velero := externalversions.NewSharedInformerFactoryWithOptions(kymaros, 0, externalversions.WithNamespace(veleroNamespace))
	_, _ = velero.Velero().V1().Restores().Informer().AddEventHandler(cache.ResourceEventHandlerFuncs{AddFunc: func(obj any) {
		r, ok := obj.(*velerov1.Restore)
		if _, held := heldRestores.Load(r.Labels[v1alpha1.LabelTest]); ok && !held && r.Status.Phase == "" {
			inBackground("fake Velero", func() error { return restoreAll(ctx, r) })
		}
	}})
	pods := informers.NewSharedInformerFactoryWithOptions(kube, 0, informers.WithTweakListOptions(func(o *metav1.ListOptions) { o.LabelSelector = "becomes=ready" }))
	_, _ = pods.Core().V1().Pods().Informer().AddEventHandler(cache.ResourceEventHandlerFuncs{AddFunc: func(obj any) {
		if pod, ok := obj.(*corev1.Pod); ok {
			inBackground("fake kubelet", func() error { return makeReady(ctx, pod) })
		}
	}})
	velero.Start(ctx.Done())
	pods.Start(ctx.Done())
	return func() {
		cancel()
		velero.Shutdown()
		pods.Shutdown()
		wg.Wait()
	}
}

// heldRestores are the RestoreTests, by name, whose Restores are left to the test.
var heldRestores sync.Map

// holdRestores makes the fake Velero leave the Restores of a RestoreTest alone: the test plays Velero itself.
func holdRestores(t *testing.T, test string) {
	heldRestores.Store(test, true)
	t.Cleanup(func() { heldRestores.Delete(test) })
}

// restoreAll does what Velero does with a Restore of a backup that holds a small application.
func restoreAll(ctx context.Context, r *velerov1.Restore) error {
	if err := setPhase(ctx, r.Name, velerov1.RestorePhaseInProgress); err != nil {
		return err
	}
	if err := restoreObjects(ctx, r); err != nil {
		return err
	}
	return setPhase(ctx, r.Name, velerov1.RestorePhaseCompleted)
}

// restoreObjects creates the objects of the backup in the sandboxes.
func restoreObjects(ctx context.Context, r *velerov1.Restore) error {
	for _, sandbox := range r.Spec.NamespaceMapping {
		if err := createApplication(ctx, sandbox, map[string]string{velerov1.RestoreNameLabel: r.Name, velerov1.BackupNameLabel: r.Spec.BackupName}); err != nil {
			return err
		}
	}
	return nil
}

// setPhase brings a Restore into a phase.
func setPhase(ctx context.Context, name string, phase velerov1.RestorePhase, change ...func(*velerov1.RestoreStatus)) error {
	return retry.RetryOnConflict(retry.DefaultRetry, func() error {
		r, err := kymaros.VeleroV1().Restores(veleroNamespace).Get(ctx, name, metav1.GetOptions{})
		if err != nil {
			return err
		}
		now := metav1.Now()
		r.Status.Phase = phase
		switch phase {
		case velerov1.RestorePhaseInProgress:
			r.Status.StartTimestamp = &now
		case velerov1.RestorePhaseCompleted, velerov1.RestorePhasePartiallyFailed, velerov1.RestorePhaseFailed:
			r.Status.CompletionTimestamp = &now
			r.Status.Progress = &velerov1.RestoreProgress{TotalItems: 5, ItemsRestored: 5}
		case velerov1.RestorePhaseFailedValidation:
		}
		for _, f := range change {
			f(&r.Status)
		}
		_, err = kymaros.VeleroV1().Restores(veleroNamespace).Update(ctx, r, metav1.UpdateOptions{})
		return err
	})
}

// createApplication creates a web server with its configuration. Every object gets the labels.
func createApplication(ctx context.Context, namespace string, labels map[string]string) error {
	return createApplicationThat(ctx, "ready", namespace, labels)
}

// createApplicationThat creates one whose pod becomes ready, or never.
func createApplicationThat(ctx context.Context, becomes, namespace string, labels map[string]string) error {
	meta := metav1.ObjectMeta{Name: "web", Namespace: namespace, Labels: labels}
	pod := map[string]string{"app": "web", "becomes": becomes}
	errs := make([]error, 0, 4)
	note := func(_ runtime.Object, err error) {
		if !apierrors.IsAlreadyExists(err) {
			errs = append(errs, err)
		}
	}
	note(kube.CoreV1().ConfigMaps(namespace).Create(ctx, &corev1.ConfigMap{ObjectMeta: meta}, metav1.CreateOptions{}))
	note(kube.CoreV1().Secrets(namespace).Create(ctx, &corev1.Secret{ObjectMeta: meta, StringData: map[string]string{"password": secretValue}}, metav1.CreateOptions{}))
	note(kube.CoreV1().Services(namespace).Create(ctx, &corev1.Service{ObjectMeta: meta, Spec: corev1.ServiceSpec{
		Selector: pod, Ports: []corev1.ServicePort{{Port: 80, TargetPort: intstr.FromInt32(8080)}},
	}}, metav1.CreateOptions{}))
	note(kube.AppsV1().Deployments(namespace).Create(ctx, &appsv1.Deployment{ObjectMeta: meta, Spec: appsv1.DeploymentSpec{
		Selector: &metav1.LabelSelector{MatchLabels: pod},
		Template: corev1.PodTemplateSpec{
			ObjectMeta: metav1.ObjectMeta{Labels: pod},
			Spec:       corev1.PodSpec{Containers: []corev1.Container{{Name: "web", Image: "web"}}},
		},
	}}, metav1.CreateOptions{}))
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}

// secretValue must never leave the Secret that it is in.
const secretValue = "s3cr3t-of-the-application"

// makeReady does what a kubelet does with a pod whose containers start well.
func makeReady(ctx context.Context, pod *corev1.Pod) error {
	pod = pod.DeepCopy()
	now := metav1.NewTime(time.Now())
	pod.Status.Phase = corev1.PodRunning
	pod.Status.Conditions = []corev1.PodCondition{{Type: corev1.PodReady, Status: corev1.ConditionTrue, LastTransitionTime: now}}
	_, err := kube.CoreV1().Pods(pod.Namespace).UpdateStatus(ctx, pod, metav1.UpdateOptions{})
	if apierrors.IsConflict(err) {
		if pod, err = kube.CoreV1().Pods(pod.Namespace).Get(ctx, pod.Name, metav1.GetOptions{}); err == nil {
			return makeReady(ctx, pod)
		}
	}
	return err
}
