package bench

import (
	"context"
	"fmt"
	"testing"
	"time"

	velerov1 "github.com/vmware-tanzu/velero/pkg/apis/velero/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/kymaros/kymaros/pkg/apis/restore/v1alpha1"
	"github.com/kymaros/kymaros/test/e2e/stage"
)

// inLine is how many tests of the shop are due at once.
const inLine = 10

// BenchmarkLine measures what the line adds to what Velero takes: tests of the shop that are due at once. "x-bound" is the time from the
// first test's creation until Velero has ended the last Restore, by the sum of Velero's own times.
func BenchmarkLine(b *testing.B) {
	for range b.N {
		measureLine(b)
	}
}

func measureLine(b *testing.B) {
	b.Helper()
	ctx, cancel := context.WithTimeout(b.Context(), inLine*time.Minute)
	defer cancel()
	restores, err := cluster.Kymaros.VeleroV1().Restores(stage.VeleroNamespace).Watch(ctx, metav1.ListOptions{LabelSelector: v1alpha1.LabelManagedBy + "=" + v1alpha1.ManagedBy})
	if err != nil {
		b.Fatal(err)
	}
	defer restores.Stop()

	created := time.Now()
	var tests []*v1alpha1.RestoreTest
	for i := range inLine {
		rt := cluster.RestoreTest(fmt.Sprintf("line-%d", i), shop.Full, shop.Namespace)
		rt.Spec.HealthChecks.StableFor = "0s"
		tests = append(tests, cluster.Start(b, rt, checks()...))
	}
	began, ended := map[string]time.Time{}, map[string]time.Time{}
	var busy time.Duration
	for len(ended) < inLine {
		select {
		case e := <-restores.ResultChan():
			r, ok := e.Object.(*velerov1.Restore)
			if !ok {
				b.Fatalf("the watch ended after %d of %d Restores: %v", len(ended), inLine, e.Object)
			}
			if began[r.Name].IsZero() && r.Status.Phase != "" && r.Status.Phase != velerov1.RestorePhaseNew {
				began[r.Name] = time.Now()
			}
			if r.Status.Phase == velerov1.RestorePhaseCompleted && ended[r.Name].IsZero() {
				ended[r.Name] = time.Now()
				busy += ended[r.Name].Sub(began[r.Name])
			}
		case <-ctx.Done():
			b.Fatalf("%d of %d Restores ended in time", len(ended), inLine)
		}
	}
	took := time.Since(created)
	for _, rt := range tests {
		if _, report := cluster.AwaitEnd(b, rt); report.Status.Result != v1alpha1.ResultPass {
			b.Errorf("report %s: %s %d, %s", report.Name, report.Status.Result, report.Status.Score, report.Status.Message)
		}
	}
	b.ReportMetric(0, "ns/op")
	b.ReportMetric(took.Seconds(), "s")
	b.ReportMetric(busy.Seconds(), "velero-s")
	b.ReportMetric(took.Seconds()/busy.Seconds(), "x-bound")
}
