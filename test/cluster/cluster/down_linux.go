package cluster

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"time"

	"github.com/kymaros/kymaros/test/cluster/netns"
	"github.com/kymaros/kymaros/test/cluster/proc"
	"github.com/kymaros/kymaros/test/cluster/progress"
)

// grace is what a program gets to end by itself. Nothing it could save is kept.
const grace = 2 * time.Second

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
func (c *Cluster) exists() bool {
	if netns.Exists(c.netns()) {
		return true
	}
	if _, err := os.Lstat(c.Dir); err == nil {
		return true
	}
	roots, err := hierarchies()
	if err != nil {
		return false
	}
	for _, root := range roots {
		if _, err := os.Stat(filepath.Join(root, c.cgroup())); err == nil {
			return true
		}
	}
	return false
}

// remove ends every process of the cluster and removes what they leave.
//
// First go the programs that were started, by their records, the kubelet before all others as it would restart
// containers. Then whatever else is in the cluster's cgroup, which are the containers, and in its network
// namespace, which are their shims and any program that was started and not recorded. With the
// last of them ends the mount namespace, and with it every mount of the cluster.
func (c *Cluster) remove() error {
	if err := c.stop("kubelet"); err != nil {
		return err
	}
	if _, err := c.killCgroup(); err != nil {
		return err
	}
	records, err := proc.LoadAll(c.records())
	if err != nil {
		return err
	}
	var steps []func() error
	for _, r := range records {
		steps = append(steps, func() error { return c.stop(r.Name) })
	}
	if err := parallel(steps...); err != nil {
		return err
	}
	if netns.Exists(c.netns()) {
		if err := c.killNetns(); err != nil {
			return err
		}
	}
	if err := errors.Join(c.removeCgroup(), netns.Delete(c.netns()), unmountAll(c.Dir)); err != nil {
		return err
	}
	return os.RemoveAll(c.Dir)
}

// killNetns kills until nobody is left: a shim that has lost its container may still start a program to clean up.
func (c *Cluster) killNetns() error {
	for range 50 {
		n, err := netns.KillAll(c.netns())
		if n == 0 || err != nil {
			return err
		}
		time.Sleep(100 * time.Millisecond)
	}
	return errors.New("processes in " + netns.Path(c.netns()) + " survive SIGKILL: look for them with \"ip netns pids " + c.netns() + "\"")
}

// stop ends the program called name, if it was started.
func (c *Cluster) stop(name string) error {
	r, err := proc.Load(c.records(), name)
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	if err := r.Stop(grace); err != nil {
		return err
	}
	return r.Forget(c.records())
}
