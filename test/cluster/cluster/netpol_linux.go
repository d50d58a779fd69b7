package cluster

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"strings"

	"github.com/kymaros/kymaros/test/cluster/controlplane"
	"github.com/kymaros/kymaros/test/cluster/netns"
	"github.com/kymaros/kymaros/test/cluster/netpol"
	"github.com/kymaros/kymaros/test/cluster/proc"
	"github.com/kymaros/kymaros/test/cluster/progress"
)

const agentName = "netpol-agent"

func (n node) agentReadyFile() string { return n.path("netpol-ready") }

// StartNetpol starts the enforcement of NetworkPolicies on a node, if it does not run: in IPv4 alone, or in each IP family that the
// cluster has.
func (c *Cluster) StartNetpol(ctx context.Context, number int, onlyIPv4 bool) error {
	return c.onNode(number, func(n node) error { return n.startAgent(ctx, onlyIPv4) })
}

// StopNetpol ends the enforcement of NetworkPolicies on a node: all traffic of its pods flows, as far as the other end lets it.
func (c *Cluster) StopNetpol(ctx context.Context, number int) error {
	return c.onNode(number, func(n node) error {
		if err := n.stop(agentName); err != nil {
			return err
		}
		// It removes its rules when it ends, unless it was killed.
		return netns.Do(n.netns(), func() error { return deleteTable(ctx) })
	})
}

func deleteTable(ctx context.Context) error {
	cmd := exec.CommandContext(ctx, "nft", "-f", "-")
	cmd.Stdin = strings.NewReader(fmt.Sprintf("add table ip %[1]s\ndelete table ip %[1]s\nadd table ip6 %[1]s\ndelete table ip6 %[1]s\n", netpol.Table))
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("nft: %w: %s", err, out)
	}
	return nil
}

// whileUp runs f while no other command starts or ends the cluster, which must be up.
func (c *Cluster) whileUp(f func() error) error {
	if _, err := os.Stat(c.Dir); err != nil {
		return c.notUp() // locking it would leave a file behind
	}
	unlock, err := c.lock()
	if err != nil {
		return err
	}
	defer unlock()
	if _, err := os.Stat(c.upFile()); err != nil {
		return c.notUp()
	}
	return f()
}

// onNode runs f on a node that the cluster has, while no other command starts or ends the cluster.
func (c *Cluster) onNode(number int, f func(n node) error) error {
	return c.whileUp(func() error {
		n, err := c.existing(number)
		if err != nil {
			return err
		}
		return f(n)
	})
}

// startAgent starts the agent in the node's network namespace, unless it runs, and waits until it enforces what there is.
func (n node) startAgent(ctx context.Context, onlyIPv4 bool) error {
	if runs, err := n.runs(agentName); err != nil || runs {
		return err
	}
	progress.Printf("starting the NetworkPolicy agent of %s", n.name())
	if err := os.RemoveAll(n.agentReadyFile()); err != nil {
		return err
	}
	self, err := os.Executable()
	if err != nil {
		return err
	}
	argv := []string{self, "netpol-agent", "--name", n.cluster.Name, "--node", strconv.Itoa(n.number), "--only-ipv4=" + strconv.FormatBool(onlyIPv4)}
	err = netns.Do(n.netns(), func() error { return n.start(proc.Program{Name: agentName, Argv: argv}) })
	if err != nil {
		return err
	}
	return n.until(ctx, "NetworkPolicy agent", func(context.Context) error {
		_, err := os.Stat(n.agentReadyFile())
		return err
	})
}

// RunAgent enforces NetworkPolicies on the pods of a node until ctx ends, from within its network namespace.
func (c *Cluster) RunAgent(ctx context.Context, number int, onlyIPv4 bool) error {
	n := c.node(number)
	o, err := c.options()
	if err != nil {
		return err
	}
	o.DualStack = o.DualStack && !onlyIPv4
	client, err := controlplane.Client(n.path(agentConf))
	if err != nil {
		return err
	}
	return netpol.Run(ctx, client, n.podCIDRs(o), n.agentReadyFile())
}
