// Package schedule starts runs: by the clock, by annotation, and once for a new RestoreTest. It writes Scheduled.
package schedule

import (
	"context"
	"errors"
	"sync"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/tools/cache"
	"k8s.io/client-go/tools/record"
	"k8s.io/klog/v2"

	"github.com/kymaros/kymaros/pkg/bounds"
	"github.com/kymaros/kymaros/pkg/conditions"
	"github.com/kymaros/kymaros/pkg/controller"
	"github.com/kymaros/kymaros/pkg/generated/clientset/versioned"
	informers "github.com/kymaros/kymaros/pkg/generated/informers/externalversions/restore/v1alpha1"
	listers "github.com/kymaros/kymaros/pkg/generated/listers/restore/v1alpha1"
	"github.com/kymaros/kymaros/pkg/metrics"
)

// Controller starts runs.
type Controller struct {
	client       versioned.Interface
	tests        listers.RestoreTestLister
	fence        Fence
	requireFence bool
	bounds       bounds.Bounds
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
}

// New returns the schedule controller. It fails if the informer was stopped already.
func New(ctx context.Context, options Options, client versioned.Interface, tests informers.RestoreTestInformer, fence Fence,
	recorder record.EventRecorder) (*Controller, error) {
	metrics.Register()
	logger := klog.FromContext(ctx)
	c := &Controller{
		client:       client,
		tests:        tests.Lister(),
		fence:        fence,
		requireFence: options.RequireFence,
		bounds:       options.Bounds,
		status:       controller.StatusWriter{Controller: controller.Schedule, Tests: client.RestoreV1alpha1(), Recorder: recorder},
	}
	queue := controller.NewQueue(controller.FieldManager(controller.Schedule))
	handler, err := tests.Informer().AddEventHandlerWithOptions(controller.Handler(queue, controller.Own), cache.HandlerOptions{Logger: &logger})
	if err != nil {
		return nil, err
	}
	c.runner = controller.Runner{
		Name: controller.FieldManager(controller.Schedule), Workers: 2, Queue: queue,
		Synced: []cache.DoneChecker{handler.HasSyncedChecker()}, Sync: c.sync,
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
	rt, err := c.tests.RestoreTests(key.Namespace).Get(key.Name)
	if apierrors.IsNotFound(err) {
		return 0, nil
	}
	if err != nil || rt.DeletionTimestamp != nil {
		return 0, err
	}
	plan := decide(rt, c.bounds, time.Now())
	var unseen error
	if plan.starts {
		var problem string
		if problem, unseen = c.look(ctx); unseen != nil {
			problem = notSeen
		}
		plan = fenced(rt, plan, problem, c.requireFence)
	}
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
	err = c.status.Write(ctx, rt, plan.condition, plan.status)
	if c.requireFence {
		return plan.again, errors.Join(err, unseen)
	}
	if unseen != nil { // who runs without it gets no run less for it
		klog.FromContext(ctx).Error(unseen, "A run starts, and nobody knows of the fence")
	}
	return plan.again, err
}
