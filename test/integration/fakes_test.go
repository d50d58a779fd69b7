package integration

import (
	"context"
	"sync"
	"testing"

	velerov1 "github.com/vmware-tanzu/velero/pkg/apis/velero/v1"
	corev1 "k8s.io/api/core/v1"

	"github.com/kymaros/kymaros/pkg/apis/restore/v1alpha1"
	"github.com/kymaros/kymaros/test/plane"
)

// secretValue must never leave the Secret that it is in.
const secretValue = plane.SecretValue

// heldRestores are the RestoreTests, by name, whose Restores are left to the test.
var heldRestores sync.Map

// holdRestores makes the fake Velero leave the Restores of a RestoreTest alone: the test plays Velero itself.
func holdRestores(t *testing.T, test string) {
	heldRestores.Store(test, true)
	t.Cleanup(func() { heldRestores.Delete(test) })
}

// isHeld tells whether the fake Velero leaves a Restore alone.
func isHeld(r *velerov1.Restore) bool {
	_, held := heldRestores.Load(r.Labels[v1alpha1.LabelTest])
	return held
}

// What the fakes do by themselves, for tests that play Velero or the kubelet.

func restoreAll(ctx context.Context, r *velerov1.Restore) error { return cluster.RestoreAll(ctx, r) }

func restoreObjects(ctx context.Context, r *velerov1.Restore) error {
	return cluster.RestoreObjects(ctx, r)
}

func setPhase(ctx context.Context, name string, phase velerov1.RestorePhase, change ...func(*velerov1.RestoreStatus)) error {
	return cluster.SetPhase(ctx, name, phase, change...)
}

func createApplication(ctx context.Context, namespace string, labels map[string]string) error {
	return cluster.CreateApplication(ctx, namespace, labels)
}

func makeReady(ctx context.Context, pod *corev1.Pod) error { return cluster.MakeReady(ctx, pod) }
