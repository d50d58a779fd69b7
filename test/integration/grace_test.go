package integration

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	velerov1 "github.com/vmware-tanzu/velero/pkg/apis/velero/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/kymaros/kymaros/pkg/apis/restore/v1alpha1"
)

// broker creates a pod that asks for eight minutes to stop, on a node where nobody stops it.
func broker(t *testing.T, namespace, name string) *corev1.Pod {
	t.Helper()
	pod := &corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{Name: name},
		Spec: corev1.PodSpec{
			NodeName: "grace-node", TerminationGracePeriodSeconds: new(int64(480)), AutomountServiceAccountToken: new(false),
			Containers: []corev1.Container{{Name: "broker", Image: "broker"}},
		},
	}
	var created *corev1.Pod
	eventually(t, stepTimeout, func(ctx context.Context) (err error) { // the ServiceAccount is the cluster's to make
		created, err = kube.CoreV1().Pods(namespace).Create(ctx, pod, metav1.CreateOptions{})
		return err
	})
	return created
}

// stopPod does what a kubelet does when a pod has stopped.
func stopPod(ctx context.Context, pod *corev1.Pod) error {
	return kube.CoreV1().Pods(pod.Namespace).Delete(ctx, pod.Name, metav1.DeleteOptions{GracePeriodSeconds: new(int64), Preconditions: metav1.NewUIDPreconditions(string(pod.UID))})
}

// It looks between two looks of the cluster, so it runs alone.
func TestPodsOfASandboxGetNoGraceWhateverTheyAskFor(t *testing.T) {
	c := alone(t)
	const name = "graceless"
	source(t, "src-"+name)
	production := broker(t, "src-"+name, "broker")
	rt, r := inSandbox(t, name)
	running := broker(t, rt.Status.SandboxNamespace, "running")
	stopping := broker(t, rt.Status.SandboxNamespace, "stopping")
	if err := kube.CoreV1().Pods(stopping.Namespace).Delete(t.Context(), stopping.Name, metav1.DeleteOptions{}); err != nil {
		t.Fatal(err)
	}
	phase(t, r, velerov1.RestorePhaseFailed)
	await(t, rt, v1alpha1.ConditionReported, metav1.ConditionTrue, v1alpha1.ReasonReportWritten)
	for _, pod := range []*corev1.Pod{running, stopping} {
		eventually(t, stepTimeout, func(ctx context.Context) error { // the cluster leaves a pod all the time that it asks for
			now, err := kube.CoreV1().Pods(pod.Namespace).Get(ctx, pod.Name, metav1.GetOptions{})
			if err != nil {
				return err
			}
			if grace := now.DeletionGracePeriodSeconds; grace == nil || *grace > 2 {
				return fmt.Errorf("pod %s: deleted at %v, grace %v", pod.Name, now.DeletionTimestamp, grace)
			}
			return nil
		})
		if err := stopPod(t.Context(), pod); err != nil {
			t.Fatal(err)
		}
	}
	began := time.Now()
	awaitEnd(t, rt)
	if took := time.Since(began); took > 2*time.Minute {
		t.Errorf("cleaned up %v after its pods had stopped", took)
	}
	requests := c.seen(func(r *request) bool {
		return r.method == "DELETE" && strings.HasSuffix(r.path, "/namespaces/"+rt.Status.SandboxNamespace+"/pods")
	})
	// On a busy machine another look may come before the watch has told what the first request did.
	if len(requests) < 1 || len(requests) > 3 {
		t.Errorf("%d requests to delete all pods of the sandbox, want 1", len(requests))
	}
	now, err := kube.CoreV1().Pods(production.Namespace).Get(t.Context(), production.Name, metav1.GetOptions{})
	if err == nil && (now.UID != production.UID || now.DeletionTimestamp != nil) {
		err = errors.New("it was deleted")
	}
	if err != nil {
		t.Errorf("the pod of production: %v", err)
	}
}
