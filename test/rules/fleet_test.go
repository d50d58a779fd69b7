package rules

import (
	"net/http"
	"net/url"
	"sync/atomic"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/tools/cache"
	clientmetrics "k8s.io/client-go/tools/metrics"
	"k8s.io/client-go/util/workqueue"
	_ "k8s.io/component-base/metrics/prometheus/clientgo"  // as the controller has them
	_ "k8s.io/component-base/metrics/prometheus/workqueue" // as the controller has them

	"github.com/kymaros/kymaros/pkg/apis/restore/v1alpha1"
	listers "github.com/kymaros/kymaros/pkg/generated/listers/restore/v1alpha1"
	"github.com/kymaros/kymaros/pkg/metrics"
)

const namespace = "prod"

// ago is a moment so many hours in the past.
func ago(hours int) *metav1.Time {
	return new(metav1.NewTime(time.Now().Add(-time.Duration(hours) * time.Hour)))
}

// proved returns a test of every night whose last run passed.
func proved(name string, edits ...func(*v1alpha1.RestoreTest)) *v1alpha1.RestoreTest {
	rto := v1alpha1.RTO{Measured: "6m12s", Parts: &v1alpha1.RTOParts{Queue: "41s", Restore: "3m", VolumeData: "2m", Pods: "2m", Checks: "1m12s"}}
	rt := &v1alpha1.RestoreTest{
		ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: name, CreationTimestamp: *ago(1000)},
		Spec: v1alpha1.RestoreTestSpec{
			BackupSource: v1alpha1.BackupSource{Namespaces: []v1alpha1.SourceNamespace{{Name: name}}},
			Schedule:     v1alpha1.Schedule{Cron: "0 3 * * *", StartingDeadlineSeconds: new(int64(7200))},
			SLA:          &v1alpha1.SLA{MaxRTO: "15m"},
		},
		Status: v1alpha1.RestoreTestStatus{
			Run:     &v1alpha1.RunStatus{ID: "run-2", ScheduledTime: *ago(3), StartTime: *ago(2)},
			Sandbox: &v1alpha1.SandboxStatus{RunID: "run-2", Isolation: v1alpha1.IsolationProven},
			Cleanup: &v1alpha1.CleanupStatus{RunID: "run-2"}, NextRunAt: ago(-20), LastRunAt: ago(1),
			LastScore: new(int32(98)), LastResult: v1alpha1.ResultPass,
			LastVerified: &v1alpha1.VerifiedBackup{BackupName: "nightly", BackupTime: ago(4), Time: *ago(2), Namespaces: []string{name}},
			LastRun: &v1alpha1.LastRun{
				RunID: "run-2", Streak: 9, PreviousScore: new(int32(95)), PassedAt: ago(2), LineWait: "1h", RTO: &rto, BackupAge: "2h",
				Completeness: &v1alpha1.ObjectCount{Found: 4, Expected: 4},
			},
			Conditions: []metav1.Condition{{Type: v1alpha1.ConditionScheduled, Status: metav1.ConditionTrue, Reason: v1alpha1.ReasonNextRunPlanned}},
		},
	}
	for _, edit := range edits {
		edit(rt)
	}
	return rt
}

// waits has a run of a test wait for its turn since so many hours.
func waits(hours int) func(*v1alpha1.RestoreTest) {
	return func(rt *v1alpha1.RestoreTest) {
		rt.Status.Run = &v1alpha1.RunStatus{ID: "run-3", ScheduledTime: *ago(hours)}
	}
}

// well are tests that need nobody, one of which waits for its turn.
func well() []*v1alpha1.RestoreTest {
	return []*v1alpha1.RestoreTest{
		proved("shop"), proved("next", waits(0)),
		proved("off", func(rt *v1alpha1.RestoreTest) {
			rt.Spec.Suspend, rt.Status.LastRunAt, rt.Status.LastRun.PassedAt = true, ago(900), ago(900)
		}),
	}
}

// ill are tests that need somebody, by the alert that says so.
func ill() map[string]*v1alpha1.RestoreTest {
	return map[string]*v1alpha1.RestoreTest{
		"KymarosRestoreTestFailed": proved("failed", func(rt *v1alpha1.RestoreTest) { rt.Status.LastResult = v1alpha1.ResultFail }),
		"KymarosRestoreDegraded":   proved("degraded", func(rt *v1alpha1.RestoreTest) { rt.Status.LastResult = v1alpha1.ResultPartial }),
		"KymarosScoreRegressed":    proved("regressed", func(rt *v1alpha1.RestoreTest) { rt.Status.LastScore = new(int32(84)) }),
		"KymarosRTOExceedsSLA":     proved("slow", func(rt *v1alpha1.RestoreTest) { rt.Status.LastRun.RTO.Measured = "15m1s" }),
		"KymarosRestoreTestNotRun": proved("idle", func(rt *v1alpha1.RestoreTest) { rt.Status.LastRunAt = ago(49) }),
		"KymarosNotVerified":       proved("unverified", func(rt *v1alpha1.RestoreTest) { rt.Status.LastRun.PassedAt = ago(49) }),
		"KymarosTestCannotStart": proved("unreadable", func(rt *v1alpha1.RestoreTest) {
			rt.Status.Conditions[0].Status, rt.Status.Conditions[0].Reason = metav1.ConditionFalse, v1alpha1.ReasonInvalidSchedule
		}),
		"KymarosWaitsTooLong": proved("late", waits(2)),
		"KymarosNotificationUndeliverable": proved("untold", func(rt *v1alpha1.RestoreTest) {
			rt.Status.Conditions = append(rt.Status.Conditions, metav1.Condition{Type: v1alpha1.ConditionNotified, Status: metav1.ConditionFalse, Reason: v1alpha1.ReasonUndeliverable})
		}),
		"KymarosLeftovers": proved("untidy", func(rt *v1alpha1.RestoreTest) {
			rt.Status.Cleanup.Leaked = []v1alpha1.Leak{{Object: "persistentvolume/a"}}
		}),
	}
}

