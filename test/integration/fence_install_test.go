package integration

import (
	"context"
	"fmt"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/util/wait"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
)

// installFence applies the fence, each object after change, and takes it away at t's end.
func installFence(t testing.TB, change ...func(*unstructured.Unstructured)) {
	t.Helper()
	t.Cleanup(func() { removeFence(t) })
	putFence(t, change...)
}

// putFence applies the fence and waits until it is in force.
func putFence(t testing.TB, change ...func(*unstructured.Unstructured)) {
	t.Helper()
	for _, o := range fenceObjects(t) {
		for _, c := range change {
			c(o)
		}
		if err := apply(t.Context(), o); err != nil {
			t.Fatal(err)
		}
	}
	inForce(t, 1)
}

// removeFence returns when nothing of the fence is in force any more.
func removeFence(t testing.TB) {
	t.Helper()
	ctx := context.WithoutCancel(t.Context())
	for _, o := range append(fenceObjects(t), beacon(0)...) {
		resource, err := resourceFor(o)
		if err == nil {
			err = resource.Delete(ctx, o.GetName(), metav1.DeleteOptions{})
		}
		if err != nil {
			t.Error(err)
		}
	}
	awaitBeacon(ctx, t, "")
}

func fenceObjects(t testing.TB) []*unstructured.Unstructured {
	t.Helper()
	all, err := readManifests(fenceFile)
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// beacon is a policy of the tests. The API server takes up policies in the order of their changes, so that once its new
// message is seen, what was changed before it is in force. It warns, for a policy without its conditions may refuse anything.
func beacon(n int) []*unstructured.Unstructured {
	all, err := parse([]byte(fmt.Sprintf(`
apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingAdmissionPolicy
metadata: {name: zz-beacon}
spec:
  matchConstraints: {resourceRules: [{apiGroups: [""], apiVersions: [v1], operations: [CREATE], resources: [configmaps]}]}
  matchConditions: [{name: beacon, expression: "object.metadata.name == 'beacon'"}]
  validations: [{expression: "false", message: "beacon %d"}]
---
apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingAdmissionPolicyBinding
metadata: {name: zz-beacon}
spec: {policyName: zz-beacon, validationActions: [Warn]}
`, n)))
	if err != nil {
		panic(err)
	}
	return all
}

// inForce waits until what was changed before it is in force. n must be another each time.
func inForce(t testing.TB, n int) {
	t.Helper()
	for _, o := range beacon(n) {
		if err := apply(t.Context(), o); err != nil {
			t.Fatal(err)
		}
	}
	awaitBeacon(t.Context(), t, fmt.Sprintf("beacon %d", n))
}

// warnings remembers the last warning of the API server.
type warnings struct{ last string }

// HandleWarningHeader is called for each warning of an answer.
func (w *warnings) HandleWarningHeader(_ int, _, text string) { w.last = text }

// awaitBeacon waits until the beacon says that; empty: until it is gone.
func awaitBeacon(ctx context.Context, t testing.TB, message string) {
	t.Helper()
	var seen warnings
	config := rest.CopyConfig(admin)
	config.WarningHandler = &seen
	client, err := kubernetes.NewForConfig(config)
	if err != nil {
		t.Fatal(err)
	}
	probe := &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Name: "beacon"}}
	// Not eventually: t's context is over when it cleans up.
	err = wait.PollUntilContextTimeout(ctx, poll, stepTimeout, true, func(ctx context.Context) (bool, error) {
		seen.last = ""
		_, err := client.CoreV1().ConfigMaps("default").Create(ctx, probe, metav1.CreateOptions{DryRun: []string{metav1.DryRunAll}})
		return strings.HasSuffix(seen.last, message) && (message != "" || seen.last == "" && err == nil), nil
	})
	if err != nil {
		t.Fatalf("the beacon says %q, want %q", seen.last, message)
	}
}
