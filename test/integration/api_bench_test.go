package integration

import (
	"bufio"
	"context"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/kymaros/kymaros/pkg/apis/restore/v1alpha1"
	protocol "github.com/kymaros/kymaros/pkg/controller"
	"github.com/kymaros/kymaros/test/plane"
)

const (
	benchNamespaces, benchTests, benchReports = 50, 1000, 30
	benchCallers, benchWatchers               = 8, 500
)

// BenchmarkAPI tells how the real process answers for 1,000 tests with 30 reports each, which are made through the API server first:
// go test -run '^$' -bench 'API$' -benchtime 1x -timeout 30m ./test/integration.
func BenchmarkAPI(b *testing.B) {
	home := benchFleet(b)
	tokens := benchTokens(b, home)
	program := filepath.Join(scratch, "kymaros-api")
	if err := build(program, "./cmd/kymaros-api"); err != nil {
		b.Fatal(err)
	}
	for range b.N {
		p := startAPIProcess(b, program)
		b.Logf("start to ready                        %8s", p.ready.Round(time.Millisecond))
		for _, path := range []string{
			"/api/v1/tests?limit=100", "/api/v1/tests", "/api/v1/tests?sort=-score&limit=100&q=shop", "/api/v1/reports?limit=100", "/api/v1/reports",
			"/api/v1/summary", "/api/v1/summary/daily?days=30", "/api/v1/alerts", "/api/v1/line", "/api/v1/me",
		} {
			half, most := p.load(b, path, tokens[:benchCallers])
			b.Logf("%-36s  p50 %8s  p99 %8s", path, half.Round(10*time.Microsecond), most.Round(10*time.Microsecond))
		}
		b.Logf("memory (resident, now and at most)    %s %s", p.memory(b, "VmRSS"), p.memory(b, "VmHWM"))
		p.watchers(b, home, tokens)
		b.Logf("memory with %d watchers              %s %s", benchWatchers, p.memory(b, "VmRSS"), p.memory(b, "VmHWM"))
		p.kill(b)
		p = startAPIProcess(b, program)
		b.Logf("ready again after kill -9             %8s", p.ready.Round(time.Millisecond))
		p.kill(b)
	}
}

// benchFleet makes the tests and their reports, and returns a namespace of them.
func benchFleet(b *testing.B) string {
	b.Helper()
	var namespaces []string
	for i := range benchNamespaces {
		ns := fmt.Sprintf("it-fleet-%02d", i)
		if _, err := kube.CoreV1().Namespaces().Create(b.Context(), &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: ns}}, metav1.CreateOptions{}); err != nil {
			b.Fatal(err)
		}
		namespaces = append(namespaces, ns)
	}
	manager := protocol.FieldManager(protocol.Report)
	make := func(i int) error {
		ns, name := namespaces[i%benchNamespaces], fmt.Sprintf("shop-%04d", i)
		rt := restoreTest(ns, name, func(rt *v1alpha1.RestoreTest) { rt.Spec.Suspend, rt.Spec.Schedule.RunOnCreate = true, new(false) })
		if _, err := kymaros.RestoreV1alpha1().RestoreTests(ns).Create(b.Context(), rt, metav1.CreateOptions{}); err != nil {
			return err
		}
		for n := range benchReports {
			all := kymaros.RestoreV1alpha1().RestoreReports(ns)
			made, err := all.Create(b.Context(), &v1alpha1.RestoreReport{
				ObjectMeta: metav1.ObjectMeta{Name: fmt.Sprintf("%s-%02d", name, n)}, Spec: v1alpha1.RestoreReportSpec{TestRef: name, RunID: strconv.Itoa(n)},
			}, metav1.CreateOptions{FieldManager: manager})
			if err != nil {
				return err
			}
			made.Status = passed()
			made.Status.CompletedAt = metav1.NewTime(time.Now().Add(-time.Duration(n) * 24 * time.Hour).Truncate(time.Second))
			made.Status.Score, made.Status.Message = int32(100-n), "all pods are ready and all checks passed; "+strings.Repeat("one more sentence about the run. ", 4)
			for c := range 20 { // a report as a run of some size writes it: 8 KB
				made.Status.Checks = append(made.Status.Checks, v1alpha1.CheckStatus{Name: fmt.Sprintf("check-%d", c), Status: v1alpha1.CheckPass, Message: strings.Repeat("what was seen ", 20)})
			}
			if _, err := all.UpdateStatus(b.Context(), made, metav1.UpdateOptions{FieldManager: manager}); err != nil {
				return err
			}
		}
		return nil
	}
	var wg sync.WaitGroup
	var next atomic.Int64
	for range 32 {
		wg.Go(func() {
			for i := next.Add(1) - 1; i < benchTests; i = next.Add(1) - 1 {
				if err := make(int(i)); err != nil {
					b.Error(err)
					return
				}
			}
		})
	}
	wg.Wait()
	if b.Failed() {
		b.FailNow()
	}
	return namespaces[0]
}

