package app

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
)

const (
	benchNamespaces, benchTests, benchReports, benchWatchers = 50, 1000, 30, 500
)

// BenchmarkAPI tells how the process answers for 1,000 tests with 30 reports each, before an API server that does nothing but answer:
// go test -run '^$' -bench API -benchtime 1x ./cmd/kymaros-api/app.
func BenchmarkAPI(b *testing.B) {
	program := filepath.Join(b.TempDir(), "kymaros-api")
	if out, err := exec.Command("go", "build", "-trimpath", "-o", program, "github.com/kymaros/kymaros/cmd/kymaros-api").CombinedOutput(); err != nil {
		b.Fatalf("%v: %s", err, out)
	}
	cluster := newCluster(b)
	var tokens []string
	for i := range 20 {
		tokens = append(tokens, fmt.Sprintf("token-of-%d", i))
	}
	for range b.N {
		p := startProcess(b, program, cluster)
		b.Logf("%-44s %8s, %s of it on a processor", "start to ready", p.ready.Round(time.Millisecond), p.worked(b))
		b.Logf("%-44s %s, at most %s", "memory", p.memory(b, "VmRSS"), p.memory(b, "VmHWM"))
		for _, path := range []string{
			"/api/v1/tests?limit=100", "/api/v1/tests", "/api/v1/tests?sort=-score&limit=100&q=shop", "/api/v1/reports?limit=100", "/api/v1/reports",
			"/api/v1/summary", "/api/v1/summary/daily?days=30", "/api/v1/alerts", "/api/v1/line", "/api/v1/me",
		} {
			half, most := p.load(b, path, tokens[:8])
			b.Logf("%-44s p50 %8s  p99 %8s", path, half.Round(10*time.Microsecond), most.Round(10*time.Microsecond))
		}
		b.Logf("%-44s %s, at most %s", "memory", p.memory(b, "VmRSS"), p.memory(b, "VmHWM"))
		b.Logf("%-44s %8s", fmt.Sprintf("%d watchers have heard of a change", benchWatchers), p.watchers(b, cluster, tokens).Round(time.Millisecond))
		b.Logf("%-44s %s, at most %s", "memory with them", p.memory(b, "VmRSS"), p.memory(b, "VmHWM"))
		p.kill(b)
		p = startProcess(b, program, cluster)
		b.Logf("%-44s %8s", "ready again after kill -9", p.ready.Round(time.Millisecond))
		p.kill(b)
	}
}

// running is kymaros-api as it runs in its pod.
type running struct {
	address string
	cmd     *exec.Cmd
	ready   time.Duration
}

func startProcess(b *testing.B, program string, c *cluster) *running {
	b.Helper()
	var listen net.ListenConfig
	free, err := listen.Listen(b.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		b.Fatal(err)
	}
	address := free.Addr().String()
	if err := free.Close(); err != nil {
		b.Fatal(err)
	}
	p := &running{address: "http://" + address}
	p.cmd = exec.Command(program, "--insecure-http", "--bind-address="+address, "--health-bind-address=", "--kubeconfig="+c.kubeconfig)
	p.cmd.Env = append(os.Environ(), "GOGC=20") // as the manifests have it
	began := time.Now()
	if err := p.cmd.Start(); err != nil {
		b.Fatal(err)
	}
	ticks := time.NewTicker(10 * time.Millisecond)
	defer ticks.Stop()
	for range ticks.C {
		if status, err := p.ask(b.Context(), "/readyz", ""); err == nil && status == http.StatusOK {
			break
		}
		if time.Since(began) > time.Minute {
			b.Fatal("it does not get ready")
		}
	}
	p.ready = time.Since(began)
	return p
}

// ask reads a whole answer.
func (p *running) ask(ctx context.Context, path, token string) (int, error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, p.address+path, http.NoBody)
	if err != nil {
		return 0, err
	}
	r.Header.Set("Authorization", "Bearer "+token)
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		return 0, err
	}
	defer answer.Body.Close()
	_, err = io.Copy(io.Discard, answer.Body)
	return answer.StatusCode, err
}

