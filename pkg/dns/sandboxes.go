package dns

import (
	"context"
	"maps"
	"math"
	"net/netip"
	"slices"
	"sync"
	"time"

	authorizationv1 "k8s.io/api/authorization/v1"
	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/util/wait"
	"k8s.io/client-go/informers"
	"k8s.io/client-go/kubernetes"
	corelisters "k8s.io/client-go/listers/core/v1"
	"k8s.io/client-go/tools/cache"
	"k8s.io/klog/v2"

	"github.com/kymaros/kymaros/pkg/apis/restore/v1alpha1"
)

// byAddress indexes pods that run, by each of their addresses.
const byAddress = "address"

// askAgain: the right comes some tenths of a second after the label, or never.
var askAgain = wait.Backoff{Duration: 100 * time.Millisecond, Factor: 4, Cap: time.Minute, Steps: math.MaxInt}

// Sandboxes follows the namespaces with our label whose guards were seen, and until one is deleted its pods, Services and endpoints: the
// controller lets it in a moment later. It holds nothing else of the cluster in memory.
type Sandboxes struct {
	kube       kubernetes.Interface
	factory    informers.SharedInformerFactory
	namespaces corelisters.NamespaceLister
	listed     cache.InformerSynced // the namespaces that there were at the start are in watched

	mu      sync.Mutex
	watched map[string]*watched // by namespace
	moved   chan struct{}       // closed, and made anew, when a pod comes or changes
	ready   bool
}

// watched is one sandbox with its caches.
type watched struct {
	sandbox
	pods   cache.Indexer
	synced []cache.InformerSynced
	stop   func()
	// asked: it is known whether its content may be seen, for now. open: it may.
	asked, open bool
}

// NewSandboxes returns what Run fills.
func NewSandboxes(ctx context.Context, kube kubernetes.Interface) (*Sandboxes, error) {
	s := &Sandboxes{kube: kube, watched: map[string]*watched{}, moved: make(chan struct{})}
	s.factory = informers.NewSharedInformerFactoryWithOptions(kube, 0, informers.WithTransform(trim),
		informers.WithTweakListOptions(func(o *metav1.ListOptions) {
			o.LabelSelector = v1alpha1.LabelManagedBy + "=" + v1alpha1.ManagedBy + "," + v1alpha1.LabelGroup + "," + v1alpha1.LabelGuarded
		}))
	s.namespaces = s.factory.Core().V1().Namespaces().Lister()
	logger := klog.FromContext(ctx)
	handler, err := s.factory.Core().V1().Namespaces().Informer().AddEventHandlerWithOptions(cache.ResourceEventHandlerFuncs{
		AddFunc: func(obj any) { s.watch(ctx, obj) },
		UpdateFunc: func(_, now any) {
			// The binding by which its content may be seen goes with it.
			if ns, ok := now.(*corev1.Namespace); ok && ns.DeletionTimestamp != nil {
				s.forget(ns.Name)
			}
		},
		DeleteFunc: func(obj any) {
			if name, err := cache.DeletionHandlingObjectToName(obj); err == nil {
				s.forget(name.Name)
			}
		},
	}, cache.HandlerOptions{Logger: &logger})
	if err != nil {
		return nil, err
	}
	s.listed = handler.HasSynced
	return s, nil
}

// Run follows the sandboxes until ctx ends.
func (s *Sandboxes) Run(ctx context.Context) {
	s.factory.StartWithContext(ctx)
	<-ctx.Done()
	s.factory.Shutdown()
	s.mu.Lock()
	left := slices.Collect(maps.Values(s.watched))
	s.mu.Unlock()
	for _, w := range left {
		w.stop() // it waits for handlers that want the lock
	}
}

// Ready tells whether everything that was there at the start is known. It stays so: that a further sandbox comes must not
// cost the others their answers.
func (s *Sandboxes) Ready() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.ready || !s.listed() {
		return s.ready
	}
	for _, w := range s.watched {
		if !w.asked {
			return false
		}
		for _, synced := range w.synced {
			if w.open && !synced() {
				return false
			}
		}
	}
	s.ready = true
	return true
}

func (s *Sandboxes) watch(ctx context.Context, obj any) {
	ns, ok := obj.(*corev1.Namespace)
	if !ok || ns.DeletionTimestamp != nil {
		return
	}
	factory := informers.NewSharedInformerFactoryWithOptions(s.kube, 0, informers.WithNamespace(ns.Name), informers.WithTransform(trim))
	pods, services, endpoints := factory.Core().V1().Pods(), factory.Core().V1().Services(), factory.Discovery().V1().EndpointSlices()
	w := &watched{
		sandbox: sandbox{
			name: ns.Name,
			service: func(name string) *corev1.Service {
				service, err := services.Lister().Services(ns.Name).Get(name)
				if err != nil {
					return nil // a lister over a cache fails in no other way than to have none
				}
				return service
			},
			slices: func(service string) []*discoveryv1.EndpointSlice {
				all, err := endpoints.Lister().EndpointSlices(ns.Name).List(labels.Set{discoveryv1.LabelServiceName: service}.AsSelectorPreValidated())
				if err != nil {
					return nil
				}
				return all
			},
		},
		pods:   pods.Informer().GetIndexer(),
		synced: []cache.InformerSynced{services.Informer().HasSynced, endpoints.Informer().HasSynced},
	}
	logger := klog.FromContext(ctx)
	moved := func(any) { s.move() }
	handler, err := pods.Informer().AddEventHandlerWithOptions(
		cache.ResourceEventHandlerFuncs{AddFunc: moved, UpdateFunc: func(any, any) { s.move() }}, cache.HandlerOptions{Logger: &logger})
	if err == nil {
		err = pods.Informer().AddIndexers(cache.Indexers{byAddress: addresses})
	}
	if err != nil {
		logger.Error(err, "Cannot follow the pods of a sandbox", "namespace", ns.Name) // only an informer that was stopped refuses
		return
	}
	w.synced = append(w.synced, handler.HasSynced)
	ctx, cancel := context.WithCancel(ctx)
	w.stop = func() { cancel(); factory.Shutdown() }
	s.mu.Lock()
	defer s.mu.Unlock()
	s.watched[ns.Name] = w
	go func() {
		if s.letIn(ctx, w) {
			factory.StartWithContext(ctx) // it does nothing once it was shut down
			logger.V(2).Info("Sandbox found", "namespace", ns.Name)
		}
	}()
}

