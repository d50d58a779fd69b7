package server

import (
	"sync"

	"k8s.io/component-base/metrics"
	"k8s.io/component-base/metrics/legacyregistry"
)

const subsystem = "kymaros_api"

// Routes are those that are served, so that no caller makes series.
var (
	requests = metrics.NewCounterVec(&metrics.CounterOpts{
		Subsystem: subsystem, Name: "requests_total", StabilityLevel: metrics.ALPHA,
		Help: "Number of requests, by route and status of the answer.",
	}, []string{"route", "code"})
	latency = metrics.NewHistogramVec(&metrics.HistogramOpts{
		Subsystem: subsystem, Name: "request_duration_seconds", StabilityLevel: metrics.ALPHA,
		Help: "Time from a request to the end of its answer, by route.", Buckets: metrics.ExponentialBuckets(0.001, 4, 7),
	}, []string{"route"})

	register sync.Once
)

// registerMetrics makes the metrics visible.
func registerMetrics() {
	register.Do(func() { legacyregistry.MustRegister(requests, latency) })
}
