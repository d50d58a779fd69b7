// Package completeness compares, by name, what the source namespaces hold and the backup must contain with what came back.
// It is pure: no client, no clock. It wants metadata only, never the content of a Secret or ConfigMap. Its Observer is one of a look.
package completeness

import (
	"fmt"
	"slices"

	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/util/sets"

	"github.com/kymaros/kymaros/pkg/apis/restore/v1alpha1"
)

// Kind is a kind of object that is compared.
type Kind string

// Kinds that are compared.
const (
	Deployment            Kind = "Deployment"
	StatefulSet           Kind = "StatefulSet"
	Service               Kind = "Service"
	Secret                Kind = "Secret"
	ConfigMap             Kind = "ConfigMap"
	PersistentVolumeClaim Kind = "PersistentVolumeClaim"
)

// Pod is not compared: most pods come from workloads, under other names. Bare ones count among what runs something.
const Pod Kind = "Pod"

// Kinds are all of them.
var Kinds = []Kind{Deployment, StatefulSet, Service, Secret, ConfigMap, PersistentVolumeClaim}

// Resource returns under which resource the API serves objects of the kind.
func (k Kind) Resource() schema.GroupVersionResource {
	group := ""
	if k == Deployment || k == StatefulSet {
		group = "apps"
	}
	return schema.GroupVersionResource{Group: group, Version: "v1", Resource: aliases[k][0]}
}

// GroupKind returns the kind with its group.
func (k Kind) GroupKind() schema.GroupKind {
	return schema.GroupKind{Group: k.Resource().Group, Kind: string(k)}
}

// MaxMissing is how many missing objects a report names.
const MaxMissing = 100

// Namespace is what was found for one source namespace.
type Namespace struct {
	Source string
	// Want are the names that the backup must contain, Left those that it leaves out, Have those that came back.
	Want, Left, Have Names
	// Listed: the namespace does not exist, and what is wanted is what the backup holds by its list of names.
	Listed bool
}

// NewNamespace returns a Namespace of which nothing was found.
func NewNamespace(source string) *Namespace {
	return &Namespace{Source: source, Want: Names{}, Left: Names{}, Have: Names{}}
}

// Note takes note of an object of production.
func (n *Namespace) Note(kind Kind, name string, e Expectation) {
	switch e {
	case Expected:
		n.Want.Add(kind, name)
	case LeftOut:
		n.Left.Add(kind, name)
	case Ignored:
	}
}

// Settle sorts what production has by what the backup really holds: nobody else knows all of what plugins and policies do.
func (n *Namespace) Settle(holds func(kind Kind, name string) bool) {
	want, left := Names{}, Names{}
	for _, kind := range append(slices.Clone(Kinds), Pod) {
		for name := range n.Want[kind].Union(n.Left[kind]) {
			if holds(kind, name) {
				want.Add(kind, name)
			} else {
				left.Add(kind, name)
			}
		}
	}
	n.Want, n.Left = want, left
}

// List takes what the backup holds for what is wanted, by its list of names: there is no namespace to compare with.
func (n *Namespace) List(f Filter, holds func(kind Kind) []string) {
	n.Want, n.Left, n.Listed = Names{}, Names{}, true
	for _, kind := range Kinds {
		n.ListKind(f, kind, holds(kind))
	}
}

// ListKind takes what the backup holds of a kind, by its list of names: of production nobody reads it.
func (n *Namespace) ListKind(f Filter, kind Kind, holds []string) {
	for _, name := range holds {
		n.Note(kind, name, f.Listed(kind, name))
	}
}

// Names of objects, by kind.
type Names map[Kind]sets.Set[string]

// Add notes a name.
func (n Names) Add(kind Kind, name string) {
	if n[kind] == nil {
		n[kind] = sets.New[string]()
	}
	n[kind].Insert(name)
}

// workloads counts what runs something.
func (n Names) workloads() int { return n[Deployment].Len() + n[StatefulSet].Len() + n[Pod].Len() }

// Result of a comparison.
type Result struct {
	Report v1alpha1.Completeness
	// Found of Expected objects, of all kinds. What was not expected does not make up for what is missing.
	Found, Expected int
	// Unsaved are the source namespaces that have workloads, none of which is in the backup.
	Unsaved []string
}

// Compare looks for every wanted name among those that came back. Kinds that could not be read count for nothing, and the
// report leaves them empty.
func Compare(namespaces []Namespace, unread ...Kind) Result {
	var r Result
	if len(namespaces) == 0 {
		return r
	}
	perKind := map[Kind]string{}
	for _, kind := range Kinds {
		if slices.Contains(unread, kind) {
			continue
		}
		var found, expected, left int
		for _, ns := range namespaces {
			left += ns.Left[kind].Len()
			missing := ns.Want[kind].Difference(ns.Have[kind])
			expected += ns.Want[kind].Len()
			found += ns.Want[kind].Len() - missing.Len()
			for name := range missing {
				r.Report.Missing = append(r.Report.Missing, fmt.Sprintf("%s: %s/%s", ns.Source, kind, name))
			}
		}
		perKind[kind] = fmt.Sprintf("%d/%d", found, expected)
		if left > 0 {
			r.Report.LeftOut = append(r.Report.LeftOut, fmt.Sprintf("%d of %d %ss", left, left+expected, kind))
		}
		r.Found += found
		r.Expected += expected
	}
	for _, ns := range namespaces {
		if ns.Left.workloads() > 0 && ns.Want.workloads() == 0 {
			r.Unsaved = append(r.Unsaved, ns.Source)
		}
	}
	slices.Sort(r.Unsaved)
	slices.Sort(r.Report.Missing)
	r.Report.Missing = r.Report.Missing[:min(len(r.Report.Missing), MaxMissing)]
	r.Report.Deployments = perKind[Deployment]
	r.Report.StatefulSets = perKind[StatefulSet]
	r.Report.Services = perKind[Service]
	r.Report.Secrets = perKind[Secret]
	r.Report.ConfigMaps = perKind[ConfigMap]
	r.Report.PVCs = perKind[PersistentVolumeClaim]
	return r
}
