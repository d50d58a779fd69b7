package metrics

import (
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"k8s.io/component-base/metrics"
	"k8s.io/component-base/metrics/legacyregistry"
)

// How a look at a report that is to be archived ends.
const (
	ArchiveWritten = "written"
	ArchiveThere   = "there"
	ArchiveFailed  = "failed"
	ArchiveDiffers = "differs"
)

var (
	archived = metrics.NewCounterVec(&metrics.CounterOpts{
		Subsystem: subsystem, Name: "archive_total", StabilityLevel: metrics.ALPHA,
		Help: "Number of attempts to archive a report, by how they ended: written, there (the same was there already), failed (to be tried again) or differs (another is there, and stays).",
	}, []string{"outcome"})

	registerArchive sync.Once
)

// RegisterArchive makes the metrics of the archive visible. It may be called more than once.
func RegisterArchive() {
	registerArchive.Do(func() {
		legacyregistry.MustRegister(archived)
		for _, outcome := range []string{ArchiveWritten, ArchiveThere, ArchiveFailed, ArchiveDiffers} {
			archived.WithLabelValues(outcome)
		}
	})
}

// Archived counts an attempt.
func Archived(outcome string) { archived.WithLabelValues(outcome).Inc() }

// ArchiveStatus is how far the archive is behind.
type ArchiveStatus struct {
	// Pending reports are not archived; Oldest is when the run of the oldest of them ended, or since when it is not known which they
	// are. Zero if there is none.
	Pending int
	Oldest  time.Time
	// Lost reports were removed from the cluster before they were archived, as far as this process knows.
	Lost int64
	// Differ counts reports that are others than what is archived of them.
	Differ int
}

var (
	archivePending = described("archive_pending_reports", "Number of reports that are not archived yet.")
	archiveOldest  = described("archive_oldest_pending_seconds", "How long ago the run of the oldest report ended that is not archived, or since when it is not known which are; 0 if all are.")
	archiveLost    = described("archive_lost_reports", "Number of reports that were removed from the cluster before they were archived, as far as this process knows.")
	archiveDiffer  = described("archive_differing_reports", "Number of reports in the cluster that are others than what is archived of them.")
)

// Archive is a collector that tells how far the archive is behind.
type Archive func() ArchiveStatus

// Describe sends what it has.
func (a Archive) Describe(to chan<- *prometheus.Desc) { prometheus.DescribeByCollect(a, to) }

// Collect asks, and sends the answer.
func (a Archive) Collect(to chan<- prometheus.Metric) {
	s, age := a(), 0.0
	if !s.Oldest.IsZero() {
		age = max(time.Since(s.Oldest).Seconds(), 0)
	}
	for desc, value := range map[*prometheus.Desc]float64{
		archivePending: float64(s.Pending), archiveOldest: age, archiveLost: float64(s.Lost), archiveDiffer: float64(s.Differ),
	} {
		to <- prometheus.MustNewConstMetric(desc, prometheus.GaugeValue, value)
	}
}
