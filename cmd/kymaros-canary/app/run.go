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
	"sync"
	"time"

	"k8s.io/component-base/version"
	"k8s.io/klog/v2"

	"github.com/kymaros/kymaros/cmd/internal/command"
	"github.com/kymaros/kymaros/pkg/canary"
)

// Main is a canary with those arguments until ctx ends. It returns an error if it could not start.
func Main(ctx context.Context, args []string, out io.Writer) error {
	options := NewOptions()
	if run, err := command.Parse("kymaros-canary", args, out, options); !run || err != nil {
		return err
	}
	return Run(ctx, options)
}

// Run is a canary until ctx ends, see Main.
func Run(ctx context.Context, options *Options) error {
	klog.FromContext(ctx).Info("Starting", "version", version.Get().GitVersion, "role", options.Role, "node", options.Node)
	role := canary.Role(options.Role)
	dials, err := canary.Dials(role, os.Getenv, options.Record)
	if err != nil {
		return err
	}
	var listen net.ListenConfig
	listener, err := listen.Listen(ctx, "tcp", options.Listen)
	if err != nil {
		return fmt.Errorf("--listen: %w", err)
	}
	defer listener.Close()
	health, err := listen.Listen(ctx, "tcp", options.HealthAddress)
	if err != nil {
		return fmt.Errorf("--health-bind-address: %w", err)
	}
	c := canary.New(role, options.Node, dials)
	server := &http.Server{Handler: c.Handler(), ReadHeaderTimeout: 5 * time.Second, MaxHeaderBytes: 16 << 10}
	var wg sync.WaitGroup
	defer func() { _ = server.Close(); wg.Wait() }()
	wg.Go(func() {
		if err := server.Serve(health); !errors.Is(err, http.ErrServerClosed) {
			klog.FromContext(ctx).Error(err, "Server ended", "flag", "--health-bind-address")
		}
	})
	c.Run(ctx, listener)
	return nil
}