// benchTokens are of enough users for all watchers.
func benchTokens(b *testing.B, home string) []string {
	b.Helper()
	read := rbacv1.PolicyRule{APIGroups: []string{v1alpha1.GroupName}, Resources: []string{"restoretests", "restorereports", "healthcheckpolicies"}, Verbs: []string{"list", "get"}}
	var all []string
	for i := range 20 {
		name := fmt.Sprintf("caller-%d", i)
		all = append(all, callerToken(b, home, name))
		grant(b, name, home, "", read)
	}
	return all
}

// apiProcess is kymaros-api as it runs in its pod.
type apiProcess struct {
	theServer
	cmd   *exec.Cmd
	ready time.Duration
}

func startAPIProcess(b *testing.B, program string) *apiProcess {
	b.Helper()
	through, err := newProxy()
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(through.close)
	file, err := cluster.Kubeconfig(b.Context(), "kymaros-api", scratch, admin.Host, admin.CAData, 10*time.Minute)
	if err != nil {
		b.Fatal(err)
	}
	address, err := freeAddress(b.Context())
	if err != nil {
		b.Fatal(err)
	}
	log, err := os.Create(filepath.Join(scratch, "api.log"))
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = log.Close() })
	p := &apiProcess{theServer: theServer{proxy: through, address: "http://" + address}}
	p.cmd = exec.Command(program, "--insecure-http", "--bind-address="+address, "--health-bind-address=", "--kubeconfig="+file)
	p.cmd.Stderr = log
	p.cmd.Env = append(os.Environ(), "GOMEMLIMIT=512MiB") // as the manifests have it
	began := time.Now()
	if err := p.cmd.Start(); err != nil {
		b.Fatal(err)
	}
	plane.Eventually(b, 10*time.Millisecond, stepTimeout, func(ctx context.Context) error {
		a, err := p.ask(ctx, http.MethodGet, "/readyz", "", "")
		if err == nil && a.code != http.StatusOK {
			err = fmt.Errorf("not ready: %d", a.code)
		}
		return err
	})
	p.ready = time.Since(began)
	return p
}

func (p *apiProcess) kill(b *testing.B) {
	b.Helper()
	if err := p.cmd.Process.Kill(); err != nil {
		b.Fatal(err)
	}
	_ = p.cmd.Wait() // it says that it was killed
}

// load asks with several callers at once, as fast as one user may, and returns the median and the 99th percentile.
func (p *apiProcess) load(b *testing.B, path string, tokens []string) (half, most time.Duration) {
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
				a, err := p.ask(b.Context(), http.MethodGet, path, token, "")
				if err != nil || a.code != http.StatusOK {
					b.Errorf("%s: %d %v", path, a.code, err)
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

// memory reads a line of /proc/PID/status.
func (p *apiProcess) memory(b *testing.B, line string) string {
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
func (p *apiProcess) watchers(b *testing.B, ns string, tokens []string) {
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
		case <-time.After(stepTimeout):
			b.Fatal("not all streams have begun")
		}
	}
	began := time.Now()
	tests := kymaros.RestoreV1alpha1().RestoreTests(ns)
	rt, err := tests.Get(ctx, "shop-0000", metav1.GetOptions{})
	if err != nil {
		b.Fatal(err)
	}
	rt.Spec.Schedule.Cron = "0 4 * * *"
	if _, err := tests.Update(ctx, rt, metav1.UpdateOptions{}); err != nil {
		b.Fatal(err)
	}
	var last time.Time
	for range benchWatchers {
		select {
		case at := <-heard:
			last = at
		case <-time.After(stepTimeout):
			b.Fatal("not all have heard")
		}
	}
	b.Logf("%d watchers have heard of a change  %8s", benchWatchers, last.Sub(began).Round(time.Millisecond))
	cancel()
	wg.Wait()
}
