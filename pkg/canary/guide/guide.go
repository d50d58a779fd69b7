// Package guide keeps the addresses that canaries dial in a ConfigMap, for canaries that may ask nobody.
package guide

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/client-go/informers"
	"k8s.io/client-go/kubernetes"
	corelisters "k8s.io/client-go/listers/core/v1"
	"k8s.io/client-go/tools/cache"
	"k8s.io/client-go/util/workqueue"
	"k8s.io/klog/v2"

	"github.com/kymaros/kymaros/pkg/canary"
)

// Name is that of the user agent, field manager, logger and queue.
const Name = "kymaros-canary-guide"

const (
	// targets selects the pods whose addresses are told.
	targets = "app.kubernetes.io/name=kymaros,app.kubernetes.io/component=canary-target"
	// gather is how long changes are gathered before they are written: all targets change at once when they get a new image.
	gather = time.Second
	// recheck is when the ConfigMap is looked at again although no target has changed, in case somebody else changed it, and
	// the Services.
	recheck = time.Minute
	// syncTimeout bounds one look at the Services and the ConfigMap.
	syncTimeout = 30 * time.Second
)

// key is the only one of the queue: there is one ConfigMap.
const key = canary.Namespace + "/" + canary.ConfigMap

// Guide follows the targets, and writes down where they are, their Service and those of fenced pods.
type Guide struct {
	kube    kubernetes.Interface
	factory informers.SharedInformerFactory
	pods    corelisters.PodLister
	listed  cache.DoneChecker
	queue   workqueue.TypedRateLimitingInterface[string]
	ready   atomic.Bool
}

// New returns what Run runs.
func New(ctx context.Context, kube kubernetes.Interface) (*Guide, error) {
	logger := klog.FromContext(ctx)
	g := &Guide{
		kube: kube,
		factory: informers.NewSharedInformerFactoryWithOptions(kube, 0, informers.WithNamespace(canary.TargetNamespace), informers.WithTransform(trim),
			informers.WithTweakListOptions(func(o *metav1.ListOptions) { o.LabelSelector = targets })),
		queue: workqueue.NewTypedRateLimitingQueueWithConfig(
			workqueue.NewTypedItemExponentialFailureRateLimiter[string](100*time.Millisecond, recheck),
			workqueue.TypedRateLimitingQueueConfig[string]{Name: Name}),
	}
	pods := g.factory.Core().V1().Pods()
	g.pods = pods.Lister()
	changed := func(any) { g.queue.AddAfter(key, gather) }
	handler, err := pods.Informer().AddEventHandlerWithOptions(cache.ResourceEventHandlerFuncs{
		AddFunc: changed, UpdateFunc: func(_, obj any) { changed(obj) }, DeleteFunc: changed,
	}, cache.HandlerOptions{Logger: &logger})
	if err != nil {
		return nil, err
	}
	g.listed = handler.HasSyncedChecker()
	return g, nil
}

// Run works until ctx ends.
func (g *Guide) Run(ctx context.Context) {
	g.factory.StartWithContext(ctx)
	var wg sync.WaitGroup
	defer func() {
		g.queue.ShutDown()
		wg.Wait()
		g.factory.Shutdown()
	}()
	if !cache.WaitFor(ctx, Name, g.listed) {
		return
	}
	g.queue.AddAfter(key, gather) // also when there is no target
	wg.Go(func() {
		for g.next(ctx) {
		}
	})
	<-ctx.Done()
}

// Ready tells whether the ConfigMap has held what there is to tell. It stays so: the targets are dialled also while the API
// server is away.
func (g *Guide) Ready() bool { return g.ready.Load() }

func (g *Guide) next(ctx context.Context) bool {
	if _, shutdown := g.queue.Get(); shutdown {
		return false
	}
	defer g.queue.Done(key)
	syncCtx, cancel := context.WithTimeout(ctx, syncTimeout)
	defer cancel()
	told, err := g.sync(syncCtx)
	if err != nil {
		if ctx.Err() == nil {
			klog.FromContext(ctx).Error(err, "Addresses were not written, will retry")
		}
		g.queue.AddRateLimited(key)
		return true
	}
	if told {
		g.ready.Store(true)
	}
	g.queue.Forget(key)
	g.queue.AddAfter(key, recheck)
	return true
}

// services looks up the Services. Not by the environment that a kubelet gives to pods: a Service that is deleted and made anew has other
// addresses.
func (g *Guide) services(ctx context.Context) (services, error) {
	var s services
	for _, of := range []struct {
		namespace, name string
		to              *[]string
	}{
		{canary.TargetNamespace, canary.TargetService, &s.targets},
		{canary.Namespace, canary.FencedService, &s.fenced},
		{canary.Namespace, canary.FencedLocalService, &s.fencedLocal},
	} {
		service, err := g.kube.CoreV1().Services(of.namespace).Get(ctx, of.name, metav1.GetOptions{})
		switch {
		case apierrors.IsNotFound(err): // then nobody dials it, which proves nothing
		case err != nil:
			return s, fmt.Errorf("get service %s/%s: %w", of.namespace, of.name, err)
		default:
			*of.to = service.Spec.ClusterIPs
		}
	}
	return s, nil
}

// sync makes the ConfigMap hold where the targets and the Services are, and nothing else. It tells whether there was
// something to tell: the first fenced pods wait for the key, so that they know a target from their first instruction, and as long as no
// target was ever ready it is not there.
func (g *Guide) sync(ctx context.Context) (told bool, err error) {
	pods, err := g.pods.List(labels.Everything())
	if err != nil {
		return false, err
	}
	services, err := g.services(ctx)
	if err != nil {
		return false, err
	}
	where := addresses(services, pods)
	want, err := where.Text()
	if err != nil {
		return false, err
	}
	configMaps := g.kube.CoreV1().ConfigMaps(canary.Namespace)
	have, err := configMaps.Get(ctx, canary.ConfigMap, metav1.GetOptions{})
	if apierrors.IsNotFound(err) {
		return false, fmt.Errorf("configmap %s is gone: apply manifests/45-canary.yaml: %w", key, err)
	}
	if err != nil {
		return false, fmt.Errorf("get configmap %s: %w", key, err)
	}
	if len(where.Pods) == 0 && have.Data[canary.AddressesKey] == "" {
		return false, nil
	}
	if len(have.Data) == 1 && have.Data[canary.AddressesKey] == want {
		return true, nil
	}
	have.Data = map[string]string{canary.AddressesKey: want}
	if _, err := configMaps.Update(ctx, have, metav1.UpdateOptions{FieldManager: Name}); err != nil {
		return false, fmt.Errorf("update configmap %s: %w", key, err)
	}
	klog.FromContext(ctx).Info("Addresses changed", "targets", len(where.Pods))
	return true, nil
}
