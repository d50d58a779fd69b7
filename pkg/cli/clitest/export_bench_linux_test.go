package clitest

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/kymaros/kymaros/pkg/apis/restore/v1alpha1"
)

// BenchmarkExport exports 1,000 tests with 30 reports each: in less than 30 s and 200 MB, the server's share included.
func BenchmarkExport(b *testing.B) {
	const tests, each = 1000, 30
	one := newProven(b, each, nil, "")
	heads := make([]v1alpha1.RestoreTest, tests)
	for i := range heads {
		heads[i] = *one.test.DeepCopy()
		heads[i].Namespace = fmt.Sprintf("team-%04d", i)
	}
	list, err := json.Marshal(map[string]any{"apiVersion": v1alpha1.GroupVersion.String(), "kind": "RestoreTestList", "metadata": map[string]any{}, "items": heads})
	if err != nil {
		b.Fatal(err)
	}
	// All tests have the same reports, but for their namespace: no digest fits, which costs the same.
	var bodies []string
	for _, r := range one.reports {
		body, err := json.Marshal(r)
		if err != nil {
			b.Fatal(err)
		}
		bodies = append(bodies, string(body))
	}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		switch {
		case strings.HasSuffix(r.URL.Path, "/restoretests"):
			_, _ = w.Write(list)
		case strings.HasSuffix(r.URL.Path, "/restorereports"):
			from, _ := strconv.Atoi(r.URL.Query().Get("continue"))
			limit, _ := strconv.Atoi(r.URL.Query().Get("limit"))
			to := min(from+limit, tests*each)
			next := ""
			if to < tests*each {
				next = fmt.Sprint(to)
			}
			_, _ = fmt.Fprintf(w, `{"apiVersion":"restore.kymaros.io/v1alpha1","kind":"RestoreReportList","metadata":{"continue":%q},"items":[`, next)
			for i := from; i < to; i++ {
				if i > from {
					_, _ = w.Write([]byte(","))
				}
				_, _ = w.Write([]byte(strings.Replace(bodies[i%each], `"namespace":"team-web"`, fmt.Sprintf(`"namespace":"team-%04d"`, i/each), 1)))
			}
			_, _ = w.Write([]byte("]}"))
		default:
			w.WriteHeader(http.StatusNotFound)
			_, _ = w.Write([]byte(`{"apiVersion":"v1","kind":"Status","status":"Failure","reason":"NotFound","code":404}`))
		}
	}))
	defer server.Close()
	for _, to := range []string{"evidence", "evidence.zip"} {
		b.Run(to, func(b *testing.B) {
			for b.Loop() {
				done, peak := make(chan struct{}), make(chan uint64)
				go func() {
					var most uint64
					tick := time.NewTicker(100 * time.Millisecond)
					defer tick.Stop()
					for {
						var m runtime.MemStats
						runtime.ReadMemStats(&m)
						most = max(most, m.HeapInuse+m.StackInuse)
						select {
						case <-done:
							peak <- most
							return
						case <-tick.C:
						}
					}
				}()
				a := Run(b, server.URL, now, 0, nil, "export", "-A", "--to", filepath.Join(b.TempDir(), to))
				close(done)
				if !strings.Contains(a.Out, "30000 reports of 1000 tests") {
					b.Fatalf("%d %s", a.Code, a.Err)
				}
				b.ReportMetric(float64(<-peak)/1e6, "MB-peak")
			}
		})
	}
}
