package proc

import (
	"os"
	"os/exec"
	"syscall"
)

const terminate = syscall.SIGTERM

func command(p Program) *exec.Cmd {
	cmd := exec.Command(p.Argv[0], p.Argv[1:]...)
	cmd.Env = append(os.Environ(), p.Env...)
	cmd.ExtraFiles = p.Files
	return cmd
}
