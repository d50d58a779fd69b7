// Package proc starts the processes of a cluster and ends them again, and nothing else: a process is
// only ever signalled when it is certain to be one that was started here.
package proc

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
)

// Program is one process of a cluster.
type Program struct {
	// Name names its log file and its record.
	Name string
	// Argv is the command line; Argv[0] is a path, or looked up in PATH.
	Argv []string
	// Env is added to the environment of the caller.
	Env []string
	// Files are open files that it inherits as descriptors 3, 4, ...
	Files []*os.File
}

// openLog creates the log file of p in dir.
func (p Program) openLog(dir string) (*os.File, error) {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, err
	}
	return os.OpenFile(LogFile(dir, p.Name), os.O_CREATE|os.O_TRUNC|os.O_WRONLY|os.O_APPEND, 0o644)
}

// LogFile is where the output of the program called name goes.
func LogFile(dir, name string) string { return filepath.Join(dir, name+".log") }

// ExitError says that a program ended which should not have, with the end of its log.
func ExitError(logs, name string) error {
	file := LogFile(logs, name)
	content, err := os.ReadFile(file)
	if err != nil {
		return fmt.Errorf("%s ended; no log: %w", name, err)
	}
	lines := bytes.Split(bytes.TrimRight(content, "\n"), []byte("\n"))
	return fmt.Errorf("%s ended; the last lines of %s:\n%s", name, file, bytes.Join(lines[max(0, len(lines)-8):], []byte("\n")))
}
