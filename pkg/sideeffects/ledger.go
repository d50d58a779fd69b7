package sideeffects

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"

	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/util/sets"

	"github.com/kymaros/kymaros/pkg/apis/restore/v1alpha1"
	"github.com/kymaros/kymaros/pkg/names"
	"github.com/kymaros/kymaros/pkg/scope"
)

const (
	// maxNames is how many objects an entry names, maxEntries how many entries a list has: the CRD allows no more.
	maxNames   = 10
	maxEntries = 128
)

// Inventory is what a backup holds of the source namespaces, and of the whole cluster: "source/name" or "name", by kind.
type Inventory map[schema.GroupKind][]string

// Ledger collects what a look at the source namespaces and the sandboxes shows. The zero value is ready for use. It is not
// safe for concurrent use.
type Ledger struct {
	// acting are objects of production that call for rules; back are those that came back; left are violations.
	acting   map[entry]sets.Set[string]
	back     map[schema.GroupKind]sets.Set[string]
	left     []string
	withheld map[entry]sets.Set[string]
	untested map[string]sets.Set[string]
}

type entry struct {
	rule, reason string
	kind         schema.GroupKind
}

// Production notes an object of a source namespace.
func (l *Ledger) Production(source string, kind schema.GroupKind, o metav1.Object) {
	name := source + "/" + o.GetName()
	for _, rule := range RulesOf(kind, o) {
		put(&l.acting, entry{string(rule), reasons[rule], kind}, name)
	}
	if pod, ok := o.(*corev1.Pod); ok {
		if why, ok := podWithheld(pod); ok {
			put(&l.withheld, entry{why.rule, why.reason, kind}, name)
		}
		if has(pod.Annotations, []string{"init.hook.restore.velero.io/"}) {
			// Velero adds them before it asks for modifiers.
			put(&l.untested, "production outside of the sandbox by init hooks of a restore, which ran inside of it", name)
		}
	}
}

// Sandbox notes an object of the sandbox for source that came back.
func (l *Ledger) Sandbox(source string, kind schema.GroupKind, o metav1.Object) {
	name := source + "/" + o.GetName()
	put(&l.back, kind, name)
	rules := RulesOf(kind, o)
	for _, rule := range rules {
		l.left = append(l.left, violation(source, kind, o.GetName(), rule))
	}
	switch o := o.(type) {
	case *corev1.Pod:
		// Production's pods may be without a class; one that was restored never is.
		if o.Spec.PriorityClassName != names.PriorityClass && !slices.Contains(rules, PriorityClass) {
			l.left = append(l.left, violation(source, kind, o.Name, PriorityClass))
		}
	case *corev1.Service:
		if len(o.Spec.Selector) == 0 && o.Spec.Type != corev1.ServiceTypeExternalName {
			put(&l.untested, "Services without a selector: nothing is behind them, for their endpoints are production's", name)
		}
	case *batchv1.CronJob:
		put(&l.untested, "what CronJobs do: they are suspended", name)
	}
}

func violation(source string, kind schema.GroupKind, name string, rule Rule) string {
	return fmt.Sprintf("%s: %s/%s: %s", source, kind.Kind, name, rule)
}

// Gone notes a source namespace that does not exist any more: what its objects would do is not known.
func (l *Ledger) Gone(source string) {
	put(&l.untested, "what was neutralised, for these namespaces do not exist any more", source)
}

// Moment notes that new pods were seen to reach others, if they were: those that came back may have, too.
func (l *Ledger) Moment(m *v1alpha1.IsolationMoment) {
	if m != nil && m.State == v1alpha1.MomentSeen {
		put(&l.untested, "what restored pods reached before the network plugin had their policies in force, which it was seen to be late with", "up to "+string(m.Longest))
	}
}

// Unread notes something of production that could not be looked at.
func (l *Ledger) Unread(what string) { put(&l.untested, "what could not be read", what) }

// Violations are objects of sandboxes that a rule should have changed and did not: "source: Kind/name: rule", sorted.
func (l *Ledger) Violations() []string {
	slices.Sort(l.left)
	return l.left
}

