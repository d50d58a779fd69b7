package integration

import (
	"context"
	"errors"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

// TestASandboxTakesNoVolumeThatWaitsForProduction: a claim without a class takes the first that is free, and one that names a
// volume takes that, whoever made it. There is no default class here.
func TestASandboxTakesNoVolumeThatWaitsForProduction(t *testing.T) {
	const box, by, waiting = "attack-claims", "kymaros-claims", "attack-waiting"
	attackScene(t, attackNamespace("attack-claims-shop")+attackSandbox(box, "attack-claims-shop"))
	claims, pods, sets := core("persistentvolumeclaims"), core("pods"), at("apps/v1/statefulsets")
	claim := func(change string) string {
		return with("{apiVersion: v1, kind: PersistentVolumeClaim, metadata: {name: data, labels: {velero.io/restore-name: kymaros-shop}}, "+
			"spec: {accessModes: [ReadWriteOnce], resources: {requests: {storage: 1Gi}}}}", change)
	}
	const template = "spec: {accessModes: [ReadWriteOnce], storageClassName: '', resources: {requests: {storage: 1Gi}}}"
	for _, attack := range []struct {
		name     string
		who      actor
		resource schema.GroupVersionResource
		body     string
		// class is that of the volume.
		class string
		// maker is the controller of the cluster that makes the claim; empty if the attacker does.
		maker string
	}{
		{"a restored claim whose class a modifier took away", theVelero, claims, claim("{}"), "", ""},
		{"a restored claim for a volume made by hand", theVelero, claims, claim("{spec: {storageClassName: ''}}"), "", ""},
		{"a claim that names the volume", administrator, claims, claim("{spec: {storageClassName: by-hand, volumeName: " + waiting + "}}"), "by-hand", ""},
		{"a pod with a claim of its own", theVelero, pods, attackPod(box, "cache", "{spec: {volumes: [{name: data, ephemeral: {volumeClaimTemplate: {"+template+"}}}]}}"),
			"", "ephemeral-volume-controller"},
		{"a StatefulSet with claims of its own", theVelero, sets, "{apiVersion: apps/v1, kind: StatefulSet, metadata: {name: db, labels: {velero.io/restore-name: kymaros-shop}}, " +
			"spec: {serviceName: db, selector: {matchLabels: {app: db}}, volumeClaimTemplates: [{metadata: {name: data}, " + template + "}], " +
			"template: {metadata: {labels: {app: db}}, spec: {serviceAccountName: app, automountServiceAccountToken: false, containers: [{name: a, image: a}]}}}}",
			"", "statefulset-controller"},
	} {
		t.Run(attack.name, func(t *testing.T) {
			waitsForProduction(t, waiting, attack.class)
			t.Cleanup(func() { empty(t, box, pods, claims) })
			since := time.Now()
			err := makes(t, attack.who, attack.resource, box, attack.body)
			if attack.maker == "" {
				if !refusedBy(t, "the claim", by, err) {
					awaitVolume(t, waiting, corev1.VolumeBound)
				}
				untaken(t, waiting)
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			var refused string
			eventually(t, stepTimeout, func(ctx context.Context) (err error) {
				if refused, err = refusedTo("system:serviceaccount:kube-system:"+attack.maker, box, since); err != nil || refused != "" {
					return err
				}
				pv, err := kube.CoreV1().PersistentVolumes().Get(ctx, waiting, metav1.GetOptions{})
				if err == nil && pv.Status.Phase != corev1.VolumeBound {
					err = errors.New("nobody was refused a claim, and the volume is free")
				}
				return err
			})
			if refused != by {
				t.Errorf("the claim that the %s makes: refused by %q, want %s", attack.maker, refused, by)
			}
			untaken(t, waiting)
		})
	}
	t.Run("a claim of a class", func(t *testing.T) {
		if err := makes(t, theVelero, claims, box, claim("{spec: {storageClassName: fast}}")); err != nil {
			t.Error(err)
		}
	})
}

// untaken fails t unless the volume waits still.
func untaken(t *testing.T, name string) {
	t.Helper()
	if pv := volumeNow(t, name); pv.Status.Phase != corev1.VolumeAvailable || pv.Spec.ClaimRef != nil {
		t.Errorf("the volume that waits for production is %s, for %s/%s", pv.Status.Phase, pv.Spec.ClaimRef.Namespace, pv.Spec.ClaimRef.Name)
	}
}

// waitsForProduction makes a volume that nobody has claimed yet.
func waitsForProduction(t *testing.T, name, class string) {
	t.Helper()
	volumes := kube.CoreV1().PersistentVolumes()
	_, err := volumes.Create(t.Context(), &corev1.PersistentVolume{
		ObjectMeta: metav1.ObjectMeta{Name: name},
		Spec: corev1.PersistentVolumeSpec{
			Capacity: oneGi, AccessModes: []corev1.PersistentVolumeAccessMode{corev1.ReadWriteOnce}, StorageClassName: class,
			PersistentVolumeReclaimPolicy: corev1.PersistentVolumeReclaimRetain,
			PersistentVolumeSource:        corev1.PersistentVolumeSource{HostPath: &corev1.HostPathVolumeSource{Path: "/nowhere"}},
		},
	}, metav1.CreateOptions{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := volumes.Delete(background(t), name, metav1.DeleteOptions{}); err != nil {
			t.Error(err)
		}
		awaitGone(t, "volume "+name, func(ctx context.Context) error {
			_, err := volumes.Get(ctx, name, metav1.GetOptions{})
			return err
		})
	})
	awaitVolume(t, name, corev1.VolumeAvailable)
}

// empty deletes all objects of the kinds in a namespace, in that order.
func empty(t *testing.T, namespace string, kinds ...schema.GroupVersionResource) {
	t.Helper()
	for _, kind := range kinds {
		all := objects.Resource(kind).Namespace(namespace)
		if err := all.DeleteCollection(background(t), metav1.DeleteOptions{}, metav1.ListOptions{}); err != nil {
			t.Error(err)
		}
		awaitGone(t, kind.Resource, func(ctx context.Context) error {
			list, err := all.List(ctx, metav1.ListOptions{})
			if err == nil && len(list.Items) == 0 {
				return apierrors.NewNotFound(kind.GroupResource(), "")
			}
			return err
		})
	}
}
