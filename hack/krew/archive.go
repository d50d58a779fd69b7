package main

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"debug/buildinfo"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
)

// archive checks the one in dir: its checksum, what is in it, and that the program is of this platform and, where it can run here,
// says that it is of this release.
func (p platform) archive(dir, release string) error {
	data, err := os.ReadFile(filepath.Join(dir, path.Base(p.URI)))
	if err != nil {
		return err
	}
	if got := fmt.Sprintf("%x", sha256.Sum256(data)); got != p.SHA256 {
		return fmt.Errorf("the archive has sha256 %s, and the manifest says %s", got, p.SHA256)
	}
	files, program, err := unpack(data, p.bin())
	if err != nil {
		return err
	}
	if want := []string{"LICENSE", p.bin()}; !slices.Equal(files, want) {
		return fmt.Errorf("the archive holds %s, want %s", strings.Join(files, ", "), strings.Join(want, ", "))
	}
	if err := p.builtFor(program); err != nil {
		return err
	}
	if p.String() != runtime.GOOS+"/"+runtime.GOARCH {
		return nil
	}
	return says(program, p.bin(), release)
}

// unpack returns the names of the files, sorted, and what the one called bin holds, which everybody must be able to run.
func unpack(data []byte, bin string) (files []string, program []byte, err error) {
	packed, err := gzip.NewReader(bytes.NewReader(data))
	if err != nil {
		return nil, nil, err
	}
	all := tar.NewReader(packed)
	for {
		h, err := all.Next()
		if errors.Is(err, io.EOF) {
			slices.Sort(files)
			return files, program, nil
		}
		if err != nil {
			return nil, nil, err
		}
		if h.Typeflag != tar.TypeReg {
			return nil, nil, fmt.Errorf("%s is no file", h.Name)
		}
		files = append(files, h.Name)
		if h.Name != bin {
			continue
		}
		if h.Mode&0o111 != 0o111 {
			return nil, nil, fmt.Errorf("%s cannot be run by everybody: its mode is %o", bin, h.Mode)
		}
		if program, err = io.ReadAll(all); err != nil {
			return nil, nil, err
		}
	}
}

// builtFor asks a Go program what it was built for.
func (p platform) builtFor(program []byte) error {
	info, err := buildinfo.Read(bytes.NewReader(program))
	if err != nil {
		return err
	}
	built := map[string]string{}
	for _, s := range info.Settings {
		built[s.Key] = s.Value
	}
	if got := built["GOOS"] + "/" + built["GOARCH"]; got != p.String() {
		return fmt.Errorf("the program is built for %s", got)
	}
	return nil
}

// says runs a program, which must name the release.
func says(program []byte, name, release string) error {
	dir, err := os.MkdirTemp("", "krew-")
	if err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(dir) }()
	at := filepath.Join(dir, name)
	if err := os.WriteFile(at, program, 0o700); err != nil { //nolint:gosec // it is to be run
		return err
	}
	out, err := exec.Command(at, "version", "--client").CombinedOutput() //nolint:gosec // our own program
	if err != nil {
		return fmt.Errorf("it does not run: %w: %s", err, out)
	}
	if !strings.Contains(string(out), release) {
		return fmt.Errorf("it says that it is %q, and not %s", out, release)
	}
	return nil
}
