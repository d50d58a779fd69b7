package healthcheck

import (
	"context"
	"sync"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/client-go/informers"
	"k8s.io/client-go/kubernetes"
	appslisters "k8s.io/client-go/listers/apps/v1"
	corelisters "k8s.io/client-go/listers/core/v1"
	"k8s.io/client-go/tools/cache"

	"github.com/kymaros/kymaros/pkg/apis/restore/v1alpha1"
)

// watches are the watches on sandboxes of runs whose pods matter now: pods, what makes them, and the events that tell why
// it could not, one namespace each. Nothing of the cluster is watched beyond that, so memory does not grow with it.
type watches struct {
	kube    kubernetes.Interface
	enqueue func(cache.ObjectName)

	mu     sync.Mutex
	runs   map[cache.ObjectName]*watched
	ending sync.WaitGroup
}

// watched is a run that is watched.
type watched struct {
	runID     string
	stop      context.CancelFunc
	synced    <-chan struct{}
	sandboxes []sandboxListers
	looks     map[string][]turnedAway // at production, by source
}

type sandboxListers struct {
	source       string
	factories    []informers.SharedInformerFactory
	pods         corelisters.PodLister
	deployments  appslisters.DeploymentLister
	statefulSets appslisters.StatefulSetLister
	replicaSets  appslisters.ReplicaSetLister
	failures     corelisters.EventLister
}

// start watches the sandboxes of a run, unless that is done already. Any change enqueues key, and so does the moment when
// all is listed.
func (w *watches) start(ctx context.Context, key cache.ObjectName, runID string, sandboxes []v1alpha1.SandboxNamespace) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if old := w.runs[key]; old != nil && old.runID == runID {
		return nil
	}
	w.end(key)
	ctx, stop := context.WithCancel(ctx)
	run := &watched{runID: runID, stop: stop}
	changed := func(any) { w.enqueue(key) }
	handler := cache.ResourceEventHandlerFuncs{AddFunc: changed, UpdateFunc: func(_, now any) { changed(now) }, DeleteFunc: changed}
	var handled []cache.DoneChecker
	for _, sandbox := range sandboxes {
		factory := informers.NewSharedInformerFactoryWithOptions(w.kube, 0, informers.WithNamespace(sandbox.Name), informers.WithTransform(trim))
		failed := informers.NewSharedInformerFactoryWithOptions(w.kube, 0, informers.WithNamespace(sandbox.Name), informers.WithTransform(trim),
			informers.WithTweakListOptions(func(o *metav1.ListOptions) { o.FieldSelector = "reason=" + failedCreate }))
		pods, failures := factory.Core().V1().Pods(), failed.Core().V1().Events()
		deployments, statefulSets, replicaSets := factory.Apps().V1().Deployments(), factory.Apps().V1().StatefulSets(), factory.Apps().V1().ReplicaSets()
		for _, informer := range []cache.SharedIndexInformer{
			pods.Informer(), failures.Informer(), deployments.Informer(), statefulSets.Informer(), replicaSets.Informer(),
		} {
			registration, err := informer.AddEventHandler(handler)
			if err != nil {
				stop()
				return err
			}
			handled = append(handled, registration.HasSyncedChecker())
		}
		listers := sandboxListers{
			source: sandbox.Source, factories: []informers.SharedInformerFactory{factory, failed}, pods: pods.Lister(), failures: failures.Lister(),
			deployments: deployments.Lister(), statefulSets: statefulSets.Lister(), replicaSets: replicaSets.Lister(),
		}
		for _, f := range listers.factories {
			f.StartWithContext(ctx)
		}
		run.sandboxes = append(run.sandboxes, listers)
	}
	synced := make(chan struct{})
	run.synced = synced
	w.ending.Go(func() {
		if cache.WaitFor(ctx, "", handled...) {
			close(synced)
			w.enqueue(key)
		}
	})
	if w.runs == nil {
		w.runs = map[cache.ObjectName]*watched{}
	}
	w.runs[key] = run
	return nil
}

