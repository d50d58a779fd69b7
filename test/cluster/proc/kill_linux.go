package proc

import (
	"errors"
	"os"
	"path/filepath"
	"strconv"
)

// KillWhere kills every process that belongs, until none is left that was not there before, and returns how
// many it has killed. It asks again once it holds on to the process, so that one which gets the
// pid of another in between is judged by what it is itself.
func KillWhere(belongs func(pid int) bool) (int, error) {
	killed := map[int]bool{}
	for {
		dirs, err := filepath.Glob("/proc/[0-9]*")
		if err != nil {
			return len(killed), err
		}
		before := len(killed)
		for _, dir := range dirs {
			pid, err := strconv.Atoi(filepath.Base(dir))
			if err != nil || killed[pid] || !belongs(pid) {
				continue
			}
			p, err := os.FindProcess(pid) // a pidfd
			if err != nil {
				return len(killed), err
			}
			if belongs(pid) {
				if err := p.Kill(); err != nil && !errors.Is(err, os.ErrProcessDone) {
					return len(killed), err
				}
				killed[pid] = true
			}
			_ = p.Release() // closes the pidfd
		}
		// A process may have had children while the list was being read.
		if len(killed) == before {
			return len(killed), nil
		}
	}
}
