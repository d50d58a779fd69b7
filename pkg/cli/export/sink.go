package export

import (
	"archive/tar"
	"archive/zip"
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// sink is where files go. The same files in the same order give the same bytes.
type sink interface {
	// put writes a file. fresh tells that there was none of that name.
	put(name string, body []byte) (fresh bool, err error)
	// has returns a file of a former export; nil if there is none.
	has(name string) ([]byte, error)
	// dir is the directory of a former export; empty if there can be none.
	dir() string
	close() error
	// discard ends it after an error: half an archive is none.
	discard() error
}

func open(to string) (sink, error) {
	switch {
	case strings.HasSuffix(to, ".zip"), strings.HasSuffix(to, ".tar"):
		file, err := os.CreateTemp(filepath.Dir(to), ".kymaros-export-*")
		if err != nil {
			return nil, fmt.Errorf("--to: %w", err)
		}
		a := &archive{file: file, to: to}
		if strings.HasSuffix(to, ".zip") {
			a.zip = zip.NewWriter(file)
		} else {
			a.tar = tar.NewWriter(file)
		}
		return a, nil
	}
	if err := os.MkdirAll(to, 0o750); err != nil {
		return nil, fmt.Errorf("--to: %w", err)
	}
	return directory(to), nil
}

// directory is a sink that keeps what is there.
type directory string

func (d directory) path(name string) string {
	return filepath.Join(string(d), filepath.FromSlash(name))
}

func (d directory) has(name string) ([]byte, error) {
	body, err := os.ReadFile(d.path(name))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	return body, err
}

func (d directory) put(name string, body []byte) (bool, error) {
	old, err := d.has(name)
	if err != nil || old != nil && bytes.Equal(old, body) {
		return false, err
	}
	path := d.path(name)
	if err := os.MkdirAll(filepath.Dir(path), 0o750); err != nil {
		return false, err
	}
	return old == nil, os.WriteFile(path, body, 0o600)
}

func (d directory) dir() string  { return string(d) }
func (d directory) close() error { return nil }

// discard keeps what was written: each file is whole, and the next export goes on.
func (d directory) discard() error { return nil }

// archive is a sink that is there when it is complete.
type archive struct {
	file *os.File
	to   string
	zip  *zip.Writer
	tar  *tar.Writer
}

// written is when all files of archives were written: their bytes shall not depend on that.
var written = time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC)

func (a *archive) put(name string, body []byte) (bool, error) {
	var w io.Writer = a.tar
	var err error
	if a.zip != nil {
		w, err = a.zip.CreateHeader(&zip.FileHeader{Name: name, Method: zip.Deflate, Modified: written})
	} else {
		err = a.tar.WriteHeader(&tar.Header{Name: name, Mode: 0o644, Size: int64(len(body)), ModTime: written, Format: tar.FormatPAX})
	}
	if err == nil {
		_, err = w.Write(body)
	}
	return true, err
}

func (a *archive) has(string) ([]byte, error) { return nil, nil }
func (a *archive) dir() string                { return "" }

func (a *archive) close() error {
	var err error
	if a.zip != nil {
		err = a.zip.Close()
	} else {
		err = a.tar.Close()
	}
	if err = errors.Join(err, a.file.Close()); err == nil {
		err = os.Rename(a.file.Name(), a.to)
	}
	if err != nil {
		return errors.Join(err, os.Remove(a.file.Name()))
	}
	return nil
}

func (a *archive) discard() error { return errors.Join(a.file.Close(), os.Remove(a.file.Name())) }
