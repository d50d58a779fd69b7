package build

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/kymaros/kymaros/test/cluster/progress"
)

// tell is how often a build says how far it is.
const tell = 15 * time.Second

// work is what several modules have to compile. Go's build cache keeps what an interrupted build has compiled.
type work struct {
	mu         sync.Mutex
	began      time.Time
	done, left int // packages
}

// newWork counts what the modules have to compile. It may take a minute on a machine where their sources are not yet.
func newWork(ctx context.Context, modules []Module) (*work, error) {
	w := &work{}
	for _, m := range modules {
		done := progress.Long("looking what there is to compile for %s", strings.Join(m.programs(), ", "))
		stale, err := m.stale(ctx)
		done()
		if err != nil {
			return nil, err
		}
		w.left += stale
	}
	w.began = time.Now()
	return w, nil
}

// stale is how many packages are not in Go's build cache as they have to be.
func (m Module) stale(ctx context.Context) (int, error) {
	args := append([]string{"list", "-deps", "-f", "{{if .Stale}}{{.ImportPath}}{{end}}"}, m.Flags...)
	cmd, err := m.command(ctx, append(args, m.Packages...)...)
	if err != nil {
		return 0, err
	}
	var said bytes.Buffer
	cmd.Stderr = &said
	out, err := cmd.Output()
	if err != nil {
		return 0, fmt.Errorf("go list in mods/%s: %w\n%s", m.Name, err, tail(said.String(), 20))
	}
	return len(strings.Fields(string(out))), nil
}

// command is the go command in the directory of m.
func (m Module) command(ctx context.Context, args ...string) (*exec.Cmd, error) {
	mods, err := modsDir()
	if err != nil {
		return nil, err
	}
	cmd := exec.CommandContext(ctx, "go", args...)
	cmd.Dir = filepath.Join(mods, m.Name)
	// The caller's GOFLAGS and workspace belong to another module.
	cmd.Env = append(os.Environ(), "GOFLAGS=-mod=readonly -buildvcs=false", "GOWORK=off")
	if m.Static {
		cmd.Env = append(cmd.Env, "CGO_ENABLED=0")
	}
	return cmd, nil
}

// Write takes what go build -v says: the path of each package that it begins to compile, on a line of its own.
func (w *work) Write(said []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for line := range strings.Lines(string(said)) {
		if isPackage(line) {
			w.done, w.left = w.done+1, max(w.left-1, 0)
		}
	}
	return len(said), nil
}

// isPackage tells the path of a package from what the compiler complains of.
func isPackage(line string) bool {
	line = strings.TrimSpace(line)
	return line != "" && !strings.ContainsAny(line, " #:") && !strings.HasPrefix(line, ".")
}

// during tells how far it is every now and then while build runs.
func (w *work) during(build func() error) error {
	ticker := time.NewTicker(tell)
	defer ticker.Stop()
	done := make(chan error, 1)
	go func() { done <- build() }()
	for {
		select {
		case err := <-done:
			return err
		case now := <-ticker.C:
			progress.Printf("%s", w.far(now))
		}
	}
}

// far says how much is done, and how long the rest may take.
func (w *work) far(now time.Time) string {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.left == 0 {
		return fmt.Sprintf("all %d packages compiled; linking", w.done)
	}
	text := fmt.Sprintf("%d of %d packages compiled", w.done, w.done+w.left)
	if w.done < 50 { // too few to tell by
		return text
	}
	rest := now.Sub(w.began) * time.Duration(w.left) / time.Duration(w.done)
	return text + "; the rest takes " + about(rest)
}

// about is a duration as people say it.
func about(d time.Duration) string {
	if d < 50*time.Second {
		return "less than a minute"
	}
	minutes := int(d.Round(time.Minute) / time.Minute)
	if minutes == 1 {
		return "about a minute"
	}
	return fmt.Sprintf("about %d minutes", minutes)
}
