package e2e

import (
	"context"
	"encoding/json"
	"slices"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/kymaros/kymaros/pkg/apis/restore/v1alpha1"
	"github.com/kymaros/kymaros/pkg/cli/exit"
	"github.com/kymaros/kymaros/test/e2e/stage"
)

// The shop is a PostgreSQL with orders on a volume, and web servers with a readiness probe by HTTP. Its image has a name of its own,
// so it is known for what it is by its port.
func TestInitPasses(t *testing.T) {
	t.Parallel()
	cluster.Untouched(t, shop.Namespace)
	ctx, name := t.Context(), shop.Namespace // init calls both objects by the name of what they restore
	tests, policies := cluster.Kymaros.RestoreV1alpha1().RestoreTests(cluster.Tests), cluster.Kymaros.RestoreV1alpha1().HealthCheckPolicies(cluster.Tests)
	t.Cleanup(func() {
		ctx := context.WithoutCancel(ctx)
		if t.Failed() {
			t.Log(cluster.Story(ctx, &v1alpha1.RestoreTest{ObjectMeta: metav1.ObjectMeta{Namespace: cluster.Tests, Name: name}}))
		}
		for _, err := range []error{tests.Delete(ctx, name, metav1.DeleteOptions{}), policies.Delete(ctx, name, metav1.DeleteOptions{})} {
			if ignoreNotFound(err) != nil {
				t.Error(err)
			}
		}
	})
	cluster.Plugin(t, exit.Verified, "init", name, "-n", cluster.Tests, "--apply")
	// The run that a new test begins with goes first; what is asked for waits for it, and is one more.
	cluster.Plugin(t, exit.Verified, "run", name, "-n", cluster.Tests, "--wait", "--timeout", (3 * stage.RunTimeout).String())

	var report v1alpha1.RestoreReport
	if err := json.Unmarshal([]byte(cluster.Plugin(t, exit.Verified, "report", "--latest", name, "-n", cluster.Tests, "-o", "json")), &report); err != nil {
		t.Fatal(err)
	}
	verdict(t, &report, v1alpha1.ResultPass, v1alpha1.ReasonPassed)
	if report.Status.Backup.Name != shop.Full || report.Status.Trigger != v1alpha1.TriggerRequested {
		t.Errorf("backup %s, trigger %s", report.Status.Backup.Name, report.Status.Trigger)
	}
	for _, want := range []string{"configuration", "db-5432-accepts", "db-data", "db-pods", "web-80-answers", "web-pods"} {
		if !slices.ContainsFunc(report.Status.Checks, func(c v1alpha1.CheckStatus) bool { return c.Name == want && c.Status == v1alpha1.CheckPass }) {
			t.Errorf("check %s is not among those that passed: %+v", want, report.Status.Checks)
		}
	}
	rt, err := tests.Get(ctx, name, metav1.GetOptions{})
	if err != nil {
		t.Fatal(err)
	}
	cluster.NothingLeft(t, cluster.AwaitOver(t, rt))
}
