// Package build compiles the programs of a cluster from Go modules into the user's cache, once.
//
// They are built rather than downloaded because a Go module proxy is the only source that every
// place where the tests run can reach; its checksums also pin them.
package build

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"runtime"
	"strings"

	"github.com/kymaros/kymaros/test/cluster/progress"
)

// CacheDir is the harness's directory in the user's cache.
func CacheDir() (string, error) {
	base, err := os.UserCacheDir()
	if err != nil {
		return "", fmt.Errorf("%w: set HOME or XDG_CACHE_HOME", err)
	}
	return filepath.Join(base, "kymaros"), nil
}

// BinDir names the directory of the programs that every cluster needs.
func BinDir() (string, error) { return dirOf("bin", append(ControlPlane(), Node()...)) }

// dirOf names a directory for the programs of modules. The name changes with the modules and with the build
// flags, so that two checkouts with different versions never mix their programs.
func dirOf(prefix string, modules []Module) (string, error) {
	cache, err := CacheDir()
	if err != nil {
		return "", err
	}
	mods, err := modsDir()
	if err != nil {
		return "", err
	}
	hash := sha256.New()
	for _, m := range modules {
		fmt.Fprintf(hash, "%+v\n", m)
		for _, name := range []string{"go.mod", "go.sum"} {
			content, err := os.ReadFile(filepath.Join(mods, m.Name, name))
			if err != nil {
				return "", err
			}
			hash.Write(content)
		}
	}
	return filepath.Join(cache, prefix+"-"+hex.EncodeToString(hash.Sum(nil))[:10]), nil
}

// Programs builds what is missing of modules, which are some of those that every cluster needs, and returns the directory
// that holds the programs.
func Programs(ctx context.Context, modules []Module) (string, error) {
	bin, err := BinDir()
	if err != nil {
		return "", err
	}
	return bin, programs(ctx, bin, modules)
}

// Extra does so for modules that few clusters need: their programs have a directory of their own, named after the first, so that
// they cost the others nothing.
func Extra(ctx context.Context, modules ...Module) (string, error) {
	bin, err := dirOf(modules[0].Name, modules)
	if err != nil {
		return "", err
	}
	return bin, programs(ctx, bin, modules)
}

// programs builds what is missing of modules in bin. Another build into the same directory, by whomever, is waited for and not
// repeated.
func programs(ctx context.Context, bin string, modules []Module) error {
	if len(missing(bin, modules)) == 0 {
		return nil
	}
	if err := os.MkdirAll(bin, 0o755); err != nil {
		return err
	}
	unlock, err := Lock(bin + ".lock")
	if err != nil {
		return err
	}
	defer unlock()
	todo := missing(bin, modules)
	if len(todo) == 0 {
		return nil
	}
	w, err := newWork(ctx, todo)
	if err != nil {
		return err
	}
	for _, m := range todo {
		if err := w.during(func() error { return m.build(ctx, bin, w) }); err != nil {
			return err
		}
	}
	return nil
}

// programs are the names of those that m is built into.
func (m Module) programs() (names []string) {
	for _, pkg := range m.Packages {
		names = append(names, m.program(pkg))
	}
	return names
}

// program is the file name of the program that pkg is built into.
func (m Module) program(pkg string) string {
	if m.As != "" {
		return m.As
	}
	return path.Base(pkg)
}

// missing returns modules reduced to the packages whose program is not in bin.
func missing(bin string, modules []Module) []Module {
	var todo []Module
	for _, m := range modules {
		var packages []string
		for _, pkg := range m.Packages {
			if _, err := os.Stat(filepath.Join(bin, m.program(pkg))); err != nil {
				packages = append(packages, pkg)
			}
		}
		if len(packages) > 0 {
			m.Packages = packages
			todo = append(todo, m)
		}
	}
	return todo
}

// build compiles all packages of m in one go, in a directory beside bin: a program appears in bin only
// when it is whole, so that an interrupted build leaves nothing that looks finished. It tells w what it compiles.
func (m Module) build(ctx context.Context, bin string, w *work) error {
	tmp, err := os.MkdirTemp(filepath.Dir(bin), "build-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(tmp)

	out := tmp + string(filepath.Separator)
	if m.As != "" {
		out += m.As
	}
	args := append([]string{"build", "-v", "-o", out}, m.Flags...)
	cmd, err := m.command(ctx, append(args, m.Packages...)...)
	if err != nil {
		return err
	}
	progress.Printf("building %s", strings.Join(m.programs(), ", "))
	var output bytes.Buffer
	cmd.Stdout, cmd.Stderr = &output, io.MultiWriter(&output, w)
	if err := cmd.Run(); err != nil {
		return fmt.Errorf("go build in mods/%s: %w\n%s", m.Name, err, tail(output.String(), 20))
	}
	for _, name := range m.programs() {
		if err := os.Rename(filepath.Join(tmp, name), filepath.Join(bin, name)); err != nil {
			return err
		}
	}
	return nil
}

// Harness builds a package of this module itself, statically, into file.
func Harness(ctx context.Context, pkg, file string) error {
	src, err := SourceDir()
	if err != nil {
		return err
	}
	cmd := exec.CommandContext(ctx, "go", "build", "-ldflags", "-s -w", "-o", file, pkg)
	cmd.Dir = src
	cmd.Env = append(os.Environ(), "GOFLAGS=-mod=readonly -buildvcs=false", "GOWORK=off", "CGO_ENABLED=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("go build %s: %w\n%s", pkg, err, out)
	}
	return nil
}

// DirOf returns the directory of a module that m requires, downloaded if need be: some have definitions beside their programs.
func (m Module) DirOf(ctx context.Context, module string) (string, error) {
	mods, err := modsDir()
	if err != nil {
		return "", err
	}
	cmd := exec.CommandContext(ctx, "go", "mod", "download", "-json", module)
	cmd.Dir = filepath.Join(mods, m.Name)
	cmd.Env = append(os.Environ(), "GOFLAGS=-mod=readonly", "GOWORK=off")
	out, err := cmd.Output()
	if err != nil {
		return "", fmt.Errorf("%s in mods/%s: %w\n%s", cmd, m.Name, err, out)
	}
	var answer struct{ Dir string }
	return answer.Dir, json.Unmarshal(out, &answer)
}

// SourceDir is test/cluster in the checkout this program was built from. Nested modules cannot be
// embedded, so they have to be there when it runs.
func SourceDir() (string, error) {
	_, file, _, _ := runtime.Caller(0)
	dir := filepath.Dir(filepath.Dir(file))
	if !filepath.IsAbs(file) { // built with -trimpath, as the tests of this package are, which run in its directory
		dir = ".."
	}
	if _, err := os.Stat(filepath.Join(dir, "mods")); err != nil {
		return "", fmt.Errorf("the sources this program was built from are gone (%s): run test/cluster/run.sh of your checkout", dir)
	}
	return dir, nil
}

func modsDir() (string, error) {
	src, err := SourceDir()
	return filepath.Join(src, "mods"), err
}

// tail returns the last n lines of s.
func tail(s string, n int) string {
	lines := strings.Split(strings.TrimRight(s, "\n"), "\n")
	return strings.Join(lines[max(0, len(lines)-n):], "\n")
}
