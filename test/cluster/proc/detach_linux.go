package proc

import (
	"fmt"
	"syscall"
)

// Detach starts p in a session of its own, where it outlives the caller, with its output in logs and its
// record in records. It runs in the namespaces of the calling thread.
func Detach(p Program, logs, records string) (Record, error) {
	log, err := p.openLog(logs)
	if err != nil {
		return Record{}, err
	}
	defer log.Close()
	cmd := command(p)
	cmd.Stdout, cmd.Stderr = log, log
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	if err := cmd.Start(); err != nil {
		return Record{}, err
	}
	// A program that ends at once must not stay a zombie for as long as the caller lives.
	go func() { _ = cmd.Wait() }()
	r, err := Identify(p.Name, cmd.Process.Pid)
	if err != nil {
		return Record{}, fmt.Errorf("%w\n%w", ExitError(logs, p.Name), err)
	}
	return r, r.Save(records)
}
