package e2e

import (
	"context"
	"fmt"
	"testing"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/kubernetes"

	"github.com/kymaros/kymaros/test/e2e/stage"
)

// TestAStolenTokenDestroysNoVolumeThatIsKept: the provisioner deletes the data of a volume without a claim as soon as its
// reclaim policy lets it.
func TestAStolenTokenDestroysNoVolumeThatIsKept(t *testing.T) {
	namespace := cluster.Name("kept")
	throwAway(t, namespace)
	pods, claims := cluster.Kube.CoreV1().Pods(namespace), cluster.Kube.CoreV1().PersistentVolumeClaims(namespace)
	_, err := claims.Create(t.Context(), &corev1.PersistentVolumeClaim{ObjectMeta: metav1.ObjectMeta{Name: "data"}, Spec: corev1.PersistentVolumeClaimSpec{
		AccessModes: []corev1.PersistentVolumeAccessMode{corev1.ReadWriteOnce},
		Resources:   corev1.VolumeResourceRequirements{Requests: corev1.ResourceList{corev1.ResourceStorage: resource.MustParse("16Mi")}},
	}}, metav1.CreateOptions{})
	if err != nil {
		t.Fatal(err)
	}
	pod := &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Name: "writer"}, Spec: corev1.PodSpec{
		TerminationGracePeriodSeconds: new(int64(0)),
		Containers: []corev1.Container{{
			Name: "writer", Image: "docker.io/kymaros/demo-web:1", Command: []string{"httpd", "-f", "-p", "8080"},
			VolumeMounts: []corev1.VolumeMount{{Name: "data", MountPath: "/data"}},
		}},
		Volumes: []corev1.Volume{{Name: "data", VolumeSource: corev1.VolumeSource{PersistentVolumeClaim: &corev1.PersistentVolumeClaimVolumeSource{ClaimName: "data"}}}},
	}}
	stage.Until(t, stage.RunTimeout, func(ctx context.Context) error { // a new namespace has no ServiceAccount for a moment
		_, err := pods.Create(ctx, pod, metav1.CreateOptions{})
		if apierrors.IsAlreadyExists(err) {
			return nil
		}
		return err
	})
	if err := cluster.AwaitPods(t.Context(), namespace, 1); err != nil {
		t.Fatal(err)
	}
	claim, err := claims.Get(t.Context(), "data", metav1.GetOptions{})
	if err != nil {
		t.Fatal(err)
	}
	name := claim.Spec.VolumeName
	if err := reclaim(t.Context(), cluster.Kube, name, corev1.PersistentVolumeReclaimRetain); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { // and with it what the test has made on the node
		if err := ignoreNotFound(reclaim(context.WithoutCancel(t.Context()), cluster.Kube, name, corev1.PersistentVolumeReclaimDelete)); err != nil {
			t.Error(err)
		}
	})
	if err := pods.Delete(t.Context(), pod.Name, now); err != nil {
		t.Fatal(err)
	}
	if err := claims.Delete(t.Context(), claim.Name, metav1.DeleteOptions{}); err != nil {
		t.Fatal(err)
	}
	awaitVolume(t, name, func(pv *corev1.PersistentVolume) bool { return pv != nil && pv.Status.Phase == corev1.VolumeReleased })

	err = reclaim(t.Context(), steal(t).kube, name, corev1.PersistentVolumeReclaimDelete)
	if !refusedBy(t, "a volume that is kept", "kymaros-writes-volumes", err, "kymaros-volumes") {
		awaitVolume(t, name, func(pv *corev1.PersistentVolume) bool { return pv == nil })
		t.Fatalf("the provisioner has deleted volume %s, and what was in it", name)
	}
	awaitVolume(t, name, func(pv *corev1.PersistentVolume) bool {
		return pv != nil && pv.DeletionTimestamp == nil && pv.Spec.PersistentVolumeReclaimPolicy == corev1.PersistentVolumeReclaimRetain
	})
}

func reclaim(ctx context.Context, by kubernetes.Interface, volume string, policy corev1.PersistentVolumeReclaimPolicy) error {
	patch := fmt.Appendf(nil, `{"spec":{"persistentVolumeReclaimPolicy":%q}}`, policy)
	_, err := by.CoreV1().PersistentVolumes().Patch(ctx, volume, types.MergePatchType, patch, metav1.PatchOptions{})
	return err
}

// awaitVolume waits until the volume is so; nil if there is none.
func awaitVolume(t *testing.T, name string, is func(*corev1.PersistentVolume) bool) {
	t.Helper()
	stage.Until(t, stage.RunTimeout, func(ctx context.Context) error {
		pv, err := cluster.Kube.CoreV1().PersistentVolumes().Get(ctx, name, metav1.GetOptions{})
		if apierrors.IsNotFound(err) {
			pv, err = nil, nil
		}
		if err == nil && !is(pv) {
			err = fmt.Errorf("volume %s is not so yet: %v", name, pv)
		}
		return err
	})
}
