package cli

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/kymaros/kymaros/pkg/cli/clitest"
)

// shell is somebody at a real shell in a terminal.
type shell struct {
	t    *testing.T
	user *os.File

	mu   sync.Mutex
	seen bytes.Buffer
	more chan struct{}
}

// find makes sure that a shell is on this machine. In CI nothing may be left out unnoticed: there it is installed.
func find(t *testing.T, name string) {
	t.Helper()
	if _, err := exec.LookPath(name); err == nil {
		return
	}
	if os.Getenv("CI") != "true" {
		t.Skipf("%s is not on this machine: apt-get install %s", name, name)
	}
	if out, err := exec.Command("apt-get", "-o", "DPkg::Lock::Timeout=120", "install", "-y", "-q", "--no-install-recommends", name).CombinedOutput(); err != nil {
		t.Fatalf("install %s: %v\n%s", name, err, out)
	}
}

// sit starts a shell, with the plugin on its PATH.
func sit(t *testing.T, args ...string) *shell {
	t.Helper()
	dir, err := plugin()
	if err != nil {
		t.Fatal(err)
	}
	program, user := clitest.Terminal(t, 200)
	home := t.TempDir()
	cmd := exec.Command(args[0], args[1:]...)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = program, program, program
	cmd.Env = []string{"PATH=" + dir + ":" + os.Getenv("PATH"), "HOME=" + home, "XDG_CONFIG_HOME=" + home, "XDG_DATA_HOME=" + home, "KUBECONFIG=" + kubeconfig, "TERM=xterm", "LC_ALL=C.UTF-8"}
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Setctty: true}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	_ = program.Close() // it is the shell's
	s := &shell{t: t, user: user, more: make(chan struct{}, 1)}
	go func() { // ends when the shell has gone
		for buffer := make([]byte, 4096); ; {
			n, err := user.Read(buffer)
			s.mu.Lock()
			s.seen.Write(buffer[:n])
			s.mu.Unlock()
			select {
			case s.more <- struct{}{}:
			default:
			}
			if err != nil {
				return
			}
		}
	}()
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
		_ = user.Close()
	})
	return s
}

// types sends keys, and waits until the shell shows the text.
func (s *shell) types(keys, shows string) {
	s.t.Helper()
	s.mu.Lock()
	s.seen.Reset()
	s.mu.Unlock()
	if _, err := s.user.WriteString(keys); err != nil {
		s.t.Fatal(err)
	}
	for late := time.After(time.Minute); ; {
		s.mu.Lock()
		seen := s.seen.String()
		s.mu.Unlock()
		if strings.Contains(seen, shows) {
			return
		}
		select {
		case <-s.more:
		case <-late:
			s.t.Fatalf("after %q there is no %q in %q", keys, shows, seen)
		}
	}
}

func TestShellsCompleteVerbsFlagsAndNames(t *testing.T) {
	rt := shop(t, "complete")
	for name, c := range map[string]struct {
		shell []string
		setup string
	}{
		"bash": {[]string{"bash", "--norc", "--noprofile", "-i"}, `source <(kubectl-kymaros completion bash)`},
		"zsh":  {[]string{"zsh", "-f", "-i"}, `autoload -Uz compinit && compinit -u -D; source <(kubectl-kymaros completion zsh)`},
		"fish": {[]string{"fish", "--no-config", "-i"}, `kubectl-kymaros completion fish | source`},
	} {
		t.Run(name, func(t *testing.T) {
			find(t, name)
			s := sit(t, c.shell...)
			s.types(c.setup+"; printf 'rea%s\\n' dy\r", "ready")
			// What was completed runs: half a verb, flag or name is none.
			s.types("kubectl-kymaros vers\t--clie\t\r", "Client")
			s.types("kubectl-kymaros get -n tests-complete compl\t-o name\r", "restoretest.restore.kymaros.io/complete")
			s.types("kubectl-kymaros get -n tests-complete no-such\r", "not found")
		})
	}
	t.Run("kubectl", func(t *testing.T) {
		dir, err := plugin()
		if err != nil {
			t.Fatal(err)
		}
		// kubectl runs the plugin for `kubectl kymaros`, and the script to complete it.
		path := t.TempDir()
		script := kymaros(t, "completion", "kubectl").wants(t, 0).out
		for name, text := range map[string]string{"kubectl": "#!/bin/sh\nshift\nexec kubectl-kymaros \"$@\"\n", "kubectl_complete-kymaros": script} {
			if err := os.WriteFile(filepath.Join(path, name), []byte(text), 0o700); err != nil {
				t.Fatal(err)
			}
		}
		cmd := exec.Command(filepath.Join(path, "kubectl_complete-kymaros"), "gate", "-n", rt.Namespace, "")
		cmd.Env = []string{"PATH=" + path + ":" + dir + ":" + os.Getenv("PATH"), "KUBECONFIG=" + kubeconfig}
		if out, err := cmd.Output(); err != nil || !strings.HasPrefix(string(out), "complete\n") {
			t.Errorf("%v\n%s", err, out)
		}
	})
}

func TestTheProgramIsSmallEnoughToDownload(t *testing.T) {
	dir, err := plugin()
	if err != nil {
		t.Fatal(err)
	}
	info, err := os.Stat(filepath.Join(dir, "kubectl-kymaros"))
	if err != nil {
		t.Fatal(err)
	}
	if info.Size() > 60<<20 {
		t.Errorf("it has %d MiB", info.Size()>>20)
	}
	t.Logf("%.1f MB", float64(info.Size())/1e6)
}

func BenchmarkStart(b *testing.B) {
	dir, err := plugin()
	if err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		if out, err := exec.Command(filepath.Join(dir, "kubectl-kymaros"), "version", "--client").CombinedOutput(); err != nil {
			b.Fatalf("%v\n%s", err, out)
		}
	}
}
