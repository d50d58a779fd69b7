package cluster

import (
	"context"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"strings"

	"github.com/kymaros/kymaros/test/cluster/proc"
)

// restartable are the programs that can be away for a while: those of a node, and the object store, which is beside the first.
var restartable = map[string]func(node, context.Context) error{
	"kubelet": func(n node, _ context.Context) error {
		p, err := n.kubelet()
		if err != nil {
			return err
		}
		return n.start(p)
	},
	"containerd": node.startContainerd,
	objectStore:  func(n node, ctx context.Context) error { return n.cluster.startS3(ctx) },
}

// StopProgram ends a program of a node: kubelet, containerd or s3. Containers run on without the first two.
func (c *Cluster) StopProgram(name string, number int) error {
	if err := knownProgram(name, number); err != nil {
		return err
	}
	return c.onNode(number, func(n node) error { return n.stop(name) })
}

// StartProgram starts such a program again, if it does not run.
func (c *Cluster) StartProgram(ctx context.Context, name string, number int) error {
	if err := knownProgram(name, number); err != nil {
		return err
	}
	return c.onNode(number, func(n node) error {
		if runs, err := n.runs(name); err != nil || runs {
			return err
		}
		inside, err := proc.Load(n.records(), proxyName)
		if err != nil {
			return err
		}
		self, err := os.Executable()
		if err != nil {
			return err
		}
		// The mounts of the node are in a mount namespace that only its processes hold.
		cmd := exec.CommandContext(ctx, "nsenter", "--target", strconv.Itoa(inside.Pid), "--mount", "--net", "--",
			self, "start-program", "--name", c.Name, "--node", strconv.Itoa(number), name)
		cmd.Stdout, cmd.Stderr = os.Stderr, os.Stderr
		return cmd.Run()
	})
}

// StartProgramInside starts such a program from within the network and the mount namespace of the node.
func (c *Cluster) StartProgramInside(ctx context.Context, name string, number int) error {
	if err := knownProgram(name, number); err != nil {
		return err
	}
	return restartable[name](c.node(number), ctx)
}

func knownProgram(name string, number int) error {
	switch {
	case restartable[name] == nil:
		return fmt.Errorf("program %q: want one of %s", name, strings.Join(slices.Sorted(maps.Keys(restartable)), ", "))
	case name == objectStore && number != 1:
		return fmt.Errorf("program %s: there is one, beside node 1", name)
	}
	return nil
}
