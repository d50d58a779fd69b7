package clitest

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/kymaros/kymaros/pkg/apis/restore/v1alpha1"
)

// BenchmarkExport exports 1,000 tests with 30 signed reports each: in less than 30 s and 200 MB. The program runs as a process of its
// own, and MB-peak is the most memory that it ever had resident.
func BenchmarkExport(b *testing.B) {
	const tests, each = 1000, 30
	server := fleet(b, tests, each)
	dir := b.TempDir()
	build := exec.Command("../../../hack/build.sh", dir, "./cmd/kubectl-kymaros")
	if out, err := build.CombinedOutput(); err != nil {
		b.Fatalf("%v\n%s", err, out)
	}
	config := filepath.Join(dir, "kubeconfig")
	if err := os.WriteFile(config, []byte("apiVersion: v1\nkind: Config\n"), 0o600); err != nil {
		b.Fatal(err)
	}
	for _, to := range []struct{ name, file string }{{"directory", "evidence"}, {"again", "evidence"}, {"zip", "evidence.zip"}, {"tar", "evidence.tar"}} {
		b.Run(to.name, func(b *testing.B) {
			for b.Loop() {
				run := exec.Command(filepath.Join(dir, "kubectl-kymaros"), "export", "-A", "--to", filepath.Join(dir, to.file), "--server", server, "--kubeconfig", config)
				var out bytes.Buffer
				run.Stdout, run.Stderr = &out, &out
				if err := run.Start(); err != nil {
					b.Fatal(err)
				}
				peak := peakOf(run.Process.Pid)
				err := run.Wait()
				if err != nil || !strings.Contains(out.String(), fmt.Sprintf("%d reports of %d tests", tests*each, tests)) {
					b.Fatalf("%v\n%s", err, &out)
				}
				b.ReportMetric(float64(<-peak)/1e6, "MB-peak")
				b.ReportMetric((run.ProcessState.UserTime() + run.ProcessState.SystemTime()).Seconds(), "cpu-s")
			}
		})
	}
}

// peakOf returns how many bytes a process has had resident at most, once it has ended. What the kernel tells at the end holds the memory
// of the process too that started it.
func peakOf(pid int) <-chan int64 {
	peak := make(chan int64, 1)
	go func() {
		most := int64(0)
		for {
			status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
			_, rest, there := strings.Cut(string(status), "VmHWM:")
			if err != nil || !there { // it has ended
				peak <- most
				return
			}
			kilobytes, _ := strconv.ParseInt(strings.Fields(rest)[0], 10, 64)
			most = max(most, kilobytes<<10)
			time.Sleep(5 * time.Millisecond)
		}
	}()
	return peak
}

// fleet starts a server with so many tests, each the chain of so many signed reports, and returns its address.
func fleet(b *testing.B, tests, each int) string {
	b.Helper()
	signer, public := keyPair(b, 1)
	encoded := func(v any) []byte {
		body, err := json.Marshal(v)
		if err != nil {
			b.Fatal(err)
		}
		return body
	}
	var heads, reports [][]byte
	var keys []byte
	for i := range tests {
		one := newProvenIn(b, fmt.Sprintf("team-%04d", i), each, signer, public)
		heads, keys = append(heads, encoded(one.test)), encoded(one.keys)
		for _, r := range one.reports {
			reports = append(reports, encoded(r))
		}
	}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		switch {
		case strings.HasSuffix(r.URL.Path, "/restoretests"):
			page(w, r, "RestoreTestList", heads)
		case strings.HasSuffix(r.URL.Path, "/restorereports"):
			page(w, r, "RestoreReportList", reports)
		case strings.HasSuffix(r.URL.Path, "/configmaps/kymaros-evidence-keys"):
			_, _ = w.Write(keys)
		default:
			http.NotFound(w, r)
		}
	}))
	b.Cleanup(server.Close)
	return server.URL
}

// page answers with as many of the items as were asked for.
func page(w http.ResponseWriter, r *http.Request, kind string, items [][]byte) {
	query := r.URL.Query()
	from, _ := strconv.Atoi(query.Get("continue"))
	limit, _ := strconv.Atoi(query.Get("limit"))
	to, next := min(from+limit, len(items)), ""
	if to < len(items) {
		next = strconv.Itoa(to)
	}
	_, _ = fmt.Fprintf(w, `{"apiVersion":%q,"kind":%q,"metadata":{"continue":%q},"items":[`, v1alpha1.GroupVersion, kind, next)
	_, _ = w.Write(bytes.Join(items[from:to], []byte(",")))
	_, _ = w.Write([]byte("]}"))
}
