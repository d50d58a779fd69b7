// Package restore runs Velero's Restore of a run, when it is its turn. It writes Restored.
package restore

import (
	"context"
	"fmt"
	"time"

	velerov1 "github.com/vmware-tanzu/velero/pkg/apis/velero/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/util/sets"
	"k8s.io/client-go/kubernetes"
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
	"github.com/kymaros/kymaros/pkg/inventory"
	"github.com/kymaros/kymaros/pkg/isolation"
	"github.com/kymaros/kymaros/pkg/line"
	"github.com/kymaros/kymaros/pkg/metrics"
	"github.com/kymaros/kymaros/pkg/names"
	"github.com/kymaros/kymaros/pkg/scope"
	"github.com/kymaros/kymaros/pkg/velero"
)

// Options say where Velero is and how much of it a test may take.
type Options struct {
	// VeleroNamespace holds Velero's Backups and Restores.
	VeleroNamespace string
	// SystemNamespace holds our DNS.
	SystemNamespace string
	// ClusterDomain is what names of Services end with, such as cluster.local.
	ClusterDomain string
	// MaxRestores is how many Restores of ours may be under way at once.
	MaxRestores int
	// PermittedResources are those that tests may add to what is restored.
	PermittedResources []string
	// RequireFence: runs start only while the fence is in force, which refuses claims without a storage class.
	RequireFence bool
	// Yield: a Restore of ours makes way for those of others that come while it is under way.
	Yield bool
	// IsolationProof is one of the modes of package isolation.
	IsolationProof string
	// IsolationPatience is how long a run whose turn it is waits for a proof of isolation.
	IsolationPatience time.Duration
	// VeleroVersion is that of Velero's server; empty: as the tag of its image says.
	VeleroVersion string
	// Lists are shared with whoever else looks into backups.
	Lists *inventory.Lists
}

// Controller runs Velero's Restores.
type Controller struct {
	options  Options
	kube     kubernetes.Interface
	client   versioned.Interface
	tests    restorelisters.RestoreTestLister
	restores velerolisters.RestoreNamespaceLister
	backups  velerolisters.BackupNamespaceLister
	line     controller.Line
	status   controller.StatusWriter
	runner   controller.Runner
	// judged are the claims of each Restore under way whose volumes were looked at.
	judged map[string]sets.Set[string]
	// still are the Restores under way, by name.
	still map[string]stillness
	// doubted are the runs whose turn it is and whose isolation is not proven at that moment, by the test.
	doubted map[cache.ObjectName]doubt
}

