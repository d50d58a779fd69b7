package restore

import (
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	velerov1 "github.com/vmware-tanzu/velero/pkg/apis/velero/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes/fake"
	"k8s.io/client-go/tools/cache"

	"github.com/kymaros/kymaros/pkg/apis/restore/v1alpha1"
	kymarosfake "github.com/kymaros/kymaros/pkg/generated/clientset/versioned/fake"
	velerolisters "github.com/kymaros/kymaros/pkg/generated/listers/velero/v1"
)

// passed returns a report of rt by which a backup passed.
func passed(rt *v1alpha1.RestoreTest, name string, b *velerov1.Backup, at time.Time, change ...func(*v1alpha1.RestoreReport)) *v1alpha1.RestoreReport {
	r := &v1alpha1.RestoreReport{
		ObjectMeta: metav1.ObjectMeta{Namespace: rt.Namespace, Name: name, Labels: map[string]string{v1alpha1.LabelReportTest: rt.Name}, ManagedFields: []metav1.ManagedFieldsEntry{{
			Manager: "kymaros-report", Operation: metav1.ManagedFieldsOperationUpdate, FieldsV1: metav1.NewFieldsV1(`{"f:spec":{},"f:status":{}}`),
		}}},
		Spec: v1alpha1.RestoreReportSpec{TestRef: rt.Name, RunID: name},
		Status: &v1alpha1.RestoreReportStatus{
			Result: v1alpha1.ResultPass, StartedAt: metav1.NewTime(at), Backup: v1alpha1.Backup{Name: b.Name, StartedAt: b.Status.StartTimestamp},
		},
	}
	for _, f := range change {
		f(r)
	}
	return r
}

func TestWhatWasVerifiedIsKnownFromTheReportsOfTheTest(t *testing.T) {
	hour := func(n int) time.Duration { return time.Duration(n) * time.Hour }
	old, middle, young := backup("old", velerov1.BackupPhaseCompleted, hour(3)), backup("middle", velerov1.BackupPhaseCompleted, hour(2)), backup("young", velerov1.BackupPhaseCompleted, hour(1))
	result := func(result v1alpha1.Result) func(*v1alpha1.RestoreReport) {
		return func(r *v1alpha1.RestoreReport) { r.Status.Result = result }
	}
	rt := test(func(rt *v1alpha1.RestoreTest) {
		rt.Status.Run.Spec.BackupSource.Selection, rt.Status.Run.Spec.BackupSource.AllowOlderThanNamespace = v1alpha1.SelectOldestUnverified, true
	})
	for name, c := range map[string]struct {
		selection v1alpha1.BackupSelection
		reports   []*v1alpha1.RestoreReport
		chosen    string
		lists     int
	}{
		"none":                                    {chosen: "old", lists: 1},
		"one that passed":                         {reports: []*v1alpha1.RestoreReport{passed(rt, "a", old, now)}, chosen: "middle", lists: 1},
		"one that failed":                         {reports: []*v1alpha1.RestoreReport{passed(rt, "a", old, now, result(v1alpha1.ResultFail))}, chosen: "old", lists: 1},
		"one that is not written yet":             {reports: []*v1alpha1.RestoreReport{passed(rt, "a", old, now, func(r *v1alpha1.RestoreReport) { r.Status = nil })}, chosen: "old", lists: 1},
		"one that somebody else wrote":            {reports: []*v1alpha1.RestoreReport{passed(rt, "a", old, now, func(r *v1alpha1.RestoreReport) { r.ManagedFields[0].Manager = "kubectl" })}, chosen: "old", lists: 1},
		"one that is of another test":             {reports: []*v1alpha1.RestoreReport{passed(rt, "a", old, now, func(r *v1alpha1.RestoreReport) { r.Spec.TestRef = "other" })}, chosen: "old", lists: 1},
		"the last counts, where several":          {reports: []*v1alpha1.RestoreReport{passed(rt, "a", old, now), passed(rt, "b", old, now.Add(-hour(9))), passed(rt, "c", middle, now.Add(-hour(5))), passed(rt, "d", young, now.Add(-hour(4)))}, chosen: "middle", lists: 1},
		"they are not read for another selection": {selection: v1alpha1.SelectLatest, reports: []*v1alpha1.RestoreReport{passed(rt, "a", young, now)}, chosen: "young"},
	} {
		t.Run(name, func(t *testing.T) {
			rt := rt.DeepCopy()
			if c.selection != "" {
				rt.Status.Run.Spec.BackupSource.Selection = c.selection
			}
			indexer := cache.NewIndexer(cache.MetaNamespaceKeyFunc, cache.Indexers{cache.NamespaceIndex: cache.MetaNamespaceIndexFunc})
			for _, b := range []*velerov1.Backup{old, middle, young} {
				b.Namespace = "velero"
				if err := indexer.Add(b); err != nil {
					t.Fatal(err)
				}
			}
			client := kymarosfake.NewClientset()
			for _, r := range c.reports {
				if err := client.Tracker().Add(r); err != nil {
					t.Fatal(err)
				}
			}
			controller := &Controller{options: Options{VeleroNamespace: "velero", Lists: unlisted()}, kube: fake.NewClientset(), client: client, backups: velerolisters.NewBackupLister(indexer).Backups("velero")}
			s := seen{resources: []string{"pods"}}
			if err := controller.listed(t, rt, &s); err != nil || s.missing != nil {
				t.Fatal(err, s.missing)
			}
			lists := 0
			for _, a := range client.Actions() {
				if a.Matches("list", "restorereports") {
					lists++
				}
			}
			if s.backup.Name != c.chosen || lists != c.lists {
				t.Errorf("%s with %d lists, want %s with %d", s.backup.Name, lists, c.chosen, c.lists)
			}
			if diff := cmp.Diff(map[v1alpha1.BackupSelection]int32{v1alpha1.SelectLatest: 0, "": 3}[c.selection], s.choice.Candidates); diff != "" {
				t.Errorf("candidates (-want +got):\n%s", diff)
			}
		})
	}
}

