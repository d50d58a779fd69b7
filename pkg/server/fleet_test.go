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

	"github.com/kymaros/kymaros/pkg/server/cached"
	"github.com/kymaros/kymaros/pkg/server/caller"
	"github.com/kymaros/kymaros/pkg/server/clustertest"
	"github.com/kymaros/kymaros/pkg/server/query"
)

var kinds = []string{tests, reports, policies}

// BenchmarkFleet asks as 8 callers at a time, who may read half of all namespaces.
func BenchmarkFleet(b *testing.B) {
	v, err := cached.ViewOf(clustertest.Fleet())
	if err != nil {
		b.Fatal(err)
	}
	half := clustertest.Rule{Resources: kinds, Verbs: []string{"list"}}
	rules := map[string][]clustertest.Rule{}
	for i := range 50 {
		half.Namespace = fmt.Sprintf("team-%02d", 2*i)
		rules[""] = append(rules[""], half)
	}
	cluster := clustertest.New()
	cluster.Govern(rules)
	for _, path := range []string{"/api/v1/tests?sort=result&limit=100", "/api/v1/reports?limit=100", "/api/v1/reports", "/api/v1/summary", "/api/v1/summary/daily?days=30", "/api/v1/alerts"} {
		b.Run(path, func(b *testing.B) {
			authz := caller.NewAuthorizer(cluster.Kube, &caller.Link{}, false)
			s := &Server{now: func() time.Time { return time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC) }, authz: authz}
			c := &caller.Caller{}
			for _, resource := range kinds { // what they may see is known
				if _, err := authz.Visible(b.Context(), c, resource, v.TestNamespaces); err != nil {
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
					q, err := query.Parse(r.URL.RawQuery, params)
					if err != nil {
						b.Error(err)
						return
					}
					value, err := serve(s, &request{Request: r, Parameters: q, caller: c, view: v})
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
}
