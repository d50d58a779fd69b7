// Package app is the controller as a process: flags, clients, leader election, health, shutdown.
package app

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"sync/atomic"
	"time"

	"k8s.io/apimachinery/pkg/util/uuid"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
	"k8s.io/client-go/tools/leaderelection"
	"k8s.io/client-go/tools/leaderelection/resourcelock"
	"k8s.io/component-base/version"
	"k8s.io/klog/v2"

	"github.com/kymaros/kymaros/cmd/internal/command"
)

const (
	leaseName = "kymaros-controller"
	// The lease outlives one lost API server, and a new leader begins within leaseDuration of a crash.
	leaseDuration = 15 * time.Second
	renewDeadline = 10 * time.Second
	retryPeriod   = 2 * time.Second
)

// Main runs the controller with those arguments until ctx ends. It returns an error if it could not start, or lost the
// lease.
func Main(ctx context.Context, args []string, out io.Writer) error {
	options := NewOptions()
	if run, err := command.Parse("kymaros-controller", args, out, options); !run || err != nil {
		return err
	}
	return Run(ctx, options)
}

// Run runs the controller until ctx ends, see Main.
func Run(ctx context.Context, options *Options) error {
	logger := klog.FromContext(ctx)
	logger.Info("Starting", "version", version.Get().GitVersion)
	config, err := clientcmd.BuildConfigFromFlags("", options.Kubeconfig)
	if err != nil {
		return fmt.Errorf("no way to the API server (--kubeconfig=%q): %w", options.Kubeconfig, err)
	}
	config.QPS, config.Burst = options.QPS, options.Burst

	set, err := newControllers(ctx, options, config)
	if err != nil {
		return err
	}
	var leading atomic.Bool
	health := newHealth(set.synced)
	reviews, err := newClients(config, "kymaros-metrics")
	if err != nil {
		return err
	}
	stop, err := serve(ctx, options, health.handler(), metricsHandler(options, reviews.kube, set.metrics(leading.Load)))
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
	return lead(ctx, options, config, health, &leading, set.run)
}

// lead calls run while this process holds the lease. The lease is given up only when run has returned: a controller that
// is still working must not meet another one.
func lead(ctx context.Context, options *Options, config *rest.Config, health *health, leading *atomic.Bool, run func(context.Context)) error {
	logger := klog.FromContext(ctx)
	hostname, err := os.Hostname()
	if err != nil {
		return err
	}
	lock, err := resourcelock.NewFromKubeconfig(resourcelock.LeasesResourceLock, options.LeaderElectNamespace, leaseName,
		resourcelock.ResourceLockConfig{Identity: hostname + "_" + string(uuid.NewUUID())},
		rest.AddUserAgent(rest.CopyConfig(config), "kymaros-leader-election"), renewDeadline)
	if err != nil {
		return err
	}

	leaseCtx, release := context.WithCancel(context.WithoutCancel(ctx))
	defer release()
	done := make(chan struct{})
	watchdog := leaderelection.NewLeaderHealthzAdaptor(leaseDuration)
	elector, err := leaderelection.NewLeaderElector(leaderelection.LeaderElectionConfig{
		Lock: lock, LeaseDuration: leaseDuration, RenewDeadline: renewDeadline, RetryPeriod: retryPeriod,
		ReleaseOnCancel: true, Name: leaseName, WatchDog: watchdog,
		Callbacks: leaderelection.LeaderCallbacks{
			OnStartedLeading: func(electedCtx context.Context) {
				leading.Store(true)
				runCtx, cancel := context.WithCancel(electedCtx)
				defer cancel()
				defer context.AfterFunc(ctx, cancel)()
				run(runCtx)
				close(done)
				release()
			},
			OnStoppedLeading: func() { logger.Info("Not leading any more") },
			OnNewLeader:      func(identity string) { logger.Info("Leader", "identity", identity) },
		},
	})
	if err != nil {
		return err
	}
	health.lease.Store(watchdog)
	// Before leadership nothing has to be drained.
	defer context.AfterFunc(ctx, func() {
		if !leading.Load() {
			release()
		}
	})()
	elector.Run(leaseCtx)
	if ctx.Err() == nil {
		return errors.New("the lease is lost; another process may be leading")
	}
	if leading.Load() {
		<-done
	}
	return nil
}
