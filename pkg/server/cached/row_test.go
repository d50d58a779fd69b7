package cached

import (
	"runtime"
	"testing"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/client-go/tools/cache"

	"github.com/kymaros/kymaros/pkg/apis/restore/v1alpha1"
	"github.com/kymaros/kymaros/pkg/server/clustertest"
)

func TestRowsAreObjectsForCaches(t *testing.T) {
	lie := clustertest.NewReport("n", "lie", "shop", v1alpha1.ResultPass, 100, 0)
	lie.ManagedFields = nil
	for what, obj := range map[string]any{
		"a test": clustertest.NewTest("n", "a", "x"), "a report": clustertest.NewReport("n", "a", "shop", v1alpha1.ResultPass, 100, 0), "a policy": clustertest.NewPolicy("n", "a"), "no evidence": lie,
	} {
		row, err := toRow(obj)
		if err != nil {
			t.Fatal(err)
		}
		again, err := toRow(row)
		if err != nil || again != row {
			t.Errorf("%s: the row of a row is %v, %v", what, again, err)
		}
		want, err := cache.DeletionHandlingMetaNamespaceKeyFunc(obj)
		if err != nil {
			t.Fatal(err)
		}
		if got, err := cache.DeletionHandlingMetaNamespaceKeyFunc(row); err != nil || got != want {
			t.Errorf("%s: its key is %q, %v, want %q", what, got, err, want)
		}
	}
	if _, err := toRow(&corev1.Secret{}); err == nil {
		t.Error("a row of a Secret")
	}
}

func TestRowsOf30000ReportsAreSmall(t *testing.T) {
	heap := func() uint64 {
		runtime.GC()
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		return m.HeapAlloc
	}
	before := heap()
	v, err := ViewOf(clustertest.Fleet())
	if err != nil {
		t.Fatal(err)
	}
	grown := int64(heap()) - int64(before)
	t.Logf("%d tests and %d reports take %d MiB", len(v.Tests), len(v.Reports), grown>>20)
	if grown > 40<<20 {
		t.Errorf("they take %d bytes", grown)
	}
	runtime.KeepAlive(v)
}

// BenchmarkAChangeOfAReport is what the first request after one costs besides.
func BenchmarkAChangeOfAReport(b *testing.B) {
	var reports []any
	for o := range clustertest.Fleet() {
		if report, ok := o.(*v1alpha1.RestoreReport); ok {
			reports = append(reports, toReportRow(report))
		}
	}
	for b.Loop() {
		new(View).setReports(reports)
	}
}
