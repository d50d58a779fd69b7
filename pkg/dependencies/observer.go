package dependencies

import (
	"slices"

	velerov1 "github.com/vmware-tanzu/velero/pkg/apis/velero/v1"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/kymaros/kymaros/pkg/apis/restore/v1alpha1"
)

// Observer takes note of what came back, and of what it refers to. It is not safe for concurrent use.
type Observer struct {
	finder    Finder
	restore   string
	isolation v1alpha1.NetworkIsolation

	sandboxes  map[string]*Sandbox
	references []Reference
}

// NewObserver returns an Observer of what the Restore of that name brings back of the source namespaces of f.
func NewObserver(f Finder, restore string, isolation v1alpha1.NetworkIsolation) *Observer {
	o := &Observer{finder: f, restore: restore, isolation: isolation, sandboxes: map[string]*Sandbox{}}
	for _, source := range f.Sources {
		o.sandboxes[source] = &Sandbox{Services: map[string]Service{}, Workloads: map[string]labels.Selector{}}
	}
	return o
}

// Source takes no note of production: what it refers to came back or did not.
func (*Observer) Source(string, schema.GroupKind, metav1.Object) {}

// Sandbox takes note of an object that is in the sandbox for source.
func (o *Observer) Sandbox(source string, _ schema.GroupKind, object metav1.Object) {
	box := o.sandboxes[source]
	switch object := object.(type) {
	case *corev1.Pod:
		if metav1.GetControllerOf(object) == nil { // others say what their workload says
			o.refer(o.finder.PodSpec(source, "Pod/"+object.Name, &object.Spec))
		}
		if object.Status.Phase != corev1.PodSucceeded && object.Status.Phase != corev1.PodFailed {
			box.Pods = append(box.Pods, o.pod(object))
		}
	case *appsv1.Deployment:
		box.workload("Deployment/"+object.Name, object.Spec.Selector)
		o.refer(o.finder.PodSpec(source, "Deployment/"+object.Name, &object.Spec.Template.Spec))
	case *appsv1.StatefulSet:
		box.workload("StatefulSet/"+object.Name, object.Spec.Selector)
		o.refer(o.finder.PodSpec(source, "StatefulSet/"+object.Name, &object.Spec.Template.Spec))
	case *corev1.Service:
		box.Services[object.Name] = Service{Selector: object.Spec.Selector, Alias: object.Spec.Type == corev1.ServiceTypeExternalName}
		o.refer(o.finder.Service(source, object))
	case *corev1.ConfigMap:
		o.refer(o.finder.ConfigMap(source, object))
	case *corev1.Secret:
		o.refer(o.finder.Secret(source, object))
	}
}

// Result looks up all references.
func (o *Observer) Result() Result { return Cover(o.references, o.sandboxes, o.isolation) }

func (o *Observer) refer(refs []Reference) { o.references = append(o.references, refs...) }

// pod returns what references to and from a pod depend on. One that Velero restored has our DNS if the rule for it was
// applied; one that a controller made later never has.
func (o *Observer) pod(pod *corev1.Pod) Pod {
	ready := slices.ContainsFunc(pod.Status.Conditions, func(c corev1.PodCondition) bool {
		return c.Type == corev1.PodReady && c.Status == corev1.ConditionTrue
	})
	return Pod{
		Name: pod.Name, Labels: pod.Labels, Ready: ready && pod.DeletionTimestamp == nil,
		Answered: pod.Spec.DNSPolicy == corev1.DNSNone && pod.Labels[velerov1.RestoreNameLabel] == o.restore,
		Uses:     Uses(&pod.Spec),
	}
}

func (s *Sandbox) workload(name string, selector *metav1.LabelSelector) {
	if of, err := metav1.LabelSelectorAsSelector(selector); err == nil { // the API server takes no other
		s.Workloads[name] = of
	}
}
