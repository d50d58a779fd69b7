package cluster

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"sync"

	"k8s.io/client-go/kubernetes"

	"github.com/kymaros/kymaros/test/cluster/controlplane"
	"github.com/kymaros/kymaros/test/cluster/images"
	"github.com/kymaros/kymaros/test/cluster/oci"
	"github.com/kymaros/kymaros/test/cluster/proc"
	"github.com/kymaros/kymaros/test/cluster/progress"
)

// Start starts all programs of a node, from within its network and mount namespace. Beside those of the first are the
// programs of the cluster. What runs when it fails keeps running, for inspection; Down ends it.
func (c *Cluster) Start(ctx context.Context, number int) error {
	n := c.node(number)
	if err := n.privateMounts(); err != nil {
		return err
	}
	if number > 1 {
		if err := n.startContainerd(ctx); err != nil {
			return err
		}
		return n.join(ctx)
	}
	return c.startFirst(ctx, n)
}

// startFirst starts the programs of the cluster and those of the first node.
func (c *Cluster) startFirst(ctx context.Context, n node) error {
	o, err := c.options()
	if err != nil {
		return err
	}
	plane := c.plane()
	plane.PodSecurity, plane.DualStack = o.PodSecurity, o.DualStack
	ca, err := plane.Prepare()
	if err != nil {
		return err
	}
	if err := c.credentials(ca, c.nodes(o.Nodes)); err != nil {
		return err
	}
	client, err := controlplane.Client(plane.AdminKubeconfig())
	if err != nil {
		return err
	}
	err = parallel(
		func() error { return c.startPlane(ctx, plane, client) },
		func() error { return c.startRuntime(ctx, o) },
	)
	if err != nil {
		return err
	}
	progress.Printf("control plane and container runtime run")
	steps := []func() error{
		func() error { return n.join(ctx) },
		func() error { return c.startS3(ctx) },
		func() error { return c.installVelero(ctx, o) },
		func() error { return c.installStorage(ctx) },
	}
	if o.CSI {
		steps = append(steps, func() error { return c.startCSI(ctx) })
	}
	return parallel(steps...)
}

// join has the node, whose container runtime runs, be one of the cluster's.
func (n node) join(ctx context.Context) error {
	for _, program := range []func() (proc.Program, error){n.kubelet, n.proxy} {
		p, err := program()
		if err != nil {
			return err
		}
		if err := n.start(p); err != nil {
			return err
		}
	}
	return n.startAgent(ctx, false)
}

func (c *Cluster) startPlane(ctx context.Context, plane controlplane.Plane, client kubernetes.Interface) error {
	if err := c.start(plane.Etcd()); err != nil {
		return err
	}
	if err := c.until(ctx, "etcd", controlplane.Listening(fmt.Sprintf("127.0.0.1:%d", plane.EtcdPort))); err != nil {
		return err
	}
	if err := c.start(plane.APIServer()); err != nil {
		return err
	}
	if err := c.until(ctx, "kube-apiserver", controlplane.Ready(client)); err != nil {
		return err
	}
	return errors.Join(c.start(plane.ControllerManager()), c.start(c.scheduler()))
}

// startRuntime starts the registry, fills it, and starts the container runtime that pulls from it.
func (c *Cluster) startRuntime(ctx context.Context, o Options) error {
	all, err := c.fillRegistry(ctx, o)
	if err != nil {
		return err
	}
	if err := c.start(proc.Program{Name: "registry", Argv: []string{c.program("crane"), "registry", "serve",
		"--address", c.registryAddress(), "--disk", string(c.registry())}}); err != nil {
		return err
	}
	if err := c.until(ctx, "registry", controlplane.Listening(c.registryAddress())); err != nil {
		return err
	}
	for _, image := range all {
		if err := oci.PushManifest(ctx, http.DefaultClient, "http://"+c.registryAddress(), image); err != nil {
			return err
		}
	}
	return c.first().startContainerd(ctx)
}

// fillRegistry copies all images into the store behind the registry.
func (c *Cluster) fillRegistry(ctx context.Context, o Options) ([]oci.Image, error) {
	store, all, err := images.Make(ctx, c.Bin)
	if err != nil {
		return nil, err
	}
	for _, image := range all {
		if err := store.CopyTo(c.registry(), image); err != nil {
			return nil, err
		}
	}
	if o.Velero == "" {
		return all, nil
	}
	store, older, err := olderImage(ctx, o.Velero)
	if err != nil {
		return nil, err
	}
	for _, image := range older {
		if err := store.CopyTo(c.registry(), image); err != nil {
			return nil, err
		}
	}
	return append(all, older...), nil
}

// registry is the store behind the registry.
func (c *Cluster) registry() oci.Store { return oci.Store(c.path("registry")) }

// parallel runs all steps at once and returns their errors.
func parallel(steps ...func() error) error {
	var wg sync.WaitGroup
	problems := make([]error, len(steps))
	for i, step := range steps {
		wg.Go(func() { problems[i] = step() })
	}
	wg.Wait()
	return errors.Join(problems...)
}
