package integration

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
)

// claimed is a volume in a directory of this machine, and a claim that it is bound to.
func claimed(namespace, volume, directory string) string {
	return fmt.Sprintf(`
---
apiVersion: v1
kind: PersistentVolume
metadata: {name: %[2]s}
spec:
  capacity: {storage: 1Gi}
  accessModes: [ReadWriteOnce]
  persistentVolumeReclaimPolicy: Retain
  storageClassName: attack
  hostPath: {path: %[3]s}
  claimRef: {namespace: %[1]s, name: data}
---
apiVersion: v1
kind: PersistentVolumeClaim
metadata: {name: data, namespace: %[1]s}
spec: {accessModes: [ReadWriteOnce], storageClassName: attack, resources: {requests: {storage: 1Gi}}}
`, namespace, volume, directory)
}

func awaitVolume(t *testing.T, name string, phase corev1.PersistentVolumePhase) {
	t.Helper()
	eventually(t, stepTimeout, func(ctx context.Context) error {
		pv, err := kube.CoreV1().PersistentVolumes().Get(ctx, name, metav1.GetOptions{})
		if err == nil && pv.Status.Phase != phase {
			err = fmt.Errorf("volume %s is %s, want %s", name, pv.Status.Phase, phase)
		}
		return err
	})
}

// TestAStolenTokenDestroysNoVolumeThatProductionKeeps: a reclaim policy is an order to kube-controller-manager.
func TestAStolenTokenDestroysNoVolumeThatProductionKeeps(t *testing.T) {
	directory, err := os.MkdirTemp("/tmp", "kymaros-kept-") //nolint:usetesting // there only does kube-controller-manager delete one
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(directory) })
	orders := filepath.Join(directory, "orders")
	if err := os.WriteFile(orders, []byte("50000"), 0o600); err != nil {
		t.Fatal(err)
	}
	const kept, inUse, ours, cut = "attack-kept", "attack-in-use", "attack-of-a-sandbox", "attack-cut-loose"
	attackScene(t, attackNamespace(kept)+claimed(kept, kept, directory)+attackNamespace(inUse)+claimed(inUse, inUse, "/nowhere")+
		attackSandbox(ours, kept)+claimed(ours, ours, "/nowhere")+attackSandbox(cut, kept)+claimed(cut, cut, "/nowhere"))
	for _, name := range []string{kept, inUse, ours, cut} {
		awaitVolume(t, name, corev1.VolumeBound)
	}
	for _, namespace := range []string{kept, cut} {
		if err := kube.CoreV1().PersistentVolumeClaims(namespace).Delete(t.Context(), "data", metav1.DeleteOptions{}); err != nil {
			t.Fatal(err)
		}
		awaitVolume(t, namespace, corev1.VolumeReleased)
	}
	const by, lookup = "kymaros-writes-volumes", "kymaros-volumes" // that looks the namespace of the claim up
	volumes := clientsOf(t, theController).kube.CoreV1().PersistentVolumes()
	reclaim := func(name string) error {
		_, err := volumes.Patch(t.Context(), name, types.MergePatchType, []byte(`{"spec":{"persistentVolumeReclaimPolicy":"Delete"}}`), metav1.PatchOptions{})
		return err
	}
	t.Run("kept, though somebody deleted its claim", func(t *testing.T) {
		if !refusedBy(t, kept, by, reclaim(kept), lookup) {
			gone(t, "the volume", func(ctx context.Context) error {
				_, err := kube.CoreV1().PersistentVolumes().Get(ctx, kept, metav1.GetOptions{})
				return err
			})
			_, err := os.Stat(orders)
			t.Fatalf("kube-controller-manager has destroyed the volume of production, and what was in it: %v", err)
		}
		retained(t, kept)
		if _, err := os.Stat(orders); err != nil {
			t.Error(err)
		}
	})
	for name, attack := range map[string]struct{ volume, by string }{
		"in use": {inUse, lookup},
		"of a sandbox, and somebody deleted its claim": {cut, by},
	} {
		t.Run(name, func(t *testing.T) {
			refusedBy(t, attack.volume, attack.by, reclaim(attack.volume))
			retained(t, attack.volume)
		})
	}
	t.Run("of a sandbox", func(t *testing.T) {
		if err := reclaim(ours); err != nil {
			t.Error(err)
		}
	})
}

// retained fails t unless the volume is there, and stays when its claim goes.
func retained(t *testing.T, name string) {
	t.Helper()
	if live := volumeNow(t, name); live.DeletionTimestamp != nil || live.Spec.PersistentVolumeReclaimPolicy != corev1.PersistentVolumeReclaimRetain {
		t.Errorf("volume %s: deleted %v, policy %s", name, live.DeletionTimestamp, live.Spec.PersistentVolumeReclaimPolicy)
	}
}
