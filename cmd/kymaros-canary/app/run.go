// Package app is a canary as a process: flags, health, shutdown.
package app

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"

	"k8s.io/client-go/kubernetes"
	"k8s.io/component-base/version"
	"k8s.io/klog/v2"

	"github.com/kymaros/kymaros/cmd/internal/process"
	"github.com/kymaros/kymaros/pkg/canary"
	"github.com/kymaros/kymaros/pkg/canary/guide"
)

// Main is a canary with those arguments until ctx ends. It returns an error if it could not start, or must start anew.
func Main(ctx context.Context, args []string, out io.Writer) error {
	options := NewOptions()
	if run, err := process.Parse("kymaros-canary", args, out, options); !run || err != nil {
		return err
	}
	return Run(ctx, options)
}

// Run is a canary until ctx ends, see Main.
func Run(ctx context.Context, options *Options) error {
	klog.FromContext(ctx).Info("Starting", "version", version.Get().GitVersion, "role", options.Role, "node", options.Node)
	if options.Role == roleGuide {
		return runGuide(ctx, options)
	}
	role := canary.Role(options.Role)
	dials := canary.Plan(role, options.Node, options.Addresses, options.Record)
	var listen net.ListenConfig
	listener, err := listen.Listen(ctx, "tcp", options.Listen)
	if err != nil {
		return fmt.Errorf("--listen: %w", err)
	}
	defer listener.Close()
	c := canary.New(role, options.Node, dials)
	return serving(ctx, options.HealthAddress, c.Handler(), func() error { return c.Run(ctx, listener) })
}

// runGuide tells the others where the targets are until ctx ends.
func runGuide(ctx context.Context, options *Options) error {
	service, err := canary.Host(canary.TargetService, os.Getenv)
	if err != nil {
		return err
	}
	config, err := options.Config(guide.Name)
	if err != nil {
		return err
	}
	kube, err := kubernetes.NewForConfig(process.Binary(config))
	if err != nil {
		return err
	}
	g, err := guide.New(ctx, kube, service)
	if err != nil {
		return err
	}
	return serving(ctx, options.HealthAddress, process.NewHealth(written(g.Ready)).Handler(), func() error { g.Run(ctx); return nil })
}

// written tells whether the guide is ready.
func written(ready func() bool) func() error {
	return func() error {
		if !ready() {
			return errors.New("the addresses of the targets are not written yet")
		}
		return nil
	}
}

// serving works while handler answers at address.
func serving(ctx context.Context, address string, handler http.Handler, work func() error) error {
	stop, err := process.Serve(ctx, process.Server{Flag: "--health-bind-address", Address: address, Handler: handler})
	if err != nil {
		return err
	}
	defer stop()
	return work()
}
