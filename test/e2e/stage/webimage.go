package stage

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
)

// WebImage makes the image of a web server, as the demo has it, for pods of this cluster to use as ref: no other cluster has it.
func (c *Cluster) WebImage(ctx context.Context, ref string) error {
	busybox, err := exec.LookPath("busybox") // a static one, which the cluster's own images are made of
	if err != nil {
		return err
	}
	program, err := os.ReadFile(busybox)
	if err != nil {
		return err
	}
	dir, err := os.MkdirTemp("", "kymaros-image-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	bin := filepath.Join(dir, "bin")
	if err := errors.Join(os.Mkdir(bin, 0o755), os.WriteFile(filepath.Join(bin, "busybox"), program, 0o755), os.Symlink("busybox", filepath.Join(bin, "httpd"))); err != nil { //nolint:gosec // an image that any user runs
		return err
	}
	return c.command(ctx, "test/cluster/run.sh", "image", ref, dir, "--env", "PATH=/bin", "--user", "65532")
}
