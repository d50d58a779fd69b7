package metrics

import (
	"fmt"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/tools/cache"
	"k8s.io/utils/ptr"

	"github.com/kymaros/kymaros/pkg/apis/restore/v1alpha1"
	listers "github.com/kymaros/kymaros/pkg/generated/listers/restore/v1alpha1"
)

func at(hour int) metav1.Time {
	return metav1.NewTime(time.Unix(1700000000, 0).Add(time.Duration(hour) * time.Hour))
}

func point(hour int) *metav1.Time { return new(at(hour)) }

// cached returns the tests as a controller that has just been started has them.
func cached(t testing.TB, all ...*v1alpha1.RestoreTest) (*Tests, cache.Indexer) {
	t.Helper()
	indexer := cache.NewIndexer(cache.MetaNamespaceKeyFunc, cache.Indexers{cache.NamespaceIndex: cache.MetaNamespaceIndexFunc})
	for _, rt := range all {
		if err := indexer.Add(rt); err != nil {
			t.Fatal(err)
		}
	}
	return &Tests{Lister: listers.NewRestoreTestLister(indexer), Synced: func() bool { return true }, Leading: func() bool { return true }}, indexer
}

// created returns a test that nobody has looked at yet.
func created(name string) *v1alpha1.RestoreTest {
	return &v1alpha1.RestoreTest{
		ObjectMeta: metav1.ObjectMeta{Namespace: "prod", Name: name, CreationTimestamp: at(0)},
		Spec: v1alpha1.RestoreTestSpec{
			BackupSource: v1alpha1.BackupSource{Namespaces: []v1alpha1.SourceNamespace{{Name: name}}},
			Schedule:     v1alpha1.Schedule{Cron: "0 3 * * 1-5"},
		},
	}
}

func scheduled(rt *v1alpha1.RestoreTest, status metav1.ConditionStatus, reason string) {
	rt.Status.Conditions = append(rt.Status.Conditions, metav1.Condition{Type: v1alpha1.ConditionScheduled, Status: status, Reason: reason})
}

// proved returns a test whose last run passed, and which has all that a test can have.
func proved(name string) *v1alpha1.RestoreTest {
	rt := created(name)
	rt.Spec.SLA = &v1alpha1.SLA{MaxRTO: "15m"}
	rt.Spec.Schedule.StartingDeadlineSeconds = ptr.To[int64](7200)
	rto := v1alpha1.RTO{Measured: "6m12s", Parts: &v1alpha1.RTOParts{Queue: "41s", Restore: "3m", VolumeData: "2m", Pods: "2m", Checks: "1m12s"}}
	rt.Status = v1alpha1.RestoreTestStatus{
		Run:     &v1alpha1.RunStatus{ID: "run-2", ScheduledTime: at(48), StartTime: at(49)},
		Sandbox: &v1alpha1.SandboxStatus{RunID: "run-2", Isolation: v1alpha1.IsolationProven},
		Cleanup: &v1alpha1.CleanupStatus{RunID: "run-2", Leaked: []v1alpha1.Leak{{Object: "persistentvolume/a"}, {Object: "persistentvolume/b"}}},
		Search: &v1alpha1.SearchStatus{
			State: v1alpha1.SearchFound, LastGood: &v1alpha1.VerifiedBackup{BackupTime: point(24)},
		},
		NextRunAt: point(72), LastRunAt: point(50), LastScore: ptr.To[int32](98), LastResult: v1alpha1.ResultPass,
		LastVerified: &v1alpha1.VerifiedBackup{BackupName: "nightly", BackupTime: point(47), Time: at(49), Namespaces: []string{name, name + "-db"}},
		LastRun: &v1alpha1.LastRun{
			Sequence: 212,
			RunID:    "run-2", Streak: 3, PreviousScore: ptr.To[int32](95), PassedAt: point(49), LineWait: "1h", RTO: &rto, BackupAge: "2h",
			Completeness: &v1alpha1.ObjectCount{Found: 3, Expected: 4},
		},
	}
	scheduled(rt, metav1.ConditionTrue, v1alpha1.ReasonNextRunPlanned)
	notified(rt, metav1.ConditionTrue, v1alpha1.ReasonDelivered)
	return rt
}

func notified(rt *v1alpha1.RestoreTest, status metav1.ConditionStatus, reason string) {
	rt.Status.Conditions = append(rt.Status.Conditions, metav1.Condition{Type: v1alpha1.ConditionNotified, Status: status, Reason: reason})
}

// inLine returns a test of which a run waits for its turn; its first has failed.
func inLine(name string, since metav1.Time, reason string) *v1alpha1.RestoreTest {
	rt := created(name)
	rt.Status = v1alpha1.RestoreTestStatus{
		Run:       &v1alpha1.RunStatus{ID: "run-2", ScheduledTime: since},
		LastRunAt: point(24), LastScore: ptr.To[int32](0), LastResult: v1alpha1.ResultFail, LastRun: &v1alpha1.LastRun{RunID: "run-1", Streak: 1},
		Search: &v1alpha1.SearchStatus{State: v1alpha1.SearchNotFound},
	}
	scheduled(rt, metav1.ConditionTrue, reason)
	return rt
}

// fleet is a small one in which every metric has a series.
func fleet() []*v1alpha1.RestoreTest {
	off := created("off")
	off.Spec.Suspend = true
	scheduled(off, metav1.ConditionFalse, v1alpha1.ReasonSuspended)
	notified(off, metav1.ConditionFalse, v1alpha1.ReasonUndeliverable)
	unreadable := created("unreadable")
	unreadable.Spec.Schedule.Cron = "at night"
	scheduled(unreadable, metav1.ConditionFalse, v1alpha1.ReasonInvalidSchedule)
	notified(unreadable, metav1.ConditionUnknown, v1alpha1.ReasonSilenced)
	nothing := proved("nothing")
	nothing.Status.LastResult, nothing.Status.LastScore, nothing.Status.LastRun.RTO, nothing.Status.LastRun.BackupAge = v1alpha1.ResultInconclusive, nil, nil, ""
	nothing.Status.LastRun.Completeness, nothing.Status.LastRun.Streak = nil, 1
	nothing.Status.Run.StartTime = at(40)
	nothing.Status.LastVerified.BackupTime, nothing.Status.LastVerified.Namespaces = point(23), []string{"shop-db"} // older than shop's
	return []*v1alpha1.RestoreTest{
		created("new"), off, unreadable, proved("shop"), nothing,
		inLine("second", at(71), v1alpha1.ReasonVeleroStalled), inLine("first", at(70), v1alpha1.ReasonQueued),
	}
}

// many returns n tests, each with all that a test can have, and a schedule of its own for one in ten.
func many(n int) []*v1alpha1.RestoreTest {
	all := make([]*v1alpha1.RestoreTest, 0, n)
	for i := range n {
		rt := proved(fmt.Sprintf("application-%04d", i))
		rt.Spec.Schedule.Cron = fmt.Sprintf("%d 3 * * *", i%60)
		all = append(all, rt)
	}
	return all
}
