package cluster

import (
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"strconv"
	"syscall"

	"k8s.io/client-go/tools/clientcmd"

	"github.com/kymaros/kymaros/test/cluster/build"
	"github.com/kymaros/kymaros/test/cluster/controlplane"
	"github.com/kymaros/kymaros/test/cluster/images"
	"github.com/kymaros/kymaros/test/cluster/netns"
	"github.com/kymaros/kymaros/test/cluster/proc"
	"github.com/kymaros/kymaros/test/cluster/progress"
)

// Up makes sure that the cluster runs with these options: it returns at once if it does, and otherwise starts it afresh.
func (c *Cluster) Up(ctx context.Context, o Options) error {
	if err := o.Check(); err != nil {
		return err
	}
	unlock, err := c.lock()
	if err != nil {
		return err
	}
	defer unlock()
	why := c.healthy(ctx, o)
	if why == nil {
		for _, n := range c.nodes(o.Nodes) {
			if err := n.startAgent(ctx, false); err != nil {
				return err
			}
		}
		return nil
	}
	if err := installPackages(ctx); err != nil {
		return err
	}
	if _, err := build.Programs(ctx, append(build.ControlPlane(), build.Node()...)); err != nil {
		return err
	}
	if _, _, err := images.Make(ctx, c.Bin); err != nil {
		return err
	}
	if err := buildFor(ctx, o); err != nil {
		return err
	}
	if c.exists() {
		progress.Printf("removing what is there of cluster %s: %v", c.Name, why)
		if err := c.remove(); err != nil {
			return err
		}
	}
	if err := c.create(ctx, o); err != nil {
		return fmt.Errorf("%w\nlogs: %s; \"down --name %s\" removes what was started", err, c.logs(), c.Name)
	}
	return nil
}

// create starts the cluster, of which nothing exists.
func (c *Cluster) create(ctx context.Context, o Options) error {
	progress.Printf("starting cluster %s", c.Name)
	if err := os.MkdirAll(c.Dir, 0o755); err != nil {
		return err
	}
	if err := c.writeFor(ctx, o); err != nil {
		return err
	}
	nodes := c.nodes(o.Nodes)
	for _, n := range nodes {
		if err := os.MkdirAll(n.Dir, 0o755); err != nil {
			return err
		}
		if err := n.make(); err != nil {
			return err
		}
	}
	if err := c.first().startInside(ctx); err != nil {
		return err
	}
	if err := c.startForwarder(); err != nil {
		return err
	}
	var steps []func() error
	for _, n := range nodes[1:] {
		steps = append(steps, func() error { return n.powerOn(ctx) })
	}
	if err := parallel(steps...); err != nil {
		return err
	}
	client, err := controlplane.Client(c.Kubeconfig())
	if err != nil {
		return err
	}
	progress.Printf("waiting for the nodes and their pods")
	if err := c.until(ctx, "cluster", func(ctx context.Context) error { return c.usable(ctx, client, o) }); err != nil {
		return err
	}
	return os.WriteFile(c.upFile(), []byte(c.Bin), 0o644)
}

// startInside runs Start in the node's namespaces.
func (n node) startInside(ctx context.Context) error {
	self, err := os.Executable()
	if err != nil {
		return err
	}
	cmd := exec.CommandContext(ctx, self, "start-node", "--name", n.cluster.Name, "--node", strconv.Itoa(n.number))
	cmd.Stdout, cmd.Stderr = os.Stderr, os.Stderr
	// Go makes all mounts private in a new mount namespace: nothing gets back to the machine's.
	cmd.SysProcAttr = &syscall.SysProcAttr{Unshareflags: syscall.CLONE_NEWNS}
	if err := netns.Do(n.netns(), cmd.Start); err != nil {
		return err
	}
	if err := cmd.Wait(); err != nil {
		return fmt.Errorf("%s did not start", n.name())
	}
	return nil
}

// startForwarder lets the machine's processes reach the API server, and writes the kubeconfig for them.
//
// A socket belongs to the namespace it was made in, whoever uses it: the forwarder runs in the cluster's
// namespace and is handed a socket that listens in the machine's.
func (c *Cluster) startForwarder() error {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	defer listener.Close()
	file, err := listener.(*net.TCPListener).File()
	if err != nil {
		return err
	}
	defer file.Close()
	self, err := os.Executable()
	if err != nil {
		return err
	}
	target := fmt.Sprintf("127.0.0.1:%d", c.plane().APIPort)
	err = netns.Do(c.first().netns(), func() error {
		return c.start(proc.Program{Name: "forward", Argv: []string{self, "forward", target}, Files: []*os.File{file}})
	})
	if err != nil {
		return err
	}
	config, err := clientcmd.LoadFromFile(c.plane().AdminKubeconfig())
	if err != nil {
		return err
	}
	for _, cluster := range config.Clusters {
		cluster.Server = "https://" + listener.Addr().String()
	}
	return clientcmd.WriteToFile(*config, c.Kubeconfig())
}
