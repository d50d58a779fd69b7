package integration

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"k8s.io/apimachinery/pkg/util/wait"

	"github.com/kymaros/kymaros/test/plane"
)

// half is one of the two programs that the manifests start, as a process of its own, which can be killed.
type half struct {
	account, program, kubeconfig string
	flags                        []string
	log                          *os.File
	cmd                          *exec.Cmd
}

// newHalf returns one that talks through a proxy. It does not start it. Its log is called name.
func newHalf(t testing.TB, account, name string, through *proxy, flags ...string) *half {
	t.Helper()
	program, err := controllerProgram()
	if err != nil {
		t.Fatal(err)
	}
	file, err := kubeconfig(t.Context(), account, through, time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	args, err := cluster.ArgsOf(account)
	if err != nil {
		t.Fatal(err)
	}
	log, err := os.Create(filepath.Join(scratch, name+"-"+account+".log"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { log.Close() })
	return &half{account: account, program: program, kubeconfig: file, log: log, flags: append(args, flags...)}
}

func (h *half) start() error {
	h.cmd = exec.Command(h.program, "--kubeconfig="+h.kubeconfig, "--leader-elect=false", "--health-bind-address=", "--metrics-bind-address=",
		"--isolation-proof=off", "--require-fence=false")
	h.cmd.Args = append(h.cmd.Args, h.flags...)
	h.cmd.Stderr = h.log
	return h.cmd.Start()
}

// kill ends the process as a crash does: nothing is written any more, nothing is handed over.
func (h *half) kill() {
	_ = h.cmd.Process.Kill()
	_ = h.cmd.Wait()
}

// controllers are those that it runs.
func (h *half) controllers() []string {
	for _, flag := range h.flags {
		if names, ok := strings.CutPrefix(flag, "--controllers="); ok {
			return strings.Split(names, ",")
		}
	}
	return nil
}

// process is both.
type process []*half

// newProcess returns both, which talk through a proxy of their own. It does not start them.
func newProcess(t testing.TB, name string, flags ...string) (process, *proxy) {
	t.Helper()
	through, err := newProxy()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(through.close)
	var p process
	for _, account := range plane.Halves {
		p = append(p, newHalf(t, account, name, through, append([]string{"-v=4"}, flags...)...))
	}
	return p, through
}

func (p process) start() error {
	for _, h := range p {
		if err := h.start(); err != nil {
			return err
		}
	}
	return nil
}

func (p process) kill() {
	for _, h := range p {
		h.kill()
	}
}

// of returns the one whose controller is seen as agent; of what is no controller's, the first.
func (p process) of(agent string) *half {
	for _, h := range p {
		if slices.Contains(h.controllers(), strings.TrimPrefix(agent, "kymaros-")) {
			return h
		}
	}
	return p[0]
}

// settled waits until both have asked for nothing for three seconds, and returns how many requests it took them.
func (p process) settled(through *proxy) (requests int, err error) {
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

// memory returns the resident memory of each, in bytes.
func (p process) memory(t testing.TB) map[string]int {
	t.Helper()
	all := map[string]int{}
	for _, h := range p {
		body, err := os.ReadFile(fmt.Sprintf("/proc/%d/statm", h.cmd.Process.Pid))
		if err != nil {
			t.Fatal(err)
		}
		var size, resident int
		if _, err := fmt.Sscan(string(body), &size, &resident); err != nil {
			t.Fatal(err)
		}
		all[h.account] = resident * os.Getpagesize()
	}
	return all
}

// cpu returns what both have used in their last lives.
func (p process) cpu() time.Duration {
	var all time.Duration
	for _, h := range p {
		all += h.cmd.ProcessState.UserTime() + h.cmd.ProcessState.SystemTime()
	}
	return all
}
