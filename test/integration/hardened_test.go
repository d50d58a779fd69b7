package integration

import (
	"context"
	"path/filepath"
	"strings"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/kymaros/kymaros/pkg/apis/restore/v1alpha1"
)

// withoutSecrets is set once a controller was not granted Secrets: it was denied them then.
var withoutSecrets bool

// TestWithoutTheRightToReadSecretsARunStillPasses runs alone: the role is that of every controller.
func TestWithoutTheRightToReadSecretsARunStillPasses(t *testing.T) {
	withoutSecrets = true
	if err := applyFiles(t.Context(), filepath.Join(root, "manifests/overlays/hardened/*.yaml")); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := applyFiles(context.WithoutCancel(t.Context()), filepath.Join(root, "manifests/10-rbac.yaml")); err != nil {
			t.Fatal(err)
		}
	})
	alone(t)

	const name = "hardened"
	ns := newNamespace(t, name)
	source(t, "src-"+name)
	backup(t, name, "src-"+name)
	checks := &v1alpha1.HealthCheckPolicy{ObjectMeta: metav1.ObjectMeta{Namespace: ns, Name: "web"}, Spec: v1alpha1.HealthCheckPolicySpec{
		Checks: []v1alpha1.HealthCheck{{Name: "pods", Type: v1alpha1.CheckPodStatus, PodStatus: &v1alpha1.PodStatusCheck{LabelSelector: map[string]string{"app": "web"}, MinReady: 1}}},
	}}
	if _, err := kymaros.RestoreV1alpha1().HealthCheckPolicies(ns).Create(t.Context(), checks, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	_, report := awaitEnd(t, createTest(t, restoreTest(ns, name, func(rt *v1alpha1.RestoreTest) { rt.Spec.HealthChecks.PolicyRef = "web" })))

	s := report.Status
	if s.Result != v1alpha1.ResultPass {
		t.Errorf("result %s, score %d, %s: %s", s.Result, s.Score, s.Reason, s.Message)
	}
	complete := s.ValidationLevels.Completeness
	if complete.Status != v1alpha1.LevelPass || s.Completeness.Secrets != "" || s.Completeness.ConfigMaps != "1/1" || !strings.Contains(strings.Join(complete.NotTested, "; "), "Secrets") {
		t.Errorf("completeness: %+v, level %+v", s.Completeness, complete)
	}
	if references := s.ValidationLevels.CrossNamespaceDeps; !strings.Contains(strings.Join(references.NotTested, "; "), "Secrets") {
		t.Errorf("references to other namespaces: %+v", references)
	}
}
