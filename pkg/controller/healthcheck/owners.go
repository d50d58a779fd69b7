package healthcheck

import (
	"cmp"
	"slices"
	"strings"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/utils/ptr"
)

// workload asks for a number of pods.
type workload struct {
	kind, name string
	replicas   int
	paused     bool
	selector   labels.Selector
	pods       []*corev1.Pod // those that are its own
	failure    string        // why its controller could not create pods
	refused    string        // which guard of the sandbox refuses its pods, if one does
}

// asked returns the pods of w that it needs to run. A Deployment whose rollout is stuck has one more: it serves as long as it has
// all the pods it asks for without the new one, which stays as unready as it was in production. That one is surplus.
func (w *workload) asked() (pods, surplus []*corev1.Pod) {
	var unready []*corev1.Pod
	for _, p := range w.pods {
		// What fails of a workload is replaced, and stays behind (an eviction, for instance).
		if !counts(p) || p.Status.Phase == corev1.PodFailed {
			continue
		}
		pods = append(pods, p)
		if ok, _, _ := ready(p); !ok {
			unready = append(unready, p)
		}
	}
	if w.kind != "Deployment" || w.replicas == 0 || len(pods)-len(unready) < w.replicas {
		return pods, nil
	}
	return slices.DeleteFunc(pods, func(p *corev1.Pod) bool { return slices.Contains(unready, p) }), unready
}

// owners finds out whose pod is whose in a sandbox. Owner references decide. Velero restores pods and ReplicaSets without
// any, and their controllers take them over a moment later: until then it is what those will go by.
type owners struct {
	workloads    []*workload // sorted by name
	deployments  []maker
	statefulSets []maker
	replicaSets  []maker
	byName       map[string]maker // "Kind/name", of StatefulSets and ReplicaSets
}

// maker makes pods, or ReplicaSets.
type maker struct {
	object   metav1.Object
	selector labels.Selector
	workload *workload // of a ReplicaSet that of its Deployment; nil if something that is not restored owns it
	hasSets  *bool     // of a Deployment: whether it has a ReplicaSet
}

func (m maker) selects(object metav1.Object) bool {
	return m.selector.Matches(labels.Set(object.GetLabels()))
}

// assign returns the workloads of a sandbox with their pods, and the pods that none of them owns, in the order given.
func assign(in contents) (workloads []*workload, bare []*corev1.Pod) {
	o := own(in)
	for _, p := range in.pods {
		if w := o.of(p); w != nil && !ofJob(p) {
			w.pods = append(w.pods, p)
		} else {
			bare = append(bare, p)
		}
	}
	return o.workloads, bare
}

func own(in contents) owners {
	o := owners{byName: map[string]maker{}}
	add := func(w *workload, object metav1.Object, replicas *int32, selector *metav1.LabelSelector) maker {
		w.name, w.replicas, w.selector = object.GetName(), int(ptr.Deref(replicas, 1)), asSelector(selector)
		o.workloads = append(o.workloads, w)
		return maker{object: object, selector: w.selector, workload: w, hasSets: new(bool)}
	}
	for _, d := range in.deployments {
		w := &workload{kind: "Deployment", refused: in.ofDeployment(d)}
		for _, c := range d.Status.Conditions {
			if c.Type == appsv1.DeploymentReplicaFailure && c.Status == corev1.ConditionTrue {
				w.failure = ": " + c.Reason
			}
		}
		o.deployments = append(o.deployments, add(w, d, d.Spec.Replicas, d.Spec.Selector))
		if d.Spec.Paused { // it makes no ReplicaSet: there are the pods of those that it had
			w.replicas, w.paused = 0, true
		}
	}
	for _, s := range in.statefulSets {
		m := add(&workload{kind: "StatefulSet", refused: in.ofStatefulSet(s)}, s, s.Spec.Replicas, s.Spec.Selector)
		o.statefulSets, o.byName["StatefulSet/"+s.Name] = append(o.statefulSets, m), m
	}
	for _, r := range in.replicaSets {
		m := maker{object: r, selector: asSelector(r.Spec.Selector)}
		if d := o.deployment(r); d != nil {
			m.workload, *d.hasSets = d.workload, true
			if d.workload.paused {
				d.workload.replicas += int(ptr.Deref(r.Spec.Replicas, 1))
			}
		} else if metav1.GetControllerOf(r) == nil {
			m = add(&workload{kind: "ReplicaSet", refused: in.ofReplicaSet(r)}, r, r.Spec.Replicas, r.Spec.Selector)
		}
		o.replicaSets, o.byName["ReplicaSet/"+r.Name] = append(o.replicaSets, m), m
	}
	slices.SortFunc(o.workloads, func(a, b *workload) int { return cmp.Or(cmp.Compare(a.name, b.name), cmp.Compare(a.kind, b.kind)) })
	return o
}

