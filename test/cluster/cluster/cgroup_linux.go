package cluster

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/kymaros/kymaros/test/cluster/proc"
)

const cgroupFS = "/sys/fs/cgroup"

// hierarchies are the roots of all cgroup hierarchies: one with cgroup v2, one for each controller with v1.
func hierarchies() ([]string, error) {
	if _, err := os.Stat(filepath.Join(cgroupFS, "cgroup.controllers")); err == nil {
		return []string{cgroupFS}, nil
	}
	entries, err := os.ReadDir(cgroupFS)
	if err != nil {
		return nil, err
	}
	var roots []string
	for _, e := range entries {
		if root := filepath.Join(cgroupFS, e.Name()); e.IsDir() {
			if _, err := os.Stat(filepath.Join(root, "cgroup.procs")); err == nil {
				roots = append(roots, root)
			}
		}
	}
	if len(roots) == 0 {
		return nil, fmt.Errorf("no cgroups at %s", cgroupFS)
	}
	return roots, nil
}

// makeCgroup makes the cgroup below which the kubelet puts all pods. The kubelet demands that it exists.
func (n node) makeCgroup() error {
	roots, err := hierarchies()
	if err != nil {
		return err
	}
	for _, root := range roots {
		if err := os.MkdirAll(filepath.Join(root, n.cgroup()), 0o755); err != nil {
			return err
		}
	}
	return nil
}

// killCgroup kills every process in the node's cgroup. What is in it is the node's, whatever it is.
func (n node) killCgroup() (int, error) {
	mark := "/" + n.cgroup()
	return proc.KillWhere(func(pid int) bool {
		content, err := os.ReadFile(fmt.Sprintf("/proc/%d/cgroup", pid))
		if err != nil {
			return false
		}
		for line := range strings.Lines(string(content)) {
			// ID:CONTROLLERS:PATH
			if fields := strings.SplitN(strings.TrimSpace(line), ":", 3); len(fields) == 3 &&
				(fields[2] == mark || strings.HasPrefix(fields[2], mark+"/")) {
				return true
			}
		}
		return false
	})
}

// removeCgroup removes the node's cgroup, whose processes have been killed. The kernel takes a moment to let them go.
func (n node) removeCgroup() error {
	roots, err := hierarchies()
	if err != nil {
		return err
	}
	for deadline := time.Now().Add(10 * time.Second); ; time.Sleep(50 * time.Millisecond) {
		var problems []error
		for _, root := range roots {
			problems = append(problems, removeTree(filepath.Join(root, n.cgroup())))
		}
		err := errors.Join(problems...)
		if err == nil || time.Now().After(deadline) {
			return err
		}
	}
}

// removeTree makes one attempt to remove a cgroup and all below it.
func removeTree(dir string) error {
	var dirs []string
	err := filepath.WalkDir(dir, func(path string, e fs.DirEntry, err error) error {
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		if err == nil && e.IsDir() {
			dirs = append(dirs, path)
		}
		return err
	})
	if err != nil {
		return err
	}
	slices.Reverse(dirs) // the innermost first
	var problems []error
	for _, d := range dirs {
		if err := os.Remove(d); err != nil && !errors.Is(err, fs.ErrNotExist) {
			problems = append(problems, err)
		}
	}
	return errors.Join(problems...)
}
