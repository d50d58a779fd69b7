package e2e

import (
	"strings"
	"testing"

	"github.com/kymaros/kymaros/pkg/apis/restore/v1alpha1"
)

func TestASourceThatIsGoneIsRestoredAllTheSame(t *testing.T) {
	t.Parallel()
	_, report := cluster.AwaitEnd(t, cluster.Start(t, cluster.RestoreTest("gone", appsBackup, gone), webAnswers()))
	s := report.Status
	if s.Result == v1alpha1.ResultFail {
		t.Errorf("report: %s %d, %s: %s", s.Result, s.Score, s.Reason, s.Message)
	}
	level := s.ValidationLevels.Completeness
	if level.Status != v1alpha1.LevelPass || !strings.Contains(strings.Join(level.Tested, "; "), "compared with the names that the backup holds") {
		t.Errorf("completeness: %+v", level)
	}
	if s.ValidationLevels.InternalHealth.Status != v1alpha1.LevelPass {
		t.Errorf("health: %+v", s.ValidationLevels.InternalHealth)
	}
}

func TestAVolumeWithoutDataInTheBackupNeverPasses(t *testing.T) {
	t.Parallel()
	cluster.Untouched(t, ledger)
	works := v1alpha1.HealthCheck{Name: "runs", Type: v1alpha1.CheckPodStatus, PodStatus: &v1alpha1.PodStatusCheck{LabelSelector: map[string]string{"app": "ledger"}, MinReady: 1}}
	_, report := cluster.AwaitEnd(t, cluster.Start(t, cluster.RestoreTest("ledger", appsBackup, ledger), works))
	s := report.Status
	if s.Result == v1alpha1.ResultPass || s.Score >= 90 || !strings.Contains(s.Message, "ledger") || len(s.Caps) == 0 {
		t.Errorf("report: %s %d, %s: %s (caps %v)", s.Result, s.Score, s.Reason, s.Message, s.Caps)
	}
	if len(s.Volumes) != 1 || s.Volumes[0].Claim != "ledger" || s.Volumes[0].Method != v1alpha1.VolumeLeftOut {
		t.Errorf("volumes: %+v", s.Volumes)
	}
}
