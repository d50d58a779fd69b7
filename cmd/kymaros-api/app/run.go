// Package app is the API as a process: flags, clients, certificates, limits, shutdown.
package app

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"k8s.io/client-go/kubernetes"
	corev1 "k8s.io/client-go/kubernetes/typed/core/v1"
	"k8s.io/client-go/rest"
	_ "k8s.io/component-base/metrics/prometheus/clientgo" // metrics of requests to the API server
	"k8s.io/component-base/version"
	"k8s.io/klog/v2"

	"github.com/kymaros/kymaros/cmd/internal/process"
	"github.com/kymaros/kymaros/pkg/dashboard"
	"github.com/kymaros/kymaros/pkg/generated/clientset/versioned"
	"github.com/kymaros/kymaros/pkg/server"
	"github.com/kymaros/kymaros/pkg/server/cached"
)

// drainFor is how long requests under way may take when the process is told to end.
const drainFor = 15 * time.Second

// Main serves the API with those arguments until ctx ends. It returns an error if it could not start.
func Main(ctx context.Context, args []string, out io.Writer) error {
	options := NewOptions()
	if run, err := process.Parse("kymaros-api", args, out, options); !run || err != nil {
		return err
	}
	return Run(ctx, options)
}

// Run serves the API until ctx ends, see Main.
func Run(ctx context.Context, options *Options) error {
	klog.FromContext(ctx).Info("Starting", "version", version.Get().GitVersion, "address", options.BindAddress)
	config, err := options.Config("kymaros-api")
	if err != nil {
		return err
	}
	kube, err := kubernetes.NewForConfig(process.Binary(config))
	if err != nil {
		return err
	}
	client, err := versioned.NewForConfig(config)
	if err != nil {
		return err
	}
	pages, err := dashboard.New()
	if err != nil {
		return err
	}
	reports, err := cached.Reports(config)
	if err != nil {
		return err
	}
	api, err := server.New(server.Options{
		Kube: kube, Client: client, Reports: reports, Origins: options.Origins, Pages: pages.Serve, As: as(config), VeleroNamespace: options.VeleroNamespace, Version: version.Get().GitVersion, Namespace: options.Namespace, Pod: options.Pod,
	})
	if err != nil {
		return err
	}
	return serve(ctx, options, api)
}

// as returns clients with the token of a caller, and nothing of this program's own but how the API server is reached. They share
// its connections.
func as(config *rest.Config) func(token string) (server.Clients, error) {
	anonymous := rest.AnonymousClientConfig(config)
	return func(token string) (server.Clients, error) {
		theirs := rest.CopyConfig(anonymous)
		theirs.BearerToken = token
		client, err := versioned.NewForConfig(theirs)
		if err != nil {
			return server.Clients{}, err
		}
		core, err := corev1.NewForConfig(theirs)
		return server.Clients{Kymaros: client, Core: core}, err
	}
}

// api is what is served.
type api interface {
	http.Handler
	Run(ctx context.Context)
	Ready() bool
	Close()
}

// serve listens, and returns when ctx has ended and so have the requests that were under way.
func serve(ctx context.Context, options *Options, a api) error {
	var secured *tls.Config
	if !options.InsecureHTTP {
		certificates, err := newCertificates(ctx, options.TLSDirectory, options.Namespace)
		if err != nil {
			return err
		}
		secured = certificates.config(ctx)
	}
	var listen net.ListenConfig
	listener, err := listen.Listen(ctx, "tcp", options.BindAddress)
	if err != nil {
		return fmt.Errorf("--bind-address: %w", err)
	}
	defer listener.Close()

	// The rows, and the health, outlive the requests that are under way.
	background, stop := context.WithCancel(context.WithoutCancel(ctx))
	var wg sync.WaitGroup
	defer func() { stop(); wg.Wait() }()
	var ending atomic.Bool
	health := process.NewHealth(func() error {
		switch {
		case ending.Load():
			return errors.New("ending")
		case !a.Ready():
			return errors.New("caches are not filled yet")
		}
		return nil
	})
	stopHealth, err := process.Serve(background, process.Server{Flag: "--health-bind-address", Address: options.HealthAddress, Handler: health.Handler()})
	if err != nil {
		return err
	}
	defer stopHealth()
	wg.Go(func() { a.Run(background) })

	main := newServer(ctx, a)
	main.TLSConfig = secured
	main.RegisterOnShutdown(a.Close) // streams are requests that never end
	ended := make(chan error, 1)
	wg.Go(func() {
		if secured == nil {
			ended <- main.Serve(limit(listener, maxConnections))
			return
		}
		ended <- main.ServeTLS(limit(listener, maxConnections), "", "")
	})
	select {
	case err := <-ended:
		return fmt.Errorf("--bind-address: %w", err)
	case <-ctx.Done():
	}
	ending.Store(true)
	drain, cancel := context.WithTimeout(background, drainFor)
	defer cancel()
	if err := main.Shutdown(drain); err != nil {
		_ = main.Close() // the process ends anyway
		return fmt.Errorf("requests were still under way after %s: %w", drainFor, err)
	}
	return nil
}

// newServer has limits for all that a client could draw out.
func newServer(ctx context.Context, handler http.Handler) *http.Server {
	return &http.Server{
		Handler:           handler,
		ReadHeaderTimeout: 5 * time.Second,
		ReadTimeout:       10 * time.Second,
		WriteTimeout:      30 * time.Second,
		IdleTimeout:       60 * time.Second,
		MaxHeaderBytes:    32 << 10,
		HTTP2:             &http.HTTP2Config{MaxConcurrentStreams: 64},
		// Clients that break off, and scanners, are not worth a line each.
		ErrorLog:    log.New(&quiet{ctx}, "", 0),
		BaseContext: func(net.Listener) context.Context { return context.WithoutCancel(ctx) },
	}
}

// quiet is where net/http complains.
type quiet struct{ ctx context.Context }

func (q *quiet) Write(line []byte) (int, error) {
	klog.FromContext(q.ctx).V(2).Info("Connection failed", "problem", string(line))
	return len(line), nil
}
