package report

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/kymaros/kymaros/pkg/apis/restore/v1alpha1"
)

func TestTheNewestBackupThatPassedIsKept(t *testing.T) {
	monday, tuesday := metav1.NewTime(time.Date(2026, 3, 2, 1, 0, 0, 0, time.UTC)), metav1.NewTime(time.Date(2026, 3, 3, 1, 0, 0, 0, time.UTC))
	began := metav1.NewTime(time.Date(2026, 3, 4, 3, 0, 0, 0, time.UTC))
	old := &v1alpha1.VerifiedBackup{BackupName: "monday", BackupTime: &monday, Time: monday, Report: "old"}
	ended := func(result v1alpha1.Result, name string, at *metav1.Time) *verdict {
		return &verdict{report: "new", status: &v1alpha1.RestoreReportStatus{Result: result, StartedAt: began, Backup: v1alpha1.Backup{Name: name, StartedAt: at}}}
	}
	for name, c := range map[string]struct {
		last *v1alpha1.VerifiedBackup
		v    *verdict
		want *v1alpha1.VerifiedBackup
	}{
		"the first that passes":          {nil, ended(v1alpha1.ResultPass, "tuesday", &tuesday), &v1alpha1.VerifiedBackup{BackupName: "tuesday", BackupTime: &tuesday, Time: began, Report: "new"}},
		"a newer one passes":             {old, ended(v1alpha1.ResultPass, "tuesday", &tuesday), &v1alpha1.VerifiedBackup{BackupName: "tuesday", BackupTime: &tuesday, Time: began, Report: "new"}},
		"the same passes again":          {old, ended(v1alpha1.ResultPass, "monday", &monday), &v1alpha1.VerifiedBackup{BackupName: "monday", BackupTime: &monday, Time: began, Report: "new"}},
		"a newer one fails":              {old, ended(v1alpha1.ResultFail, "tuesday", &tuesday), old},
		"a newer one passes in part":     {old, ended(v1alpha1.ResultPartial, "tuesday", &tuesday), old},
		"nothing was learnt of a newer":  {old, ended(v1alpha1.ResultInconclusive, "tuesday", &tuesday), old},
		"an older one passes after it":   {&v1alpha1.VerifiedBackup{BackupName: "tuesday", BackupTime: &tuesday}, ended(v1alpha1.ResultPass, "monday", &monday), &v1alpha1.VerifiedBackup{BackupName: "tuesday", BackupTime: &tuesday}},
		"one of unknown age is no newer": {old, ended(v1alpha1.ResultPass, "x", nil), old},
	} {
		if diff := cmp.Diff(c.want, verified(c.last, c.v)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}
