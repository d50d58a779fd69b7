package images

import (
	"context"
	"debug/elf"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"github.com/kymaros/kymaros/test/cluster/build"
)

// passwd and group give the users of the small images a name and a home, which must be writable.
const (
	passwd = "root:x:0:0:root:/tmp:/bin/sh\ncnb:x:1002:1000:cnb:/tmp:/bin/sh\nnonroot:x:65532:65532:nonroot:/tmp:/bin/sh\n"
	group  = "root:x:0:\ncnb:x:1000:\nnonroot:x:65532:\n"
)

// base makes a root directory with what every program may rely on.
func base(root string) error {
	for dir, mode := range map[string]os.FileMode{"etc": 0o755, "tmp": 0o777 | os.ModeSticky} {
		if err := os.MkdirAll(filepath.Join(root, dir), 0o755); err != nil {
			return err
		}
		if err := os.Chmod(filepath.Join(root, dir), mode); err != nil {
			return err
		}
	}
	if err := os.WriteFile(filepath.Join(root, "etc/group"), []byte(group), 0o644); err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(root, "etc/passwd"), []byte(passwd), 0o644)
}

func pause(ctx context.Context, _ maker, tmp string) ([]string, error) {
	return []string{tmp}, build.Harness(ctx, "./images/pause", filepath.Join(tmp, "pause"))
}

// programs puts the named programs into dir of an image.
func programs(dir string, names ...string) func(context.Context, maker, string) ([]string, error) {
	return func(_ context.Context, m maker, tmp string) ([]string, error) {
		if err := base(tmp); err != nil {
			return nil, err
		}
		for _, name := range names {
			if err := copyFile(filepath.Join(tmp, dir, name), filepath.Join(m.bin, name)); err != nil {
				return nil, err
			}
		}
		return []string{tmp}, nil
	}
}

// busybox puts the machine's own busybox into an image, with a link for each of its tools, and a page to serve.
func busybox(ctx context.Context, _ maker, tmp string) ([]string, error) {
	path, err := exec.LookPath("busybox")
	if err != nil {
		return nil, fmt.Errorf("%w: install busybox-static", err)
	}
	if err := mustBeStatic(path); err != nil {
		return nil, err
	}
	if err := base(tmp); err != nil {
		return nil, err
	}
	if err := copyFile(filepath.Join(tmp, "bin/busybox"), path); err != nil {
		return nil, err
	}
	applets, err := exec.CommandContext(ctx, path, "--list").Output()
	if err != nil {
		return nil, err
	}
	for name := range strings.FieldsSeq(string(applets)) {
		if name == "busybox" {
			continue
		}
		if err := os.Symlink("busybox", filepath.Join(tmp, "bin", name)); err != nil {
			return nil, err
		}
	}
	if err := os.Mkdir(filepath.Join(tmp, "www"), 0o755); err != nil {
		return nil, err
	}
	return []string{tmp}, os.WriteFile(filepath.Join(tmp, "www/index.html"), []byte("ok\n"), 0o644)
}

// mustBeStatic refuses a program that needs a C library, which the images do not have.
func mustBeStatic(path string) error {
	f, err := elf.Open(path)
	if err != nil {
		return err
	}
	defer f.Close()
	for _, p := range f.Progs {
		if p.Type == elf.PT_INTERP {
			return fmt.Errorf("%s is not static: install busybox-static", path)
		}
	}
	return nil
}

func copyFile(to, from string) error {
	in, err := os.Open(from)
	if err != nil {
		return err
	}
	defer in.Close()
	if err := os.MkdirAll(filepath.Dir(to), 0o755); err != nil {
		return err
	}
	out, err := os.OpenFile(to, os.O_CREATE|os.O_WRONLY|os.O_EXCL, 0o755)
	if err != nil {
		return err
	}
	if _, err := io.Copy(out, in); err != nil {
		out.Close()
		return err
	}
	return out.Close()
}