// letIn waits until ctx ends for the right to see what is in a sandbox, which the controller gives when it has seen that the guards were
// seen; and never where there is nobody to answer. It asks ever more rarely.
func (s *Sandboxes) letIn(ctx context.Context, w *watched) bool {
	review := &authorizationv1.SelfSubjectAccessReview{Spec: authorizationv1.SelfSubjectAccessReviewSpec{
		ResourceAttributes: &authorizationv1.ResourceAttributes{Namespace: w.name, Verb: "list", Resource: "pods"},
	}}
	may := func(ctx context.Context) (bool, error) {
		answer, err := s.kube.AuthorizationV1().SelfSubjectAccessReviews().Create(ctx, review, metav1.CreateOptions{})
		if err != nil {
			klog.FromContext(ctx).Error(err, "Cannot ask for the right to follow a sandbox, will retry", "namespace", w.name)
			return false, nil
		}
		s.mu.Lock()
		defer s.mu.Unlock()
		w.asked, w.open = true, answer.Status.Allowed
		return w.open, nil
	}
	return askAgain.DelayFunc().Until(ctx, true, false, may) == nil
}

func (s *Sandboxes) forget(namespace string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if w := s.watched[namespace]; w != nil {
		delete(s.watched, namespace)
		go w.stop() // it waits for its informers, and nobody has to wait for it
	}
}

// move wakes those who wait for a pod.
func (s *Sandboxes) move() {
	s.mu.Lock()
	defer s.mu.Unlock()
	close(s.moved)
	s.moved = make(chan struct{})
}

// scopeOf returns what the pod with that address may see; ok is false if no sandbox has such a pod. changed is closed when
// it is worth asking again.
func (s *Sandboxes) scopeOf(address netip.Addr) (found scope, ok bool, changed <-chan struct{}) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for name, w := range s.watched {
		pods, err := w.pods.ByIndex(byAddress, address.String())
		if err != nil || len(pods) == 0 {
			continue
		}
		ns, err := s.namespaces.Get(name)
		if err != nil || ns.Labels[v1alpha1.LabelGroup] == "" {
			return scope{}, false, s.moved
		}
		found.run, found.own = ns.Labels[v1alpha1.LabelGroup], as(w, ns)
		break
	}
	if found.own == nil {
		return scope{}, false, s.moved
	}
	for name, w := range s.watched {
		if ns, err := s.namespaces.Get(name); err == nil && ns.Labels[v1alpha1.LabelGroup] == found.run {
			found.group = append(found.group, as(w, ns))
		}
	}
	return found, true, s.moved
}

// as returns the sandbox as its namespace describes it now.
func as(w *watched, ns *corev1.Namespace) *sandbox {
	b := w.sandbox
	b.source = ns.Annotations[v1alpha1.AnnotationSource]
	return &b
}

// addresses of a pod. One that has ended keeps its address in its status while another pod gets it.
func addresses(obj any) ([]string, error) {
	pod, ok := obj.(*corev1.Pod)
	if !ok || pod.Status.Phase == corev1.PodSucceeded || pod.Status.Phase == corev1.PodFailed || pod.Spec.HostNetwork {
		return nil, nil
	}
	var all []string
	for _, ip := range pod.Status.PodIPs {
		for _, address := range parse([]string{ip.IP}) {
			all = append(all, address.String())
		}
	}
	return all, nil
}

// trim drops what is not asked for: of a pod everything but its name and its addresses.
func trim(obj any) (any, error) {
	if pod, ok := obj.(*corev1.Pod); ok {
		return &corev1.Pod{
			ObjectMeta: metav1.ObjectMeta{Namespace: pod.Namespace, Name: pod.Name, UID: pod.UID, ResourceVersion: pod.ResourceVersion},
			Spec:       corev1.PodSpec{HostNetwork: pod.Spec.HostNetwork},
			Status:     corev1.PodStatus{Phase: pod.Status.Phase, PodIPs: pod.Status.PodIPs},
		}, nil
	}
	if o, err := meta.Accessor(obj); err == nil {
		o.SetManagedFields(nil)
		if _, ok := obj.(*corev1.Namespace); !ok {
			o.SetAnnotations(nil)
		}
	}
	return obj, nil
}
