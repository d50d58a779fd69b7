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
	shop := []string{"shop"}
	ended := func(result v1alpha1.Result, name string, at *metav1.Time) *verdict {
		return &verdict{report: "new", status: &v1alpha1.RestoreReportStatus{Result: result, StartedAt: began, Backup: v1alpha1.Backup{Name: name, StartedAt: at}}}
	}
	for name, c := range map[string]struct {
		last *v1alpha1.VerifiedBackup
		v    *verdict
		want *v1alpha1.VerifiedBackup
	}{
		"the first that passes":          {nil, ended(v1alpha1.ResultPass, "tuesday", &tuesday), &v1alpha1.VerifiedBackup{BackupName: "tuesday", BackupTime: &tuesday, Time: began, Report: "new", Namespaces: shop}},
		"a newer one passes":             {old, ended(v1alpha1.ResultPass, "tuesday", &tuesday), &v1alpha1.VerifiedBackup{BackupName: "tuesday", BackupTime: &tuesday, Time: began, Report: "new", Namespaces: shop}},
		"the same passes again":          {old, ended(v1alpha1.ResultPass, "monday", &monday), &v1alpha1.VerifiedBackup{BackupName: "monday", BackupTime: &monday, Time: began, Report: "new", Namespaces: shop}},
		"a newer one fails":              {old, ended(v1alpha1.ResultFail, "tuesday", &tuesday), old},
		"a newer one passes in part":     {old, ended(v1alpha1.ResultPartial, "tuesday", &tuesday), old},
		"nothing was learnt of a newer":  {old, ended(v1alpha1.ResultInconclusive, "tuesday", &tuesday), old},
		"an older one passes after it":   {&v1alpha1.VerifiedBackup{BackupName: "tuesday", BackupTime: &tuesday}, ended(v1alpha1.ResultPass, "monday", &monday), &v1alpha1.VerifiedBackup{BackupName: "tuesday", BackupTime: &tuesday}},
		"one of unknown age is no newer": {old, ended(v1alpha1.ResultPass, "x", nil), old},
	} {
		rt := test(func(rt *v1alpha1.RestoreTest) { rt.Status.LastVerified = c.last })
		if diff := cmp.Diff(c.want, verified(rt, c.v)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}

func TestARunOfASearchLeavesWhatIsKnownOfTheNewestBackup(t *testing.T) {
	score, newest := int32(0), &v1alpha1.LastRun{RunID: "of-the-newest", Streak: 3}
	failed := func(trigger v1alpha1.Trigger) *v1alpha1.RestoreTest {
		return test(func(rt *v1alpha1.RestoreTest) {
			rt.Status.Run.Trigger = trigger
			rt.Status.LastRunAt, rt.Status.LastScore, rt.Status.LastResult, rt.Status.LastReportRef = point(-60), &score, v1alpha1.ResultFail, "of-the-newest"
			rt.Status.LastRun = newest
		})
	}
	began := at(0)
	v := &verdict{report: "of-an-older", status: &v1alpha1.RestoreReportStatus{
		Score: 100, Result: v1alpha1.ResultPass, StartedAt: began, CompletedAt: at(60), Backup: v1alpha1.Backup{Name: "older", StartedAt: point(-7200)},
	}}
	good := &v1alpha1.VerifiedBackup{BackupName: "older", BackupTime: point(-7200), Time: began, Report: "of-an-older", Namespaces: []string{"shop"}}
	fragment := &v1alpha1.ReportStatus{RunID: runID, Result: v1alpha1.ResultPass, Name: "of-an-older"}
	full := int32(100)
	for trigger, want := range map[v1alpha1.Trigger]v1alpha1.RestoreTestStatus{
		v1alpha1.TriggerSearch: {Report: fragment, LastVerified: good, LastRunAt: point(-60), LastScore: &score, LastResult: v1alpha1.ResultFail, LastReportRef: "of-the-newest", LastRun: newest},
		v1alpha1.TriggerCron: {Report: fragment, LastVerified: good, LastRunAt: point(60), LastScore: &full, LastResult: v1alpha1.ResultPass, LastReportRef: "of-an-older",
			LastRun: &v1alpha1.LastRun{RunID: runID, BackupName: "older", Previous: v1alpha1.ResultFail, Streak: 1, PreviousScore: &score, PassedAt: &began, LineWait: "0s"}},
	} {
		if diff := cmp.Diff(want, own(failed(trigger), v)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", trigger, diff)
		}
	}
}

func TestReportsOnWhichASearchRestsAreKept(t *testing.T) {
	var all []v1alpha1.RestoreReport
	for age, name := range []string{"new", "found", "tried", "failed", "old", "older"} {
		all = append(all, *stored(name, age))
	}
	rt := test(func(rt *v1alpha1.RestoreTest) {
		rt.Status.Search = &v1alpha1.SearchStatus{
			Failed: v1alpha1.TriedBackup{Report: "failed"}, Tried: []v1alpha1.TriedBackup{{Report: "tried"}}, LastGood: &v1alpha1.VerifiedBackup{Report: "found"},
		}
	})
	names := func(rt *v1alpha1.RestoreTest) (names []string) {
		for _, r := range surplus(all, rt) {
			names = append(names, r.Name)
		}
		return names
	}
	if diff := cmp.Diff([]string{"older", "old"}, names(rt)); diff != "" {
		t.Errorf("deleted (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]string{"older", "old", "failed", "tried", "found"}, names(test())); diff != "" {
		t.Errorf("without a search deleted (-want +got):\n%s", diff)
	}
}
