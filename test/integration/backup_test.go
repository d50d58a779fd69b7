package integration

import (
	"testing"

	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/kymaros/kymaros/pkg/apis/restore/v1alpha1"
)

// The first test of the package: others make backups.
func TestWithoutAnyBackupARunEndsAndSaysHowToMakeOne(t *testing.T) {
	backups, err := kymaros.VeleroV1().Backups(veleroNamespace).List(t.Context(), metav1.ListOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if len(backups.Items) > 0 {
		t.Fatalf("there are %d backups already: this test has to run before those that make them", len(backups.Items))
	}
	alone(t)
	latest := func(rt *v1alpha1.RestoreTest) { rt.Spec.BackupSource.BackupName = "latest" }
	rt, report := awaitEnd(t, createTest(t, restoreTest(newNamespace(t, "no-backup-at-all"), "no-backup-at-all", latest)))
	want := []string{"no Backup in namespace " + veleroNamespace + " yet", "velero backup create"}
	restored := meta.FindStatusCondition(rt.Status.Conditions, v1alpha1.ConditionRestored)
	if restored == nil || restored.Status != metav1.ConditionFalse || restored.Reason != v1alpha1.ReasonBackupNotFound || !contains(restored.Message, want) {
		t.Errorf("condition Restored: %+v, want BackupNotFound with %q", restored, want)
	}
	if report.Status.Result != v1alpha1.ResultFail || report.Status.Reason != v1alpha1.ReasonBackupNotFound || !contains(report.Status.Message, want[1:]) {
		t.Errorf("report %s %s %q, want fail and what to do", report.Status.Result, report.Status.Reason, report.Status.Message)
	}
}
