package cluster

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"time"

	"github.com/kymaros/kymaros/test/cluster/controlplane"
	"github.com/kymaros/kymaros/test/cluster/proc"
)

const (
	// patience is how long a single step may take before it counts as stuck.
	patience = 90 * time.Second
	// grace is what a program gets to end by itself. Nothing it could save is kept.
	grace = 2 * time.Second
)

// site is a directory with the files of programs, their logs and their records.
type site struct {
	// Dir holds everything that belongs to it.
	Dir string
}

// path is a file or directory of the site.
func (s site) path(elements ...string) string {
	return filepath.Join(append([]string{s.Dir}, elements...)...)
}

func (s site) logs() string    { return s.path("log") }
func (s site) records() string { return s.path("run") }

// writeFiles writes files, named relative to the directory.
func (s site) writeFiles(files map[string]string) error {
	for name, content := range files {
		if err := os.MkdirAll(filepath.Dir(s.path(name)), 0o755); err != nil {
			return err
		}
		if err := os.WriteFile(s.path(name), []byte(content), 0o644); err != nil {
			return err
		}
	}
	return nil
}

// start starts a program that Down will end.
func (s site) start(p proc.Program) error {
	_, err := proc.Detach(p, s.logs(), s.records())
	return err
}

// stop ends the program called name, if it was started.
func (s site) stop(name string) error {
	r, err := proc.Load(s.records(), name)
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	if err := r.Stop(grace); err != nil {
		return err
	}
	return r.Forget(s.records())
}

// stopAll ends all programs that were started.
func (s site) stopAll() error {
	records, err := proc.LoadAll(s.records())
	if err != nil {
		return err
	}
	var steps []func() error
	for _, r := range records {
		steps = append(steps, func() error { return s.stop(r.Name) })
	}
	return parallel(steps...)
}

// runs tells whether the program called name was started and still runs.
func (s site) runs(name string) (bool, error) {
	r, err := proc.Load(s.records(), name)
	if errors.Is(err, os.ErrNotExist) {
		return false, nil
	}
	return err == nil && r.Alive(), err
}

// until waits for check, as long as all programs run.
func (s site) until(ctx context.Context, what string, check func(context.Context) error) error {
	return controlplane.Until(ctx, what, patience, s.ended, check)
}

// ended returns an error if a program that was started has ended.
func (s site) ended() error {
	records, err := proc.LoadAll(s.records())
	if err != nil {
		return err
	}
	for _, r := range records {
		if !r.Alive() {
			return proc.ExitError(s.logs(), r.Name)
		}
	}
	return nil
}
