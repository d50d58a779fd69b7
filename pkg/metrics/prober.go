package metrics

import "github.com/prometheus/client_golang/prometheus"

// Prober tells whether the process looks into sandboxes. Of tests who starts and ends runs tells, and nobody else. It implements
// prometheus.Collector.
type Prober func() bool

// Describe sends what it has.
func (p Prober) Describe(ch chan<- *prometheus.Desc) { ch <- proberLeading }

// Collect asks, and sends the answer.
func (p Prober) Collect(ch chan<- prometheus.Metric) { collection{ch: ch}.tell(proberLeading, is(p())) }