// system is what is wrong with no test in particular.
var system = []string{"KymarosIsolationNotProven", "KymarosFenceNotIntact", "KymarosVeleroStalled", "KymarosAbsent", "KymarosArchiveBehind", "KymarosArchiveDiffers", "KymarosNotificationDefaultsInvalid"}

// notifyAbsent is told of while nothing that kymaros-notify counts is there.
const notifyAbsent = "KymarosNotifyAbsent"

// controller tells what a controller tells. At each scrape a run of every test ends.
type controller struct {
	handler http.Handler
	tests   cache.Indexer
	// broken: what is wrong with no test is wrong.
	broken atomic.Bool
	queue  workqueue.TypedRateLimitingInterface[string]
}

func newController(t *testing.T) *controller {
	t.Helper()
	c := &controller{tests: cache.NewIndexer(cache.MetaNamespaceKeyFunc, cache.Indexers{cache.NamespaceIndex: cache.MetaNamespaceIndexFunc})}
	c.handler = metrics.Handler(&metrics.Tests{
		Lister: listers.NewRestoreTestLister(c.tests), Synced: func() bool { return true }, Leading: func() bool { return !c.broken.Load() },
	}, metrics.Prober(func() bool { return !c.broken.Load() }), metrics.Archive(func() metrics.ArchiveStatus {
		if !c.broken.Load() {
			return metrics.ArchiveStatus{}
		}
		return metrics.ArchiveStatus{Pending: 1, Oldest: ago(2).Time, Differ: 1}
	}))
	metrics.RegisterArchive()
	metrics.RegisterNotifications()
	c.queue = workqueue.NewTypedRateLimitingQueueWithConfig(workqueue.DefaultTypedControllerRateLimiter[string](), workqueue.TypedRateLimitingQueueConfig[string]{Name: "kymaros-report"})
	t.Cleanup(c.queue.ShutDown)
	metrics.Register()
	all := well()
	for _, rt := range ill() {
		all = append(all, rt)
	}
	for _, rt := range all {
		metrics.Known(rt.Namespace, rt.Name)
		if err := c.tests.Add(rt); err != nil {
			t.Fatal(err)
		}
	}
	return c
}

// breakDown has all go wrong that is not of a test.
func (c *controller) breakDown(t *testing.T) {
	t.Helper()
	stalled := proved("stalled", waits(0), func(rt *v1alpha1.RestoreTest) {
		rt.Status.Conditions[0].Reason = v1alpha1.ReasonVeleroStalled
	})
	unproven := proved("unproven", func(rt *v1alpha1.RestoreTest) {
		rt.Status.Run.StartTime, rt.Status.Sandbox.Isolation = *ago(0), v1alpha1.IsolationUnproven
	})
	for _, rt := range []*v1alpha1.RestoreTest{stalled, unproven} {
		if err := c.tests.Add(rt); err != nil {
			t.Fatal(err)
		}
	}
	c.broken.Store(true)
}

// ServeHTTP has something of everything happen that is counted.
func (c *controller) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	for _, name := range c.tests.ListKeys() {
		namespace, test, _ := cache.SplitMetaNamespaceKey(name) // of an index that is well-formed
		metrics.Ended(namespace, test, metrics.Run{
			Result: v1alpha1.ResultPass, Reason: v1alpha1.ReasonPassed, Duration: 90 * time.Second,
			Phases: map[metrics.Phase]time.Duration{metrics.Line: time.Minute, metrics.Sandbox: time.Second, metrics.Queue: 0, metrics.Restore: time.Minute, metrics.Pods: time.Second, metrics.Checks: time.Second},
		})
	}
	metrics.CleanedUp(time.Minute)
	metrics.Fence(!c.broken.Load())
	if c.broken.Load() { // until then it is as if kymaros-notify were away
		metrics.NotificationDefaults(false)
	}
	c.queue.AddRateLimited("a") // a retry
	c.queue.Add("b")
	key, _ := c.queue.Get()
	c.queue.Done(key)
	clientmetrics.RequestResult.Increment(r.Context(), "200", http.MethodGet, "host")
	clientmetrics.RequestLatency.Observe(r.Context(), http.MethodGet, url.URL{Scheme: "https", Host: "host"}, time.Millisecond)
	c.handler.ServeHTTP(w, r)
}
