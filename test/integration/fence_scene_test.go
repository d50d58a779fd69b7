package integration

import (
	"context"
	"fmt"
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/kymaros/kymaros/pkg/apis/restore/v1alpha1"
)

// fenceVolumes waits until the cluster has seen what its volumes are.
func fenceVolumes(t *testing.T) {
	t.Helper()
	for name, want := range map[string]corev1.PersistentVolumePhase{
		"fence-claimed": corev1.VolumeBound, "fence-of-production": corev1.VolumeBound, "fence-released": corev1.VolumeReleased,
		"fence-failed": corev1.VolumeFailed, "fence-free": corev1.VolumeAvailable,
	} {
		eventually(t, stepTimeout, func(ctx context.Context) error {
			pv, err := kube.CoreV1().PersistentVolumes().Get(ctx, name, metav1.GetOptions{})
			if err == nil && pv.Status.Phase != want {
				err = fmt.Errorf("volume %s is %s, want %s", name, pv.Status.Phase, want)
			}
			return err
		})
	}
}

// fencePlaces creates what the rows of grants act on.
func fencePlaces(t *testing.T) {
	t.Helper()
	for _, place := range places {
		all, err := parse(fmt.Appendf(nil, `
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: %[1]s, namespace: %[2]s}
spec: {podSelector: {matchLabels: {fence: none}}, policyTypes: [Ingress]}
---
apiVersion: v1
kind: ResourceQuota
metadata: {name: %[1]s, namespace: %[2]s}
spec: {hard: {count/widgets.fence.example.com: "1000"}}
---
apiVersion: restore.kymaros.io/v1alpha1
kind: RestoreTest
metadata: {name: %[1]s, namespace: %[2]s}
spec: {suspend: true, backupSource: {provider: velero, namespaces: [{name: fence-production}]}, schedule: {cron: "0 0 1 1 *"}, sandbox: {}}
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
`, placed, place.namespace))
		if err != nil {
			t.Fatal(err)
		}
		for _, o := range all {
			applyObject(t, o)
		}
	}
}

// fenceEnds writes into namespaces what the cluster writes while it empties one, in the words of Kubernetes 1.36.
func fenceEnds(t *testing.T) {
	t.Helper()
	const remaining = corev1.NamespaceContentRemaining
	for name, c := range map[string]struct {
		kind    corev1.NamespaceConditionType
		status  corev1.ConditionStatus
		message string
	}{
		"fence-finalizing": {corev1.NamespaceFinalizersRemaining, corev1.ConditionTrue, "Some content in the namespace has finalizers remaining: networkpolicies.networking.k8s.io has 1 resource instances"},
		"fence-emptied":    {remaining, corev1.ConditionFalse, "networkpolicies.networking.k8s.io has 0 resource instances"},
		"fence-claiming":   {remaining, corev1.ConditionTrue, "Some resources are remaining: persistentvolumeclaims. has 1 resource instances"},
		"fence-leaving":    {remaining, corev1.ConditionTrue, "Some resources are remaining: networkpolicies.networking.k8s.io has 2 resource instances"},
		"fence-peopled":    {remaining, corev1.ConditionTrue, "Some resources are remaining: networkpolicies.networking.k8s.io has 1 resource instances, pods. has 1 resource instances"},
		"fence-begun":      {remaining, corev1.ConditionFalse, "All content successfully removed"},
	} {
		ns, err := kube.CoreV1().Namespaces().Get(t.Context(), name, metav1.GetOptions{})
		if err != nil {
			t.Fatal(err)
		}
		ns.Status.Conditions = []corev1.NamespaceCondition{{Type: c.kind, Status: c.status, Reason: "SomeResourcesRemain", Message: c.message}}
		if _, err := kube.CoreV1().Namespaces().UpdateStatus(t.Context(), ns, metav1.UpdateOptions{}); err != nil {
			t.Fatal(err)
		}
	}
}

// fenceChecked creates, for each place among sixteen sources, a test that names a policy and in whose copy there the tester may
// not run commands; one in whose copies the tester may; and two whose runs under way are others than their specs.
func fenceChecked(t *testing.T) {
	t.Helper()
	tests := kymaros.RestoreV1alpha1().RestoreTests("fence-team")
	create := func(name, policy string, sources []v1alpha1.SourceNamespace) *v1alpha1.RestoreTest {
		rt, err := tests.Create(t.Context(), &v1alpha1.RestoreTest{ObjectMeta: metav1.ObjectMeta{Name: name}, Spec: v1alpha1.RestoreTestSpec{
			Suspend: true, Schedule: v1alpha1.Schedule{Cron: "@daily"}, BackupSource: v1alpha1.BackupSource{Provider: "velero", Namespaces: sources},
			HealthChecks: v1alpha1.HealthChecks{PolicyRef: policy, StableFor: "1s"},
		}}, metav1.CreateOptions{})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() {
			if err := tests.Delete(context.WithoutCancel(t.Context()), name, metav1.DeleteOptions{}); err != nil {
				t.Error(err)
			}
		})
		return rt
	}
	for place := -1; place < 16; place++ {
		var sources []v1alpha1.SourceNamespace
		for i := range 16 {
			name := fmt.Sprintf("fence-src-%02d", i)
			if i == place {
				name = "fence-src-readable"
			}
			sources = append(sources, v1alpha1.SourceNamespace{Name: name})
		}
		create(fmt.Sprintf("place-%d", place), fmt.Sprintf("place-%d", place), sources)
	}
	one := func(name string) []v1alpha1.SourceNamespace { return []v1alpha1.SourceNamespace{{Name: name}} }
	running := func(rt *v1alpha1.RestoreTest, patch string) {
		if _, err := tests.Patch(t.Context(), rt.Name, types.MergePatchType, []byte(patch), metav1.PatchOptions{}, "status"); err != nil {
			t.Fatal(err)
		}
	}
	run := func(policy, source string) string {
		return fmt.Sprintf(`{"status":{"conditions":[{"type":"Scheduled","status":"True","reason":"A","message":"a","lastTransitionTime":"2026-01-01T00:00:00Z"}],"run":{"id":"a","scheduledTime":"2026-01-01T00:00:00Z","startTime":"2026-01-01T00:00:00Z","deadline":"2026-01-01T00:00:00Z","trigger":"Schedule","spec":{`+
			`"schedule":{"cron":"@daily"},"sandbox":{},"healthChecks":{"policyRef":%q},"backupSource":{"provider":"velero","namespaces":[{"name":%q}]}}}}}`, policy, source)
	}
	running(create("running", "", one("fence-src-00")), run("running", "fence-src-readable"))
	var sixteen []v1alpha1.SourceNamespace
	for i := range 16 {
		sixteen = append(sixteen, v1alpha1.SourceNamespace{Name: fmt.Sprintf("fence-src-%02d", i)})
	}
	running(create("widened", "widened", sixteen), run("widened", "fence-team"))
	running(create("told", "", one("fence-src-00")), `{"status":{"phase":"Running","lastScore":90,"conditions":[`+conditionOf("Scheduled", "True")+","+conditionOf("HealthChecked", "Unknown")+`]}}`)
}

// conditionOf is a condition of a test as JSON.
func conditionOf(kind, status string) string {
	return fmt.Sprintf(`{"type":%q,"status":%q,"reason":"A","message":"a","lastTransitionTime":"2026-01-01T00:00:00Z"}`, kind, status)
}
