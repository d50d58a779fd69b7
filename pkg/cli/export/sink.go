package export

import (
	"archive/tar"
	"archive/zip"
	"bytes"
	"compress/flate"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"
)

// sink is where files go. The same files in the same order give the same bytes.
type sink interface {
	// pack does what can be done with several files at once.
	pack(name string, body []byte) (packed, error)
	// put writes a file, one at a time.
	put(packed) error
	// has returns a file of a former export; nil if there is none.
	has(name string) ([]byte, error)
	// dir is the directory of a former export; empty if there can be none.
	dir() string
	close() error
	// discard ends it after an error: half an archive is none.
	discard() error
}

// packed is a file on its way into a sink. fresh tells that there was none of that name.
type packed struct {
	name  string
	body  []byte
	zip   *zip.FileHeader
	fresh bool
}

// write packs and puts one file.
func write(to sink, name string, body []byte) error {
	p, err := to.pack(name, body)
	if err != nil {
		return err
	}
	return to.put(p)
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

// pack writes the file already: into a directory, the order does not matter.
func (d directory) pack(name string, body []byte) (packed, error) {
	path := d.path(name)
	err := create(path, body)
	if errors.Is(err, fs.ErrNotExist) {
		if err = os.MkdirAll(filepath.Dir(path), 0o750); err == nil {
			err = create(path, body)
		}
	}
	if !errors.Is(err, fs.ErrExist) {
		return packed{fresh: true}, err
	}
	old, err := d.has(name)
	if err != nil || bytes.Equal(old, body) {
		return packed{}, err
	}
	return packed{}, os.WriteFile(path, body, 0o600)
}

// create writes a file that is not there yet.
func create(path string, body []byte) error {
	file, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600) //nolint:gosec // of the directory that the user names
	if err != nil {
		return err
	}
	_, err = file.Write(body)
	return errors.Join(err, file.Close())
}

func (d directory) put(packed) error { return nil }

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

// written20000101 is that day as zips have it: years since 1980, month and day.
const written20000101 = 20<<9 | 1<<5 | 1

// pack compresses for a zip.
func (a *archive) pack(name string, body []byte) (packed, error) {
	p := packed{name: name, body: body, fresh: true}
	if a.zip == nil {
		return p, nil
	}
	var small bytes.Buffer
	w, ok := deflaters.Get().(*flate.Writer)
	if !ok {
		var err error
		if w, err = flate.NewWriter(nil, flate.DefaultCompression); err != nil {
			return p, err
		}
	}
	defer deflaters.Put(w)
	w.Reset(&small)
	if _, err := w.Write(body); err != nil {
		return p, err
	}
	if err := w.Close(); err != nil {
		return p, err
	}
	p.body = small.Bytes()
	p.zip = &zip.FileHeader{
		Name: name, Method: zip.Deflate, CRC32: crc32.ChecksumIEEE(body), CompressedSize64: uint64(small.Len()), UncompressedSize64: uint64(len(body)),
		ModifiedDate: written20000101, //nolint:staticcheck // what is written of a file that is compressed already
	}
	return p, nil
}

// deflaters are kept, for one is larger than what it compresses.
var deflaters sync.Pool

func (a *archive) put(p packed) error {
	var w io.Writer = a.tar
	var err error
	if a.zip != nil {
		w, err = a.zip.CreateRaw(p.zip)
	} else {
		err = a.tar.WriteHeader(&tar.Header{Name: p.name, Mode: 0o644, Size: int64(len(p.body)), ModTime: written, Format: tar.FormatPAX})
	}
	if err == nil {
		_, err = w.Write(p.body)
	}
	return err
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
