package cluster

import (
	"context"
	"errors"
	"os"
	"time"

	"github.com/kymaros/kymaros/test/cluster/netns"
	"github.com/kymaros/kymaros/test/cluster/progress"
)

// Down ends the cluster, whatever state it is in, and removes everything that belongs to it.
func (c *Cluster) Down(context.Context) error {
	unlock, err := c.lock()
	if err != nil {
		return err
	}
	defer unlock()
	if !c.exists() {
		progress.Printf("cluster %s is not there", c.Name)
		return nil
	}
	if err := c.remove(); err != nil {
		return err
	}
	progress.Printf("cluster %s is gone", c.Name)
	return os.Remove(c.Dir + ".lock")
}

// exists reports whether anything of the cluster is there.
func (c *Cluster) exists() bool { return len(c.remnants()) > 0 }

// remove ends every process of the cluster and removes what they leave.
//
// First go the kubelets, as they would restart containers, and the containers. Then the programs that were started, by
// their records, and whatever else is in the network namespaces. With the last of them end the mount namespaces,
// and with these every mount of the cluster.
func (c *Cluster) remove() error {
	nodes := c.remnants()
	for _, step := range []func(node) error{
		func(n node) error { return n.stop("kubelet") },
		func(n node) error { _, err := n.killCgroup(); return err },
		func(n node) error { return n.stopAll() },
		node.killNetns,
		node.unmake,
	} {
		var steps []func() error
		for _, n := range nodes {
			steps = append(steps, func() error { return step(n) })
		}
		if err := parallel(steps...); err != nil {
			return err
		}
	}
	if err := unmountAll(c.Dir); err != nil {
		return err
	}
	return os.RemoveAll(c.Dir)
}

// killNetns kills until nobody is left: a shim that has lost its container may still start a program to clean up.
func (n node) killNetns() error {
	if !netns.Exists(n.netns()) {
		return nil
	}
	for range 50 {
		killed, err := netns.KillAll(n.netns())
		if killed == 0 || err != nil {
			return err
		}
		time.Sleep(100 * time.Millisecond)
	}
	return errors.New("processes in " + netns.Path(n.netns()) + " survive SIGKILL: look for them with \"ip netns pids " + n.netns() + "\"")
}

// unmake removes what make has made. All processes of the node are gone.
func (n node) unmake() error { return errors.Join(n.removeCgroup(), netns.Delete(n.netns())) }
