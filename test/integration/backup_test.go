package integration

import (
	"testing"
	"time"

	velerov1 "github.com/vmware-tanzu/velero/pkg/apis/velero/v1"
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

// The name of a namespace that is gone may be somebody else's now, but not what was backed up under it.
func TestABackupOfANamespaceThatWasMadeAnewIsNotOpened(t *testing.T) {
	t.Parallel()
	shared(t)
	// anew creates namespace src-<name>, which is younger than a backup <name>.
	anew := func(t *testing.T, name string) {
		source(t, "src-"+name)
		b := backup(t, name, "src-"+name)
		hourAgo := metav1.NewTime(time.Now().Add(-time.Hour).Truncate(time.Second))
		b.Status.StartTimestamp, b.Status.CompletionTimestamp = &hourAgo, &hourAgo
		if _, err := kymaros.VeleroV1().Backups(veleroNamespace).Update(t.Context(), b, metav1.UpdateOptions{}); err != nil {
			t.Fatal(err)
		}
	}
	for _, backupName := range []string{"anew-named", "latest"} {
		t.Run("as "+backupName, func(t *testing.T) {
			t.Parallel()
			name := map[string]string{"anew-named": "anew-named", "latest": "anew-latest"}[backupName]
			anew(t, name)
			rt, report := awaitEnd(t, createTest(t, restoreTest(newNamespace(t, name), name, func(rt *v1alpha1.RestoreTest) {
				rt.Spec.BackupSource.BackupName = backupName
			})))
			want := []string{"backup " + name + ", begun", `is older than namespace "src-` + name + `"`, "make a new backup", "spec.backupSource.allowOlderThanNamespace"}
			restored := meta.FindStatusCondition(rt.Status.Conditions, v1alpha1.ConditionRestored)
			if restored == nil || restored.Reason != v1alpha1.ReasonBackupNotFound || !contains(restored.Message, want) {
				t.Errorf("condition Restored: %+v, want BackupNotFound with %q", restored, want)
			}
			if report.Status.Result != v1alpha1.ResultFail || report.Status.Restore != nil {
				t.Errorf("report %s %s, Restore %+v, want fail and none", report.Status.Result, report.Status.Reason, report.Status.Restore)
			}
			if made := shared(t).created("restores", name); made != 0 {
				t.Errorf("%d Restores were made", made)
			}
		})
	}
	t.Run("but a later one is", func(t *testing.T) {
		t.Parallel()
		const name = "anew-later"
		anew(t, name)
		backup(t, name+"-2", "src-"+name)
		_, report := awaitEnd(t, createTest(t, restoreTest(newNamespace(t, name), name)))
		if report.Status.Backup.Name != name+"-2" || report.Status.Restore == nil {
			t.Errorf("restored %+v, want backup %s-2; %s", report.Status.Backup, name, report.Status.Message)
		}
	})
	t.Run("and where the test says so", func(t *testing.T) {
		t.Parallel()
		const name = "anew-allowed"
		anew(t, name)
		_, report := awaitEnd(t, createTest(t, restoreTest(newNamespace(t, name), name, func(rt *v1alpha1.RestoreTest) {
			rt.Spec.BackupSource.AllowOlderThanNamespace = true
		})))
		if report.Status.Backup.Name != name || report.Status.Restore == nil {
			t.Errorf("restored %+v, want backup %s; %s", report.Status.Backup, name, report.Status.Message)
		}
	})
}

func TestLatestIsTheNewestBackupThatHoldsTheApplication(t *testing.T) {
	t.Parallel()
	shared(t)
	// aged creates a backup of namespace src-<of> that began age ago.
	aged := func(t *testing.T, of, name string, age time.Duration, change func(*velerov1.Backup)) {
		b := backup(t, name, "src-"+of)
		began := metav1.NewTime(time.Now().Add(-age).Truncate(time.Second))
		b.Status.StartTimestamp, b.Status.CompletionTimestamp = &began, &began
		change(b)
		if _, err := kymaros.VeleroV1().Backups(veleroNamespace).Update(t.Context(), b, metav1.UpdateOptions{}); err != nil {
			t.Fatal(err)
		}
	}
	whole := func(*velerov1.Backup) {}
	t.Run("and what is newer is said, and how old it is", func(t *testing.T) {
		t.Parallel()
		const name = "latest-whole"
		source(t, "src-"+name)
		aged(t, name, name+"-nightly", 50*time.Hour, whole)
		aged(t, name, name+"-failed", 26*time.Hour, func(b *velerov1.Backup) {
			b.Status.Phase, b.Status.FailureReason = velerov1.BackupPhaseFailed, "the bucket is full"
		})
		aged(t, name, name+"-empty", 25*time.Hour, func(b *velerov1.Backup) { b.Status.Progress = &velerov1.BackupProgress{} })
		aged(t, name, name+"-payments", time.Hour, func(b *velerov1.Backup) {
			b.Spec.IncludedNamespaces = []string{"src-latest-w*"}
			b.Spec.LabelSelector = metav1.AddLabelToSelector(&metav1.LabelSelector{}, "team", "payments")
		})
		rt, report := awaitEnd(t, createTest(t, restoreTest(newNamespace(t, name), name, func(rt *v1alpha1.RestoreTest) {
			rt.Spec.BackupSource.AllowOlderThanNamespace = true
			rt.Spec.BackupSource.MaxBackupAge = "26h"
		})))
		if report.Status.Backup.Name != name+"-nightly" || report.Status.Restore == nil {
			t.Errorf("restored %+v, want backup %s-nightly; %s", report.Status.Backup, name, report.Status.Message)
		}
		if choice := rt.Status.Restore.BackupChoice; choice == nil || choice.NewerCount != 3 || choice.NewerFailed != 2 || len(choice.NewerBackups) != 3 {
			t.Errorf("status.restore.backupChoice: %+v, want 3 newer backups of which 2 failed", choice)
		}
		want := []string{
			"newer backups were not used: " + name + "-empty: Completed", "Velero backed up 0 items", name + "-failed: Failed", "the bucket is full",
			name + "-payments: Completed", "spec.labelSelector (team=payments)", "spec.backupSource.maxBackupAge is 26h0m0s",
		}
		if restored := meta.FindStatusCondition(rt.Status.Conditions, v1alpha1.ConditionRestored); restored == nil || !contains(restored.Message, want) {
			t.Errorf("condition Restored: %+v, want %q", restored, want)
		}
	})
	t.Run("and it is not tried where its location is not there", func(t *testing.T) {
		t.Parallel()
		const name = "latest-away"
		source(t, "src-"+name)
		aged(t, name, name, time.Hour, func(b *velerov1.Backup) { b.Spec.StorageLocation = "nowhere" })
		rt, _ := awaitEnd(t, createTest(t, restoreTest(newNamespace(t, name), name, func(rt *v1alpha1.RestoreTest) {
			rt.Spec.BackupSource.AllowOlderThanNamespace = true
		})))
		want := []string{"backup " + name + " is in BackupStorageLocation nowhere", "does not exist", "velero backup-location get"}
		restored := meta.FindStatusCondition(rt.Status.Conditions, v1alpha1.ConditionRestored)
		if restored == nil || restored.Reason != v1alpha1.ReasonBackupLocationUnavailable || !contains(restored.Message, want) {
			t.Errorf("condition Restored: %+v, want BackupLocationUnavailable with %q", restored, want)
		}
		if made := shared(t).created("restores", name); made != 0 {
			t.Errorf("%d Restores were made", made)
		}
	})
}