func TestARunOfASearchTakesAnOlderBackupThanThoseTried(t *testing.T) {
	began := func(hours int) *metav1.Time { return &metav1.Time{Time: now.Add(-time.Duration(hours) * time.Hour)} }
	search := &v1alpha1.SearchStatus{
		State:  v1alpha1.SearchUnderWay,
		Failed: v1alpha1.TriedBackup{BackupName: "b1", BackupTime: began(1)}, Tried: []v1alpha1.TriedBackup{{BackupName: "b2", BackupTime: began(2)}},
	}
	for name, c := range map[string]struct {
		trigger v1alpha1.Trigger
		backups []int // hours since they began
		chosen  string
		older   int32
		reason  string
	}{
		"the next":                          {v1alpha1.TriggerSearch, []int{1, 2, 3, 4}, "b3", 1, v1alpha1.ReasonInProgress},
		"the newest, if it is of no search": {v1alpha1.TriggerCron, []int{1, 2, 3, 4}, "b1", 3, v1alpha1.ReasonInProgress},
		"none, where no older one is left":  {v1alpha1.TriggerSearch, []int{1, 2}, "", 0, v1alpha1.ReasonNoOlderBackup},
		"none, where all are gone":          {v1alpha1.TriggerSearch, nil, "", 0, v1alpha1.ReasonNoOlderBackup},
	} {
		t.Run(name, func(t *testing.T) {
			rt := test(func(rt *v1alpha1.RestoreTest) {
				rt.Status.Run.Trigger, rt.Status.Search = c.trigger, search
				rt.Status.Run.Spec.BackupSource.AllowOlderThanNamespace = true
			})
			indexer := cache.NewIndexer(cache.MetaNamespaceKeyFunc, cache.Indexers{cache.NamespaceIndex: cache.MetaNamespaceIndexFunc})
			for _, hours := range c.backups {
				b := backup(fmt.Sprintf("b%d", hours), velerov1.BackupPhaseCompleted, time.Duration(hours)*time.Hour)
				b.Namespace = "velero"
				if err := indexer.Add(b); err != nil {
					t.Fatal(err)
				}
			}
			controller := &Controller{options: Options{VeleroNamespace: "velero", Lists: unlisted()}, kube: fake.NewClientset(), client: kymarosfake.NewClientset(), backups: velerolisters.NewBackupLister(indexer).Backups("velero")}
			s := seen{resources: []string{"pods"}}
			if err := controller.listed(t, rt, &s); err != nil {
				t.Fatal(err)
			}
			p := decide(rt, s, now)
			if p.condition.Reason != c.reason || p.create != (c.chosen != "") || p.status.BackupName != c.chosen || c.chosen != "" && p.status.BackupChoice.OlderCount != c.older {
				t.Errorf("%s: %s; %+v, want %s with %d older ones", p.condition.Reason, p.condition.Message, p.status, c.chosen, c.older)
			}
		})
	}
}
