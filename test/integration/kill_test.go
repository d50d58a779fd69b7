package integration

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/wait"

	"github.com/kymaros/kymaros/pkg/apis/restore/v1alpha1"
)

// process is the controller as a process of its own, which can be killed.
type process struct {
	program, kubeconfig string
	flags               []string
	log                 *os.File
	cmd                 *exec.Cmd
}

func (p *process) start() error {
	p.cmd = exec.Command(p.program, "--kubeconfig="+p.kubeconfig, "--leader-elect=false", "--health-bind-address=", "--metrics-bind-address=",
		"--isolation-proof=off", "--require-fence=false")
	p.cmd.Args = append(p.cmd.Args, p.flags...)
	p.cmd.Stderr = p.log
	return p.cmd.Start()
}

// newProcess returns a controller that talks through a proxy of its own. It does not start it.
func newProcess(t testing.TB, name string, flags ...string) (*process, *proxy) {
	t.Helper()
	program, err := controllerProgram()
	if err != nil {
		t.Fatal(err)
	}
	through, err := newProxy()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(through.close)
	file, err := kubeconfig(t.Context(), through, time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	log, err := os.Create(filepath.Join(scratch, name+".log"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { log.Close() })
	return &process{program: program, kubeconfig: file, log: log, flags: append([]string{"-v=4"}, flags...)}, through
}

// kill ends the process as a crash does: nothing is written any more, nothing is handed over.
func (p *process) kill() {
	_ = p.cmd.Process.Kill()
	_ = p.cmd.Wait()
}

// settled waits until the process has asked for nothing for three seconds, and returns how many requests it took it.
func (p *process) settled(through *proxy) (requests int, err error) {
	ctx, cancel := context.WithTimeout(context.Background(), stepTimeout)
	defer cancel()
	plain := func(r *request) bool { return !r.watch && !strings.Contains(r.path, "/leases") }
	last := 0
	err = wait.PollUntilContextCancel(ctx, 3*time.Second, false, func(context.Context) (bool, error) {
		requests, last = len(through.seen(plain)), requests
		return requests > 0 && requests == last, nil
	})
	return requests, err
}

// memory returns the resident memory of the process, in bytes.
func (p *process) memory(t testing.TB) int {
	t.Helper()
	body, err := os.ReadFile(fmt.Sprintf("/proc/%d/statm", p.cmd.Process.Pid))
	if err != nil {
		t.Fatal(err)
	}
	var size, resident int
	if _, err := fmt.Sscan(string(body), &size, &resident); err != nil {
		t.Fatal(err)
	}
	return resident * os.Getpagesize()
}

// victims are RestoreTests; the process is killed when the n-th write for the n-th of them has been answered.
type victims struct {
	names []string
	kill  chan chan struct{} // asks for a kill; what it carries is closed when that is done
	over  <-chan struct{}

	mu     sync.Mutex
	writes map[string]int
	fired  map[string]bool
}

// answered is called with every answer before the controller hears it. The answer of a write that kills is never heard: the
// controller that starts next has to find out by itself what was done.
func (v *victims) answered(r *request) {
	if !r.writes() || r.code >= http.StatusBadRequest {
		return
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	for n, name := range v.names {
		if !r.mentions(name) {
			continue
		}
		v.writes[name]++
		if v.writes[name] >= n+1 && !v.fired[name] {
			v.fired[name] = true
			dead := make(chan struct{})
			select {
			case v.kill <- dead:
				<-dead
			case <-v.over:
			}
		}
		return
	}
}

func TestARunSurvivesAKillAfterEachOfItsWrites(t *testing.T) {
	controller, through := newProcess(t, "killed", "--max-restores=1000", "--kube-api-qps=500", "--kube-api-burst=1000")
	if err := controller.start(); err != nil {
		t.Fatal(err)
	}
	defer func() { controller.kill() }()

	ns := newNamespace(t, "killed")
	policy(t, ns, "web")
	newTest := func(name string) *v1alpha1.RestoreTest {
		return restoreTest(ns, name, func(rt *v1alpha1.RestoreTest) { rt.Spec.HealthChecks.PolicyRef = "web" })
	}

	// How many writes a run has.
	unharmed := newTest("unharmed")
	backup(t, unharmed.Name, sources(unharmed)...)
	_, report := awaitEnd(t, createTest(t, unharmed))
	if report.Status.Result != v1alpha1.ResultPass {
		t.Fatalf("a run that nobody disturbs is %s: %s", report.Status.Result, report.Status.Message)
	}
	n := len(through.seen(func(r *request) bool {
		return r.writes() && r.mentions(unharmed.Name) && r.code < http.StatusBadRequest
	}))

	ctx, done := context.WithCancel(t.Context())
	defer done()
	v := &victims{kill: make(chan chan struct{}), over: ctx.Done(), writes: map[string]int{}, fired: map[string]bool{}}
	var tests []*v1alpha1.RestoreTest
	var all []string
	for i := range n {
		rt := newTest(fmt.Sprintf("killed-%02d", i+1))
		tests, v.names, all = append(tests, rt), append(v.names, rt.Name), append(all, sources(rt)...)
	}
	backup(t, "killed", all...)
	through.onAnswer(v.answered)
	var undertaker sync.WaitGroup
	lives := 1
	undertaker.Go(func() {
		for {
			select {
			case <-ctx.Done():
				return
			case dead := <-v.kill:
				controller.kill()
				close(dead)
				if err := controller.start(); err != nil {
					t.Error(err)
					return
				}
				lives++
			}
		}
	})
	for _, rt := range tests {
		createTest(t, rt)
	}
	eventually(t, 3*time.Minute, func(ctx context.Context) error {
		list, err := kymaros.RestoreV1alpha1().RestoreTests(ns).List(ctx, metav1.ListOptions{})
		if err != nil {
			return err
		}
		var errs []error
		for i := range list.Items {
			errs = append(errs, ended(&list.Items[i]))
		}
		return errors.Join(errs...)
	})
	through.onAnswer(nil)
	done()
	undertaker.Wait()

	for i, rt := range tests {
		t.Run(fmt.Sprintf("after write %d", i+1), func(t *testing.T) {
			rt, err := current(t.Context(), rt)
			if err != nil {
				t.Fatal(err)
			}
			nothingLeft(t, rt)
			if report := theReport(t, rt); report.Status.Result != v1alpha1.ResultPass {
				t.Errorf("result %s, %s: %s", report.Status.Result, report.Status.Reason, report.Status.Message)
			}
			for _, resource := range []string{"restores", "namespaces", "restorereports"} {
				if created := through.created(resource, rt.Name); created != 1 {
					t.Errorf("%d %s were created, want 1", created, resource)
				}
			}
			verdicts := through.seen(func(r *request) bool {
				return r.method == http.MethodPut && strings.Contains(r.path, "/restorereports/"+rt.Name) && r.code == http.StatusOK
			})
			if len(verdicts) != 1 {
				t.Errorf("the report was written %d times", len(verdicts))
			}
		})
	}
	if lives < n/2 {
		t.Errorf("the controller was started %d times for %d writes: hardly anything was tested", lives, n)
	}
	t.Logf("%d writes a run, %d lives", n, lives)
	if err := kymaros.RestoreV1alpha1().RestoreTests(ns).DeleteCollection(t.Context(), metav1.DeleteOptions{}, metav1.ListOptions{}); err != nil {
		t.Error(err)
	}
}
