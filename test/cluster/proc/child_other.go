//go:build !linux

package proc

import "syscall"

// childAttr gives the child a process group of its own, so that a Ctrl-C in the terminal reaches only the
// harness, which then ends its children in order. Nothing kills them if the harness itself is killed.
func childAttr() *syscall.SysProcAttr { return &syscall.SysProcAttr{Setpgid: true} }
