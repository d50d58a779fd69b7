package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// kind is a directory of the store.
type kind string

const (
	volumes   kind = "volumes"
	snapshots kind = "snapshots"
)

// entry is what is known of a volume or a snapshot. ID.json holds it, beside the files in ID.
type entry struct {
	ID string
	// Source is the volume that a snapshot was taken of.
	Source  string `json:",omitempty"`
	Bytes   int64
	Created time.Time
}

// store keeps volumes and snapshots as directories. It survives a restart, for it remembers nothing itself.
type store struct{ dir string }

func newStore(dir string) (store, error) {
	for _, k := range []kind{volumes, snapshots} {
		if err := os.MkdirAll(filepath.Join(dir, string(k)), 0o755); err != nil {
			return store{}, err
		}
	}
	return store{dir}, nil
}

// path is where the files of id are. Whatever an id says, that is a directory of its own below that of its kind.
func (s store) path(k kind, id string) string {
	return filepath.Join(s.dir, string(k), "_"+strings.ReplaceAll(id, "/", "_"))
}

func (s store) record(k kind, id string) string { return s.path(k, id) + ".json" }

// get returns the entry of id; the error is fs.ErrNotExist if there is none.
func (s store) get(k kind, id string) (entry, error) { return read(s.record(k, id)) }

func read(record string) (entry, error) {
	var e entry
	content, err := os.ReadFile(record)
	if err != nil {
		return e, err
	}
	if err := json.Unmarshal(content, &e); err != nil {
		return e, fmt.Errorf("%s: %w", record, err)
	}
	return e, nil
}

// put adds e with a copy of the directory from, or with an empty directory if from is "". Only when all of it is there does get
// return it.
func (s store) put(k kind, e entry, from string) error {
	path := s.path(k, e.ID)
	if err := os.RemoveAll(path); err != nil { // what an attempt before left
		return err
	}
	if from != "" {
		// Owners, modes, links and times as they are, and no bytes twice where the file system can help it.
		if out, err := exec.Command("cp", "-a", "--reflink=auto", from, path).CombinedOutput(); err != nil {
			return fmt.Errorf("copy %s: %w: %s", from, err, out)
		}
	} else if err := os.Mkdir(path, 0o755); err != nil {
		return err
	} else if err := os.Chmod(path, 0o777); err != nil { // for pods of any user
		return err
	}
	content, err := json.Marshal(e)
	if err != nil {
		return err
	}
	return os.WriteFile(s.record(k, e.ID), content, 0o644)
}

// remove removes id, if it is there. The record goes first: what has one is whole.
func (s store) remove(k kind, id string) error {
	if err := os.Remove(s.record(k, id)); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return os.RemoveAll(s.path(k, id))
}

// list returns all entries, sorted by id.
func (s store) list(k kind) ([]entry, error) {
	files, err := filepath.Glob(s.record(k, "*"))
	if err != nil {
		return nil, err
	}
	slices.Sort(files)
	var all []entry
	for _, f := range files {
		e, err := read(f)
		if err != nil {
			return nil, err
		}
		all = append(all, e)
	}
	return all, nil
}
