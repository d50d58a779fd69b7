// Package app is the DNS responder as a process: flags, client, health, shutdown.
package app

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"sync"
	"time"

	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
	"k8s.io/component-base/version"
	"k8s.io/klog/v2"

	"github.com/kymaros/kymaros/cmd/internal/command"
	"github.com/kymaros/kymaros/pkg/dns"
)

// Main answers queries with those arguments until ctx ends. It returns an error if it could not start.
func Main(ctx context.Context, args []string, out io.Writer) error {
	options := NewOptions()
	if run, err := command.Parse("kymaros-dns", args, out, options); !run || err != nil {
		return err
	}
	return Run(ctx, options)
}

// Run answers queries until ctx ends, see Main.
func Run(ctx context.Context, options *Options) error {
	klog.FromContext(ctx).Info("Starting", "version", version.Get().GitVersion, "listen", options.Listen)
	config, err := clientcmd.BuildConfigFromFlags("", options.Kubeconfig)
	if err != nil {
		return fmt.Errorf("no way to the API server (--kubeconfig=%q): %w", options.Kubeconfig, err)
	}
	rest.AddUserAgent(config, "kymaros-dns")
	config.QPS, config.Burst = 50, 100 // three watches for each namespace of a run: until they are there its pods find no names
	config.AcceptContentTypes = runtime.ContentTypeProtobuf + "," + runtime.ContentTypeJSON
	kube, err := kubernetes.NewForConfig(config)
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
	if options.HealthAddress != "" {
		health, err := listen.Listen(ctx, "tcp", options.HealthAddress)
		if err != nil {
			return fmt.Errorf("--health-bind-address: %w", err)
		}
		server := &http.Server{Handler: handler(sandboxes.Ready), ReadHeaderTimeout: 5 * time.Second, MaxHeaderBytes: 16 << 10}
		defer server.Close()
		wg.Go(func() {
			if err := server.Serve(health); !errors.Is(err, http.ErrServerClosed) {
				klog.FromContext(ctx).Error(err, "Server ended", "flag", "--health-bind-address")
			}
		})
	}
	return dns.NewServer(sandboxes, options.ClusterDomain).Serve(ctx, packets, streams)
}

// handler answers /livez and /readyz.
func handler(ready func() bool) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /livez", func(w http.ResponseWriter, _ *http.Request) { _, _ = fmt.Fprintln(w, "ok") }) // the caller has gone if this fails
	mux.HandleFunc("GET /readyz", func(w http.ResponseWriter, _ *http.Request) {
		if !ready() {
			http.Error(w, "caches are not filled yet", http.StatusServiceUnavailable)
			return
		}
		_, _ = fmt.Fprintln(w, "ok")
	})
	return mux
}
