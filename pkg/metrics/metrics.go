// Package metrics holds the metrics of restore tests. Names and the label test are those on which users' dashboards and
// alerts rest; the label namespace tells apart tests of the same name.
package metrics

import (
	"sync"
	"time"

	"k8s.io/component-base/metrics"
	"k8s.io/component-base/metrics/legacyregistry"

	"github.com/kymaros/kymaros/pkg/apis/restore/v1alpha1"
)

const subsystem = "kymaros"

var (
	tests = metrics.NewCounterVec(&metrics.CounterOpts{
		Subsystem: subsystem, Name: "tests_total", StabilityLevel: metrics.ALPHA,
		Help: "Number of runs that ended, by result.",
	}, []string{"namespace", "test", "result"})
	score = metrics.NewGaugeVec(&metrics.GaugeOpts{
		Subsystem: subsystem, Name: "score", StabilityLevel: metrics.ALPHA,
		Help: "Score of the last run, 0 to 100.",
	}, []string{"namespace", "test"})
	rto = metrics.NewGaugeVec(&metrics.GaugeOpts{
		Subsystem: subsystem, Name: "rto_seconds", StabilityLevel: metrics.ALPHA,
		Help: "Recovery time of the last run that recovered: from the start of the restore until all checks passed.",
	}, []string{"namespace", "test"})
	duration = metrics.NewHistogramVec(&metrics.HistogramOpts{
		Subsystem: subsystem, Name: "test_duration_seconds", StabilityLevel: metrics.ALPHA,
		Help: "Duration of runs, from their start to their verdict.", Buckets: metrics.ExponentialBuckets(60, 2, 8),
	}, []string{"namespace", "test"})
	backupAge = metrics.NewGaugeVec(&metrics.GaugeOpts{
		Subsystem: subsystem, Name: "backup_age_seconds", StabilityLevel: metrics.ALPHA,
		Help: "Age of the backup when the last run restored it.",
	}, []string{"namespace", "test"})
	lastGood = metrics.NewGaugeVec(&metrics.GaugeOpts{
		Subsystem: subsystem, Name: "last_good_backup_timestamp_seconds", StabilityLevel: metrics.ALPHA,
		Help: "When the newest backup began that restores, in Unix seconds, as the last search after a failed run has found; 0 if it found none. Absent without a search.",
	}, []string{"namespace", "test"})
	leaked = metrics.NewCounterVec(&metrics.CounterOpts{
		Subsystem: subsystem, Name: "leaked_objects_total", StabilityLevel: metrics.ALPHA,
		Help: "Number of objects that runs left behind, because deleting them could have destroyed what is not theirs.",
	}, []string{"namespace", "test"})
	// Without labels, and a vector all the same: it is not there before somebody has looked.
	fence = metrics.NewGaugeVec(&metrics.GaugeOpts{
		Subsystem: subsystem, Name: "fence_intact", StabilityLevel: metrics.ALPHA,
		Help: "Whether the admission fence was as shipped when it was last looked at, 1 or 0. Controllers that do not lead do not look.",
	}, nil)

	stalled = metrics.NewCounter(&metrics.CounterOpts{
		Subsystem: subsystem, Name: "velero_stalled_total", StabilityLevel: metrics.ALPHA,
		Help: "Number of runs that were given up because Velero's server ended while it was at work on their Restore.",
	})

	register sync.Once
)

// Register makes the metrics visible. It may be called more than once.
func Register() {
	register.Do(func() {
		legacyregistry.MustRegister(tests, score, rto, duration, backupAge, lastGood, leaked, fence, stalled, waiting, place, missed)
	})
}

// Known prepares the series of a test, so that its first run is an increase from 0, and shows its last score, nil before
// its first run, also after a restart.
func Known(namespace, test string, lastScore *int32) {
	for _, result := range results {
		tests.WithLabelValues(namespace, test, string(result)).Add(0)
	}
	leaked.WithLabelValues(namespace, test).Add(0)
	missed.WithLabelValues(namespace, test).Add(0)
	if lastScore != nil {
		score.WithLabelValues(namespace, test).Set(float64(*lastScore))
	}
}

// Run is what a run that ended has shown.
type Run struct {
	Result   v1alpha1.Result
	Score    int32
	Duration time.Duration
	// RTO is 0 if the application did not recover, BackupAge is 0 if no backup was found: the last value stays.
	RTO, BackupAge time.Duration
}

// Ended counts a run of a test.
func Ended(namespace, test string, run Run) {
	tests.WithLabelValues(namespace, test, string(run.Result)).Inc()
	if run.Result == v1alpha1.ResultInconclusive {
		score.Delete(map[string]string{"namespace": namespace, "test": test}) // 0 would be a failure
	} else {
		score.WithLabelValues(namespace, test).Set(float64(run.Score))
	}
	duration.WithLabelValues(namespace, test).Observe(run.Duration.Seconds())
	if run.RTO > 0 {
		rto.WithLabelValues(namespace, test).Set(run.RTO.Seconds())
	}
	if run.BackupAge > 0 {
		backupAge.WithLabelValues(namespace, test).Set(run.BackupAge.Seconds())
	}
}

// Searched tells what the last search of a test for a backup that restores has found; nil if there is none.
func Searched(namespace, test string, s *v1alpha1.SearchStatus) {
	switch {
	case s != nil && s.State == v1alpha1.SearchNotFound:
		lastGood.WithLabelValues(namespace, test).Set(0)
	case s != nil && s.State == v1alpha1.SearchFound && s.LastGood != nil && s.LastGood.BackupTime != nil:
		lastGood.WithLabelValues(namespace, test).Set(float64(s.LastGood.BackupTime.Unix()))
	default:
		lastGood.Delete(map[string]string{"namespace": namespace, "test": test})
	}
}

// Fence tells whether the admission fence is as shipped.
func Fence(intact bool) {
	value := 0.0
	if intact {
		value = 1
	}
	fence.WithLabelValues().Set(value)
}

// VeleroStalled counts a run on whose Restore Velero's server ended.
func VeleroStalled() { stalled.Inc() }

// Leaked counts objects that a run of a test left behind.
func Leaked(namespace, test string, objects int) {
	leaked.WithLabelValues(namespace, test).Add(float64(objects))
}

// Forget removes the series of a test that was deleted.
func Forget(namespace, test string) {
	labels := map[string]string{"namespace": namespace, "test": test}
	score.Delete(labels)
	rto.Delete(labels)
	duration.Delete(labels)
	backupAge.Delete(labels)
	lastGood.Delete(labels)
	leaked.Delete(labels)
	missed.Delete(labels)
	for _, result := range results {
		tests.Delete(map[string]string{"namespace": namespace, "test": test, "result": string(result)})
	}
}

var results = []v1alpha1.Result{v1alpha1.ResultPass, v1alpha1.ResultPartial, v1alpha1.ResultFail, v1alpha1.ResultInconclusive}
