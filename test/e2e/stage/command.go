package stage

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"time"
)

// Kubectl runs the cluster's kubectl and returns what it prints. The error holds what it says.
func (c *Cluster) Kubectl(ctx context.Context, input io.Reader, args ...string) (string, error) {
	return c.run(ctx, input, nil, "kubectl", args...)
}

// Script has bash run the text, with the cluster's kubectl and more of an environment (NAME=value). The error holds what it
// says.
func (c *Cluster) Script(ctx context.Context, text string, env ...string) error {
	_, err := c.run(ctx, nil, env, "bash", "-euo", "pipefail", "-c", text)
	return err
}

// command runs a program at the top of the repository. What it says is told only when it fails.
func (c *Cluster) command(ctx context.Context, name string, args ...string) error {
	_, err := c.run(ctx, nil, nil, name, args...)
	return err
}

func (c *Cluster) run(ctx context.Context, input io.Reader, env []string, name string, args ...string) (string, error) {
	if path, err := lookPath(c.path, name); err == nil {
		name = path
	}
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.Dir, cmd.Stdin = root, input
	cmd.Env = append(os.Environ(), env...)
	if c.config != "" {
		cmd.Env = append(cmd.Env, "PATH="+c.path, "KUBECONFIG="+c.config)
	}
	var printed, said bytes.Buffer
	cmd.Stdout, cmd.Stderr = &printed, &said
	cmd.WaitDelay = 5 * time.Second // what a script has started may outlive it, and holds its output open
	if err := cmd.Run(); err != nil {
		if ctx.Err() != nil {
			err = fmt.Errorf("%w: %w", context.Cause(ctx), err)
		}
		if name = filepath.Base(name); name != "bash" {
			name = cmd.String()
		}
		return printed.String(), fmt.Errorf("%s: %w\n%s%s", name, err, printed.String(), said.String())
	}
	return printed.String(), nil
}

// lookPath finds a program along the PATH of the cluster instead of ours.
func lookPath(path, name string) (string, error) {
	if filepath.Base(name) != name {
		return "", errors.ErrUnsupported
	}
	for _, dir := range filepath.SplitList(path) {
		file := filepath.Join(dir, name)
		if info, err := os.Stat(file); err == nil && !info.IsDir() && info.Mode()&0o111 != 0 {
			return file, nil
		}
	}
	return "", exec.ErrNotFound
}