// New returns the restore controller. The informers of Velero's objects see Velero's namespace.
func New(ctx context.Context, options Options, kube kubernetes.Interface, client versioned.Interface, tests restoreinformers.RestoreTestInformer,
	informers veleroinformers.Interface, recorder record.EventRecorder) (*Controller, error) {
	logger := klog.FromContext(ctx)
	inLine, err := controller.NewLine(tests.Informer())
	if err != nil {
		return nil, err
	}
	c := &Controller{
		line:     inLine,
		options:  options,
		kube:     kube,
		client:   client,
		tests:    tests.Lister(),
		restores: informers.Restores().Lister().Restores(options.VeleroNamespace),
		judged:   map[string]sets.Set[string]{},
		still:    map[string]stillness{},
		doubted:  map[cache.ObjectName]doubt{},
		backups:  informers.Backups().Lister().Backups(options.VeleroNamespace),
		status:   controller.StatusWriter{Controller: controller.Restore, Tests: client.RestoreV1alpha1(), Recorder: recorder},
	}
	queue := controller.NewQueue(controller.FieldManager(controller.Restore))
	// One worker: whose turn it is must be decided by one at a time.
	c.runner = controller.Runner{Name: controller.FieldManager(controller.Restore), Workers: 1, Queue: queue, Sync: c.sync}

	ended := func(obj any) (cache.ObjectName, bool) {
		if r, ok := obj.(*velerov1.Restore); ok && velero.Terminal(r.Status.Phase) {
			c.wakeHolding(queue)
		}
		return controller.TestOf(obj)
	}
	gone := func(obj any) {
		if left, ok := obj.(cache.DeletedFinalStateUnknown); ok {
			obj = left.Obj
		}
		if key, ok := controller.TestOf(obj); ok {
			queue.Add(key)
		}
		c.wakeHolding(queue)
	}
	onRestore := controller.Handler(queue, ended).(cache.ResourceEventHandlerFuncs)
	onRestore.DeleteFunc = gone
	onRestore.AddFunc = func(obj any) {
		controller.Handler(queue, ended).OnAdd(obj, false)
		if r, ok := obj.(*velerov1.Restore); ok && r.Labels[v1alpha1.LabelManagedBy] != v1alpha1.ManagedBy && !velero.Terminal(r.Status.Phase) {
			c.wakeHolding(queue) // it wants to go first
		}
	}
	onTest := controller.Handler(queue, controller.Own).(cache.ResourceEventHandlerFuncs)
	onTest.UpdateFunc = func(was, obj any) {
		controller.Handler(queue, controller.Own).OnUpdate(was, obj)
		if line.Holds(was.(*v1alpha1.RestoreTest)) && !line.Holds(obj.(*v1alpha1.RestoreTest)) {
			c.wakeHolding(queue) // it may have gone without a Restore
		}
	}
	for _, watched := range []struct {
		informer cache.SharedIndexInformer
		handler  cache.ResourceEventHandler
	}{
		{tests.Informer(), onTest},
		{informers.Restores().Informer(), onRestore},
		{informers.Backups().Informer(), cache.ResourceEventHandlerFuncs{}}, // read by the lister when a turn comes
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
func (c *Controller) Run(ctx context.Context) { c.runner.Run(ctx) }

func (c *Controller) sync(ctx context.Context, key cache.ObjectName) (time.Duration, error) {
	rt, err := c.tests.RestoreTests(key.Namespace).Get(key.Name)
	if apierrors.IsNotFound(err) {
		delete(c.doubted, key)
		return 0, nil
	}
	if err != nil {
		return 0, err
	}
	if !conditions.Active(rt) {
		return 0, nil
	}
	if restored := conditions.ForRun(rt, v1alpha1.ConditionRestored); conditions.Decided(restored) {
		return 0, c.abandon(ctx, rt, restored) // also when the report was faster, or somebody has deleted the test
	}
	if rt.DeletionTimestamp != nil || conditions.Is(rt, v1alpha1.ConditionReported, metav1.ConditionTrue) {
		return 0, nil
	}
	if !conditions.Decided(conditions.ForRun(rt, v1alpha1.ConditionSandboxReady)) {
		return 0, c.peek(ctx, rt) // conditions stand in the order of their first writes, which is to be that of the phases
	}
	again, r, err := c.advance(ctx, rt, key)
	if err != nil && r != nil {
		delete(c.still, r.Name) // what was seen is not told yet, so it has to be seen again
	}
	return again, err
}

// advance brings rt's restore a step further. With it comes the Restore, if there is one.
func (c *Controller) advance(ctx context.Context, rt *v1alpha1.RestoreTest, key cache.ObjectName) (time.Duration, *velerov1.Restore, error) {
	s, err := c.observe(ctx, rt)
	if err != nil {
		return 0, s.restore, err
	}
	if s.listing != "" {
		return 0, nil, nil // the answer wakes us
	}
	now := time.Now()
	if err := c.inside(ctx, rt, &s, now); err != nil {
		return 0, s.restore, err
	}
	if s.isolation, err = c.isolationAtDeadline(ctx, rt, now); err != nil {
		return 0, s.restore, err
	}
	p := decide(rt, s, now)
	if !p.create {
		delete(c.doubted, key)
	} else if name, err := c.create(ctx, rt, p, now); err == nil {
		p.status.Name = name
	} else if refused, ok := refusal(p.condition, p.status.BackupName, err); ok {
		p.condition = refused
	} else {
		return 0, s.restore, err
	}
	if err := c.tell(ctx, rt, p, s.restore); err != nil {
		return 0, s.restore, err
	}
	if p.condition.Reason == v1alpha1.ReasonVeleroStalled {
		metrics.VeleroStalled()
	}
	if p.condition.Reason == v1alpha1.ReasonWaiting || conditions.Decided(&p.condition) {
		return 0, s.restore, nil
	}
	_, left := conditions.Expired(rt, now)
	again := max(left, time.Second)
	if s.lookAgain > 0 {
		again = min(again, s.lookAgain)
	}
	if p.condition.Reason == v1alpha1.ReasonYielded || p.create && p.condition.Reason == v1alpha1.ReasonQueued {
		again = min(again, cancelAgain)
	}
	if p.condition.Reason == v1alpha1.ReasonIsolationUnproven {
		again = min(again, isolation.LookAgain)
	}
	return again, s.restore, nil
}

// tell writes what was decided, and then has Velero give up what it is to give up: the reason counts whether Velero is freed or not.
func (c *Controller) tell(ctx context.Context, rt *v1alpha1.RestoreTest, p plan, r *velerov1.Restore) error {
	own := v1alpha1.RestoreTestStatus{Restore: &p.status, RestoreID: p.status.Name}
	if p.status.Name != "" {
		own.RestoreIDs = []string{p.status.Name}
	}
	if err := c.status.Write(ctx, rt, p.condition, own); err != nil {
		return err
	}
	return c.cancel(ctx, p, r)
}

// observe gathers what decide needs. It asks the API server only when the cache alone would start a Restore or declare
// one lost.
func (c *Controller) observe(ctx context.Context, rt *v1alpha1.RestoreTest) (seen, error) {
	var s seen
	if !conditions.Is(rt, v1alpha1.ConditionSandboxReady, metav1.ConditionTrue) {
		return s, nil
	}
	name := names.Restore(rt.Name, rt.Status.Run.ID)
	r, err := c.restores.Get(name)
	switch {
	case err == nil && c.ours(rt, r):
		s.restore = r
		s.foreign, err = c.foreign(r)
		return s, err
	case err != nil && !apierrors.IsNotFound(err):
		return s, err
	}
	s.resources, s.refused = scope.Resources(rt.Status.Run.Spec.Restore, c.options.PermittedResources)
	cached, err := c.restores.List(labels.Everything())
	if err != nil {
		return s, err
	}
	s.before = c.before(rt, cached)
	if s.busy = busy(cached, c.options.MaxRestores); (len(s.busy) > 0 || s.before != "") && !created(rt) {
		return s, nil
	}

	live, err := c.client.VeleroV1().Restores(c.options.VeleroNamespace).List(ctx, metav1.ListOptions{})
	if err != nil {
		return s, fmt.Errorf("list Restores: %w", err)
	}
	all := make([]*velerov1.Restore, 0, len(live.Items))
	for i := range live.Items {
		all = append(all, &live.Items[i])
		if live.Items[i].Name == name && c.ours(rt, &live.Items[i]) {
			s.restore = &live.Items[i]
		}
	}
	s.busy = busy(all, c.options.MaxRestores)
	if s.restore != nil || s.refused != nil || len(s.busy) > 0 || created(rt) {
		return s, nil //nolint:nilerr // what is refused is a verdict, no fault
	}
	var unknown error
	err = controller.Together(
		func() error { return c.choose(ctx, rt, &s) },
		func() error { s.server, unknown = c.server(ctx); return nil },
	)
	if err == nil && s.missing == nil && s.listing == "" { // without a backup nobody asks which Velero runs
		err = unknown
	}
	return s, err
}

// created tells whether the status says that the Restore of rt's run was made.
func created(rt *v1alpha1.RestoreTest) bool {
	restore := rt.Status.Restore
	return restore != nil && restore.RunID == rt.Status.Run.ID && restore.Name != ""
}

func (c *Controller) ours(rt *v1alpha1.RestoreTest, r *velerov1.Restore) bool {
	return r.Labels[v1alpha1.LabelRun] == rt.Status.Run.ID &&
		r.Annotations[v1alpha1.AnnotationRestoreTest] == names.Annotations(rt)[v1alpha1.AnnotationRestoreTest]
}
