package cluster

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"

	"github.com/kymaros/kymaros/test/cluster/controlplane"
	"github.com/kymaros/kymaros/test/cluster/netns"
	"github.com/kymaros/kymaros/test/cluster/netpol"
	"github.com/kymaros/kymaros/test/cluster/proc"
	"github.com/kymaros/kymaros/test/cluster/progress"
)

const agentName = "netpol-agent"

func (c *Cluster) agentReadyFile() string { return c.path("netpol-ready") }

// StartNetpol starts the enforcement of NetworkPolicies, if it does not run.
func (c *Cluster) StartNetpol(ctx context.Context) error {
	return c.whileUp(func() error { return c.startAgent(ctx) })
}

// StopNetpol ends the enforcement of NetworkPolicies: all traffic flows.
func (c *Cluster) StopNetpol(ctx context.Context) error {
	return c.whileUp(func() error {
		if err := c.stop(agentName); err != nil {
			return err
		}
		// It removes its rules when it ends, unless it was killed.
		return netns.Do(c.netns(), func() error { return deleteTable(ctx) })
	})
}

func deleteTable(ctx context.Context) error {
	cmd := exec.CommandContext(ctx, "nft", "-f", "-")
	cmd.Stdin = strings.NewReader(fmt.Sprintf("add table ip %[1]s\ndelete table ip %[1]s\n", netpol.Table))
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

// startAgent starts the agent in the cluster's network namespace, unless it runs, and waits until it enforces
// what there is.
func (c *Cluster) startAgent(ctx context.Context) error {
	r, err := proc.Load(c.records(), agentName)
	if err == nil && r.Alive() {
		return nil
	}
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	progress.Printf("starting the NetworkPolicy agent")
	if err := os.RemoveAll(c.agentReadyFile()); err != nil {
		return err
	}
	self, err := os.Executable()
	if err != nil {
		return err
	}
	err = netns.Do(c.netns(), func() error {
		return c.start(proc.Program{Name: agentName, Argv: []string{self, "netpol-agent", "--name", c.Name}})
	})
	if err != nil {
		return err
	}
	return c.until(ctx, "NetworkPolicy agent", func(context.Context) error {
		_, err := os.Stat(c.agentReadyFile())
		return err
	})
}

// RunAgent enforces NetworkPolicies until ctx ends, from within the cluster's network namespace.
func (c *Cluster) RunAgent(ctx context.Context) error {
	client, err := controlplane.Client(c.plane().AdminKubeconfig())
	if err != nil {
		return err
	}
	return netpol.Run(ctx, client, controlplane.PodCIDR, c.agentReadyFile())
}
