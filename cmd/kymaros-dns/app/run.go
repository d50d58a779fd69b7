// Package app is the DNS responder as a process: flags, client, health, shutdown.
package app

import (
	"context"
	"fmt"
	"io"
	"net"
	"sync"

	"k8s.io/client-go/kubernetes"
	"k8s.io/component-base/version"
	"k8s.io/klog/v2"

	"github.com/kymaros/kymaros/cmd/internal/process"
	"github.com/kymaros/kymaros/pkg/dns"
)

// Main answers queries with those arguments until ctx ends. It returns an error if it could not start.
func Main(ctx context.Context, args []string, out io.Writer) error {
	options := NewOptions()
	if run, err := process.Parse("kymaros-dns", args, out, options); !run || err != nil {
		return err
	}
	return Run(ctx, options)
}

// Run answers queries until ctx ends, see Main.
func Run(ctx context.Context, options *Options) error {
	klog.FromContext(ctx).Info("Starting", "version", version.Get().GitVersion, "listen", options.Listen)
	config, err := options.Config("kymaros-dns")
	if err != nil {
		return err
	}
	kube, err := kubernetes.NewForConfig(process.Binary(config))
	if err != nil {
		return err
	}

	var listen net.ListenConfig
	packets, err := listen.ListenPacket(ctx, "udp", options.Listen)
	if err != nil {
		return fmt.Errorf("--listen: %w", err)
	}
	defer packets.Close()
	streams, err := listen.Listen(ctx, "tcp", options.Listen)
	if err != nil {
		return fmt.Errorf("--listen: %w", err)
	}
	defer streams.Close()

	ctx, cancel := context.WithCancel(ctx)
	var wg sync.WaitGroup
	defer func() { cancel(); wg.Wait() }()
	sandboxes, err := dns.NewSandboxes(ctx, kube)
	if err != nil {
		return err
	}
	wg.Go(func() { sandboxes.Run(ctx) })
	stop, err := process.Serve(ctx, process.Server{Flag: "--health-bind-address", Address: options.HealthAddress,
		Handler: process.NewHealth(process.Filled(sandboxes.Ready)).Handler()})
	if err != nil {
		return err
	}
	defer stop()
	return dns.NewServer(sandboxes, options.ClusterDomain).Serve(ctx, packets, streams)
}
