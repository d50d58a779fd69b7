package server

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"runtime"
	"slices"
	"sync"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/client-go/tools/cache"

	"github.com/kymaros/kymaros/pkg/apis/restore/v1alpha1"
	"github.com/kymaros/kymaros/pkg/server/caller"
	"github.com/kymaros/kymaros/pkg/server/caller/callertest"
)

func TestRowsAreObjectsForCaches(t *testing.T) {
	lie := newReport("n", "lie", "shop", v1alpha1.ResultPass, 100, 0)
	lie.ManagedFields = nil
	for what, obj := range map[string]any{
		"a test": newTest("n", "a", "x"), "a report": newReport("n", "a", "shop", v1alpha1.ResultPass, 100, 0), "a policy": newPolicy("n", "a"), "no evidence": lie,
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

var kinds = []string{tests, reports, policies}

// fleet is 1,000 tests with 30 reports each, in 100 namespaces, as rows.
func fleet() (tests, reports []any) {
	results := []v1alpha1.Result{v1alpha1.ResultPass, v1alpha1.ResultPass, v1alpha1.ResultPartial, v1alpha1.ResultFail}
	for i := range 1000 {
		ns, test := fmt.Sprintf("team-%02d", i%100), fmt.Sprintf("app-%03d", i)
		tests = append(tests, toTestRow(newTest(ns, test, ns)))
		for j := range 30 {
			report := newReport(ns, fmt.Sprintf("%s-%02d", test, j), test, results[(i+j)%4], int32(60+j), time.Duration(j)*24*time.Hour+time.Duration(i)*time.Second)
			report.Status.Message = fmt.Sprintf("12 of 12 pods ready, 8 of 8 checks passed; %d rows counted in the database of %s.", i*j, test)
			reports = append(reports, toReportRow(report))
		}
	}
	return tests, reports
}

func TestRowsOf30000ReportsAreSmall(t *testing.T) {
	heap := func() uint64 {
		runtime.GC()
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		return m.HeapAlloc
	}
	before := heap()
	tests, reports := fleet()
	v := &view{}
	v.setTests(tests)
	v.setReports(reports)
	grown := int64(heap()) - int64(before)
	t.Logf("%d tests and %d reports take %d MiB", len(v.tests), len(v.reports), grown>>20)
	if grown > 40<<20 {
		t.Errorf("they take %d bytes", grown)
	}
	runtime.KeepAlive(v)
}

// BenchmarkFleet asks as 8 callers at a time, who may read half of all namespaces; last comes what the first request after a change
// costs besides.
func BenchmarkFleet(b *testing.B) {
	tests, reports := fleet()
	v := &view{}
	v.setTests(tests)
	v.setReports(reports)
	half := callertest.Rule{Resources: kinds, Verbs: []string{"list"}}
	rules := map[string][]callertest.Rule{}
	for i := range 50 {
		half.Namespace = fmt.Sprintf("team-%02d", 2*i)
		rules[""] = append(rules[""], half)
	}
	cluster := callertest.New()
	cluster.Govern(rules)
	for _, path := range []string{"/api/v1/tests?sort=result&limit=100", "/api/v1/reports?limit=100", "/api/v1/reports", "/api/v1/summary", "/api/v1/summary/daily?days=30", "/api/v1/alerts"} {
		b.Run(path, func(b *testing.B) {
			authz := caller.NewAuthorizer(cluster.Kube, &caller.Link{}, false)
			s := &Server{rows: &store{}, now: func() time.Time { return time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC) }, authz: authz}
			s.rows.current.Store(v)
			c := &caller.Caller{}
			for _, resource := range kinds { // what they may see is known
				if _, err := authz.Visible(b.Context(), c, resource, v.testNamespaces); err != nil {
					b.Fatal(err)
				}
			}
			var serve endpoint
			var params []string
			for _, e := range operations {
				if r := httptest.NewRequest(http.MethodGet, path, nil); e.method == r.Method && e.path == r.URL.Path {
					serve, params = e.answer, e.params
				}
			}
			var mu sync.Mutex
			var took []time.Duration
			b.SetParallelism(max(1, 8/runtime.GOMAXPROCS(0)))
			b.RunParallel(func(pb *testing.PB) {
				for pb.Next() {
					began := time.Now()
					r := httptest.NewRequest(http.MethodGet, path, nil)
					r.Header.Set("Accept-Encoding", "gzip")
					q, err := newQuery(r.URL.RawQuery, params)
					if err != nil {
						b.Error(err)
						return
					}
					value, err := serve(s, &request{Request: r, query: q, caller: c, view: v})
					if err != nil {
						b.Error(err)
						return
					}
					if err := respond(httptest.NewRecorder(), r, value); err != nil {
						b.Error(err)
					}
					mu.Lock()
					took = append(took, time.Since(began))
					mu.Unlock()
				}
			})
			slices.Sort(took)
			b.ReportMetric(float64(took[len(took)*99/100].Microseconds())/1000, "p99-ms")
		})
	}
	b.Run("after a change of a report", func(b *testing.B) {
		for b.Loop() {
			new(view).setReports(reports)
		}
	})
}
