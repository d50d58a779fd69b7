package metrics

import (
	"k8s.io/client-go/tools/cache"
	"k8s.io/component-base/metrics"
)

var (
	waiting = metrics.NewGauge(&metrics.GaugeOpts{
		Subsystem: subsystem, Name: "waiting_tests", StabilityLevel: metrics.ALPHA,
		Help: "Number of tests whose run is due and waits in line for its turn. Controllers that do not lead say 0.",
	})
	place = metrics.NewGaugeVec(&metrics.GaugeOpts{
		Subsystem: subsystem, Name: "place_in_line", StabilityLevel: metrics.ALPHA,
		Help: "Place of a test in the line of those that wait for their turn, 1 for the next.",
	}, []string{"namespace", "test"})
	missed = metrics.NewCounterVec(&metrics.CounterOpts{
		Subsystem: subsystem, Name: "missed_turns_total", StabilityLevel: metrics.ALPHA,
		Help: "Number of runs that had no turn within spec.schedule.startingDeadlineSeconds.",
	}, []string{"namespace", "test"})
)

// Line tells who waits for a turn, the next one first.
func Line(tests []cache.ObjectName) {
	waiting.Set(float64(len(tests)))
	place.Reset()
	for i, test := range tests {
		place.WithLabelValues(test.Namespace, test.Name).Set(float64(i + 1))
	}
}

// MissedTurn counts a run of a test that had no turn in time.
func MissedTurn(namespace, test string) { missed.WithLabelValues(namespace, test).Inc() }
