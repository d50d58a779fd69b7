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
	"time"

	"k8s.io/client-go/kubernetes"
	"k8s.io/component-base/version"
	"k8s.io/klog/v2"

	"github.com/kymaros/kymaros/cmd/internal/process"
	"github.com/kymaros/kymaros/pkg/canary"
	"github.com/kymaros/kymaros/pkg/canary/guide"
)

// Main is a canary with those arguments until ctx ends. It returns an error if it could not start, or must start anew.
func Main(ctx context.Context, args []string, out io.Writer) error {
	begun := time.Now()
	options := NewOptions()
	if run, err := process.Parse("kymaros-canary", args, out, options); !run || err != nil {
		return err
	}
	return Run(ctx, options, begun)
}

// Run is a canary until ctx ends, see Main. begun is its first instruction.
func Run(ctx context.Context, options *Options, begun time.Time) error {
	switch canary.Role(options.Role) {
	case canary.Newborn:
		return beBorn(ctx, options, begun)
	case canary.Gate:
		return canary.Wait(ctx, options.Target, begun)
	case canary.Target, canary.Fenced, canary.Control:
	}
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

// beBorn looks what a new pod reaches, and writes it down.
func beBorn(ctx context.Context, options *Options, begun time.Time) error {
	b := canary.BeBorn(ctx, options.Node, options.Addresses, begun)
	if err := ctx.Err(); err != nil {
		return fmt.Errorf("ended before it was known what answers: %w", err)
	}
	text, err := b.Text()
	if err != nil {
		return err
	}
	if err := os.WriteFile(options.Message, []byte(text), 0o644); err != nil {
		return fmt.Errorf("--message: %w", err)
	}
	klog.FromContext(ctx).Info("Born", "node", options.Node, "saw", text)
	return nil
}

// runGuide tells the others where the targets are until ctx ends.
func runGuide(ctx context.Context, options *Options) error {
	config, err := options.Config(guide.Name)
	if err != nil {
		return err
	}
	kube, err := kubernetes.NewForConfig(process.Binary(config))
	if err != nil {
		return err
	}
	g, err := guide.New(ctx, kube)
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
