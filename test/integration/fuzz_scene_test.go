package integration

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"testing"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/util/wait"

	"github.com/kymaros/kymaros/pkg/apis/restore/v1alpha1"
	"github.com/kymaros/kymaros/test/fuzz"
)

// fuzzPlaced is what is in every namespace under one name.
const fuzzPlaced = "fuzz-placed"

var fuzzWorld = fuzz.World{
	Velero: veleroNamespace, System: systemNamespace, Team: "fuzz-team", Test: "fuzz", Backups: []string{"nightly", "weekly"},
	Sandboxes: []fuzz.Sandbox{
		{Name: "fuzz-box", Run: "20260101-000000-aaaaaa", Source: "fuzz-shop"}, {Name: "fuzz-mate", Run: "20260101-000000-aaaaaa", Source: "fuzz-db"},
		{Name: "fuzz-other", Run: "20260202-000000-bbbbbb", Source: "fuzz-shop"},
	},
	Outside: []string{"fuzz-shop", "fuzz-db", "fuzz-team", "velero", "kube-system", "kymaros-system", "default"},
	Absent:  []string{"fuzz-gone", "fuzz-never"},
	Volumes: []string{"fuzz-box", "fuzz-other", "fuzz-shop", "fuzz-kept-of-box", "fuzz-kept-of-shop", "fuzz-free"},
	Placed:  fuzzPlaced, Tag: "fuzz", Snapshots: []string{"fuzz-ours", "fuzz-with-snapshot", "fuzz-foreign"},
}

// fuzzScene creates what the requests are about, and waits until the cluster has done with it what it does by itself.
func fuzzScene(t *testing.T) {
	t.Helper()
	awaitWithoutCRDs(t.Context(), t)
	t.Cleanup(func() { awaitWithoutCRDs(context.WithoutCancel(t.Context()), t) })
	for _, file := range []string{"testdata/snapshots.yaml", "testdata/fuzz.yaml"} {
		applyForTest(t, file)
	}
	namespaces := append([]string{}, fuzzWorld.Outside...)
	for _, s := range fuzzWorld.Sandboxes {
		namespaces = append(namespaces, s.Name)
	}
	for _, ns := range namespaces {
		fuzzPlace(t, ns)
		eventually(t, stepTimeout, func(ctx context.Context) error {
			_, noAccount := kube.CoreV1().ServiceAccounts(ns).Get(ctx, "default", metav1.GetOptions{})
			_, noRoot := kube.CoreV1().ConfigMaps(ns).Get(ctx, "kube-root-ca.crt", metav1.GetOptions{})
			quota, err := kube.CoreV1().ResourceQuotas(ns).Get(ctx, fuzzPlaced, metav1.GetOptions{})
			if err == nil && len(quota.Status.Hard) == 0 {
				err = errors.New("the quota is not counted")
			}
			return errors.Join(noAccount, noRoot, err)
		})
	}
	for name, want := range map[string]corev1.PersistentVolumePhase{
		"fuzz-box": corev1.VolumeBound, "fuzz-other": corev1.VolumeBound, "fuzz-shop": corev1.VolumeBound,
		"fuzz-kept-of-box": corev1.VolumeReleased, "fuzz-kept-of-shop": corev1.VolumeReleased, "fuzz-free": corev1.VolumeAvailable,
	} {
		eventually(t, stepTimeout, func(ctx context.Context) error {
			pv, err := kube.CoreV1().PersistentVolumes().Get(ctx, name, metav1.GetOptions{})
			if err != nil || pv.Status.Phase != want {
				return cmp.Or(err, fmt.Errorf("volume %s is %s, want %s", name, pv.Status.Phase, want))
			}
			if want != corev1.VolumeBound {
				return nil
			}
			// It is told of the volume first.
			claim, err := kube.CoreV1().PersistentVolumeClaims(pv.Spec.ClaimRef.Namespace).Get(ctx, pv.Spec.ClaimRef.Name, metav1.GetOptions{})
			if err == nil && claim.Status.Phase != corev1.ClaimBound {
				err = fmt.Errorf("the claim of volume %s is %s", name, claim.Status.Phase)
			}
			return err
		})
	}
}

