package images

import (
	"context"
	_ "embed"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"

	"github.com/kymaros/kymaros/test/cluster/oci"
	"github.com/kymaros/kymaros/test/cluster/progress"
)

//go:embed postgres/entrypoint.sh
var entrypoint []byte

const (
	debianSuite = "bookworm"
	// postgresID is the user and group postgres, as in the image that most people know.
	postgresID = 999
)

// postgres is Debian's PostgreSQL on a minimal Debian, and our entrypoint above it.
func postgres(ctx context.Context, m maker, tmp string) ([]string, error) {
	// Kept apart from the images: it takes a minute and a mirror, and does not change with our programs.
	debian := filepath.Join(m.cache, "postgres-15-"+debianSuite+".tar")
	if _, err := os.Stat(debian); err != nil {
		progress.Printf("installing PostgreSQL with debootstrap (about a minute, once)")
		if err := debootstrap(ctx, filepath.Join(tmp, "debian"), debian); err != nil {
			return nil, err
		}
	}
	ours := filepath.Join(tmp, "ours")
	if err := os.Mkdir(ours, 0o755); err != nil {
		return nil, err
	}
	return []string{debian, ours}, os.WriteFile(filepath.Join(ours, "entrypoint.sh"), entrypoint, 0o755)
}

// debootstrap installs PostgreSQL into root and writes it to file.
func debootstrap(ctx context.Context, root, file string) error {
	args := []string{"--variant=minbase", "--include=postgresql-15", debianSuite, root}
	if m := mirror(ctx); m != "" {
		args = append(args, m)
	}
	if err := run(ctx, "debootstrap", args...); err != nil {
		return err
	}
	id := fmt.Sprint(postgresID)
	for _, args := range [][]string{
		{"groupmod", "--gid", id, "postgres"},
		{"usermod", "--uid", id, "--gid", id, "postgres"},
	} {
		if err := run(ctx, "chroot", append([]string{root}, args...)...); err != nil {
			return err
		}
	}
	// The compiler for long queries is half of the image; the rest is of no use in it.
	for _, pattern := range []string{"usr/lib/postgresql/15/lib/llvmjit*", "usr/lib/postgresql/15/lib/bitcode", "usr/lib/*/libLLVM*",
		"usr/share/doc", "usr/share/man", "usr/share/locale", "usr/share/info", "var/cache/apt", "var/lib/apt/lists", "var/lib/postgresql/15"} {
		matches, err := filepath.Glob(filepath.Join(root, pattern))
		if err != nil {
			return err
		}
		for _, match := range matches {
			if err := os.RemoveAll(match); err != nil {
				return err
			}
		}
	}
	f, err := os.CreateTemp(filepath.Dir(file), "postgres-")
	if err != nil {
		return err
	}
	defer os.Remove(f.Name()) // fails once it has been renamed
	defer f.Close()
	if err := oci.WriteLayer(f, root); err != nil {
		return err
	}
	return os.Rename(f.Name(), file)
}

// mirror is where this machine has the suite from, or nothing if that is not known: debootstrap has a default.
func mirror(ctx context.Context) string {
	out, err := exec.CommandContext(ctx, "apt-get", "indextargets", "--format", "$(RELEASE) $(REPO_URI)", "Created-By: Packages").Output()
	if err != nil {
		return ""
	}
	for line := range strings.Lines(string(out)) {
		if release, uri, ok := strings.Cut(strings.TrimSpace(line), " "); ok && release == debianSuite {
			return uri
		}
	}
	return ""
}

// run runs a command whose mounts, such as /proc in the new root, end with it.
func run(ctx context.Context, name string, args ...string) error {
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.Env = append(os.Environ(), "DEBIAN_FRONTEND=noninteractive", "PATH=/usr/local/sbin:/usr/sbin:/sbin:/usr/local/bin:/usr/bin:/bin")
	cmd.SysProcAttr = &syscall.SysProcAttr{Unshareflags: syscall.CLONE_NEWNS}
	if out, err := cmd.CombinedOutput(); err != nil {
		lines := strings.Split(strings.TrimSpace(string(out)), "\n")
		return fmt.Errorf("%s: %w\n%s", name, err, strings.Join(lines[max(0, len(lines)-10):], "\n"))
	}
	return nil
}
