package report

import (
	"context"
	"fmt"
	"slices"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/util/sets"

	"github.com/kymaros/kymaros/pkg/completeness"
	"github.com/kymaros/kymaros/pkg/scope"
	"github.com/kymaros/kymaros/pkg/volumes"
)

// source looks up which objects of a source namespace the backup must contain, and which of them would act in a sandbox.
func (l *look) source(namespace string, found *completeness.Namespace) {
	l.add("namespace "+namespace, func(ctx context.Context) error {
		var ns *corev1.Namespace
		err := tried(ctx, func() (err error) {
			ns, err = l.c.kube.CoreV1().Namespaces().Get(ctx, namespace, metav1.GetOptions{})
			return err
		})
		if err != nil && !apierrors.IsNotFound(err) {
			return err
		}
		if err != nil || ns.DeletionTimestamp != nil {
			l.note(func() { l.seen.gone = append(l.seen.gone, namespace) })
		}
		return nil
	}, topicCompleteness)
	for _, kind := range completeness.Kinds {
		if kind == completeness.Secret {
			continue // those of production nobody reads, by name neither: see settle
		}
		seen := func(o metav1.Object) {
			l.note(func() {
				l.seen.ledger.Production(namespace, kind.GroupKind(), o)
				found.Note(kind, o.GetName(), l.filter.Expects(kind, o))
			})
		}
		l.add(fmt.Sprintf("%s in namespace %s", kind.Resource().Resource, namespace), func(ctx context.Context) error {
			// Of these the metadata does not tell whether they would act.
			if kind == completeness.Service {
				return each(ctx, l.c.kube.CoreV1().Services(namespace).List, func(o *corev1.Service) { seen(o) })
			}
			if kind == completeness.PersistentVolumeClaim {
				return each(ctx, l.c.kube.CoreV1().PersistentVolumeClaims(namespace).List, func(o *corev1.PersistentVolumeClaim) {
					seen(o)
					l.note(func() { l.productionClaim(o) })
				})
			}
			return each(ctx, l.c.metadata.Resource(kind.Resource()).Namespace(namespace).List, func(o *metav1.PartialObjectMetadata) { seen(o) })
		}, topicCompleteness)
	}
	l.acting(namespace)
}

// productionClaim takes note of a claim that was there when the backup began: of a younger one the backup says nothing.
func (l *look) productionClaim(pvc *corev1.PersistentVolumeClaim) {
	if !l.began.IsZero() && pvc.CreationTimestamp.After(l.began) {
		return
	}
	key := pvc.Namespace + "/" + pvc.Name
	l.seen.origin.Claims[key] = volumes.ClaimOf(pvc.Namespace, pvc)
	if l.claims != nil {
		l.claims[key] = pvc
	}
}

// secretNames says why Secrets cannot be compared: their names are known of the backup only. "": they can.
func (s *seen) secretNames(f completeness.Filter) string {
	switch {
	case s.notListed != "" || s.holds == nil:
		return "Secrets: only the list of the backup tells which there ought to be, and it could not be read: " + s.notListed
	case !f.ByName():
		return "Secrets: only the list of the backup tells which there ought to be, and the test selects by labels, which it does not have"
	}
	return ""
}

// settle sorts what production has by what the backup holds: by its list of names, or else by its resource policy too.
func (l *look) settle(found []*completeness.Namespace) {
	if l.seen.notListed == "" && l.seen.holds != nil {
		names := map[completeness.Kind]sets.Set[string]{completeness.Pod: sets.New(l.seen.holds[podKind]...)}
		for _, kind := range completeness.Kinds {
			names[kind] = sets.New(l.seen.holds[kind.GroupKind()]...)
		}
		for _, ns := range found {
			if !slices.Contains(l.seen.gone, ns.Source) {
				if l.filter.ByName() {
					ns.ListKind(l.filter, completeness.Secret, namesOf(ns.Source, l.seen.holds[secretKind]))
				}
				ns.Settle(func(kind completeness.Kind, name string) bool { return names[kind].Has(ns.Source + "/" + name) })
			} else if l.filter.ByName() {
				ns.List(l.filter, func(kind completeness.Kind) []string { return namesOf(ns.Source, l.seen.holds[kind.GroupKind()]) })
			}
		}
		return
	}
	lists := l.seen.policy.IncludeExcludePolicy
	for _, ns := range found {
		ns.Settle(func(kind completeness.Kind, name string) bool {
			return ns.Want[kind].Has(name) && completeness.Selected(kind, lists.Included, lists.Excluded)
		})
	}
	why := l.seen.policyUnread
	if len(l.seen.policy.NamespacedFilterPolicies) > 0 {
		why = "it chooses objects of single namespaces"
	}
	if why != "" && l.seen.unread[topicCompleteness] == "" {
		l.seen.unread[topicCompleteness] = fmt.Sprintf("what resource policy %s leaves out of the backup is not known: %s; and without the list of the backup nobody knows: %s",
			policyName(l.seen.backup), why, l.seen.notListed)
	}
}

// onlyWithheld tells whether the backup holds something of a source namespace, and nothing that is restored: that nothing came
// back then says nothing about the backup.
func (s seen) onlyWithheld(source string) bool {
	any := false
	for kind, names := range s.holds {
		for _, name := range names {
			if !ofNamespace(name, source) || kind == (schema.GroupKind{Kind: "Namespace"}) {
				continue
			}
			any = true
			if scope.Default(kind) && !scope.Everywhere(kind, name[len(source)+1:]) && !(kind == podKind && s.unowned.Has(name)) {
				return false
			}
		}
	}
	return any
}

// namesOf returns the names of those of all, "namespace/name", that are of a namespace.
func namesOf(source string, all []string) []string {
	var names []string
	for _, name := range all {
		if ofNamespace(name, source) {
			names = append(names, name[len(source)+1:])
		}
	}
	return names
}

func ofNamespace(name, source string) bool {
	return len(name) > len(source) && name[len(source)] == '/' && name[:len(source)] == source
}
