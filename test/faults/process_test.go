package faults

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"sync"
	"time"

	"github.com/kymaros/kymaros/test/plane"
)

// process is one of the two that share the controllers. As a cluster does, it starts it again when it has ended.
type process struct {
	program string
	args    []string
	log     *os.File

	mu       sync.Mutex
	life     *life
	lives    int
	stopping bool
	over     chan struct{} // closed when nothing starts it any more
}

// life is one of a process' lives.
type life struct {
	cmd  *exec.Cmd
	done chan struct{}
}

// processes are both.
type processes []*process

// newProcesses prepares both, which talk through the proxy, each as its ServiceAccount of the manifests. There are no nodes, so no
// canaries; and no fence, for the tests do with sandboxes what that lets nobody do.
func newProcesses(ctx context.Context, program string, more ...string) (processes, error) {
	var both processes
	for _, half := range plane.Halves {
		p, err := newProcess(ctx, half, program, more...)
		if err != nil {
			return nil, err
		}
		both = append(both, p)
	}
	return both, nil
}

func (both processes) start() error {
	for _, p := range both {
		if err := p.start(); err != nil {
			return err
		}
	}
	return nil
}

func (both processes) kill() {
	for _, p := range both {
		p.kill()
	}
}

func (both processes) end() {
	for _, p := range both {
		p.end()
	}
}

func newProcess(ctx context.Context, half, program string, more ...string) (*process, error) {
	file, err := cluster.Kubeconfig(ctx, half, scratch, through.server.URL, through.authority(), 6*time.Hour)
	if err != nil {
		return nil, err
	}
	shipped, err := cluster.ArgsOf(half)
	if err != nil {
		return nil, err
	}
	log, err := os.CreateTemp(scratch, half+"-*.log")
	if err != nil {
		return nil, err
	}
	args := []string{"--kubeconfig=" + file, "--leader-elect=false", "--health-bind-address=", "--metrics-bind-address=", "--isolation-proof=off",
		"--require-fence=false", "--max-restores=16", "--runs-ahead=8", "--kube-api-qps=500", "--kube-api-burst=1000", "-v=4"}
	return &process{program: program, args: slices.Concat(shipped, args, more), log: log}, nil
}

// start starts it.
func (p *process) start() error {
	p.mu.Lock()
	p.stopping, p.over = false, make(chan struct{})
	over := p.over
	p.mu.Unlock()
	first, err := p.live()
	if err != nil {
		close(over)
		return err
	}
	go func() {
		defer close(over)
		for next := first; next != nil; {
			<-next.done
			pause := time.NewTimer(100 * time.Millisecond)
			<-pause.C
			var err error
			if next, err = p.live(); err != nil {
				fmt.Fprintf(os.Stderr, "faults: %v\n", err)
				return
			}
		}
	}()
	return nil
}

// live starts its next life, unless it is to live no more.
func (p *process) live() (*life, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.stopping {
		return nil, nil
	}
	l := &life{cmd: exec.Command(p.program, p.args...), done: make(chan struct{})}
	l.cmd.Stderr = p.log
	if err := l.cmd.Start(); err != nil {
		return nil, err
	}
	p.life = l
	p.lives++
	go func() {
		_ = l.cmd.Wait() // how it ended is in its log
		close(l.done)
	}()
	return l, nil
}

// kill ends the life of the process as a crash does: nothing is written any more, nothing is handed over.
func (p *process) kill() {
	p.mu.Lock()
	l := p.life
	p.mu.Unlock()
	_ = l.cmd.Process.Kill()
	<-l.done
}

// end stops the process for good, as a cluster does.
func (p *process) end() {
	p.mu.Lock()
	p.stopping = true
	l := p.life
	p.mu.Unlock()
	_ = l.cmd.Process.Signal(os.Interrupt)
	select {
	case <-p.over:
	case <-time.After(time.Minute):
		_ = l.cmd.Process.Kill()
		<-p.over
	}
}
