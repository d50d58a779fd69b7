package completeness

import (
	"fmt"
	"slices"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/util/sets"

	"github.com/kymaros/kymaros/pkg/velero"
)

// Observer takes note of what the source namespaces hold and of what came back. It is not safe for concurrent use.
type Observer struct {
	filter Filter
	found  []*Namespace
	of     map[string]*Namespace
	gone   sets.Set[string]
	holds  Holdings
}

// NewObserver returns an Observer of source namespaces. With the zero Filter nothing is compared.
func NewObserver(f Filter, sources ...string) *Observer {
	o := &Observer{filter: f, of: map[string]*Namespace{}, gone: sets.New[string]()}
	for _, source := range sources {
		o.of[source] = NewNamespace(source)
		o.found = append(o.found, o.of[source])
	}
	return o
}

// Source takes note of an object of production, of which the metadata is enough. Of pods it wants the whole object.
func (o *Observer) Source(namespace string, kind schema.GroupKind, object metav1.Object) {
	if pod, ok := object.(*corev1.Pod); ok {
		if KeptUp(pod) {
			o.of[namespace].Note(Pod, pod.Name, o.filter.Expects(Pod, pod))
		}
	} else if k, ok := kindOf(kind); ok {
		o.of[namespace].Note(k, object.GetName(), o.filter.Expects(k, object))
	}
}

// Sandbox takes note of an object that is in the sandbox for source.
func (o *Observer) Sandbox(source string, kind schema.GroupKind, object metav1.Object) {
	if k, ok := kindOf(kind); ok && o.filter.Restored(k, object) {
		o.of[source].Have.Add(k, object.GetName())
	}
}

// Gone takes note that a source namespace does not exist any more.
func (o *Observer) Gone(source string) { o.gone.Insert(source) }

// Holds takes note of what is known of the backup.
func (o *Observer) Holds(h Holdings) { o.holds = h }

// KeptUp tells whether a restore brings a pod back and nothing else makes it: Velero leaves out what has ended.
func KeptUp(pod *corev1.Pod) bool {
	return metav1.GetControllerOf(pod) == nil && pod.Status.Phase != corev1.PodSucceeded && pod.Status.Phase != corev1.PodFailed
}

// kindOf returns the kind that is compared, if it is.
func kindOf(kind schema.GroupKind) (Kind, bool) {
	i := slices.IndexFunc(Kinds, func(k Kind) bool { return k.GroupKind() == kind })
	if i < 0 {
		return "", false
	}
	return Kinds[i], true
}

// Holdings are what is known of what the backup holds: by its list of names, or else by its resource policy.
type Holdings struct {
	// Names are "namespace/name", by kind; NotListed says why they are not known.
	Names     map[schema.GroupKind][]string
	NotListed string
	// Policy is the resource policy, PolicyName its name, and PolicyUnread why it is not known.
	Policy                   velero.Policy
	PolicyName, PolicyUnread string
}

func (h Holdings) listed() bool { return h.NotListed == "" && h.Names != nil }

// Seen is what an Observer found.
type Seen struct {
	// Namespaces were compared; Gone are the source namespaces that do not exist any more, sorted.
	Namespaces []Namespace
	Gone       []string
	// SecretsUnnamed says why nobody knows which Secrets there ought to be; "": by the list.
	SecretsUnnamed string
	// Unknown says why nobody knows what the backup leaves out, if so: nothing can be compared then.
	Unknown string
}

// Result sorts what was found by what the backup holds.
func (o *Observer) Result() Seen {
	s := Seen{Gone: sets.List(o.gone)}
	compare := o.filter.test != nil
	if compare && len(o.gone) < len(o.found) {
		s.SecretsUnnamed = o.secretsUnnamed()
	}
	if o.holds.listed() {
		o.settleByNames()
	} else {
		s.Unknown = o.settleByPolicy()
	}
	for _, ns := range o.found {
		if compare && (ns.Listed || !o.gone.Has(ns.Source)) {
			s.Namespaces = append(s.Namespaces, *ns)
		}
	}
	return s
}

// secretsUnnamed says why Secrets cannot be compared: those of production nobody reads, by name neither, so that the names are known of
// the backup only. "": they can.
func (o *Observer) secretsUnnamed() string {
	switch {
	case !o.holds.listed():
		return "Secrets: only the list of the backup tells which there ought to be, and it could not be read: " + o.holds.NotListed
	case !o.filter.ByName():
		return "Secrets: only the list of the backup tells which there ought to be, and the test selects by labels, which it does not have"
	}
	return ""
}

// settleByNames sorts by the list of names.
func (o *Observer) settleByNames() {
	names := map[Kind]sets.Set[string]{Pod: sets.New(o.holds.Names[Pod.GroupKind()]...)}
	for _, kind := range Kinds {
		names[kind] = sets.New(o.holds.Names[kind.GroupKind()]...)
	}
	for _, ns := range o.found {
		if !o.gone.Has(ns.Source) {
			if o.filter.ByName() {
				ns.ListKind(o.filter, Secret, namesIn(ns.Source, o.holds.Names[Secret.GroupKind()]))
			}
			ns.Settle(func(kind Kind, name string) bool { return names[kind].Has(ns.Source + "/" + name) })
		} else if o.filter.ByName() {
			ns.List(o.filter, func(kind Kind) []string { return namesIn(ns.Source, o.holds.Names[kind.GroupKind()]) })
		}
	}
}

// settleByPolicy sorts by the resource policy, and says why that is not enough, if so.
func (o *Observer) settleByPolicy() (unknown string) {
	lists := o.holds.Policy.IncludeExcludePolicy
	for _, ns := range o.found {
		ns.Settle(func(kind Kind, name string) bool {
			return ns.Want[kind].Has(name) && Selected(kind, lists.Included, lists.Excluded)
		})
	}
	why := o.holds.PolicyUnread
	if len(o.holds.Policy.NamespacedFilterPolicies) > 0 {
		why = "it chooses objects of single namespaces"
	}
	if why == "" {
		return ""
	}
	return fmt.Sprintf("what resource policy %s leaves out of the backup is not known: %s; and without the list of the backup nobody knows: %s",
		o.holds.PolicyName, why, o.holds.NotListed)
}

// namesIn returns the names of those of all, "namespace/name", that are of a namespace.
func namesIn(source string, all []string) []string {
	var names []string
	for _, name := range all {
		if len(name) > len(source) && name[len(source)] == '/' && name[:len(source)] == source {
			names = append(names, name[len(source)+1:])
		}
	}
	return names
}
