package cluster

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"sync"
	"time"

	"k8s.io/client-go/kubernetes"

	"github.com/kymaros/kymaros/test/cluster/controlplane"
	"github.com/kymaros/kymaros/test/cluster/images"
	"github.com/kymaros/kymaros/test/cluster/oci"
	"github.com/kymaros/kymaros/test/cluster/proc"
	"github.com/kymaros/kymaros/test/cluster/progress"
)

// patience is how long a single step may take before it counts as stuck.
const patience = 90 * time.Second

// Start starts all programs of the cluster, from within its network and mount namespace, and waits until it is
// usable. What runs when it fails keeps running, for inspection; Down ends it.
func (c *Cluster) Start(ctx context.Context) error {
	o, err := c.options()
	if err != nil {
		return err
	}
	if err := c.privateMounts(); err != nil {
		return err
	}
	plane := c.plane()
	ca, err := plane.Prepare()
	if err != nil {
		return err
	}
	if err := c.nodeCredentials(ca); err != nil {
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
	kubelet, err := c.kubelet()
	if err != nil {
		return err
	}
	for _, p := range []proc.Program{kubelet, c.proxy()} {
		if err := c.start(p); err != nil {
			return err
		}
	}
	steps := []func() error{
		func() error { return c.startAgent(ctx) },
		func() error { return c.startS3(ctx) },
		func() error { return c.installVelero(ctx, o) },
		func() error { return c.installStorage(ctx) },
	}
	if o.CSI {
		steps = append(steps, func() error { return c.startCSI(ctx) })
	}
	if err := parallel(steps...); err != nil {
		return err
	}
	progress.Printf("waiting for the node and its pods")
	return c.until(ctx, "cluster", func(ctx context.Context) error { return usable(ctx, client, o) })
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
		"--address", registryAddress, "--disk", string(c.registry())}}); err != nil {
		return err
	}
	if err := c.until(ctx, "registry", controlplane.Listening(registryAddress)); err != nil {
		return err
	}
	for _, image := range all {
		if err := oci.PushManifest(ctx, http.DefaultClient, "http://"+registryAddress, image); err != nil {
			return err
		}
	}
	containerd, err := c.containerd()
	if err != nil {
		return err
	}
	if err := c.start(containerd); err != nil {
		return err
	}
	// A kubelet that finds no socket ends.
	return c.until(ctx, "containerd", func(context.Context) error {
		_, err := os.Stat(c.containerdSocket())
		return err
	})
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

// start starts a program that Down will end.
func (c *Cluster) start(p proc.Program) error {
	_, err := proc.Detach(p, c.logs(), c.records())
	return err
}

// until waits for check, as long as all programs run.
func (c *Cluster) until(ctx context.Context, what string, check func(context.Context) error) error {
	return controlplane.Until(ctx, what, patience, c.ended, check)
}

// ended returns an error if a program that was started has ended.
func (c *Cluster) ended() error {
	records, err := proc.LoadAll(c.records())
	if err != nil {
		return err
	}
	for _, r := range records {
		if !r.Alive() {
			return proc.ExitError(c.logs(), r.Name)
		}
	}
	return nil
}

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