func (p *running) kill(b *testing.B) {
	b.Helper()
	if err := p.cmd.Process.Kill(); err != nil {
		b.Fatal(err)
	}
	_ = p.cmd.Wait() // it says that it was killed
}

// load asks with several callers at once, as fast as one user may, and returns the median and the 99th percentile.
func (p *running) load(b *testing.B, path string, tokens []string) (half, most time.Duration) {
	b.Helper()
	var mu sync.Mutex
	var took []time.Duration
	var wg sync.WaitGroup
	for _, token := range tokens {
		wg.Go(func() {
			ticks := time.NewTicker(25 * time.Millisecond)
			defer ticks.Stop()
			for range 60 {
				<-ticks.C
				began := time.Now()
				status, err := p.ask(b.Context(), path, token)
				if err != nil || status != http.StatusOK {
					b.Errorf("%s: %d %v", path, status, err)
					return
				}
				mu.Lock()
				took = append(took, time.Since(began))
				mu.Unlock()
			}
		})
	}
	wg.Wait()
	if len(took) == 0 {
		b.FailNow()
	}
	slices.Sort(took)
	return took[len(took)/2], took[len(took)*99/100]
}

// worked returns how much time of processors the process has had.
func (p *running) worked(b *testing.B) time.Duration {
	b.Helper()
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", p.cmd.Process.Pid))
	if err != nil {
		b.Fatal(err)
	}
	ticks := 0
	fields := strings.Fields(string(text[strings.LastIndexByte(string(text), ')')+1:]))
	for _, field := range fields[11:13] { // utime and stime, in hundredths of a second
		n, err := strconv.Atoi(field)
		if err != nil {
			b.Fatal(err)
		}
		ticks += n
	}
	return time.Duration(10*ticks) * time.Millisecond
}

// memory reads a line of /proc/PID/status.
func (p *running) memory(b *testing.B, line string) string {
	b.Helper()
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", p.cmd.Process.Pid))
	if err != nil {
		b.Fatal(err)
	}
	for l := range strings.SplitSeq(string(text), "\n") {
		if rest, ok := strings.CutPrefix(l, line+":"); ok {
			return strings.TrimSpace(rest)
		}
	}
	b.Fatalf("no %s", line)
	return ""
}

// watchers has many wait for a change, and tells how long it takes until they have heard of it.
func (p *running) watchers(b *testing.B, c *cluster, tokens []string) time.Duration {
	b.Helper()
	ctx, cancel := context.WithCancel(b.Context())
	defer cancel()
	heard, ready := make(chan time.Time, benchWatchers), make(chan struct{}, benchWatchers)
	var wg sync.WaitGroup
	for i := range benchWatchers {
		wg.Go(func() {
			r, err := http.NewRequestWithContext(ctx, http.MethodGet, p.address+"/api/v1/watch", http.NoBody)
			if err != nil {
				b.Error(err)
				return
			}
			r.Header.Set("Authorization", "Bearer "+tokens[i%len(tokens)])
			answer, err := http.DefaultClient.Do(r)
			if err != nil {
				if ctx.Err() == nil {
					b.Error(err)
				}
				return
			}
			defer answer.Body.Close()
			lines := bufio.NewScanner(answer.Body)
			for lines.Scan() {
				switch lines.Text() {
				case "event: ready":
					ready <- struct{}{}
				case "event: test":
					heard <- time.Now()
				}
			}
		})
	}
	for range benchWatchers {
		select {
		case <-ready:
		case <-time.After(time.Minute):
			b.Fatal("not all streams have begun")
		}
	}
	began := time.Now()
	c.change()
	var last time.Time
	for range benchWatchers {
		select {
		case at := <-heard:
			last = at
		case <-time.After(time.Minute):
			b.Fatal("not all have heard")
		}
	}
	cancel()
	wg.Wait()
	return last.Sub(began)
}
