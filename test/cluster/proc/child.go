package proc

import (
	"os/exec"
	"time"
)

// Child is a program that lives no longer than the process that started it.
type Child struct {
	Name string
	cmd  *exec.Cmd
	done chan struct{}
}

// StartChild starts p with its output in logs. On Linux the kernel kills it when the calling thread
// ends, so call it from a goroutine that is locked to a thread which lives as long as the process.
func StartChild(p Program, logs string) (*Child, error) {
	log, err := p.openLog(logs)
	if err != nil {
		return nil, err
	}
	defer log.Close()
	cmd := command(p)
	cmd.Stdout, cmd.Stderr = log, log
	cmd.SysProcAttr = childAttr()
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	c := &Child{Name: p.Name, cmd: cmd, done: make(chan struct{})}
	go func() {
		_ = cmd.Wait() // How it ended is in its log; that it ended is what matters here.
		close(c.done)
	}()
	return c, nil
}

// Done is closed when the child has ended.
func (c *Child) Done() <-chan struct{} { return c.done }

// Stop asks the child to end, and kills it when it has not after grace.
func (c *Child) Stop(grace time.Duration) {
	_ = c.cmd.Process.Signal(terminate)
	select {
	case <-c.done:
	case <-time.After(grace):
		_ = c.cmd.Process.Kill()
		<-c.done
	}
}
