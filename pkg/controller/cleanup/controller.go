// Package cleanup removes every trace of a run once it is reported, and of runs whose RestoreTest is gone. It writes
// CleanedUp. Every step is idempotent; after a crash it goes on where it was.
package cleanup

import (
	"context"
	"slices"
	"strings"
	"time"

	velerov1 "github.com/vmware-tanzu/velero/pkg/apis/velero/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/informers"
	"k8s.io/client-go/kubernetes"
	corelisters "k8s.io/client-go/listers/core/v1"
	"k8s.io/client-go/metadata"
	"k8s.io/client-go/tools/cache"
	"k8s.io/client-go/tools/record"
	"k8s.io/klog/v2"

	"github.com/kymaros/kymaros/pkg/apis/restore/v1alpha1"
	"github.com/kymaros/kymaros/pkg/conditions"
	"github.com/kymaros/kymaros/pkg/controller"
	"github.com/kymaros/kymaros/pkg/generated/clientset/versioned"
	restoreinformers "github.com/kymaros/kymaros/pkg/generated/informers/externalversions/restore/v1alpha1"
	veleroinformers "github.com/kymaros/kymaros/pkg/generated/informers/externalversions/velero/v1"
	restorelisters "github.com/kymaros/kymaros/pkg/generated/listers/restore/v1alpha1"
	velerolisters "github.com/kymaros/kymaros/pkg/generated/listers/velero/v1"
	"github.com/kymaros/kymaros/pkg/metrics"
)

// Controller removes what runs leave.
type Controller struct {
	kube       kubernetes.Interface
	metadata   metadata.Interface
	dynamic    dynamic.Interface
	client     versioned.Interface
	tests      restorelisters.RestoreTestLister
	restores   velerolisters.RestoreLister
	namespaces corelisters.NamespaceLister

	veleroNamespace string

	status   controller.StatusWriter
	runner   controller.Runner
	watches  watches
	lifetime context.Context // of the watches
	notes    notes
}

// Options are what cleanup talks through, and where Velero is.
type Options struct {
	Kube            kubernetes.Interface
	Metadata        metadata.Interface
	Dynamic         dynamic.Interface
	Kymaros         versioned.Interface
	VeleroNamespace string
}

// New returns the cleanup controller; its watches end with ctx. labelled is a factory of informers that see only what
// carries our managed-by label.
func New(ctx context.Context, o Options, tests restoreinformers.RestoreTestInformer, restores veleroinformers.RestoreInformer,
	labelled informers.SharedInformerFactory, recorder record.EventRecorder) (*Controller, error) {
	metrics.Register()
	logger := klog.FromContext(ctx)
	queue := controller.NewQueue(controller.FieldManager(controller.Cleanup))
	c := &Controller{
		kube:     o.Kube,
		metadata: o.Metadata,
		dynamic:  o.Dynamic,
		client:   o.Kymaros,

		veleroNamespace: o.VeleroNamespace,

		tests:      tests.Lister(),
		restores:   restores.Lister(),
		namespaces: labelled.Core().V1().Namespaces().Lister(),
		status:     controller.StatusWriter{Controller: controller.Cleanup, Tests: o.Kymaros.RestoreV1alpha1(), Recorder: recorder},
		watches:    watches{client: o.Metadata, queue: queue, of: map[types.UID]*watched{}},
		lifetime:   ctx,
	}
	c.runner = controller.Runner{Name: controller.FieldManager(controller.Cleanup), Workers: 2, Queue: queue, Sync: c.sync}
	for _, watched := range []struct {
		informer cache.SharedIndexInformer
		keyOf    func(any) (cache.ObjectName, bool)
	}{
		{tests.Informer(), controller.Own},
		{restores.Informer(), controller.TestOf},
		{labelled.Core().V1().Namespaces().Informer(), controller.TestOf},
	} {
		handler, err := watched.informer.AddEventHandlerWithOptions(controller.Handler(queue, watched.keyOf), cache.HandlerOptions{Logger: &logger})
		if err != nil {
			return nil, err
		}
		c.runner.Synced = append(c.runner.Synced, handler.HasSyncedChecker())
	}
	_, err := labelled.Core().V1().Namespaces().Informer().AddEventHandlerWithOptions(cache.ResourceEventHandlerFuncs{DeleteFunc: func(obj any) {
		if gone, ok := obj.(cache.DeletedFinalStateUnknown); ok {
			obj = gone.Obj
		}
		if ns, ok := obj.(*corev1.Namespace); ok {
			c.forget(ns.UID)
		}
	}}, cache.HandlerOptions{Logger: &logger})
	return c, err
}

