package metrics

import (
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"k8s.io/apimachinery/pkg/labels"

	"github.com/kymaros/kymaros/pkg/apis/restore/v1alpha1"
	"github.com/kymaros/kymaros/pkg/cron"
	listers "github.com/kymaros/kymaros/pkg/generated/listers/restore/v1alpha1"
)

// Tests tells what all RestoreTests are like when somebody asks. It implements prometheus.Collector.
type Tests struct {
	// Lister of the tests.
	Lister listers.RestoreTestLister
	// Synced tells whether the lister has them all; before, nothing is told of tests, for a part would look like a deletion.
	Synced func() bool
	// Leading tells whether the process starts and ends runs.
	Leading func() bool

	mu sync.Mutex
	// intervals of the schedules that there are: they follow from the text alone, and take a while to find.
	intervals map[v1alpha1.Schedule]time.Duration
}

// Describe implements prometheus.Collector.
func (t *Tests) Describe(ch chan<- *prometheus.Desc) {
	for _, g := range gauges {
		ch <- g.desc
	}
	for _, d := range []*prometheus.Desc{leading, result, part, interval, place, waiting, lineStalled, proof, namespaceVerified} {
		ch <- d
	}
}

// Collect implements prometheus.Collector.
func (t *Tests) Collect(ch chan<- prometheus.Metric) {
	c := collection{ch: ch}
	c.tell(leading, is(t.Leading()))
	if !t.Synced() {
		return
	}
	all, err := t.Lister.List(labels.Everything())
	if err != nil {
		ch <- prometheus.NewInvalidMetric(leading, err)
		return
	}
	intervals := t.longest(all)
	for _, rt := range all {
		for _, g := range gauges {
			if value, ok := g.value(rt); ok {
				c.tell(g.desc, value, rt.Namespace, rt.Name)
			}
		}
		if longest := intervals[key(rt)]; longest > 0 {
			c.tell(interval, longest.Seconds(), rt.Namespace, rt.Name)
		}
		c.results(rt)
		c.parts(rt)
	}
	c.line(all)
	c.isolation(all)
	c.namespaces(all)
}

// longest returns the longest interval of each schedule of the tests.
func (t *Tests) longest(all []*v1alpha1.RestoreTest) map[v1alpha1.Schedule]time.Duration {
	t.mu.Lock()
	defer t.mu.Unlock()
	known := make(map[v1alpha1.Schedule]time.Duration, len(t.intervals))
	for _, rt := range all {
		k := key(rt)
		if _, ok := known[k]; ok {
			continue
		}
		longest, ok := t.intervals[k]
		if !ok {
			if schedule, err := cron.Parse(k.Cron, k.Timezone); err == nil { // else condition Scheduled says so
				longest = schedule.Longest()
			}
		}
		known[k] = longest
	}
	t.intervals = known
	return known
}

func key(rt *v1alpha1.RestoreTest) v1alpha1.Schedule {
	return v1alpha1.Schedule{Cron: rt.Spec.Schedule.Cron, Timezone: rt.Spec.Schedule.Timezone}
}

// collection is what one who asks gets.
type collection struct{ ch chan<- prometheus.Metric }

func (c collection) tell(desc *prometheus.Desc, value float64, labels ...string) {
	m, err := prometheus.NewConstMetric(desc, prometheus.GaugeValue, value, labels...)
	if err != nil { // a name that is no UTF-8 is none the API server lets in
		m = prometheus.NewInvalidMetric(desc, err)
	}
	c.ch <- m
}
