package coverage

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	velerov1 "github.com/vmware-tanzu/velero/pkg/apis/velero/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/kymaros/kymaros/pkg/apis/restore/v1alpha1"
	"github.com/kymaros/kymaros/pkg/backups"
	"github.com/kymaros/kymaros/pkg/volumes"
)

// one of some.
func one[T any](r *rand.Rand, of ...T) T { return of[r.IntN(len(of))] }

// TestBackupsOfOtherNamespacesDecideNothing: the choice among the backups that select a namespace is that among all.
func TestBackupsOfOtherNamespacesDecideNothing(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	chosen, refused := 0, 0
	for range 3000 {
		in := Input{Now: now, VeleroNamespace: "velero", Locations: map[string]string{"gone": "is Unavailable"}}
		for i := range r.IntN(7) {
			began := ago(time.Duration(r.IntN(100)) * time.Hour)
			in.Backups = append(in.Backups, &velerov1.Backup{
				ObjectMeta: metav1.ObjectMeta{Name: fmt.Sprintf("b-%d", i)},
				Spec: velerov1.BackupSpec{
					IncludedNamespaces: one(r, nil, []string{"shop"}, []string{"sh*", "web"}, []string{"web"}), ExcludedNamespaces: one(r, nil, nil, []string{"shop"}, []string{"web"}),
					ExcludedResources: one(r, nil, nil, []string{"secrets"}), StorageLocation: one(r, "here", "here", "gone"), SnapshotVolumes: one(r, nil, new(false)),
				},
				Status: velerov1.BackupStatus{
					Phase: one(r, velerov1.BackupPhaseCompleted, velerov1.BackupPhaseCompleted, velerov1.BackupPhasePartiallyFailed, velerov1.BackupPhaseFailed), StartTimestamp: &began,
					VolumeSnapshotsCompleted: r.IntN(2),
				},
			})
		}
		ns := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: "shop", CreationTimestamp: ago(time.Duration(r.IntN(120)) * time.Hour)}}
		seen := lookAt(in)
		got, gotErr := seen.choose(ns)
		want, wantErr := backups.Choose(in.Backups, seen.wanted(ns), backups.Known{Locations: in.Locations})
		if fmt.Sprint(gotErr) != fmt.Sprint(wantErr) || got.Backup != want.Backup || !slices.Equal(got.LeavesOut, want.LeavesOut) {
			t.Fatalf("got %+v %v, want %+v %v", got, gotErr, want, wantErr)
		}
		if gotErr == nil {
			chosen++
		} else {
			refused++
		}
	}
	if chosen < 500 || refused < 500 {
		t.Errorf("%d were chosen and %d refused", chosen, refused)
	}
}

// BenchmarkOf judges 1,000 namespaces, each with a volume, a backup, a test and 30 reports.
func BenchmarkOf(b *testing.B) {
	in := Input{Now: now, Held: map[string][]volumes.Backed{}}
	for i := range 1000 {
		name := fmt.Sprintf("app-%d", i)
		began := ago(8 * time.Hour)
		in.Namespaces = append(in.Namespaces, corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: name, CreationTimestamp: ago(1000 * time.Hour)}})
		in.Claims = append(in.Claims, Claim{Namespace: name, Name: "data", Created: now.Add(-1000 * time.Hour)})
		in.Backups = append(in.Backups, &velerov1.Backup{
			ObjectMeta: metav1.ObjectMeta{Name: name}, Spec: velerov1.BackupSpec{IncludedNamespaces: []string{name}},
			Status: velerov1.BackupStatus{Phase: velerov1.BackupPhaseCompleted, StartTimestamp: &began},
		})
		in.Held[name] = []volumes.Backed{{Kind: "PodVolumeBackup", Namespace: name, Claim: "data", Phase: "Completed", Snapshot: "1"}}
		rt := test()
		rt.Name, rt.Spec.BackupSource.Namespaces[0].Name = name, name
		in.Tests = append(in.Tests, rt)
		for n := range 30 {
			report := verified().Reports[0]
			report.Name, report.Spec.TestRef, report.Status.StartedAt = fmt.Sprintf("%s-%d", name, n), name, ago(time.Duration(n)*24*time.Hour)
			report.Status.Sandboxes, report.Status.Volumes = []v1alpha1.ReportSandbox{{Source: name}}, []v1alpha1.VolumeReport{{Namespace: name, Claim: "data", Method: v1alpha1.VolumeFileSystemBackup}}
			in.Reports = append(in.Reports, report)
		}
	}
	for b.Loop() {
		if all := Of(in); all[0].State != Verified {
			b.Fatalf("%+v", all[0])
		}
	}
}