// deployment returns the one that owns r, or will take it over; nil if there is none. Of several with that selector, which
// only happens before one has taken it, that after which r is named.
func (o *owners) deployment(r *appsv1.ReplicaSet) *maker {
	owner := metav1.GetControllerOf(r)
	var best *maker
	for i := range o.deployments {
		d := &o.deployments[i]
		switch {
		case owner != nil:
			if owner.Kind == "Deployment" && means(owner, d.object) {
				return d
			}
		case d.selects(r) && (best == nil || closer(r.Name, d.object.GetName(), best.object.GetName())):
			best = d
		}
	}
	return best
}

// of returns the workload that owns p, or will take it over; nil if none does.
func (o *owners) of(p *corev1.Pod) *workload {
	if owner := metav1.GetControllerOf(p); owner != nil {
		m, known := o.byName[owner.Kind+"/"+owner.Name]
		switch {
		case known && means(owner, m.object):
			return m.workload
		case owner.Kind == "ReplicaSet": // not seen yet
			return nearest(p, o.deployments, func(m maker) bool { return m.selects(p) })
		}
		return nil
	}
	// A StatefulSet takes over what has its labels and one of its names.
	if w := nearest(p, o.statefulSets, func(m maker) bool { return m.selects(p) && ordinal(p.Name, m.object.GetName()) }); w != nil {
		return w
	}
	hash := p.Labels[appsv1.DefaultDeploymentUniqueLabelKey]
	adopts := func(m maker) bool { return m.workload != nil && m.selects(p) }
	if w := nearest(p, o.replicaSets, func(m maker) bool {
		return adopts(m) && hash != "" && m.object.GetLabels()[appsv1.DefaultDeploymentUniqueLabelKey] == hash
	}); w != nil {
		return w
	}
	if w := nearest(p, o.replicaSets, adopts); w != nil {
		return w
	}
	// Its ReplicaSet is still to be made. Where there is one, that would have selected it.
	return nearest(p, o.deployments, func(m maker) bool { return m.selects(p) && !*m.hasSets })
}

// nearest returns the workload of that of the makers after which the pod is most likely named, among those that fit.
func nearest(p *corev1.Pod, makers []maker, fits func(maker) bool) *workload {
	var best *maker
	for i := range makers {
		if fits(makers[i]) && (best == nil || closer(p.Name, makers[i].object.GetName(), best.object.GetName())) {
			best = &makers[i]
		}
	}
	if best == nil {
		return nil
	}
	return best.workload
}

// means tells whether owner is object, and not another that had its name before.
func means(owner *metav1.OwnerReference, object metav1.Object) bool {
	return owner.Name == object.GetName() && owner.UID == object.GetUID()
}

// closer tells whether name is more likely derived from a than from b: that of which it has more, else the first by name.
func closer(name, a, b string) bool {
	length := func(of string) int {
		if strings.HasPrefix(name, of+"-") {
			return len(of)
		}
		return 0
	}
	if la, lb := length(a), length(b); la != lb {
		return la > lb
	}
	return a < b
}

// ordinal tells whether name is that of a pod of the StatefulSet.
func ordinal(name, set string) bool {
	number, ok := strings.CutPrefix(name, set+"-")
	return ok && number != "" && strings.Trim(number, "0123456789") == ""
}

func asSelector(selector *metav1.LabelSelector) labels.Selector {
	s, err := metav1.LabelSelectorAsSelector(selector)
	if err != nil { // the API server accepts no such selector
		return labels.Nothing()
	}
	return s
}
