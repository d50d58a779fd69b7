package archive

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// collector tells how far an archive is behind.
type collector struct{ of func() Status }

var (
	pendingDesc = prometheus.NewDesc("kymaros_archive_pending_reports", "Number of reports that are not archived yet.", nil, nil)
	oldestDesc  = prometheus.NewDesc("kymaros_archive_oldest_pending_seconds",
		"How long ago the run of the oldest report ended that is not archived, or since when it is not known which are: 0 if all are.", nil, nil)
	lostDesc = prometheus.NewDesc("kymaros_archive_lost_reports", "Number of reports that were removed from the cluster before they were archived, as far as this process knows.", nil, nil)
	differ   = prometheus.NewDesc("kymaros_archive_differing_reports", "Number of reports in the cluster that are others than what is archived of them.", nil, nil)
)

// Collector returns the gauges of an archive.
func Collector(c *Controller) prometheus.Collector { return collector{c.Status} }

func (c collector) Describe(to chan<- *prometheus.Desc) { prometheus.DescribeByCollect(c, to) }

func (c collector) Collect(to chan<- prometheus.Metric) {
	s := c.of()
	age := 0.0
	if !s.Oldest.IsZero() {
		age = max(time.Since(s.Oldest).Seconds(), 0)
	}
	for desc, value := range map[*prometheus.Desc]float64{pendingDesc: float64(s.Pending), oldestDesc: age, lostDesc: float64(s.Lost), differ: float64(s.Differ)} {
		to <- prometheus.MustNewConstMetric(desc, prometheus.GaugeValue, value)
	}
}
