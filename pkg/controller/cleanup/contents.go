package cleanup

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/metadata"
	"k8s.io/client-go/metadata/metadatainformer"
	"k8s.io/client-go/tools/cache"

	"github.com/kymaros/kymaros/pkg/controller"
)

// guarded are the resources that have to be gone before the guards of a sandbox may go.
var guarded = map[string]string{pods: "Pod", "persistentvolumeclaims": claimKind}

const (
	pods      = "pods"
	claimKind = "PersistentVolumeClaim"
	// listTimeout is how long a sync waits for the first lists of a namespace.
	listTimeout = 5 * time.Second
)

// watches know what terminating namespaces hold. They wake the queue when something in one goes, or a pod in it turns up that takes
// its time.
type watches struct {
	client metadata.Interface
	queue  controller.Queue

	mu sync.Mutex
	of map[types.UID]*watched
}

// watched is what is known of one namespace.
type watched struct {
	ctx       context.Context // of the informers
	stop      context.CancelFunc
	informers map[string]cache.SharedIndexInformer // by resource
}

// start watches a namespace for key until ctx ends or end is called, once.
func (w *watches) start(ctx context.Context, ns *corev1.Namespace, key cache.ObjectName) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.of[ns.UID] != nil {
		return
	}
	ctx, cancel := context.WithCancel(ctx)
	of := &watched{ctx: ctx, stop: cancel, informers: map[string]cache.SharedIndexInformer{}}
	w.of[ns.UID] = of
	factory := metadatainformer.NewFilteredSharedInformerFactory(w.client, 0, ns.Name, func(o *metav1.ListOptions) {
		if o.ResourceVersion == "0" {
			o.ResourceVersion = "" // that nothing is left must not be told by an old cache of the API server
		}
	})
	for resource := range guarded {
		hurry := func(obj any) {
			if o, ok := obj.(metav1.Object); ok && resource == pods && lingers(o) {
				w.queue.Add(key)
			}
		}
		informer := factory.ForResource(corev1.SchemeGroupVersion.WithResource(resource)).Informer()
		of.informers[resource] = informer
		// No error: the informer has not been stopped.
		_, _ = informer.AddEventHandler(cache.ResourceEventHandlerDetailedFuncs{
			AddFunc: func(obj any, isInInitialList bool) {
				if !isInInitialList { // those are told to who starts the watch
					hurry(obj)
				}
			},
			UpdateFunc: func(_, obj any) { hurry(obj) },
			DeleteFunc: func(any) { w.queue.Add(key) },
		})
	}
	factory.Start(ctx.Done())
}

// contents tells what is left of the guarded resources in a namespace that is watched, "kind namespace/name", sorted. linger: there
// are pods that nobody hurries yet. It fails if the API server does not list them in time.
func (w *watches) contents(ctx context.Context, ns *corev1.Namespace) (all []string, linger bool, err error) {
	w.mu.Lock()
	of := w.of[ns.UID]
	w.mu.Unlock()
	if of == nil {
		return nil, false, fmt.Errorf("namespace %s is not watched any more", ns.Name)
	}
	ctx, cancel := context.WithTimeout(ctx, listTimeout)
	defer cancel()
	defer context.AfterFunc(of.ctx, cancel)() //nolint:contextcheck // who ends the watch ends the wait too
	for resource, informer := range of.informers {
		if !cache.WaitFor(ctx, "", informer.HasSyncedChecker()) {
			return nil, false, fmt.Errorf("list %s of %s: no answer within %v", resource, ns.Name, listTimeout)
		}
		for _, obj := range informer.GetStore().List() {
			o, ok := obj.(metav1.Object)
			if !ok {
				continue
			}
			all = append(all, guarded[resource]+" "+ns.Name+"/"+o.GetName())
			linger = linger || resource == pods && lingers(o)
		}
	}
	slices.Sort(all)
	return all, linger, nil
}

// end stops watching a namespace.
func (w *watches) end(uid types.UID) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if of := w.of[uid]; of != nil {
		of.stop()
		delete(w.of, uid)
	}
}
