package e2e

import (
	"testing"

	"github.com/kymaros/kymaros/pkg/apis/restore/v1alpha1"
	"github.com/kymaros/kymaros/test/e2e/stage"
)

func webAnswers() v1alpha1.HealthCheck {
	return v1alpha1.HealthCheck{Name: "web-answers", Type: v1alpha1.CheckHTTPGet, HTTPGet: &v1alpha1.HTTPGetCheck{
		Service: "web", Port: 80, Path: "/", ExpectedStatus: 200, Retries: 3,
	}}
}

// execIn runs a command in a pod of web.
func execIn(name, container string, timeout v1alpha1.Duration, command ...string) v1alpha1.HealthCheck {
	return v1alpha1.HealthCheck{Name: name, Type: v1alpha1.CheckExec, Exec: &v1alpha1.ExecCheck{
		PodSelector: map[string]string{"app": "web"}, Container: container, Command: command, Timeout: timeout,
	}}
}

// shopWorks are checks of everything in the shop.
func shopWorks() []v1alpha1.HealthCheck {
	return []v1alpha1.HealthCheck{
		stage.CountOrders(stage.Orders),
		webAnswers(),
		{Name: "database-listens", Type: v1alpha1.CheckTCPSocket, TCPSocket: &v1alpha1.TCPSocketCheck{Service: "db", Port: 5432}},
		{Name: "web-is-ready-twice", Type: v1alpha1.CheckPodStatus, PodStatus: &v1alpha1.PodStatusCheck{LabelSelector: map[string]string{"app": "web"}, MinReady: 2}},
		{Name: "nothing-was-forgotten", Type: v1alpha1.CheckResourceExists, ResourceExists: &v1alpha1.ResourceExistsCheck{Resources: []v1alpha1.ResourceReference{
			{Kind: "Secret", Name: "shop-db"}, {Kind: "ConfigMap", Name: "shop-pages"}, {Kind: "PersistentVolumeClaim", Name: "data-db-0"},
			{Kind: "Service", Name: "web"}, {Kind: "Deployment", Name: "web"}, {Kind: "StatefulSet", Name: "db"}, {Kind: "Pod", Name: "db-0"},
		}}},
	}
}

var verdict, compare = stage.Verdict, stage.Compare

// checkNamed returns the verdict of a check.
func checkNamed(t *testing.T, report *v1alpha1.RestoreReport, name string) v1alpha1.CheckStatus {
	t.Helper()
	for _, c := range report.Status.Checks {
		if c.Name == name {
			return c
		}
	}
	t.Fatalf("report %s has no check %s: %+v", report.Name, name, report.Status.Checks)
	return v1alpha1.CheckStatus{}
}
