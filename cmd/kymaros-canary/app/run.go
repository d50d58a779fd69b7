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

	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
	"k8s.io/component-base/version"
	"k8s.io/klog/v2"

	"github.com/kymaros/kymaros/cmd/internal/command"
	"github.com/kymaros/kymaros/pkg/canary"
	"github.com/kymaros/kymaros/pkg/canary/guide"
)

// Main is a canary with those arguments until ctx ends. It returns an error if it could not start, or must start anew.
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
	config, err := clientcmd.BuildConfigFromFlags("", options.Kubeconfig)
	if err != nil {
		return fmt.Errorf("no way to the API server (--kubeconfig=%q): %w", options.Kubeconfig, err)
	}
	rest.AddUserAgent(config, guide.Name)
	config.AcceptContentTypes = runtime.ContentTypeProtobuf + "," + runtime.ContentTypeJSON
	config.ContentType = runtime.ContentTypeProtobuf
	kube, err := kubernetes.NewForConfig(config)
	if err != nil {
		return err
	}
	g, err := guide.New(ctx, kube, service)
	if err != nil {
		return err
	}
	return serving(ctx, options.HealthAddress, guideHandler(g.Ready), func() error { g.Run(ctx); return nil })
}

// guideHandler answers /livez and /readyz of the guide.
func guideHandler(ready func() bool) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /livez", func(w http.ResponseWriter, _ *http.Request) { _, _ = fmt.Fprintln(w, "ok") }) // the caller has gone if this fails
	mux.HandleFunc("GET /readyz", func(w http.ResponseWriter, _ *http.Request) {
		if !ready() {
			http.Error(w, "the addresses of the targets are not written yet", http.StatusServiceUnavailable)
			return
		}
		_, _ = fmt.Fprintln(w, "ok")
	})
	return mux
}

// serving works while handler answers at address.
func serving(ctx context.Context, address string, handler http.Handler, work func() error) error {
	var listen net.ListenConfig
	health, err := listen.Listen(ctx, "tcp", address)
	if err != nil {
		return fmt.Errorf("--health-bind-address: %w", err)
	}
	server := &http.Server{Handler: handler, ReadHeaderTimeout: 5 * time.Second, MaxHeaderBytes: 16 << 10}
	var wg sync.WaitGroup
	defer func() { _ = server.Close(); wg.Wait() }()
	wg.Go(func() {
		if err := server.Serve(health); !errors.Is(err, http.ErrServerClosed) {
			klog.FromContext(ctx).Error(err, "Server ended", "flag", "--health-bind-address")
		}
	})
	return work()
}
