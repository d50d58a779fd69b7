package cluster

import (
	"context"
	"errors"
	"fmt"
	"os"

	"github.com/kymaros/kymaros/test/cluster/progress"
)

// volatile is what a machine has in its memory only: the state of containers and the sockets of their shims.
var volatile = []string{"containerd/state", "private/run/containerd"}

// StopNode has a further node lose its power: everything that runs there is killed at once, and nobody is told.
func (c *Cluster) StopNode(number int) error {
	return c.onNode(number, func(n node) error {
		if number == 1 {
			return errors.New("node 1 has the control plane, the registry and the object store beside it: name another, or \"down\"")
		}
		return n.powerOff()
	})
}

// StartNode has such a node have power again, with the disk that it had, unless it has.
func (c *Cluster) StartNode(ctx context.Context, number int) error {
	return c.onNode(number, func(n node) error {
		if runs, err := n.runs(proxyName); err != nil || runs {
			return err
		}
		return n.powerOn(ctx)
	})
}

// powerOff kills all that is of the node. Its network is cut first, so that nothing can tell of the end of the rest. What is left is
// a node as make has made it, with its disk: who sends to it gets no answer.
func (n node) powerOff() error {
	progress.Printf("%s loses its power", n.name())
	if err := n.unwire(); err != nil {
		return err
	}
	// First what would start containers again.
	if err := n.killNetns(); err != nil {
		return err
	}
	if _, err := n.killCgroup(); err != nil {
		return err
	}
	// They are dead, and nothing is to wait for them.
	if err := errors.Join(n.stopAll(), n.unmake()); err != nil {
		return err
	}
	for _, name := range volatile {
		if err := os.RemoveAll(n.path(name)); err != nil {
			return fmt.Errorf("memory of %s: %w", n.name(), err)
		}
	}
	return n.make()
}

// powerOn starts the programs of a further node that make has made.
func (n node) powerOn(ctx context.Context) error {
	if err := n.plug(); err != nil {
		return err
	}
	return n.startInside(ctx)
}
