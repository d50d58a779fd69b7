package e2e

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/kymaros/kymaros/pkg/apis/restore/v1alpha1"
	"github.com/kymaros/kymaros/test/e2e/stage"
)

// countOrders passes when the restored database has that many orders.
func countOrders(want int64) v1alpha1.HealthCheck {
	return v1alpha1.HealthCheck{Name: "all-orders-are-back", Type: v1alpha1.CheckExec, Exec: &v1alpha1.ExecCheck{
		PodSelector: map[string]string{"app": "db"}, Container: "postgres",
		Command: []string{"psql", "-U", "postgres", "-d", "shop", "-tAc", "SELECT count(*) FROM orders"},
		Expect:  &v1alpha1.Expectation{Integer: &v1alpha1.IntegerExpectation{Operator: "eq", Value: want}},
	}}
}

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
		countOrders(stage.Orders),
		webAnswers(),
		{Name: "database-listens", Type: v1alpha1.CheckTCPSocket, TCPSocket: &v1alpha1.TCPSocketCheck{Service: "db", Port: 5432}},
		{Name: "web-is-ready-twice", Type: v1alpha1.CheckPodStatus, PodStatus: &v1alpha1.PodStatusCheck{LabelSelector: map[string]string{"app": "web"}, MinReady: 2}},
		{Name: "nothing-was-forgotten", Type: v1alpha1.CheckResourceExists, ResourceExists: &v1alpha1.ResourceExistsCheck{Resources: []v1alpha1.ResourceReference{
			{Kind: "Secret", Name: "shop-db"}, {Kind: "ConfigMap", Name: "shop-pages"}, {Kind: "PersistentVolumeClaim", Name: "data-db-0"},
			{Kind: "Service", Name: "web"}, {Kind: "Deployment", Name: "web"}, {Kind: "StatefulSet", Name: "db"}, {Kind: "Pod", Name: "db-0"},
		}}},
	}
}

// verdict fails t unless the report has that result and reason.
func verdict(t *testing.T, report *v1alpha1.RestoreReport, result v1alpha1.Result, reason string) {
	t.Helper()
	s := report.Status
	if s.Result != result || s.Reason != reason {
		t.Errorf("report: %s %d, %s: %s; want %s, %s", s.Result, s.Score, s.Reason, s.Message, result, reason)
	}
	shown := s.Result != v1alpha1.ResultInconclusive
	if pass, fail := s.Score >= 90, s.Score < 70 && shown; pass != (s.Result == v1alpha1.ResultPass) || fail != (s.Result == v1alpha1.ResultFail) {
		t.Errorf("a score of %d does not go with result %s", s.Score, s.Result)
	}
}

// compare fails t if two snapshots differ, and says where.
func compare(t *testing.T, before, after map[string]string) {
	t.Helper()
	if len(before) == 0 {
		t.Error("the snapshot is empty")
	}
	for name, was := range before {
		if is, ok := after[name]; !ok {
			t.Errorf("%s is gone", name)
		} else if was != is {
			t.Errorf("%s has changed:\n%s", name, cmp.Diff(was, is))
		}
	}
	for name := range after {
		if _, ok := before[name]; !ok {
			t.Errorf("%s is new", name)
		}
	}
}

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
