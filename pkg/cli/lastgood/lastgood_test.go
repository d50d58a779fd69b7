package lastgood

import (
	"strings"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/kymaros/kymaros/pkg/apis/restore/v1alpha1"
)

func TestTheNewestBackupThatPassedComesFirst(t *testing.T) {
	at := func(day int) *metav1.Time { return &metav1.Time{Time: time.Date(2026, 11, day, 2, 0, 0, 0, time.UTC)} }
	report := func(backup string, day int, result v1alpha1.Result) *v1alpha1.RestoreReport {
		return &v1alpha1.RestoreReport{Status: &v1alpha1.RestoreReportStatus{Result: result, Backup: v1alpha1.Backup{Name: backup, StartedAt: at(day)}, StartedAt: *at(day)}}
	}
	rt := &v1alpha1.RestoreTest{}
	rt.Status.LastVerified = &v1alpha1.VerifiedBackup{BackupName: "b3", BackupTime: at(3), Time: *at(3)}
	var got []string
	for _, g := range Candidates(rt, []*v1alpha1.RestoreReport{report("b5", 5, v1alpha1.ResultFail), report("b4", 4, v1alpha1.ResultPartial), report("b1", 1, v1alpha1.ResultPass), report("b3", 3, v1alpha1.ResultPass), report("b2", 2, v1alpha1.ResultPass)}) {
		got = append(got, g.Backup)
	}
	if strings.Join(got, " ") != "b3 b2 b1" {
		t.Errorf("%v", got)
	}
}

func TestTheCommandRestoresWhatTheTestDid(t *testing.T) {
	rt := &v1alpha1.RestoreTest{}
	rt.Spec.BackupSource = v1alpha1.BackupSource{Namespaces: []v1alpha1.SourceNamespace{{Name: "shop"}, {Name: "db"}}, LabelSelector: map[string]string{"tier": "web"}}
	want := "velero restore create --namespace oadp --from-backup b3 --include-namespaces shop,db --selector 'tier=web'"
	if got := Restore(rt, "b3", "oadp"); got != want {
		t.Error(got)
	}
}
