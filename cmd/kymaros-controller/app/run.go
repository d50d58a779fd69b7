// Package app is the controller as a process: flags, clients, leader election, health, shutdown.
package app

import (
	"context"
	"io"
	"sync/atomic"

	"k8s.io/component-base/version"
	"k8s.io/klog/v2"

	"github.com/kymaros/kymaros/cmd/internal/process"
)

// Main runs the controller with those arguments until ctx ends. It returns an error if it could not start, or lost the
// lease.
func Main(ctx context.Context, args []string, out io.Writer) error {
	options := NewOptions()
	if run, err := process.Parse("kymaros-controller", args, out, options); !run || err != nil {
		return err
	}
	return Run(ctx, options)
}

// Run runs the controller until ctx ends, see Main.
func Run(ctx context.Context, options *Options) error {
	logger := klog.FromContext(ctx)
	logger.Info("Starting", "version", version.Get().GitVersion)
	config, err := options.Config("")
	if err != nil {
		return err
	}

	set, err := newControllers(ctx, options, config)
	if err != nil {
		return err
	}
	var leading atomic.Bool
	health := process.NewHealth(process.Filled(set.synced))
	reviews, err := newClients(config, "kymaros-metrics")
	if err != nil {
		return err
	}
	stop, err := process.Serve(ctx,
		process.Server{Flag: "--health-bind-address", Address: options.HealthAddress, Handler: health.Handler()},
		process.Server{Flag: "--metrics-bind-address", Address: options.MetricsAddress, Handler: metricsHandler(options, reviews.kube, set.metrics(options, leading.Load)...)})
	if err != nil {
		return err
	}
	defer stop()
	// The caches live until the last sync has ended, which is after ctx has.
	cacheCtx, cancel := context.WithCancel(context.WithoutCancel(ctx))
	defer func() { cancel(); set.shutdown() }()
	set.start(cacheCtx)

	if !options.LeaderElect {
		leading.Store(true)
		set.run(ctx)
		return nil
	}
	lease := process.Lease{Namespace: options.LeaderElectNamespace, Name: options.LeaderElectResourceName, UserAgent: "kymaros-leader-election"}
	return process.Lead(ctx, lease, config, health, &leading, set.run)
}
