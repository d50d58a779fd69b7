package integration

import (
	"context"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/kymaros/kymaros/pkg/apis/restore/v1alpha1"
)

func TestASandboxTakesTwiceThePodsThatProductionRunsAndNoMore(t *testing.T) {
	t.Parallel()
	shared(t)
	const name = "large"
	source(t, "src-"+name)
	large := func(namespace, name string) error {
		pod := &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Name: name, Namespace: namespace, Labels: map[string]string{"becomes": "ready"}}}
		pod.Spec.Containers = []corev1.Container{{Name: "c", Image: "i", Resources: corev1.ResourceRequirements{
			Requests: corev1.ResourceList{corev1.ResourceMemory: resource.MustParse("8Gi"), corev1.ResourceCPU: resource.MustParse("6")},
		}}}
		_, err := kube.CoreV1().Pods(namespace).Create(t.Context(), pod, metav1.CreateOptions{})
		return err
	}
	// The default service account, without which there are no pods, comes with a delay.
	eventually(t, stepTimeout, func(context.Context) error { return large("src-"+name, "large") })

	rt, r := inSandbox(t, name)
	for _, pod := range []string{"first", "second"} {
		eventually(t, stepTimeout, func(context.Context) error { return large(rt.Status.SandboxNamespace, pod) })
	}
	if err := large(rt.Status.SandboxNamespace, "third"); !apierrors.IsForbidden(err) || !strings.Contains(err.Error(), "exceeded quota: "+quotaName) {
		t.Errorf("a test that says nothing takes three times what production runs: %v", err)
	}
	// Production changes while the run is under way, and its quota does not.
	if err := kube.CoreV1().Pods("src-"+name).Delete(t.Context(), "large", metav1.DeleteOptions{}); err != nil {
		t.Fatal(err)
	}
	finish(t, r)
	rt, _ = awaitEnd(t, rt)
	if len(rt.Status.Sandbox.Violations) > 0 {
		t.Errorf("violations %q", rt.Status.Sandbox.Violations)
	}
}

func TestAQuotaOfTheTestIsEnforced(t *testing.T) {
	t.Parallel()
	shared(t)
	rt, r := inSandbox(t, "quota", func(rt *v1alpha1.RestoreTest) {
		rt.Spec.Sandbox.ResourceQuota = v1alpha1.SandboxQuota{CPU: "1", Memory: "1Gi", Storage: "2Gi"}
	})
	claim := &corev1.PersistentVolumeClaim{ObjectMeta: metav1.ObjectMeta{Name: "large"}, Spec: corev1.PersistentVolumeClaimSpec{
		AccessModes: []corev1.PersistentVolumeAccessMode{corev1.ReadWriteOnce},
		Resources:   corev1.VolumeResourceRequirements{Requests: corev1.ResourceList{corev1.ResourceStorage: resource.MustParse("3Gi")}},
	}}
	_, err := kube.CoreV1().PersistentVolumeClaims(rt.Status.SandboxNamespace).Create(t.Context(), claim, metav1.CreateOptions{})
	if !apierrors.IsForbidden(err) || !strings.Contains(err.Error(), "requests.storage") {
		t.Errorf("a claim beyond the quota: got %v, want it forbidden by requests.storage", err)
	}
	finish(t, r)
	awaitEnd(t, rt)
}
