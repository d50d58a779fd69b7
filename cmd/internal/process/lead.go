package process

import (
	"context"
	"errors"
	"os"
	"sync/atomic"
	"time"

	"k8s.io/apimachinery/pkg/util/uuid"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/leaderelection"
	"k8s.io/client-go/tools/leaderelection/resourcelock"
	"k8s.io/klog/v2"
)

const (
	// The lease outlives one lost API server, and a new leader begins within leaseDuration of a crash.
	leaseDuration = 15 * time.Second
	renewDeadline = 10 * time.Second
	retryPeriod   = 2 * time.Second
)

// Lease is the one that a process has to hold to work.
type Lease struct {
	Namespace, Name string
	// UserAgent of its requests.
	UserAgent string
}

// Lead calls run while this process holds the lease, until ctx ends. The lease is given up only when run has returned: a controller that
// is still working must not meet another one. It returns an error if the lease was lost. leading tells whether it is held.
func Lead(ctx context.Context, lease Lease, config *rest.Config, health *Health, leading *atomic.Bool, run func(context.Context)) error {
	logger := klog.FromContext(ctx)
	hostname, err := os.Hostname()
	if err != nil {
		return err
	}
	lock, err := resourcelock.NewFromKubeconfig(resourcelock.LeasesResourceLock, lease.Namespace, lease.Name,
		resourcelock.ResourceLockConfig{Identity: hostname + "_" + string(uuid.NewUUID())},
		rest.AddUserAgent(rest.CopyConfig(config), lease.UserAgent), renewDeadline)
	if err != nil {
		return err
	}

	leaseCtx, release := context.WithCancel(context.WithoutCancel(ctx))
	defer release()
	done := make(chan struct{})
	watchdog := leaderelection.NewLeaderHealthzAdaptor(leaseDuration)
	elector, err := leaderelection.NewLeaderElector(leaderelection.LeaderElectionConfig{
		Lock: lock, LeaseDuration: leaseDuration, RenewDeadline: renewDeadline, RetryPeriod: retryPeriod,
		ReleaseOnCancel: true, Name: lease.Name, WatchDog: watchdog,
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
