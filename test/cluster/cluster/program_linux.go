package cluster

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"strings"

	"github.com/kymaros/kymaros/test/cluster/proc"
)

// restartable are the programs that can be away for a while: those of the node, and the object store.
var restartable = map[string]func(*Cluster, context.Context) error{
	"kubelet": func(c *Cluster, _ context.Context) error {
		p, err := c.kubelet()
		if err != nil {
			return err
		}
		return c.start(p)
	},
	"containerd": func(c *Cluster, ctx context.Context) error {
		p, err := c.containerd()
		if err != nil {
			return err
		}
		if err := c.start(p); err != nil {
			return err
		}
		// Its socket outlives it: that the file is there says nothing.
		return c.until(ctx, p.Name, func(ctx context.Context) error {
			conn, err := (&net.Dialer{}).DialContext(ctx, "unix", c.containerdSocket())
			if err != nil {
				return err
			}
			return conn.Close()
		})
	},
	"s3": (*Cluster).startS3,
}

// StopProgram ends a program of the cluster: kubelet, containerd or s3. Containers run on without the first two.
func (c *Cluster) StopProgram(name string) error {
	if restartable[name] == nil {
		return unknownProgram(name)
	}
	return c.whileUp(func() error { return c.stop(name) })
}

// StartProgram starts such a program again, if it does not run.
func (c *Cluster) StartProgram(ctx context.Context, name string) error {
	if restartable[name] == nil {
		return unknownProgram(name)
	}
	return c.whileUp(func() error {
		r, err := proc.Load(c.records(), name)
		if err == nil && r.Alive() {
			return nil
		}
		if err != nil && !errors.Is(err, os.ErrNotExist) {
			return err
		}
		inside, err := proc.Load(c.records(), "kube-apiserver")
		if err != nil {
			return err
		}
		self, err := os.Executable()
		if err != nil {
			return err
		}
		// The mounts of the node are in a mount namespace that only its processes hold.
		cmd := exec.CommandContext(ctx, "nsenter", "--target", strconv.Itoa(inside.Pid), "--mount", "--net", "--", self, "start-program", "--name", c.Name, name)
		cmd.Stdout, cmd.Stderr = os.Stderr, os.Stderr
		return cmd.Run()
	})
}

// StartProgramInside starts such a program from within the cluster's network and mount namespace.
func (c *Cluster) StartProgramInside(ctx context.Context, name string) error {
	start := restartable[name]
	if start == nil {
		return unknownProgram(name)
	}
	return start(c, ctx)
}

func unknownProgram(name string) error {
	return fmt.Errorf("program %q: want one of %s", name, strings.Join(slices.Sorted(maps.Keys(restartable)), ", "))
}
