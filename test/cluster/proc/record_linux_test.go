package proc

import (
	"os"
	"os/exec"
	"testing"
	"time"
)

// sleeper starts a process that is reaped when it ends.
func sleeper(t *testing.T, argv ...string) (pid int, done <-chan struct{}) {
	t.Helper()
	cmd := exec.Command(argv[0], argv[1:]...)
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan struct{})
	go func() { _ = cmd.Wait(); close(ended) }()
	t.Cleanup(func() { _ = cmd.Process.Kill(); <-ended })
	return cmd.Process.Pid, ended
}

func TestStopEndsTheRecordedProcess(t *testing.T) {
	pid, done := sleeper(t, "sleep", "60")
	r, err := Identify("sleep", pid)
	if err != nil {
		t.Fatal(err)
	}
	if !r.Alive() {
		t.Fatal("a running process is not alive")
	}
	if err := r.Stop(2 * time.Second); err != nil {
		t.Fatal(err)
	}
	<-done
	if r.Alive() {
		t.Error("the process is alive after Stop")
	}
	if err := r.Stop(0); err != nil {
		t.Errorf("a second Stop: %v", err)
	}
}

func TestStopKillsAProcessThatIgnoresSIGTERM(t *testing.T) {
	pid, done := sleeper(t, "sh", "-c", `trap "" TERM; while :; do sleep 0.05; done`)
	time.Sleep(100 * time.Millisecond) // the shell sets its trap
	r, err := Identify("sh", pid)
	if err != nil {
		t.Fatal(err)
	}
	begin := time.Now()
	if err := r.Stop(300 * time.Millisecond); err != nil {
		t.Fatal(err)
	}
	<-done
	if took := time.Since(begin); took < 300*time.Millisecond {
		t.Errorf("killed after %v, before its grace was over", took)
	}
}

func TestStopSparesAProcessThatMerelyHasThePid(t *testing.T) {
	pid, done := sleeper(t, "sleep", "60")
	now, err := Identify("sleep", pid)
	if err != nil {
		t.Fatal(err)
	}
	for name, recycled := range map[string]Record{
		"started at another time": {Name: "sleep", Pid: pid, Start: now.Start - 1, Boot: now.Boot},
		"started in another boot": {Name: "sleep", Pid: pid, Start: now.Start, Boot: "another"},
	} {
		if recycled.Alive() {
			t.Errorf("%s: the record counts as alive", name)
		}
		if err := recycled.Stop(0); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	select {
	case <-done:
		t.Fatal("Stop ended a process that it had no record of")
	case <-time.After(100 * time.Millisecond):
	}
}

func TestAZombieIsNotAlive(t *testing.T) {
	cmd := exec.Command("true")
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() { _ = cmd.Wait() }()
	for range 100 {
		if _, state, err := stat(cmd.Process.Pid); err == nil && state == 'Z' {
			r, err := Identify("true", cmd.Process.Pid)
			if err != nil {
				t.Fatal(err)
			}
			if r.Alive() {
				t.Error("a zombie counts as alive")
			}
			return
		}
		time.Sleep(20 * time.Millisecond)
	}
	t.Fatal("the process never became a zombie")
}

func TestRecordsSurviveOnDisk(t *testing.T) {
	dir := t.TempDir()
	want, err := Identify("self", os.Getpid())
	if err != nil {
		t.Fatal(err)
	}
	if err := want.Save(dir); err != nil {
		t.Fatal(err)
	}
	all, err := LoadAll(dir)
	if err != nil || len(all) != 1 || all[0] != want {
		t.Fatalf("LoadAll = %v, %v; want [%v]", all, err, want)
	}
	if err := want.Forget(dir); err != nil {
		t.Fatal(err)
	}
	if all, err := LoadAll(dir); err != nil || len(all) != 0 {
		t.Errorf("LoadAll after Forget = %v, %v", all, err)
	}
	if _, err := Load(dir, "self"); !os.IsNotExist(err) {
		t.Errorf("Load after Forget: %v", err)
	}
}

func TestDetachedProgramIsRecordedAndLogged(t *testing.T) {
	dir := t.TempDir()
	r, err := Detach(Program{Name: "shell", Argv: []string{"sh", "-c", "echo $GREETING; sleep 60"}, Env: []string{"GREETING=hello"}}, dir, dir)
	if err != nil {
		t.Fatal(err)
	}
	if saved, err := Load(dir, "shell"); err != nil || saved != r {
		t.Errorf("Load = %v, %v; want %v", saved, err, r)
	}
	for range 100 {
		if out, _ := os.ReadFile(LogFile(dir, "shell")); string(out) == "hello\n" {
			break
		}
		time.Sleep(10 * time.Millisecond)
	}
	if out, err := os.ReadFile(LogFile(dir, "shell")); string(out) != "hello\n" {
		t.Errorf("log = %q, %v", out, err)
	}
	if err := r.Stop(2 * time.Second); err != nil {
		t.Error(err)
	}
}

func TestKillWhereKillsWhatBelongsAndNothingElse(t *testing.T) {
	victim, victimDone := sleeper(t, "sleep", "60")
	_, otherDone := sleeper(t, "sleep", "60")
	n, err := KillWhere(func(pid int) bool { return pid == victim })
	if n != 1 || err != nil {
		t.Errorf("KillWhere = %d, %v; want 1", n, err)
	}
	<-victimDone
	select {
	case <-otherDone:
		t.Error("another process was killed")
	case <-time.After(50 * time.Millisecond):
	}
}

func TestARecordIsNeverReadHalfWritten(t *testing.T) {
	dir := t.TempDir()
	r, err := Identify("self", os.Getpid())
	if err != nil {
		t.Fatal(err)
	}
	stop := make(chan struct{})
	saved := make(chan error)
	go func() {
		for {
			select {
			case <-stop:
				saved <- nil
				return
			default:
			}
			if err := r.Save(dir); err != nil {
				saved <- err
				return
			}
		}
	}()
	for range 2000 {
		if _, err := LoadAll(dir); err != nil {
			t.Error(err)
			break
		}
	}
	close(stop)
	if err := <-saved; err != nil {
		t.Error(err)
	}
}
