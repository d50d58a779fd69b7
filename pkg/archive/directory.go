package archive

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
)

// unfinished is the directory of files that are being written. What a process that was killed left there is removed.
const unfinished = ".unfinished"

// Directory is a sink that is mounted, such as the volume of a claim. Its file system has to have hard links.
type Directory string

func (d Directory) path(name string) string {
	return filepath.Join(string(d), filepath.FromSlash(name))
}

// Prepare makes what the directory needs, and sees whether it can be written to.
func (d Directory) Prepare(ctx context.Context) error {
	if err := os.RemoveAll(d.path(unfinished)); err != nil {
		return err
	}
	if err := os.Mkdir(d.path(unfinished), 0o750); err != nil {
		return err
	}
	if err := d.Put(ctx, Marker, []byte(MarkerText)); err != nil && !errors.Is(err, ErrThere) {
		return err
	}
	return nil
}

// List returns the names of files, see Sink.
func (d Directory) List(_ context.Context, dir, after string) ([]string, error) {
	entries, err := os.ReadDir(d.path(dir))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	names := make([]string, 0, len(entries))
	for _, entry := range entries { // sorted
		if name := entry.Name(); name > after && entry.Type().IsRegular() {
			names = append(names, name)
		}
	}
	return names, nil
}

// Put writes a file, which has its name when all of it is on the disk.
func (d Directory) Put(_ context.Context, name string, body []byte) error {
	final := d.path(name)
	if _, err := os.Lstat(final); err == nil {
		return ErrThere
	}
	if err := d.makeAll(path.Dir(name)); err != nil {
		return err
	}
	file, err := os.CreateTemp(d.path(unfinished), "*")
	if err != nil {
		return err
	}
	defer os.Remove(file.Name()) // its other name stays
	_, err = file.Write(body)
	if err == nil {
		err = file.Chmod(0o440)
	}
	if err == nil {
		err = file.Sync()
	}
	if err = errors.Join(err, file.Close()); err != nil {
		return err
	}
	// A link takes no name that is taken, as a rename would.
	switch err := os.Link(file.Name(), final); {
	case errors.Is(err, fs.ErrExist):
		return ErrThere
	case err != nil:
		return fmt.Errorf("the file system has to have hard links: %w", err)
	}
	return synced(filepath.Dir(final))
}

// Get reads a file.
func (d Directory) Get(_ context.Context, name string) ([]byte, error) {
	return os.ReadFile(d.path(name))
}

// makeAll makes a directory and those above it, so that they are there after a crash too.
func (d Directory) makeAll(dir string) error {
	var missing []string
	for ; dir != "."; dir = path.Dir(dir) {
		_, err := os.Stat(d.path(dir))
		if err == nil {
			break
		}
		if !errors.Is(err, fs.ErrNotExist) {
			return err
		}
		missing = append(missing, dir)
	}
	for _, dir := range slices.Backward(missing) {
		if err := os.Mkdir(d.path(dir), 0o750); err != nil && !errors.Is(err, fs.ErrExist) {
			return err
		}
		if err := synced(d.path(path.Dir(dir))); err != nil {
			return err
		}
	}
	return nil
}

// synced has the names in a directory outlive a crash.
func synced(dir string) error {
	f, err := os.Open(dir) //nolint:gosec // of the sink
	if err != nil {
		return err
	}
	return errors.Join(f.Sync(), f.Close())
}
