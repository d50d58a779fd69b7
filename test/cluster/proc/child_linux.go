package proc

import "syscall"

// childAttr gives the child a process group of its own, so that a Ctrl-C in the terminal reaches only the
// harness, which then ends its children in order; and has it killed when the harness is.
func childAttr() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
}