// contents returns what the sandboxes of the run hold; nil if that is not known yet.
func (w *watches) contents(key cache.ObjectName, runID string) ([]contents, error) {
	w.mu.Lock()
	run := w.runs[key]
	w.mu.Unlock()
	if run == nil || run.runID != runID {
		return nil, nil
	}
	select {
	case <-run.synced:
	default:
		return nil, nil
	}
	all := make([]contents, 0, len(run.sandboxes))
	for _, s := range run.sandboxes {
		c := contents{source: s.source}
		var errs [5]error
		c.pods, errs[0] = s.pods.List(labels.Everything())
		c.deployments, errs[1] = s.deployments.List(labels.Everything())
		c.statefulSets, errs[2] = s.statefulSets.List(labels.Everything())
		c.replicaSets, errs[3] = s.replicaSets.List(labels.Everything())
		c.failures, errs[4] = s.failures.List(labels.Everything())
		for _, err := range errs {
			if err != nil {
				return nil, err
			}
		}
		all = append(all, c)
	}
	return all, nil
}

// lookOnce returns what look found for that source in this run, and looks if nobody has.
func (w *watches) lookOnce(key cache.ObjectName, runID, source string, look func() ([]turnedAway, error)) ([]turnedAway, error) {
	w.mu.Lock()
	run := w.runs[key]
	if run == nil || run.runID != runID {
		w.mu.Unlock()
		return nil, nil
	}
	found, known := run.looks[source]
	w.mu.Unlock()
	if known {
		return found, nil
	}
	found, err := look() // one sync of a test at a time, so nobody else does
	if err != nil {
		return nil, err
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if run.looks == nil {
		run.looks = map[string][]turnedAway{}
	}
	run.looks[source] = found
	return found, nil
}

// stop ends the watches of a test's run and lets go of what they held.
func (w *watches) stop(key cache.ObjectName) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.end(key)
}

func (w *watches) end(key cache.ObjectName) {
	run := w.runs[key]
	if run == nil {
		return
	}
	delete(w.runs, key)
	run.stop()
	for _, s := range run.sandboxes {
		for _, f := range s.factories {
			w.ending.Go(f.Shutdown)
		}
	}
}

// close ends all watches and waits until they have ended.
func (w *watches) close() {
	w.mu.Lock()
	for key := range w.runs {
		w.end(key)
	}
	w.mu.Unlock()
	w.ending.Wait()
}

// failedCreate is the reason of the events by which a controller tells that it could not create something.
const failedCreate = "FailedCreate"

// kept is what is left of a pod's spec: which containers run for good, how much memory they may take, and what makes them and the
// pod ready.
func kept(spec *corev1.PodSpec) corev1.PodSpec {
	names := func(all []corev1.Container) []corev1.Container {
		var some []corev1.Container
		for _, c := range all {
			k := corev1.Container{Name: c.Name, RestartPolicy: c.RestartPolicy}
			if c.ReadinessProbe != nil {
				k.ReadinessProbe = anyProbe
			}
			if limit, ok := c.Resources.Limits[corev1.ResourceMemory]; ok {
				k.Resources.Limits = corev1.ResourceList{corev1.ResourceMemory: limit}
			}
			some = append(some, k)
		}
		return some
	}
	return corev1.PodSpec{NodeName: spec.NodeName, RestartPolicy: spec.RestartPolicy, ReadinessGates: spec.ReadinessGates,
		Containers: names(spec.Containers), InitContainers: names(spec.InitContainers)}
}

// anyProbe stands for all probes: of one only matters that it is there.
var anyProbe = &corev1.Probe{}

// trim drops what nobody here reads: nearly all of a pod.
func trim(obj any) (any, error) {
	switch o := obj.(type) {
	case *corev1.Pod:
		o.ManagedFields, o.Spec = nil, kept(&o.Spec)
		if note, ok := o.Annotations[limitRanger]; ok {
			o.Annotations = map[string]string{limitRanger: note}
		} else {
			o.Annotations = nil
		}
	case *appsv1.Deployment:
		o.ManagedFields, o.Annotations, o.Spec.Template = nil, nil, corev1.PodTemplateSpec{}
	case *appsv1.StatefulSet:
		o.ManagedFields, o.Annotations, o.Spec.Template, o.Spec.VolumeClaimTemplates = nil, nil, corev1.PodTemplateSpec{}, nil
	case *appsv1.ReplicaSet:
		o.ManagedFields, o.Annotations, o.Spec.Template = nil, nil, corev1.PodTemplateSpec{}
	case *corev1.Event:
		*o = corev1.Event{
			ObjectMeta:     metav1.ObjectMeta{Namespace: o.Namespace, Name: o.Name, UID: o.UID, ResourceVersion: o.ResourceVersion},
			InvolvedObject: corev1.ObjectReference{Kind: o.InvolvedObject.Kind, Name: o.InvolvedObject.Name},
			Message:        o.Message,
		}
	}
	return obj, nil
}
