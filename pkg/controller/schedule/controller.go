// Package schedule starts runs: by the clock, by annotation, and once for a new RestoreTest. It writes Scheduled.
package schedule

import (
	"context"
	"sync"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/tools/cache"
	"k8s.io/client-go/tools/record"
	"k8s.io/klog/v2"

	"github.com/kymaros/kymaros/pkg/apis/restore/v1alpha1"
	"github.com/kymaros/kymaros/pkg/bounds"
	"github.com/kymaros/kymaros/pkg/conditions"
	"github.com/kymaros/kymaros/pkg/controller"
	"github.com/kymaros/kymaros/pkg/generated/clientset/versioned"
	informers "github.com/kymaros/kymaros/pkg/generated/informers/externalversions/restore/v1alpha1"
	veleroinformers "github.com/kymaros/kymaros/pkg/generated/informers/externalversions/velero/v1"
	listers "github.com/kymaros/kymaros/pkg/generated/listers/restore/v1alpha1"
	velerolisters "github.com/kymaros/kymaros/pkg/generated/listers/velero/v1"
	"github.com/kymaros/kymaros/pkg/line"
	"github.com/kymaros/kymaros/pkg/metrics"
)

// Controller starts runs.
type Controller struct {
	client       versioned.Interface
	tests        listers.RestoreTestLister
	fence        Fence
	requireFence bool
	bounds       bounds.Bounds
	restores     velerolisters.RestoreNamespaceLister
	backups      velerolisters.BackupNamespaceLister
	line         controller.Line
	maxRestores  int
	room         int // for runs that had their turn and need Velero
	anyBackup    bool
	stalledAfter time.Duration
	turns        turns
	intactAt     time.Time // when the fence was last seen intact for a turn
	status       controller.StatusWriter
	runner       controller.Runner
}

// Fence tells what is wrong with the admission fence, or returns "".
type Fence = func(ctx context.Context) (problem string, err error)

// Options of the schedule controller.
type Options struct {
	// RequireFence: without an intact fence no run starts.
	RequireFence bool
	// Bounds are what one test may take: none starts that asks for more.
	Bounds bounds.Bounds
	// VeleroNamespace holds Velero's Backups and Restores.
	VeleroNamespace string
	// MaxRestores is how many Restores of ours may be under way at once, and RunsAhead how many runs beyond those get their sandbox
	// while they wait for Velero.
	MaxRestores, RunsAhead int
	// WaitForAnyBackup keeps all runs back while Velero is at any backup, and not only those whose namespaces it backs up.
	WaitForAnyBackup bool
	// StalledAfter is how long Velero may keep the line before those who wait say so.
	StalledAfter time.Duration
}

// New returns the schedule controller. It fails if the informer was stopped already.
func New(ctx context.Context, options Options, client versioned.Interface, tests informers.RestoreTestInformer, ofVelero veleroinformers.Interface,
	fence Fence, recorder record.EventRecorder) (*Controller, error) {
	metrics.Register()
	logger := klog.FromContext(ctx)
	inLine, err := controller.NewLine(tests.Informer())
	if err != nil {
		return nil, err
	}
	c := &Controller{
		client:       client,
		tests:        tests.Lister(),
		fence:        fence,
		requireFence: options.RequireFence,
		bounds:       options.Bounds,
		restores:     ofVelero.Restores().Lister().Restores(options.VeleroNamespace),
		backups:      ofVelero.Backups().Lister().Backups(options.VeleroNamespace),
		line:         inLine,
		maxRestores:  options.MaxRestores,
		room:         options.MaxRestores + options.RunsAhead,
		anyBackup:    options.WaitForAnyBackup,
		stalledAfter: options.StalledAfter,
		turns:        turns{},
		status:       controller.StatusWriter{Controller: controller.Schedule, Tests: client.RestoreV1alpha1(), Recorder: recorder},
	}
	queue := controller.NewQueue(controller.FieldManager(controller.Schedule))
	c.runner = controller.Runner{Name: controller.FieldManager(controller.Schedule), Workers: 2, Queue: queue, Sync: c.sync}
	for _, watched := range []struct {
		informer cache.SharedIndexInformer
		handler  cache.ResourceEventHandler
	}{
		{tests.Informer(), onTest(queue)},
		{ofVelero.Restores().Informer(), onVelero(queue, restored)},
		{ofVelero.Backups().Informer(), onVelero(queue, backedUp)},
	} {
		handler, err := watched.informer.AddEventHandlerWithOptions(watched.handler, cache.HandlerOptions{Logger: &logger})
		if err != nil {
			return nil, err
		}
		c.runner.Synced = append(c.runner.Synced, handler.HasSyncedChecker())
	}
	return c, nil
}

// Run works until ctx ends.
func (c *Controller) Run(ctx context.Context) {
	var wg sync.WaitGroup
	wg.Go(func() { c.watchFence(ctx) })
	c.runner.Run(ctx)
	wg.Wait()
}

func (c *Controller) sync(ctx context.Context, key cache.ObjectName) (time.Duration, error) {
	if key == theLine {
		return c.advance(ctx, time.Now())
	}
	rt, err := c.tests.RestoreTests(key.Namespace).Get(key.Name)
	if apierrors.IsNotFound(err) {
		return 0, nil
	}
	if err != nil || rt.DeletionTimestamp != nil {
		return 0, err
	}
	plan := decide(rt, c.bounds, time.Now())
	if conditions.Active(rt) && !controller.HasFinalizer(rt) {
		// A test with a run must not vanish and leave its sandbox behind: the sandbox controller waits for the finalizer.
		// It comes after the run, so that a finalizer without a run under way always means that it is over.
		patch, err := controller.FinalizerPatch(rt, true)
		if err != nil {
			return 0, err
		}
		_, err = c.client.RestoreV1alpha1().RestoreTests(rt.Namespace).Patch(ctx, rt.Name, types.MergePatchType, patch,
			metav1.PatchOptions{FieldManager: controller.FieldManager(controller.Schedule)})
		return 0, err
	}
	if err := c.status.Write(ctx, rt, plan.condition, plan.status); err != nil {
		return 0, err
	}
	if missedNow(rt, plan.status) && plan.condition.Reason == v1alpha1.ReasonMissedTurn {
		metrics.MissedTurn(rt.Namespace, rt.Name)
	}
	c.tell(rt, plan.status.Search)
	return plan.again, nil
}

// missedNow tells whether the run of rt is over by what was written, for want of a turn.
func missedNow(rt *v1alpha1.RestoreTest, written v1alpha1.RestoreTestStatus) bool {
	return line.Waits(rt) && written.Run != nil && !written.Run.MissedTime.IsZero()
}
