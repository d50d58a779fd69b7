package faults

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"time"
)

// process is the controller as a process of its own, which can be killed.
type process struct {
	program string
	args    []string
	log     *os.File
	cmd     *exec.Cmd
}

// newProcess prepares one that talks through the proxy, as the ServiceAccount of the manifests. There are no nodes, so no canaries;
// and no fence, for the tests do with sandboxes what that lets nobody do.
func newProcess(ctx context.Context, program string, more ...string) (*process, error) {
	file, err := cluster.ControllerKubeconfig(ctx, scratch, through.server.URL, through.authority(), 6*time.Hour)
	if err != nil {
		return nil, err
	}
	log, err := os.CreateTemp(scratch, "controller-*.log")
	if err != nil {
		return nil, err
	}
	args := []string{"--kubeconfig=" + file, "--leader-elect=false", "--health-bind-address=", "--metrics-bind-address=", "--isolation-proof=off",
		"--require-fence=false", "--max-restores=16", "--runs-ahead=8", "--kube-api-qps=500", "--kube-api-burst=1000", "-v=4"}
	return &process{program: program, args: slices.Concat(args, more), log: log}, nil
}

func (p *process) start() error {
	p.cmd = exec.Command(p.program, p.args...)
	p.cmd.Stderr = p.log
	return p.cmd.Start()
}

// kill ends the process as a crash does: nothing is written any more, nothing is handed over.
func (p *process) kill() {
	_ = p.cmd.Process.Kill()
	_ = p.cmd.Wait()
}

// end stops the process as a cluster does.
func (p *process) end() {
	_ = p.cmd.Process.Signal(os.Interrupt)
	ended := make(chan error, 1)
	go func() { ended <- p.cmd.Wait() }()
	select {
	case err := <-ended:
		var exit *exec.ExitError
		if err != nil && !errors.As(err, &exit) {
			fmt.Fprintf(os.Stderr, "faults: %s: %v\n", filepath.Base(p.program), err)
		}
	case <-time.After(time.Minute):
		_ = p.cmd.Process.Kill()
		<-ended
	}
	_ = p.log.Close()
}
