package proc

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sort"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// Record identifies one process for good. A pid alone does not: it is given to another process some
// time after its first owner ended. No two processes share pid, start time and boot.
type Record struct {
	Name string `json:"name"`
	Pid  int    `json:"pid"`
	// Start is when the process began, in clock ticks since boot (field 22 of /proc/PID/stat).
	Start uint64 `json:"start"`
	// Boot is the kernel's id of this boot: the clock ticks begin anew with the next one.
	Boot string `json:"boot"`
}

// Identify returns the record of the live process pid.
func Identify(name string, pid int) (Record, error) {
	start, _, err := stat(pid)
	if err != nil {
		return Record{}, err
	}
	boot, err := os.ReadFile("/proc/sys/kernel/random/boot_id")
	if err != nil {
		return Record{}, err
	}
	return Record{Name: name, Pid: pid, Start: start, Boot: strings.TrimSpace(string(boot))}, nil
}

// Alive reports whether the recorded process still runs. A zombie does not.
func (r Record) Alive() bool {
	now, err := Identify(r.Name, r.Pid)
	if err != nil || now != r {
		return false
	}
	_, state, err := stat(r.Pid)
	return err == nil && state != 'Z' && state != 'X'
}

// Stop ends the recorded process: SIGTERM, and SIGKILL when it still lives after grace. It does nothing
// when the process is gone, even if another one has its pid by now.
func (r Record) Stop(grace time.Duration) error {
	// On Linux this is a pidfd: from here on the signals reach the process that is checked
	// next, or none, but never one that gets the pid in between.
	p, err := os.FindProcess(r.Pid)
	if err != nil {
		return fmt.Errorf("%s (pid %d): %w", r.Name, r.Pid, err)
	}
	defer func() { _ = p.Release() }() // closes the pidfd
	for _, step := range []struct {
		signal syscall.Signal
		wait   time.Duration
	}{{syscall.SIGTERM, grace}, {syscall.SIGKILL, 5 * time.Second}} {
		if !r.Alive() {
			return nil
		}
		if err := p.Signal(step.signal); err != nil && !errors.Is(err, os.ErrProcessDone) {
			return fmt.Errorf("%s (pid %d): %w", r.Name, r.Pid, err)
		}
		for deadline := time.Now().Add(step.wait); time.Now().Before(deadline); time.Sleep(20 * time.Millisecond) {
			if !r.Alive() {
				return nil
			}
		}
	}
	return fmt.Errorf("%s (pid %d) survives SIGKILL: it waits in the kernel, see /proc/%d/stack", r.Name, r.Pid, r.Pid)
}

// Save writes r to dir, at once and completely: others read the records while programs are being started.
func (r Record) Save(dir string) error {
	content, err := json.Marshal(r)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	file := recordFile(dir, r.Name)
	if err := os.WriteFile(file+".new", content, 0o644); err != nil {
		return err
	}
	return os.Rename(file+".new", file)
}

// Load returns the record called name in dir; the error is os.ErrNotExist when there is none.
func Load(dir, name string) (Record, error) {
	content, err := os.ReadFile(recordFile(dir, name))
	if err != nil {
		return Record{}, err
	}
	var r Record
	if err := json.Unmarshal(content, &r); err != nil {
		return Record{}, fmt.Errorf("%s: %w", recordFile(dir, name), err)
	}
	return r, nil
}

// LoadAll returns all records in dir, by name. No dir means no records.
func LoadAll(dir string) ([]Record, error) {
	files, err := filepath.Glob(recordFile(dir, "*"))
	if err != nil {
		return nil, err
	}
	sort.Strings(files)
	var all []Record
	for _, f := range files {
		r, err := Load(dir, strings.TrimSuffix(filepath.Base(f), ".json"))
		if err != nil {
			return nil, err
		}
		all = append(all, r)
	}
	return all, nil
}

// Forget removes r from dir.
func (r Record) Forget(dir string) error { return os.Remove(recordFile(dir, r.Name)) }

func recordFile(dir, name string) string { return filepath.Join(dir, name+".json") }

// stat reads start time and state of a process.
func stat(pid int) (start uint64, state byte, err error) {
	content, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/stat")
	if err != nil {
		return 0, 0, err
	}
	// The second field is the program's name in parentheses and may hold spaces and parentheses itself.
	_, rest, ok := strings.Cut(string(content[strings.LastIndexByte(string(content), ')'):]), " ")
	fields := strings.Fields(rest)
	if !ok || len(fields) < 20 {
		return 0, 0, fmt.Errorf("/proc/%d/stat: %q", pid, content)
	}
	start, err = strconv.ParseUint(fields[19], 10, 64)
	return start, fields[0][0], err
}
