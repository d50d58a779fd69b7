package plane

import (
	"context"
	"fmt"
	"os"
	"sync"
	"time"

	velerov1 "github.com/vmware-tanzu/velero/pkg/apis/velero/v1"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/util/intstr"
	"k8s.io/apimachinery/pkg/util/wait"
	"k8s.io/client-go/informers"
	"k8s.io/client-go/tools/cache"
	"k8s.io/client-go/util/retry"

	"github.com/kymaros/kymaros/pkg/generated/informers/externalversions"
)

// SecretValue is in the application's Secret, and must never leave it.
const SecretValue = "s3cr3t-of-the-application"

// StartFakes starts a Velero, which leaves the Restores alone that held names, and a kubelet.
func (c *Cluster) StartFakes(held func(*velerov1.Restore) bool) (stop func()) {
	ctx, cancel := context.WithCancel(context.Background())
	var wg sync.WaitGroup
	inBackground := func(what string, do func() error) {
		wg.Go(func() {
			// Velero and the kubelet live on while the API server restarts.
			err := retry.OnError(wait.Backoff{Duration: 500 * time.Millisecond, Factor: 1, Steps: 240}, unanswered, do)
			if err != nil && ctx.Err() == nil && !apierrors.IsNotFound(err) {
				fmt.Fprintf(os.Stderr, "%s: %s: %v\n", c.Admin.UserAgent, what, err)
			}
		})
	}

	velero := externalversions.NewSharedInformerFactoryWithOptions(c.Kymaros, 0, externalversions.WithNamespace(VeleroNamespace))
	_, _ = velero.Velero().V1().Restores().Informer().AddEventHandler(cache.ResourceEventHandlerFuncs{AddFunc: func(obj any) {
		if r, ok := obj.(*velerov1.Restore); ok && r.Status.Phase == "" && !held(r) {
			inBackground("fake Velero", func() error { return c.RestoreAll(ctx, r) })
		}
	}})
	pods := informers.NewSharedInformerFactoryWithOptions(c.Kube, 0, informers.WithTweakListOptions(func(o *metav1.ListOptions) { o.LabelSelector = "becomes=ready" }))
	_, _ = pods.Core().V1().Pods().Informer().AddEventHandler(cache.ResourceEventHandlerFuncs{AddFunc: func(obj any) {
		if pod, ok := obj.(*corev1.Pod); ok {
			inBackground("fake kubelet", func() error { return c.MakeReady(ctx, pod) })
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

// unanswered tells whether the API server has not said anything about what was asked.
func unanswered(err error) bool {
	return apierrors.ReasonForError(err) == metav1.StatusReasonUnknown || apierrors.IsServiceUnavailable(err) || apierrors.IsInternalError(err)
}

// RestoreAll does what Velero does with a Restore of a backup that holds a small application.
func (c *Cluster) RestoreAll(ctx context.Context, r *velerov1.Restore) error {
	if err := c.SetPhase(ctx, r.Name, velerov1.RestorePhaseInProgress); err != nil {
		return err
	}
	err := c.RestoreObjects(ctx, r)
	if apierrors.IsForbidden(err) || apierrors.IsNotFound(err) { // the sandbox goes, say
		return c.SetPhase(ctx, r.Name, velerov1.RestorePhasePartiallyFailed, func(s *velerov1.RestoreStatus) { s.Errors = 1 })
	}
	if err != nil {
		return err
	}
	return c.SetPhase(ctx, r.Name, velerov1.RestorePhaseCompleted)
}

// RestoreObjects creates the objects of the backup in the sandboxes.
func (c *Cluster) RestoreObjects(ctx context.Context, r *velerov1.Restore) error {
	for _, sandbox := range r.Spec.NamespaceMapping {
		if err := c.CreateApplication(ctx, sandbox, map[string]string{velerov1.RestoreNameLabel: r.Name, velerov1.BackupNameLabel: r.Spec.BackupName}); err != nil {
			return err
		}
	}
	return nil
}

// SetPhase brings a Restore into a phase.
func (c *Cluster) SetPhase(ctx context.Context, name string, phase velerov1.RestorePhase, change ...func(*velerov1.RestoreStatus)) error {
	return retry.RetryOnConflict(retry.DefaultRetry, func() error {
		r, err := c.Kymaros.VeleroV1().Restores(VeleroNamespace).Get(ctx, name, metav1.GetOptions{})
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
		_, err = c.Kymaros.VeleroV1().Restores(VeleroNamespace).Update(ctx, r, metav1.UpdateOptions{})
		return err
	})
}

// CreateApplication creates a web server with its configuration. Every object gets the labels.
func (c *Cluster) CreateApplication(ctx context.Context, namespace string, labels map[string]string) error {
	return c.CreateApplicationThat(ctx, "ready", namespace, labels)
}

// CreateApplicationThat creates one whose pod becomes ready, or never.
func (c *Cluster) CreateApplicationThat(ctx context.Context, becomes, namespace string, labels map[string]string) error {
	meta := metav1.ObjectMeta{Name: "web", Namespace: namespace, Labels: labels}
	pod := map[string]string{"app": "web", "becomes": becomes}
	errs := make([]error, 0, 4)
	note := func(_ runtime.Object, err error) {
		if !apierrors.IsAlreadyExists(err) {
			errs = append(errs, err)
		}
	}
	note(c.Kube.CoreV1().ConfigMaps(namespace).Create(ctx, &corev1.ConfigMap{ObjectMeta: meta}, metav1.CreateOptions{}))
	note(c.Kube.CoreV1().Secrets(namespace).Create(ctx, &corev1.Secret{ObjectMeta: meta, StringData: map[string]string{"password": SecretValue}}, metav1.CreateOptions{}))
	note(c.Kube.CoreV1().Services(namespace).Create(ctx, &corev1.Service{ObjectMeta: meta, Spec: corev1.ServiceSpec{
		Selector: pod, Ports: []corev1.ServicePort{{Port: 80, TargetPort: intstr.FromInt32(8080)}},
	}}, metav1.CreateOptions{}))
	note(c.Kube.AppsV1().Deployments(namespace).Create(ctx, &appsv1.Deployment{ObjectMeta: meta, Spec: appsv1.DeploymentSpec{
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

// MakeReady does what a kubelet does with a pod whose containers start well.
func (c *Cluster) MakeReady(ctx context.Context, pod *corev1.Pod) error {
	pod = pod.DeepCopy()
	now := metav1.NewTime(time.Now())
	pod.Status.Phase = corev1.PodRunning
	pod.Status.Conditions = []corev1.PodCondition{{Type: corev1.PodReady, Status: corev1.ConditionTrue, LastTransitionTime: now}}
	_, err := c.Kube.CoreV1().Pods(pod.Namespace).UpdateStatus(ctx, pod, metav1.UpdateOptions{})
	if apierrors.IsConflict(err) {
		if pod, err = c.Kube.CoreV1().Pods(pod.Namespace).Get(ctx, pod.Name, metav1.GetOptions{}); err == nil {
			return c.MakeReady(ctx, pod)
		}
	}
	return err
}
