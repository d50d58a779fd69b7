// Package metrics holds the metrics of restore tests. Names and the label test are those on which users' dashboards and
// alerts rest; the label namespace tells apart tests of the same name.
//
// What a test is like follows from the test itself whenever somebody asks (Tests): nothing is remembered, so it goes with the test and is
// right after a restart. Only what happens is counted here, by the controller that leads.
package metrics

import (
	"sync"
	"time"

	"k8s.io/component-base/metrics"
	"k8s.io/component-base/metrics/legacyregistry"

	"github.com/kymaros/kymaros/pkg/apis/restore/v1alpha1"
	"github.com/kymaros/kymaros/pkg/outcome"
)

const subsystem = "kymaros"

var perTest = []string{"namespace", "test"}

var (
	tests = metrics.NewCounterVec(&metrics.CounterOpts{
		Subsystem: subsystem, Name: "tests_total", StabilityLevel: metrics.ALPHA,
		Help: "Number of runs that ended, by result.",
	}, []string{"namespace", "test", "result"})
	runs = metrics.NewCounterVec(&metrics.CounterOpts{
		Subsystem: subsystem, Name: "runs_total", StabilityLevel: metrics.ALPHA,
		Help: "Number of runs of all tests that ended, by the reason of their result and by its class: passed, backup (it is bad), sandbox (could not be shown) or inconclusive (nothing was learnt).",
	}, []string{"reason", "class"})
	duration = metrics.NewHistogramVec(&metrics.HistogramOpts{
		Subsystem: subsystem, Name: "test_duration_seconds", StabilityLevel: metrics.ALPHA,
		Help: "Duration of runs, from their start to their verdict.", Buckets: metrics.ExponentialBuckets(60, 2, 8),
	}, perTest)
	phases = metrics.NewHistogramVec(&metrics.HistogramOpts{
		Subsystem: subsystem, Name: "phase_duration_seconds", StabilityLevel: metrics.ALPHA,
		Help:    "Duration of the phases of runs of all tests: line (for its turn), sandbox, queue (for Velero), restore, pods, checks, cleanup.",
		Buckets: metrics.ExponentialBuckets(1, 4, 8),
	}, []string{"phase"})
	leaked = metrics.NewCounterVec(&metrics.CounterOpts{
		Subsystem: subsystem, Name: "leaked_objects_total", StabilityLevel: metrics.ALPHA,
		Help: "Number of objects that runs left behind, because deleting them could have destroyed what is not theirs.",
	}, perTest)
	missed = metrics.NewCounterVec(&metrics.CounterOpts{
		Subsystem: subsystem, Name: "missed_turns_total", StabilityLevel: metrics.ALPHA,
		Help: "Number of runs that had no turn within spec.schedule.startingDeadlineSeconds.",
	}, perTest)
	// Without labels, and a vector all the same: it is not there before somebody has looked.
	fence = metrics.NewGaugeVec(&metrics.GaugeOpts{
		Subsystem: subsystem, Name: "fence_intact", StabilityLevel: metrics.ALPHA,
		Help: "Whether the admission fence was as shipped when it was last looked at, 1 or 0. Controllers that do not lead do not look.",
	}, nil)
	stalled = metrics.NewCounter(&metrics.CounterOpts{
		Subsystem: subsystem, Name: "velero_stalled_total", StabilityLevel: metrics.ALPHA,
		Help: "Number of runs that were given up because Velero's server ended while it was at work on their Restore, or what moved data for it.",
	})

	register sync.Once
)

// Register makes the metrics visible. It may be called more than once.
func Register() {
	register.Do(func() {
		legacyregistry.MustRegister(tests, runs, duration, phases, leaked, missed, fence, stalled)
	})
}

// Known prepares the series of a test, so that its first run is an increase from 0.
func Known(namespace, test string) {
	for _, result := range results {
		tests.WithLabelValues(namespace, test, string(result)).Add(0)
	}
	leaked.WithLabelValues(namespace, test).Add(0)
	missed.WithLabelValues(namespace, test).Add(0)
}

// Run is how a run has ended.
type Run struct {
	Result   v1alpha1.Result
	Reason   string
	Duration time.Duration
	// Phases are those that it got to, without cleanup.
	Phases map[Phase]time.Duration
}

// Phase of a run.
type Phase string

// Phases, in order.
const (
	Line    Phase = "line"
	Sandbox Phase = "sandbox"
	Queue   Phase = "queue"
	Restore Phase = "restore"
	Pods    Phase = "pods"
	Checks  Phase = "checks"
	Cleanup Phase = "cleanup"
)

// Ended counts a run of a test.
func Ended(namespace, test string, run Run) {
	tests.WithLabelValues(namespace, test, string(run.Result)).Inc()
	reason := run.Reason
	if !outcome.Known(reason) {
		reason = "other"
	}
	runs.WithLabelValues(reason, string(outcome.Of(run.Reason).Class)).Inc()
	duration.WithLabelValues(namespace, test).Observe(run.Duration.Seconds())
	for phase, took := range run.Phases {
		phases.WithLabelValues(string(phase)).Observe(took.Seconds())
	}
}

// CleanedUp counts a run that was cleaned up, so long after its verdict.
func CleanedUp(after time.Duration) {
	phases.WithLabelValues(string(Cleanup)).Observe(max(after, 0).Seconds())
}

// Fence tells whether the admission fence is as shipped.
func Fence(intact bool) { fence.WithLabelValues().Set(is(intact)) }

// VeleroStalled counts a run on whose Restore Velero's server ended, or what moved data for it.
func VeleroStalled() { stalled.Inc() }

// Leaked counts objects that a run of a test left behind.
func Leaked(namespace, test string, objects int) {
	leaked.WithLabelValues(namespace, test).Add(float64(objects))
}

// MissedTurn counts a run of a test that had no turn in time.
func MissedTurn(namespace, test string) { missed.WithLabelValues(namespace, test).Inc() }

// Forget removes the series of a test that was deleted.
func Forget(namespace, test string) {
	labels := map[string]string{"namespace": namespace, "test": test}
	duration.Delete(labels)
	leaked.Delete(labels)
	missed.Delete(labels)
	for _, result := range results {
		tests.Delete(map[string]string{"namespace": namespace, "test": test, "result": string(result)})
	}
}

var results = []v1alpha1.Result{v1alpha1.ResultPass, v1alpha1.ResultPartial, v1alpha1.ResultFail, v1alpha1.ResultInconclusive}

func is(b bool) float64 {
	if b {
		return 1
	}
	return 0
}