// Report tells what was kept from acting. unknown says why inventory could not be read, if so.
func (l *Ledger) Report(inventory Inventory, unknown string, test *v1alpha1.RestoreScope) *v1alpha1.SideEffects {
	r := &v1alpha1.SideEffects{Violations: l.Violations()}
	r.Violations = r.Violations[:min(len(r.Violations), maxEntries)]

	kept := maps.Clone(l.withheld)
	pods := sets.New(inventory[schema.GroupKind{Kind: "Pod"}]...)
	for e, withheld := range kept {
		// Pods that came later are in no backup.
		if unknown == "" {
			kept[e] = withheld.Intersection(pods)
		}
	}
	for kind, all := range inventory {
		if kind == (schema.GroupKind{Kind: "Namespace"}) || kind == (schema.GroupKind{Kind: "Event"}) || kind.Group == "events.k8s.io" {
			continue // the sandbox is the namespace; events tell of objects and are none
		}
		for _, name := range all {
			if why, out := out(kind, name, test); out {
				put(&kept, entry{why.rule, why.reason, kind}, name)
			}
		}
	}
	r.Withheld = list(kept)

	done, left := map[entry]sets.Set[string]{}, sets.New(l.left...)
	for e, acting := range l.acting {
		done[e] = acting.Intersection(l.back[e.kind])
		for name := range done[e] {
			source, object, _ := strings.Cut(name, "/")
			if left.Has(violation(source, e.kind, object, Rule(e.rule))) {
				done[e].Delete(name)
			}
		}
	}
	r.Neutralised = list(done)

	if unknown != "" {
		r.NotTested = append(r.NotTested, "what the backup holds beside what was restored: "+unknown)
	}
	if test != nil && len(test.IncludedResources) > 0 {
		r.NotTested = append(r.NotTested, "whether objects of kinds that the test adds act beside production: nobody here knows them")
	}
	var kinds []string
	for _, w := range r.Withheld {
		kinds = append(kinds, w.Kind)
	}
	if slices.Sort(kinds); len(kinds) > 0 {
		r.NotTested = append(r.NotTested, "kinds that were not restored: "+strings.Join(slices.Compact(kinds), ", "))
	}
	for _, what := range slices.Sorted(maps.Keys(l.untested)) {
		r.NotTested = append(r.NotTested, what+": "+strings.Join(shorten(sets.List(l.untested[what])), ", "))
	}
	r.NotTested = r.NotTested[:min(len(r.NotTested), maxEntries)]
	return r
}

// out tells whether an object of the backup was kept out of the sandbox for its kind.
func out(kind schema.GroupKind, name string, test *v1alpha1.RestoreScope) (withheld, bool) {
	switch {
	case scope.Excluded(test, kind):
		return excluded, true
	case scope.Default(kind) || scope.Included(test, kind):
		return withheld{}, false
	}
	return whyNot(kind, strings.Contains(name, "/")), true
}

// list returns the entries, sorted by kind and rule.
func list(of map[entry]sets.Set[string]) []v1alpha1.SideEffect {
	var all []v1alpha1.SideEffect
	for e, objects := range of {
		if objects.Len() == 0 {
			continue
		}
		first := sets.List(objects)
		all = append(all, v1alpha1.SideEffect{
			Rule: e.rule, Kind: e.kind.String(), Reason: e.reason, Count: int32(len(first)), Names: first[:min(len(first), maxNames)],
		})
	}
	slices.SortFunc(all, func(a, b v1alpha1.SideEffect) int {
		return cmp.Or(cmp.Compare(a.Kind, b.Kind), cmp.Compare(a.Rule, b.Rule))
	})
	return all[:min(len(all), maxEntries)]
}

func shorten(all []string) []string {
	if more := len(all) - maxNames; more > 0 {
		return append(all[:maxNames:maxNames], fmt.Sprintf("and %d more", more))
	}
	return all
}

func put[K comparable](to *map[K]sets.Set[string], key K, name string) {
	if *to == nil {
		*to = map[K]sets.Set[string]{}
	}
	if (*to)[key] == nil {
		(*to)[key] = sets.New[string]()
	}
	(*to)[key].Insert(name)
}
