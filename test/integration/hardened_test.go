package integration

import (
	"context"
	"path/filepath"
	"strings"
	"testing"

	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/kymaros/kymaros/pkg/apis/restore/v1alpha1"
	"github.com/kymaros/kymaros/test/plane"
)

// withoutSources is set once nobody was let read a source namespace, which was denied then.
var withoutSources bool

// overlay applies one of manifests/overlays until t ends.
func overlay(t *testing.T, name string) {
	t.Helper()
	if err := applyFiles(t.Context(), filepath.Join(root, "manifests/overlays", name, "*.yaml")); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := applyFiles(context.WithoutCancel(t.Context()), filepath.Join(root, "manifests/11-sandbox-roles.yaml")); err != nil {
			t.Fatal(err)
		}
	})
}

// runs has a test of a source namespace run to its end.
func runs(t *testing.T, name string) (*v1alpha1.RestoreTest, *v1alpha1.RestoreReport) {
	t.Helper()
	ns := newNamespace(t, name)
	backup(t, name, "src-"+name)
	policy(t, ns, "web")
	return awaitEnd(t, createTest(t, restoreTest(ns, name, func(rt *v1alpha1.RestoreTest) { rt.Spec.HealthChecks.PolicyRef = "web" })))
}

// TestSourcesAreReadOnlyWhereAnAdministratorSaysSo runs alone: the bindings are those of every controller.
func TestSourcesAreReadOnlyWhereAnAdministratorSaysSo(t *testing.T) {
	plane.Slow(t)
	withoutSources = true
	overlay(t, "hardened")
	alone(t)

	source(t, "src-let-in")
	for role, account := range map[string]string{"kymaros-source-reader": plane.Prober, "kymaros-source-sizes": plane.Controller} {
		_, err := kube.RbacV1().RoleBindings("src-let-in").Create(t.Context(), &rbacv1.RoleBinding{
			ObjectMeta: metav1.ObjectMeta{Name: role}, RoleRef: rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "ClusterRole", Name: role},
			Subjects: []rbacv1.Subject{{Kind: rbacv1.ServiceAccountKind, Namespace: systemNamespace, Name: account}},
		}, metav1.CreateOptions{})
		if err != nil {
			t.Fatal(err)
		}
	}
	if _, report := runs(t, "let-in"); report.Status.Result != v1alpha1.ResultPass || report.Status.Completeness.ConfigMaps != "1/1" {
		t.Errorf("result %s, score %d, %s: %s, %+v", report.Status.Result, report.Status.Score, report.Status.Reason, report.Status.Message, report.Status.Completeness)
	}

	source(t, "src-shut")
	rt, report := runs(t, "shut")
	if report.Status.Result != v1alpha1.ResultInconclusive || !strings.Contains(report.Status.Message, "bind ClusterRole kymaros-source-sizes to kymaros-controller there") {
		t.Errorf("result %s, %s: %s; %s", report.Status.Result, report.Status.Reason, report.Status.Message, story(rt))
	}
}

// TestWhereNobodyMayBindARunPasses runs alone: the roles are those of every controller.
func TestWhereNobodyMayBindARunPasses(t *testing.T) {
	plane.Slow(t)
	overlay(t, "seed-rbac")
	t.Cleanup(func() {
		for _, role := range []string{"kymaros-sandbox-prober", "kymaros-sandbox-dns", "kymaros-sandbox-restorer"} {
			if err := kube.RbacV1().ClusterRoleBindings().Delete(context.WithoutCancel(t.Context()), role, metav1.DeleteOptions{}); err != nil {
				t.Error(err)
			}
		}
	})
	t.Setenv("KYMAROS_SANDBOX_BINDINGS", "false")
	c := alone(t)
	source(t, "src-seed")
	if _, report := runs(t, "seed"); report.Status.Result != v1alpha1.ResultPass {
		t.Errorf("result %s, score %d, %s: %s", report.Status.Result, report.Status.Score, report.Status.Reason, report.Status.Message)
	}
	if bound := c.created("rolebindings", ""); bound != 0 {
		t.Errorf("the controller binds roles %d times", bound)
	}
}
