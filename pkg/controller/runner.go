package controller

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"strings"
	"sync"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	utilruntime "k8s.io/apimachinery/pkg/util/runtime"
	"k8s.io/apimachinery/pkg/util/wait"
	"k8s.io/client-go/tools/cache"
	"k8s.io/client-go/util/workqueue"
	"k8s.io/klog/v2"

	"github.com/kymaros/kymaros/pkg/apis/restore/v1alpha1"
)

// Queue holds the names of RestoreTests (or, in cleanup, of sandboxes) that want a look.
type Queue = workqueue.TypedRateLimitingInterface[cache.ObjectName]

// NewQueue returns the queue of the named controller. The name shows in the workqueue metrics.
func NewQueue(name string) Queue {
	return workqueue.NewTypedRateLimitingQueueWithConfig(
		// From 5 ms to one minute: a run has a deadline, so a fault that lasts must not cost it more than that.
		workqueue.NewTypedItemExponentialFailureRateLimiter[cache.ObjectName](5*time.Millisecond, time.Minute),
		workqueue.TypedRateLimitingQueueConfig[cache.ObjectName]{Name: name},
	)
}

// syncTimeout bounds one sync. It makes a handful of requests, each of milliseconds; what takes longer has its own
// goroutine. It is less than the grace period of the controller's pod.
const syncTimeout = 30 * time.Second

// SyncFunc brings one object a step further. It asks for another look after a positive duration. An error is retried with
// growing delay, but for a SpecRefusedError, with which only a change of the object helps.
type SyncFunc func(ctx context.Context, key cache.ObjectName) (time.Duration, error)

// Runner feeds keys from a queue to a SyncFunc. Every controller runs in one.
type Runner struct {
	Name    string
	Workers int
	Queue   Queue
	// Synced are the handler registrations whose initial list has to be in the queue before work begins.
	Synced []cache.DoneChecker
	Sync   SyncFunc
}

// Run works until ctx ends, and returns when the last sync has returned.
func (r *Runner) Run(ctx context.Context) {
	defer utilruntime.HandleCrashWithContext(ctx)
	logger := klog.FromContext(ctx)
	logger.Info("Starting controller")
	var wg sync.WaitGroup
	defer func() {
		logger.Info("Shutting down controller")
		r.Queue.ShutDown()
		wg.Wait()
	}()
	if !cache.WaitFor(ctx, r.Name, r.Synced...) {
		return
	}
	for range max(r.Workers, 1) {
		wg.Go(func() { wait.UntilWithContext(ctx, r.work, time.Second) })
	}
	<-ctx.Done()
}

func (r *Runner) work(ctx context.Context) {
	for r.next(ctx) {
	}
}

func (r *Runner) next(ctx context.Context) bool {
	key, shutdown := r.Queue.Get()
	if shutdown {
		return false
	}
	defer r.Queue.Done(key)
	logger := klog.LoggerWithValues(klog.FromContext(ctx), "key", key)
	// A sync that has begun is finished also when the process is told to stop: a step that is half done is correct, only
	// slow to resume.
	syncCtx, cancel := context.WithTimeout(klog.NewContext(context.WithoutCancel(ctx), logger), syncTimeout)
	defer cancel()
	again, err := r.sync(syncCtx, key)
	refused, isRefused := errors.AsType[*SpecRefusedError](err)
	switch {
	case apierrors.IsConflict(err):
		// Decided from a cache that was older than the object. The newer one is on its way.
		logger.V(4).Info("Will look again: the object has changed meanwhile", "err", err)
		r.Queue.AddRateLimited(key)
		return true
	case isRefused:
		logger.Info("Will look again when it changes, or later", "err", refused)
		r.Queue.Forget(key)
		r.Queue.AddAfter(key, refusedAgain)
		return true
	case err != nil:
		logger.Error(err, "Sync failed, will retry")
		r.Queue.AddRateLimited(key)
		return true
	}
	r.Queue.Forget(key)
	if again > 0 {
		r.Queue.AddAfter(key, again)
	}
	return true
}

// sync turns a panic into an error: one object that breaks the code must not stop the tests of everybody else.
func (r *Runner) sync(ctx context.Context, key cache.ObjectName) (again time.Duration, err error) {
	defer func() {
		if reason := recover(); reason != nil {
			err = fmt.Errorf("panic: %v\n%s", reason, debug.Stack())
		}
	}()
	return r.Sync(ctx, key)
}

// Handler returns an informer's event handler that enqueues the key that keyOf gives, if it gives one. What a deletion
// leaves in place of an object that was not seen going is unpacked first.
func Handler(queue Queue, keyOf func(obj any) (cache.ObjectName, bool)) cache.ResourceEventHandler {
	add := func(obj any) {
		if gone, ok := obj.(cache.DeletedFinalStateUnknown); ok {
			obj = gone.Obj
		}
		if key, ok := keyOf(obj); ok {
			queue.Add(key)
		}
	}
	return cache.ResourceEventHandlerFuncs{
		AddFunc:    add,
		UpdateFunc: func(_, obj any) { add(obj) },
		DeleteFunc: add,
	}
}

// Own is the keyOf for the objects that a controller's keys name.
func Own(obj any) (cache.ObjectName, bool) {
	name, err := cache.ObjectToName(obj)
	return name, err == nil
}

// TestOf is the keyOf for objects that were made for a RestoreTest: it reads the annotation that names it.
func TestOf(obj any) (cache.ObjectName, bool) {
	o, err := meta.Accessor(obj)
	if err != nil {
		return cache.ObjectName{}, false
	}
	namespace, name, found := strings.Cut(o.GetAnnotations()[v1alpha1.AnnotationRestoreTest], "/")
	return cache.NewObjectName(namespace, name), found && o.GetLabels()[v1alpha1.LabelManagedBy] == v1alpha1.ManagedBy
}