// Run works until ctx ends.
func (c *Controller) Run(ctx context.Context) { c.runner.Run(ctx) }

// sync looks at one RestoreTest, or at what is left of one that is gone: the key is read off the objects too.
func (c *Controller) sync(ctx context.Context, key cache.ObjectName) (time.Duration, error) {
	rt, err := c.tests.RestoreTests(key.Namespace).Get(key.Name)
	if apierrors.IsNotFound(err) {
		rt, err = nil, nil
	}
	if err != nil {
		return 0, err
	}
	if rt != nil && conditions.Began(rt) && conditions.ForRun(rt, v1alpha1.ConditionCleanedUp) == nil {
		if left := reportDue(rt, time.Now()); conditions.ForRun(rt, v1alpha1.ConditionReported) == nil && rt.DeletionTimestamp == nil && left > 0 {
			return left, nil // conditions stand in the order of their first writes, which is to be that of the phases
		}
		first := metav1.Condition{Type: v1alpha1.ConditionCleanedUp, Status: metav1.ConditionUnknown, Reason: v1alpha1.ReasonWaiting, Message: "waiting for " + v1alpha1.ConditionReported}
		return 0, c.status.Write(ctx, rt, first, v1alpha1.RestoreTestStatus{Cleanup: &v1alpha1.CleanupStatus{RunID: rt.Status.Run.ID, Hygiene: lastHygiene(rt)}})
	}
	if rt != nil && controller.Behind(rt) {
		return 0, nil
	}
	keep := kept(rt, time.Now())
	s, err := c.observe(key, keep)
	if err != nil {
		return 0, err
	}
	if next(s) == done {
		return c.finish(ctx, key, rt, keep)
	}
	defer c.forgetGone(s.namespaces)

	if !s.going() {
		current, err := c.current(ctx, key, keep)
		if err != nil || !current {
			return time.Second, err // the cache is behind; the event that is on its way usually comes first
		}
		if err := c.liveRestores(ctx, key, keep, &s); err != nil {
			return 0, err
		}
	}
	if err := c.contents(ctx, key, &s); err != nil {
		return 0, err
	}
	if err := c.volumes(ctx, &s); err != nil {
		return 0, err
	}
	if next(s) == release {
		if err := c.snapshotsLeft(ctx, key, &s); err != nil {
			return 0, err
		}
	}
	if next(s) == done { // the cache was behind, and knows a sandbox by its label only
		return c.finish(ctx, key, rt, keep)
	}
	return c.step(ctx, key, rt, keep, s)
}

// current tells whether the live object says of the run to keep what the cache does: on it the decision to delete is taken.
func (c *Controller) current(ctx context.Context, key cache.ObjectName, keep string) (bool, error) {
	live, err := c.client.RestoreV1alpha1().RestoreTests(key.Namespace).Get(ctx, key.Name, metav1.GetOptions{})
	if apierrors.IsNotFound(err) {
		live, err = nil, nil
	}
	return err == nil && kept(live, time.Now()) == keep, err
}

// step says what goes on, does it, and tells when to look again at what nobody watches.
func (c *Controller) step(ctx context.Context, key cache.ObjectName, rt *v1alpha1.RestoreTest, keep string, s seen) (time.Duration, error) {
	if err := c.report(ctx, rt, keep, s, lastHygiene(rt)); err != nil {
		return 0, err
	}
	if err := c.act(ctx, key, rt, s); err != nil {
		return 0, err
	}
	doing := next(s)
	for _, ns := range s.namespaces {
		if doing != awaitRestore {
			c.notes.of(ns.UID).secured = true
		}
	}
	if len(s.contents) == 0 && (doing == secureVolumes || doing == awaitContents || doing == deleteSnapshots) {
		since := time.Duration(0)
		if len(s.namespaces) > 0 && s.namespaces[0].DeletionTimestamp != nil {
			since = time.Since(s.namespaces[0].DeletionTimestamp.Time)
		}
		return volumePause(since), nil
	}
	if doing == awaitRestore && slices.ContainsFunc(s.restores, finalized) {
		return crashPause, nil
	}
	return stuckAfter, nil
}

