package lastgood

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	velerov1 "github.com/vmware-tanzu/velero/pkg/apis/velero/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	clienttesting "k8s.io/client-go/testing"

	"github.com/kymaros/kymaros/pkg/apis/restore/v1alpha1"
	"github.com/kymaros/kymaros/pkg/cli/client"
	"github.com/kymaros/kymaros/pkg/generated/clientset/versioned/fake"
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

func TestWhatVeleroHasNoMoreIsPassedOver(t *testing.T) {
	begun := metav1.Date(2026, 11, 3, 2, 0, 0, 0, time.UTC)
	backup := func(name string, edit func(*velerov1.Backup)) *velerov1.Backup {
		b := &velerov1.Backup{ObjectMeta: metav1.ObjectMeta{Namespace: "velero", Name: name}}
		b.Status.StartTimestamp = &begun
		edit(b)
		return b
	}
	all := []Good{{Backup: "deleted", Begun: &begun}, {Backup: "going", Begun: &begun}, {Backup: "another", Begun: &begun}, {Backup: "there", Begun: &begun}, {Backup: "older", Begun: &begun}}
	kymaros := fake.NewClientset(
		backup("going", func(b *velerov1.Backup) { b.DeletionTimestamp, b.Finalizers = &begun, []string{"x"} }),
		backup("another", func(b *velerov1.Backup) {
			later := metav1.NewTime(begun.Add(time.Hour))
			b.Status.StartTimestamp = &later
		}),
		backup("there", func(*velerov1.Backup) {}), backup("older", func(*velerov1.Backup) {}),
	)
	good, gone, err := choose(t.Context(), client.Clients{Kymaros: kymaros}, slices.Clone(all), "velero")
	if err != nil || good == nil || good.Backup != "there" || good.Exists != "yes" || strings.Join(gone, ",") != "deleted,going,another (another backup has its name now)" {
		t.Errorf("%+v %q %v", good, gone, err)
	}
	if good, gone, err = choose(t.Context(), client.Clients{Kymaros: kymaros}, slices.Clone(all[:3]), "velero"); err != nil || good != nil || len(gone) != 3 {
		t.Errorf("of none that is there: %+v %q %v", good, gone, err)
	}

	fails := func(failure error) client.Clients {
		kymaros := fake.NewClientset()
		kymaros.PrependReactor("get", "backups", func(clienttesting.Action) (bool, runtime.Object, error) { return true, nil, failure })
		return client.Clients{Kymaros: kymaros}
	}
	forbidden := apierrors.NewForbidden(schema.GroupResource{Resource: "backups"}, "deleted", nil)
	if good, _, err = choose(t.Context(), fails(forbidden), slices.Clone(all), "velero"); err != nil || good == nil || good.Backup != "deleted" || good.Exists != "unknown" {
		t.Errorf("without the right to look: %+v %v", good, err)
	}
	if good, _, err = choose(t.Context(), fails(errors.New("away")), slices.Clone(all), "velero"); err == nil || good != nil {
		t.Errorf("without an answer: %+v", good)
	}
}
