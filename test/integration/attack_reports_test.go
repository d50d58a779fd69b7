package integration

import (
	"context"
	"errors"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/kymaros/kymaros/pkg/apis/restore/v1alpha1"
	"github.com/kymaros/kymaros/pkg/generated/clientset/versioned"
)

// TestTheOwnerOfATestForgesNoReport has the owner of the namespace of a test, who has no right elsewhere, write the report of
// a run before the controller does.
func TestTheOwnerOfATestForgesNoReport(t *testing.T) {
	const name, by = "forged", "kymaros-reports"
	aloneWith(t, noProof, true)
	ns := newNamespace(t, name)
	source(t, "src-"+name)
	backup(t, name, "src-"+name)
	t.Cleanup(func() {
		if err := kymaros.VeleroV1().Backups(veleroNamespace).Delete(background(t), name, metav1.DeleteOptions{}); err != nil {
			t.Error(err)
		}
	})
	missing := &v1alpha1.HealthCheckPolicy{ObjectMeta: metav1.ObjectMeta{Namespace: ns, Name: "web"}, Spec: v1alpha1.HealthCheckPolicySpec{
		Checks: []v1alpha1.HealthCheck{{Name: "objects", Type: v1alpha1.CheckResourceExists, ResourceExists: &v1alpha1.ResourceExistsCheck{
			Resources: []v1alpha1.ResourceReference{{Kind: "Secret", Name: "not-there"}},
		}}},
	}}
	if _, err := kymaros.RestoreV1alpha1().HealthCheckPolicies(ns).Create(t.Context(), missing, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	attackScene(t, role(ns, "owner", everything))
	client, err := versioned.NewForConfig(configOf(actor{user: "owner"}))
	if err != nil {
		t.Fatal(err)
	}
	owner := client.RestoreV1alpha1()

	holdRestores(t, name)
	rt := createTest(t, restoreTest(ns, name, func(rt *v1alpha1.RestoreTest) { rt.Spec.HealthChecks.PolicyRef = "web" }))
	r := restoreOf(t, rt)
	var run *v1alpha1.RunStatus
	eventually(t, stepTimeout, func(ctx context.Context) error {
		now, err := owner.RestoreTests(ns).Get(ctx, name, metav1.GetOptions{})
		if err == nil && now.Status.Run == nil {
			err = errors.New("no run")
		}
		if err == nil {
			run = now.Status.Run
		}
		return err
	})
	forged := &v1alpha1.RestoreReport{
		ObjectMeta: metav1.ObjectMeta{
			Name:        "a-good-one",
			Labels:      map[string]string{v1alpha1.LabelReportTest: name, v1alpha1.LabelRun: run.ID},
			Annotations: map[string]string{v1alpha1.AnnotationRestoreTest: ns + "/" + name},
		},
		Spec: v1alpha1.RestoreReportSpec{TestRef: name, RunID: run.ID},
	}
	report, err := owner.RestoreReports(ns).Create(t.Context(), forged, metav1.CreateOptions{})
	if !refusedBy(t, "a report of the owner", by, err) {
		report.Status = passed()
		if _, err := owner.RestoreReports(ns).UpdateStatus(t.Context(), report, metav1.UpdateOptions{}); err != nil {
			t.Fatal(err)
		}
	}
	finish(t, r)
	rt, report = awaitEnd(t, rt)
	if s := report.Status; s.Result != v1alpha1.ResultFail || rt.Status.LastResult != v1alpha1.ResultFail {
		t.Errorf("report %s says %s, score %d, of a restore whose check failed; the test says %s; %s", report.Name, s.Result, s.Score, rt.Status.LastResult, story(rt))
	}

	// One that has no verdict yet, as there is between two writes of the prober.
	forged.Name = "unwritten"
	unwritten, err := asTheProber(t).RestoreV1alpha1().RestoreReports(ns).Create(t.Context(), forged, metav1.CreateOptions{})
	if err != nil {
		t.Fatal(err)
	}
	unwritten.Status = passed()
	_, err = owner.RestoreReports(ns).UpdateStatus(t.Context(), unwritten, metav1.UpdateOptions{})
	refusedBy(t, "the verdict of the owner", by, err)
	written, err := owner.RestoreReports(ns).Get(t.Context(), report.Name, metav1.GetOptions{})
	if err != nil {
		t.Fatal(err)
	}
	written.Labels["forged"] = "yes"
	_, err = owner.RestoreReports(ns).Update(t.Context(), written, metav1.UpdateOptions{})
	refusedBy(t, "labels of the owner", by, err)
}

// asTheProber returns the client of somebody with the prober's token.
func asTheProber(t *testing.T) versioned.Interface {
	t.Helper()
	client, err := versioned.NewForConfig(configOf(theProber))
	if err != nil {
		t.Fatal(err)
	}
	return client
}

// passed is the verdict that an attacker wants.
func passed() *v1alpha1.RestoreReportStatus {
	level := v1alpha1.LevelResult{Status: v1alpha1.LevelPass, Points: 1, Max: 1}
	now := metav1.NewTime(time.Now().Truncate(time.Second))
	return &v1alpha1.RestoreReportStatus{
		Score: 100, Result: v1alpha1.ResultPass, StartedAt: now, CompletedAt: now, RTO: v1alpha1.RTO{Measured: "1m0s"},
		Backup: v1alpha1.Backup{Name: "forged", Age: "1h0m0s"},
		ValidationLevels: v1alpha1.ValidationLevels{
			RestoreIntegrity: level, Completeness: level, PodStartup: level, InternalHealth: level, CrossNamespaceDeps: level, RTOCompliance: level,
		},
	}
}