// observe finds what exists of the test's runs but the one to keep.
func (c *Controller) observe(key cache.ObjectName, keep string) (seen, error) {
	var s seen
	namespaces, err := c.namespaces.List(labels.Everything())
	if err != nil {
		return s, err
	}
	restores, err := c.restores.List(labels.Everything())
	if err != nil {
		return s, err
	}
	s.namespaces = slices.DeleteFunc(namespaces, func(ns *corev1.Namespace) bool { return !sandbox(ns) || !expendable(ns, key, keep) })
	s.restores = slices.DeleteFunc(restores, func(r *velerov1.Restore) bool { return !expendable(r, key, keep) })
	return s, nil
}

// forget drops what is kept for a namespace.
func (c *Controller) forget(uid types.UID) {
	c.watches.end(uid)
	c.notes.forget(uid)
}

// forgetGone forgets those of the namespaces that the cache does not show any more: their deletion may have been handled before
// something was kept for them.
func (c *Controller) forgetGone(namespaces []*corev1.Namespace) {
	for _, ns := range namespaces {
		if have, err := c.namespaces.Get(ns.Name); err != nil || have.UID != ns.UID {
			c.forget(ns.UID)
		}
	}
}

// expendable tells whether o was made for a run of the test that is not the one to keep.
func expendable(o metav1.Object, key cache.ObjectName, keep string) bool {
	of, ok := controller.TestOf(o)
	run := o.GetLabels()[v1alpha1.LabelRun]
	return ok && of == key && run != "" && run != keep
}

// sandbox tells whether ns is one of ours. A label alone proves nothing: one that somebody copied, or put on a namespace of
// production by mistake, must not get it deleted.
func sandbox(ns *corev1.Namespace) bool {
	source := ns.Annotations[v1alpha1.AnnotationSource]
	return source != "" && source != ns.Name && ns.Labels[v1alpha1.LabelTestNamespace] == ns.Name &&
		ns.Labels[v1alpha1.LabelGroup] == ns.Labels[v1alpha1.LabelRun]
}

// contents adds to s what the terminating namespaces still hold, and has the queue woken when it goes.
func (c *Controller) contents(ctx context.Context, key cache.ObjectName, s *seen) error {
	for _, ns := range s.namespaces {
		if ns.DeletionTimestamp == nil || c.notes.of(ns.UID).empty {
			continue
		}
		c.watches.start(c.lifetime, ns, key) //nolint:contextcheck // a watch outlives the sync that starts it
		left, linger, err := c.watches.contents(ctx, ns)
		if err != nil {
			return err
		}
		if slices.ContainsFunc(left, func(what string) bool { return strings.HasPrefix(what, claimKind) }) {
			c.notes.of(ns.UID).claims = true
		}
		if len(left) == 0 { // nothing new comes into a namespace that terminates
			c.notes.of(ns.UID).empty = true
			c.watches.end(ns.UID)
		}
		s.contents = append(s.contents, left...)
		if linger {
			s.lingering = append(s.lingering, ns)
		}
	}
	return nil
}

// report writes what is going on, when it is the current run that is being cleaned up.
func (c *Controller) report(ctx context.Context, rt *v1alpha1.RestoreTest, keep string, s seen, hygiene *v1alpha1.HygieneDigest) error {
	if rt == nil || keep != "" || !conditions.Active(rt) {
		return nil
	}
	leaked := leakedOf(rt.Status.Run.ID, s.leaked, rt.Status.Cleanup)
	fragment := &v1alpha1.CleanupStatus{RunID: rt.Status.Run.ID, Remaining: remaining(s), Leaked: leaked, Hygiene: hygiene}
	return c.status.Write(ctx, rt, decide(s, leaked, time.Now()), v1alpha1.RestoreTestStatus{Cleanup: fragment})
}
