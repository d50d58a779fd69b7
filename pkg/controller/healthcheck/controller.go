// Package healthcheck waits for the restored pods and runs the checks of the HealthCheckPolicy. It writes HealthChecked.
package healthcheck

import (
	"context"
	"fmt"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/tools/cache"
	"k8s.io/client-go/tools/record"
	"k8s.io/klog/v2"

	"github.com/kymaros/kymaros/pkg/apis/restore/v1alpha1"
	"github.com/kymaros/kymaros/pkg/backups"
	"github.com/kymaros/kymaros/pkg/conditions"
	"github.com/kymaros/kymaros/pkg/controller"
	"github.com/kymaros/kymaros/pkg/generated/clientset/versioned"
	informers "github.com/kymaros/kymaros/pkg/generated/informers/externalversions/restore/v1alpha1"
	listers "github.com/kymaros/kymaros/pkg/generated/listers/restore/v1alpha1"
)

const (
	workers       = 4
	defaultChecks = 8
)

// Options are what the controller works with.
type Options struct {
	Client   versioned.Interface
	Kube     kubernetes.Interface // watches sandboxes
	Tests    informers.RestoreTestInformer
	Policies informers.HealthCheckPolicyInformer
	Recorder record.EventRecorder
	// Run runs one check.
	Run RunFunc
	// Workers is how many checks of one test may run at a time. All but one of the places are shared by all tests. Default 8.
	Workers int
}

// Controller checks what was restored.
type Controller struct {
	tests    listers.RestoreTestLister
	policies listers.HealthCheckPolicyLister
	copies   copies
	watches  *watches
	pool     *pool
	status   controller.StatusWriter
	runner   controller.Runner
}

// New returns the healthcheck controller. It fails if the informer was stopped already.
func New(ctx context.Context, o Options) (*Controller, error) {
	name := controller.FieldManager(controller.HealthCheck)
	queue := controller.NewQueue(name)
	if o.Workers <= 0 {
		o.Workers = defaultChecks
	}
	c := &Controller{
		tests:    o.Tests.Lister(),
		policies: o.Policies.Lister(),
		watches:  &watches{kube: o.Kube, enqueue: queue.Add},
		pool:     &pool{run: o.Run, enqueue: queue.AddAfter, shared: make(chan struct{}, o.Workers-1)},
		status:   controller.StatusWriter{Controller: controller.HealthCheck, Tests: o.Client.RestoreV1alpha1(), Recorder: o.Recorder},
	}
	logger := klog.FromContext(ctx)
	handler, err := o.Tests.Informer().AddEventHandlerWithOptions(controller.Handler(queue, controller.Own), cache.HandlerOptions{Logger: &logger})
	if err != nil {
		return nil, err
	}
	c.runner = controller.Runner{
		Name: name, Workers: workers, Queue: queue, Sync: c.sync,
		// A run works with the policy that it began with, so a change of one wakes nobody.
		Synced: []cache.DoneChecker{handler.HasSyncedChecker(), o.Policies.Informer().HasSyncedChecker()},
	}
	return c, nil
}

// Run works until ctx ends. It returns when no check and no watch is left; a check that was cut off is run again by
// whoever works next.
func (c *Controller) Run(ctx context.Context) {
	c.runner.Run(ctx)
	c.pool.close()
	c.watches.close()
}

func (c *Controller) sync(ctx context.Context, key cache.ObjectName) (time.Duration, error) {
	rt, err := c.tests.RestoreTests(key.Namespace).Get(key.Name)
	if apierrors.IsNotFound(err) {
		c.stop(key)
		c.copies.drop(key)
		return 0, nil
	}
	if err != nil {
		return 0, err
	}
	now := time.Now() // one for both: what decides that their time is up must have been looked at then
	seen, err := c.observe(ctx, key, rt, now)
	if err != nil {
		return 0, err
	}
	p := decide(seen, now)
	if !p.watch {
		c.stop(key)
	} else {
		run, sandboxes := rt.Status.Run, rt.Status.Sandbox.Namespaces
		background := context.WithoutCancel(ctx) // what is started here outlives this sync
		if err := c.watches.start(background, key, run.ID, sandboxes); err != nil {
			return 0, fmt.Errorf("watch sandboxes: %w", err)
		}
		c.pool.start(background, key, run, sandboxes, p.run)
	}
	if p.condition.Type == "" && !p.watch {
		c.copies.drop(key) // the run is over
	}
	if p.condition.Type == "" || conditions.ForRun(rt, v1alpha1.ConditionRestored) == nil {
		// The second: conditions stand in the order of their first writes, which is to be that of the phases.
		return p.again, nil
	}
	return p.again, c.status.Write(ctx, rt, p.condition, v1alpha1.RestoreTestStatus{Health: &p.health})
}

func (c *Controller) observe(ctx context.Context, key cache.ObjectName, rt *v1alpha1.RestoreTest, now time.Time) (observed, error) {
	seen := observed{test: rt}
	run := rt.Status.Run
	if run == nil {
		return seen, nil
	}
	var err error
	if seen.policy, seen.policyChanged, err = c.policyOf(key, rt); err != nil {
		return seen, err
	}
	sandboxes, err := c.watches.contents(key, run.ID)
	if err != nil {
		return seen, err
	}
	for i := range sandboxes {
		sandboxes[i].claimsRefused, sandboxes[i].strict, sandboxes[i].limits = claimsRefused(rt), strict(rt), limitsOf(rt, sandboxes[i].source)
		sandboxes[i].test = &run.Spec
		sandboxes[i].elsewhere = rt.Status.Restore != nil && backups.Elsewhere(rt.Status.Restore.Segregation)
		if err := c.lookForRefused(ctx, rt, &sandboxes[i]); err != nil {
			return seen, err
		}
		if err := c.lookForLeftOut(ctx, rt, &sandboxes[i], now); err != nil {
			return seen, err
		}
		if err := c.lookForProbes(ctx, rt, &sandboxes[i]); err != nil {
			return seen, err
		}
		if sandboxes[i].turnedAway, err = c.lookAtProduction(ctx, key, rt, &sandboxes[i]); err != nil {
			return seen, err
		}
	}
	if sandboxes != nil {
		pods := assess(sandboxes)
		seen.pods = &pods
	}
	seen.verdicts = c.pool.verdicts(key, run.ID)
	return seen, nil
}

// stop ends what was started for a run that is over, or not begun.
func (c *Controller) stop(key cache.ObjectName) {
	c.watches.stop(key)
	c.pool.stop(key)
}
