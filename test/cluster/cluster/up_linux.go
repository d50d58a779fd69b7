package cluster

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
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
	unlock, err := c.lock()
	if err != nil {
		return err
	}
	defer unlock()
	why := c.healthy(ctx, o)
	if why == nil {
		return c.startAgent(ctx)
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
	if err := c.makeCgroup(); err != nil {
		return err
	}
	if err := netns.Create(c.netns(), NodeIP, controlplane.ServiceCIDR); err != nil {
		return err
	}
	if err := c.startInside(ctx); err != nil {
		return err
	}
	if err := c.startForwarder(); err != nil {
		return err
	}
	return os.WriteFile(c.upFile(), []byte(c.Bin), 0o644)
}

// startInside runs Start in the cluster's namespaces.
func (c *Cluster) startInside(ctx context.Context) error {
	self, err := os.Executable()
	if err != nil {
		return err
	}
	cmd := exec.CommandContext(ctx, self, "start-node", "--name", c.Name)
	cmd.Stdout, cmd.Stderr = os.Stderr, os.Stderr
	// Go makes all mounts private in a new mount namespace: nothing gets back to the machine's.
	cmd.SysProcAttr = &syscall.SysProcAttr{Unshareflags: syscall.CLONE_NEWNS}
	if err := netns.Do(c.netns(), cmd.Start); err != nil {
		return err
	}
	if err := cmd.Wait(); err != nil {
		return errors.New("the cluster did not start")
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
	err = netns.Do(c.netns(), func() error {
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
