package integration

import (
	"context"
	"fmt"
	"maps"
	"testing"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/dynamic"

	"github.com/kymaros/kymaros/pkg/apis/restore/v1alpha1"
	"github.com/kymaros/kymaros/test/plane"
)

// securityContextConstraints are what the controller tells OpenShift by.
const securityContextConstraints = `
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: securitycontextconstraints.security.openshift.io}
spec:
  group: security.openshift.io
  scope: Cluster
  names: {plural: securitycontextconstraints, singular: securitycontextconstraint, kind: SecurityContextConstraints}
  versions: [{name: v1, served: true, storage: true, schema: {openAPIV3Schema: {type: object, x-kubernetes-preserve-unknown-fields: true}}}]
`

// TestARunOnAnOpenShiftWithoutDataMoverAndSnapshots: a controller that starts where nothing serves velero.io/v2alpha1, nor snapshots, works
// as ever; and on OpenShift sandboxes have the users of their sources, which the fence, intact, lets them have.
func TestARunOnAnOpenShiftWithoutDataMoverAndSnapshots(t *testing.T) {
	plane.Slow(t)
	withoutDataMover(t)
	applyObject(t, object(t, securityContextConstraints))
	installFence(t)
	const name = "openshift"
	ranges := map[string]string{"openshift.io/sa.scc.uid-range": "1000680000/10000", "openshift.io/sa.scc.supplemental-groups": "1000680000/10000", "openshift.io/sa.scc.mcs": "s0:c26,c20"}
	source(t, "src-"+name)
	annotations := maps.Clone(ranges)
	annotations["openshift.io/requester"] = "alice"
	ns := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: "src-" + name, Annotations: annotations}}
	if _, err := kube.CoreV1().Namespaces().Update(t.Context(), ns, metav1.UpdateOptions{}); err != nil {
		t.Fatal(err)
	}
	holdRestores(t, name)
	rt := restoreTest(newNamespace(t, name), name, func(rt *v1alpha1.RestoreTest) { rt.Spec.HealthChecks.PolicyRef = "web" })
	policy(t, rt.Namespace, "web")
	backup(t, name, sources(rt)...)

	aloneWith(t, noProof, true)
	rt = createTest(t, rt)
	r := restoreOf(t, rt)
	rt = await(t, rt, v1alpha1.ConditionSandboxReady, metav1.ConditionTrue, v1alpha1.ReasonGuarded)
	box, err := kube.CoreV1().Namespaces().Get(t.Context(), rt.Status.SandboxNamespace, metav1.GetOptions{})
	if err != nil {
		t.Fatal(err)
	}
	for key, value := range ranges {
		if box.Annotations[key] != value {
			t.Errorf("the sandbox has %s=%q, want %q", key, box.Annotations[key], value)
		}
	}
	if requester, ok := box.Annotations["openshift.io/requester"]; ok {
		t.Errorf("the sandbox is requested by %q", requester)
	}
	finish(t, r)
	_, report := awaitEnd(t, rt)
	if report.Status.Result != v1alpha1.ResultPass || report.Status.Fence != v1alpha1.FenceIntact {
		t.Errorf("%s, fence %s: %s", report.Status.Result, report.Status.Fence, report.Status.Message)
	}
}

// withoutDataMover takes the definitions of velero.io/v2alpha1 and of snapshots away until t's end.
func withoutDataMover(t *testing.T) {
	t.Helper()
	t.Cleanup(func() {
		if err := applyFiles(context.WithoutCancel(t.Context()), "testdata/velero.yaml"); err != nil {
			t.Error(err)
		}
	})
	var definitions dynamic.ResourceInterface = objects.Resource(crdResource)
	for _, name := range []string{"datauploads.velero.io", "datadownloads.velero.io"} {
		if err := definitions.Delete(t.Context(), name, metav1.DeleteOptions{}); err != nil {
			t.Fatal(err)
		}
	}
	for _, version := range []string{"velero.io/v2alpha1", "snapshot.storage.k8s.io/v1"} {
		eventually(t, stepTimeout, func(context.Context) error {
			_, err := kube.Discovery().ServerResourcesForGroupVersion(version)
			if apierrors.IsNotFound(err) {
				return nil
			}
			return fmt.Errorf("%s is served: %w", version, err)
		})
	}
}
