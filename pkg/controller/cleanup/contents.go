package cleanup

import (
	"context"
	"fmt"
	"slices"
	"sync"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/metadata"
	"k8s.io/client-go/metadata/metadatainformer"
	"k8s.io/client-go/tools/cache"

	"github.com/kymaros/kymaros/pkg/controller"
)

// guarded are the resources that have to be gone before the guards of a sandbox may go.
var guarded = map[string]string{pods: "Pod", "persistentvolumeclaims": "PersistentVolumeClaim"}

const pods = "pods"

// contents lists what is left in a namespace of the guarded resources. linger: there are pods that nobody hurries yet.
func contents(ctx context.Context, client metadata.Interface, namespace string) (all []string, linger bool, err error) {
	for resource, kind := range guarded {
		list, err := client.Resource(corev1.SchemeGroupVersion.WithResource(resource)).Namespace(namespace).List(ctx, metav1.ListOptions{})
		if err != nil {
			return nil, false, fmt.Errorf("list %s of %s: %w", resource, namespace, err)
		}
		for i := range list.Items {
			all = append(all, kind+" "+namespace+"/"+list.Items[i].Name)
			linger = linger || resource == pods && lingers(&list.Items[i])
		}
	}
	slices.Sort(all)
	return all, linger, nil
}

// watches wakes the queue when something in a terminating namespace goes, or a pod in it turns up that takes its time.
type watches struct {
	client metadata.Interface
	queue  controller.Queue

	mu   sync.Mutex
	stop map[types.UID]context.CancelFunc
}

// start watches a namespace for key until ctx ends or end is called, once.
func (w *watches) start(ctx context.Context, ns *corev1.Namespace, key cache.ObjectName) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.stop[ns.UID] != nil {
		return
	}
	ctx, cancel := context.WithCancel(ctx)
	w.stop[ns.UID] = cancel
	factory := metadatainformer.NewFilteredSharedInformerFactory(w.client, 0, ns.Name, nil)
	for resource := range guarded {
		hurry := func(obj any) {
			if o, ok := obj.(metav1.Object); ok && resource == pods && lingers(o) {
				w.queue.Add(key)
			}
		}
		informer := factory.ForResource(corev1.SchemeGroupVersion.WithResource(resource)).Informer()
		// No error: the informer has not been stopped.
		_, _ = informer.AddEventHandler(cache.ResourceEventHandlerDetailedFuncs{
			AddFunc: func(obj any, isInInitialList bool) {
				if !isInInitialList { // those are listed by who starts the watch
					hurry(obj)
				}
			},
			UpdateFunc: func(_, obj any) { hurry(obj) },
			DeleteFunc: func(any) { w.queue.Add(key) },
		})
	}
	factory.Start(ctx.Done())
}

// end stops watching a namespace.
func (w *watches) end(uid types.UID) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if stop := w.stop[uid]; stop != nil {
		stop()
		delete(w.stop, uid)
	}
}