// fuzzPlace creates what is in every namespace.
func fuzzPlace(t *testing.T, namespace string) {
	t.Helper()
	all, err := parse(fmt.Appendf(nil, `
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: %[1]s, namespace: %[2]s}
spec: {podSelector: {matchLabels: {fuzz: none}}, policyTypes: [Ingress]}
---
apiVersion: v1
kind: ResourceQuota
metadata: {name: %[1]s, namespace: %[2]s}
spec: {hard: {count/gadgets.fuzz.example.com: "1000"}}
---
apiVersion: v1
kind: ConfigMap
metadata: {name: %[1]s, namespace: %[2]s}
data: {rules.yaml: "a"}
---
apiVersion: v1
kind: Secret
metadata: {name: %[1]s, namespace: %[2]s}
---
apiVersion: restore.kymaros.io/v1alpha1
kind: RestoreReport
metadata: {name: %[1]s, namespace: %[2]s}
spec: {testRef: shop}
---
apiVersion: v1
kind: Pod
metadata: {name: %[1]s, namespace: %[2]s}
spec:
  automountServiceAccountToken: false
  securityContext: {runAsNonRoot: true, seccompProfile: {type: RuntimeDefault}}
  containers: [{name: a, image: a, securityContext: {allowPrivilegeEscalation: false, capabilities: {drop: [ALL]}}}]
`, fuzzPlaced, namespace))
	if err != nil {
		t.Fatal(err)
	}
	for _, o := range all {
		applyObject(t, o)
	}
}

// awaitWithoutCRDs waits until the kinds are gone that other tests define as well: while one goes, nothing of it can be made.
func awaitWithoutCRDs(ctx context.Context, t *testing.T) {
	t.Helper()
	for _, name := range []string{"downloadrequests.velero.io", "volumesnapshotcontents.snapshot.storage.k8s.io"} {
		// Not eventually: t's context is over when it cleans up.
		err := wait.PollUntilContextTimeout(ctx, poll, stepTimeout, true, func(ctx context.Context) (bool, error) {
			_, err := objects.Resource(crdResource).Get(ctx, name, metav1.GetOptions{})
			return apierrors.IsNotFound(err), ignoreNotFound(err)
		})
		if err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// fuzzCleanup removes what requests have created, and puts the modifiers back.
func fuzzCleanup(ctx context.Context, t *testing.T, made []string) {
	t.Helper()
	note := func(err error) {
		if ignoreNotFound(err) != nil {
			t.Error(err)
		}
	}
	release := []byte(`{"metadata":{"finalizers":null}}`)
	for _, name := range made {
		_, err := kube.CoreV1().Namespaces().Patch(ctx, name, "application/merge-patch+json", release, metav1.PatchOptions{})
		note(err)
		note(kube.CoreV1().Namespaces().Delete(ctx, name, metav1.DeleteOptions{}))
	}
	_, err := kymaros.RestoreV1alpha1().RestoreTests(fuzzWorld.Team).Patch(ctx, fuzzWorld.Test, "application/merge-patch+json", release, metav1.PatchOptions{})
	note(err)
	note(kymaros.VeleroV1().Restores(veleroNamespace).DeleteCollection(ctx, metav1.DeleteOptions{}, metav1.ListOptions{LabelSelector: v1alpha1.LabelTest + "=" + fuzzWorld.Test}))
	// Reports, events and guards have names with a number at their end.
	for _, resource := range []schema.GroupVersionResource{reportsGVR, core("events"), netpols, core("resourcequotas"), core("limitranges")} {
		list, err := objects.Resource(resource).List(ctx, metav1.ListOptions{})
		note(err)
		for i := range list.Items {
			if o := &list.Items[i]; numbered(o) {
				note(objects.Resource(resource).Namespace(o.GetNamespace()).Delete(ctx, o.GetName(), metav1.DeleteOptions{}))
			}
		}
	}
	note(applyFiles(ctx, filepath.Join(root, "manifests/25-group-modifiers.yaml")))
}

// numbered tells whether a request created the object.
func numbered(o *unstructured.Unstructured) bool {
	var n int
	name := o.GetName()
	for _, prefix := range []string{"kymaros-" + fuzzWorld.Tag, fuzzWorld.Tag} {
		if count, err := fmt.Sscanf(name, prefix+"-%d", &n); err == nil && count == 1 {
			return true
		}
	}
	return false
}

func ignoreNotFound(err error) error {
	if apierrors.IsNotFound(err) {
		return nil
	}
	return err
}
