package surroundings

import (
	"strings"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/kymaros/kymaros/pkg/apis/restore/v1alpha1"
	"github.com/kymaros/kymaros/test/e2e/stage"
)

// ready is a check that this many pods with a label of the application are.
func ready(app string, pods int32) v1alpha1.HealthCheck {
	return v1alpha1.HealthCheck{Name: "ready", Type: v1alpha1.CheckPodStatus, PodStatus: &v1alpha1.PodStatusCheck{LabelSelector: map[string]string{"app": app}, MinReady: pods}}
}

// TestPodSecurityOfTheClusterIsNotThatOfSandboxes: restricted for who says nothing, and a namespace of production that says baseline.
func TestPodSecurityOfTheClusterIsNotThatOfSandboxes(t *testing.T) {
	apply(t, "plain.yaml", "NAMESPACE", plain)
	must(t, cluster.AwaitPods(t.Context(), plain, 1))
	must(t, cluster.Backup(t.Context(), plain, plain))
	cluster.Untouched(t, plain)
	_, report := cluster.AwaitEnd(t, cluster.Start(t, cluster.RestoreTest("baseline", plain, plain), ready("plain", 1)))
	stage.Verdict(t, report, v1alpha1.ResultPass, "Passed")

	strict := cluster.RestoreTest("restricted", plain, plain)
	strict.Spec.Sandbox.PodSecurity = v1alpha1.PodSecurityRestricted
	_, report = cluster.AwaitEnd(t, cluster.Start(t, strict, ready("plain", 1)))
	stage.Verdict(t, report, v1alpha1.ResultPartial, v1alpha1.ReasonBlockedBySandboxPolicy)
	if !strings.Contains(report.Status.Message, "PodSecurity") {
		t.Errorf("it is not said what refused the pod: %s", report.Status.Message)
	}
}

// TestADefaultClassIsNoneOfCopies, which would push out what runs: those of the backup have ours, and those that controllers make are
// refused.
func TestADefaultClassIsNoneOfCopies(t *testing.T) {
	apply(t, "class.yaml")
	cluster.Untouched(t, db, web)
	rt := cluster.AwaitHeld(t, cluster.Start(t, cluster.RestoreTest("class", web, web), stage.Hold(web)))
	sandbox := stage.SandboxOf(t, rt, web)
	pods := cluster.Pods(t, sandbox)
	for _, p := range pods {
		if p.Spec.Priority == nil || *p.Spec.Priority >= 0 || *p.Spec.PreemptionPolicy != "Never" {
			t.Errorf("pod %s is of class %s, priority %v", p.Name, p.Spec.PriorityClassName, p.Spec.Priority)
		}
	}
	must(t, cluster.Kube.CoreV1().Pods(sandbox).Delete(t.Context(), pods[0].Name, metav1.DeleteOptions{}))
	_, report := cluster.AwaitEnd(t, rt)
	stage.Verdict(t, report, v1alpha1.ResultPartial, v1alpha1.ReasonBlockedBySandboxPolicy)
	if !strings.Contains(report.Status.Message, "the default one of the cluster") {
		t.Errorf("it is not said what refused the pod: %s", report.Status.Message)
	}
}

// TestAPolicyThatLabelsSandboxesIsNamed: labels open namespaces to webhooks, meshes and policies, so a sandbox has none but ours.
func TestAPolicyThatLabelsSandboxesIsNamed(t *testing.T) {
	apply(t, "labels.yaml")
	inForce(t, "cost-center", `{apiVersion: v1, kind: Namespace, metadata: {name: probe}}`)
	_, report := cluster.AwaitEnd(t, cluster.Start(t, cluster.RestoreTest("labels", web, web)))
	stage.Verdict(t, report, v1alpha1.ResultInconclusive, v1alpha1.ReasonRejected)
	for _, words := range []string{"no others", "kymaros.io/managed-by"} {
		if !strings.Contains(report.Status.Message, words) {
			t.Errorf("the report does not say %q: %s", words, report.Status.Message)
		}
	}
}

func TestAPolicyThatChangesQuotasIsNoViolation(t *testing.T) {
	apply(t, "quotas.yaml")
	inForce(t, "services.loadbalancers", `{apiVersion: v1, kind: ResourceQuota, metadata: {name: probe, namespace: default}, spec: {hard: {pods: "1"}}}`)
	cluster.Untouched(t, db, web)
	rt := cluster.AwaitHeld(t, cluster.Start(t, cluster.RestoreTest("defaults", web, web), stage.Hold(web), ready("web", 2)))
	quotas, err := cluster.Kube.CoreV1().ResourceQuotas(stage.SandboxOf(t, rt, web)).List(t.Context(), metav1.ListOptions{})
	must(t, err)
	for _, q := range quotas.Items {
		if q.Spec.ScopeSelector != nil {
			continue
		}
		if _, changed := q.Spec.Hard["services.loadbalancers"]; !changed {
			t.Errorf("the policy did not change quota %s: %v", q.Name, q.Spec.Hard)
		}
	}
	cluster.Release(t, rt, web)
	_, report := cluster.AwaitEnd(t, rt)
	stage.Verdict(t, report, v1alpha1.ResultPass, "Passed")
}

// TestAServiceMeshHasNoPartInASandbox: its label is not copied, so nothing is put into pods again. What it put into those of the
// backup came back with them.
func TestAServiceMeshHasNoPartInASandbox(t *testing.T) {
	apply(t, "mesh.yaml")
	must(t, cluster.CreateNamespace(t.Context(), meshed))
	_, err := cluster.Kube.CoreV1().Namespaces().Patch(t.Context(), meshed, types.MergePatchType, []byte(`{"metadata":{"labels":{"istio-injection":"enabled"}}}`), metav1.PatchOptions{})
	must(t, err)
	inForce(t, "istio-proxy", `{apiVersion: v1, kind: Pod, metadata: {name: probe, namespace: `+meshed+`}, spec: {
  securityContext: {runAsNonRoot: true, seccompProfile: {type: RuntimeDefault}},
  containers: [{name: probe, image: probe, securityContext: {allowPrivilegeEscalation: false, capabilities: {drop: [ALL]}}}]}}`)
	must(t, cluster.Add(t.Context(), stage.App{File: "web.yaml", Namespace: meshed}))
	must(t, cluster.AwaitPods(t.Context(), meshed, 2))
	for _, p := range cluster.Pods(t, meshed) {
		if len(p.Spec.Containers) != 2 {
			t.Fatalf("pod %s of production has %d containers: the mesh does not work", p.Name, len(p.Spec.Containers))
		}
	}
	must(t, cluster.Backup(t.Context(), meshed, meshed))
	cluster.Untouched(t, meshed)
	rt := cluster.AwaitHeld(t, cluster.Start(t, cluster.RestoreTest("mesh", meshed, meshed), stage.Hold(meshed), ready("web", 2)))
	sandbox := stage.SandboxOf(t, rt, meshed)
	ns, err := cluster.Kube.CoreV1().Namespaces().Get(t.Context(), sandbox, metav1.GetOptions{})
	must(t, err)
	if label, ok := ns.Labels["istio-injection"]; ok {
		t.Errorf("the sandbox has the mesh's label %q", label)
	}
	for _, p := range cluster.Pods(t, sandbox) {
		if len(p.Spec.Containers) != 2 {
			t.Errorf("pod %s has %d containers", p.Name, len(p.Spec.Containers))
		}
	}
	cluster.Release(t, rt, meshed)
	_, report := cluster.AwaitEnd(t, rt)
	stage.Verdict(t, report, v1alpha1.ResultPass, "Passed")
}
