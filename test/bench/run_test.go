package bench

import (
	"context"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/kymaros/kymaros/pkg/apis/restore/v1alpha1"
	"github.com/kymaros/kymaros/test/e2e/stage"
)

// runs is how many runs of the shop are measured.
const runs = 3

// BenchmarkShop measures runs of the shop: PostgreSQL with 50,000 orders on a volume, two web servers, three checks. All
// times are those at which this process saw a watch event. "reaction" is what Kymaros itself adds: from the later of
// Velero's completion and the last pod becoming ready until the finished report; the other figures are the phases of a run.
func BenchmarkShop(b *testing.B) {
	all := map[string][]time.Duration{}
	for range b.N {
		for i := range runs {
			rt := cluster.RestoreTest(fmt.Sprintf("bench-%d", i), shop.Full, shop.Namespace)
			rt.Spec.HealthChecks.StableFor = "0s" // how long an application is looked at is not what is measured
			observed := observe(b, rt, checks()...)
			for name, d := range observed.phases(b) {
				all[name] = append(all[name], d)
				b.Logf("run %d: %s %v", i+1, name, d.Round(time.Millisecond))
			}
		}
	}
	b.ReportMetric(0, "ns/op") // the run as a whole says nothing
	for name, durations := range all {
		slices.Sort(durations)
		b.ReportMetric(durations[len(durations)/2].Seconds(), name+"-median-s")
		if name == "reaction" {
			b.ReportMetric(durations[len(durations)-1].Seconds(), name+"-max-s")
		}
	}
}

func checks() []v1alpha1.HealthCheck {
	return []v1alpha1.HealthCheck{
		{Name: "all-orders-are-back", Type: v1alpha1.CheckExec, Exec: &v1alpha1.ExecCheck{
			PodSelector: map[string]string{"app": "db"}, Command: []string{"psql", "-U", "postgres", "-d", "shop", "-tAc", "SELECT count(*) FROM orders"},
			Expect: &v1alpha1.Expectation{Integer: &v1alpha1.IntegerExpectation{Operator: "eq", Value: stage.Orders}},
		}},
		{Name: "web-answers", Type: v1alpha1.CheckHTTPGet, HTTPGet: &v1alpha1.HTTPGetCheck{Service: "web", Port: 80, Path: "/", ExpectedStatus: 200}},
		{Name: "web-is-ready", Type: v1alpha1.CheckPodStatus, PodStatus: &v1alpha1.PodStatusCheck{LabelSelector: map[string]string{"app": "web"}, MinReady: 2}},
	}
}

// phases splits a run that passed.
func (o *observation) phases(b *testing.B) map[string]time.Duration {
	b.Helper()
	recovered := latest(o.restored, o.podsReady)
	phases := map[string]time.Duration{
		"sandbox":  o.guarded.Sub(o.created),
		"queue":    o.restoring.Sub(o.guarded),
		"restore":  o.restored.Sub(o.restoring),
		"pods":     recovered.Sub(o.restored),
		"checks":   o.checked.Sub(recovered),
		"report":   o.reported.Sub(o.checked),
		"cleanup":  o.cleaned.Sub(o.reported),
		"reaction": o.reported.Sub(recovered),
	}
	for name, d := range phases {
		if d < -time.Second || d > stage.RunTimeout {
			b.Fatalf("%s took %v: something was not seen: %+v", name, d, o)
		}
	}
	return phases
}

func latest(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

// observe runs rt and tells when it saw what.
func observe(b *testing.B, rt *v1alpha1.RestoreTest, checks ...v1alpha1.HealthCheck) *observation {
	b.Helper()
	ctx, cancel := context.WithTimeout(b.Context(), stage.RunTimeout)
	defer cancel()
	o := &observation{}
	events, err := watchAll(ctx, rt)
	if err != nil {
		b.Fatal(err)
	}
	o.created = time.Now()
	rt = cluster.Start(b, rt, checks...)
	for o.cleaned.IsZero() || o.reported.IsZero() {
		select {
		case e := <-events:
			o.note(rt, e)
		case <-ctx.Done():
			b.Fatalf("not all was seen: %+v", o)
		}
	}
	if report := cluster.Report(b, rt); report.Status.Result != v1alpha1.ResultPass {
		b.Fatalf("report %s: %s %d, %s", report.Name, report.Status.Result, report.Status.Score, report.Status.Message)
	}
	return o
}
