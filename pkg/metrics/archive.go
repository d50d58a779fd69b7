package metrics

import (
	"sync"

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
