package build

import (
	"os"
	"path/filepath"
	"syscall"
)

// Lock takes an exclusive lock on file, waiting for whoever holds it. The kernel releases it when its
// holder dies, so a lock file left behind blocks nobody.
func Lock(file string) (unlock func(), err error) {
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		return nil, err
	}
	f, err := os.OpenFile(file, os.O_CREATE|os.O_RDWR, 0o644)
	if err != nil {
		return nil, err
	}
	if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX); err != nil {
		f.Close()
		return nil, err
	}
	return func() { f.Close() }, nil
}
