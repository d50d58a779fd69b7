package sideeffects

import (
	"slices"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/util/sets"

	"github.com/kymaros/kymaros/pkg/scope"
)

// Observer keeps the Ledger of a look, and notes of which source namespaces anything came back. It is not safe for concurrent use.
type Observer struct {
	restore string
	seen    Seen
}

// Seen is what an Observer found.
type Seen struct {
	Ledger Ledger
	// Back are the source namespaces of which anything came back.
	Back sets.Set[string]
	// Unowned are pods of production that every test leaves out, "source/name".
	Unowned sets.Set[string]
}

// NewObserver returns an Observer of what the Restore of that name brings back.
func NewObserver(restore string) *Observer {
	return &Observer{restore: restore, seen: Seen{Back: sets.New[string](), Unowned: sets.New[string]()}}
}

// Source takes note of an object of production. Of which kinds it wants the whole object RulesOf tells.
func (o *Observer) Source(namespace string, kind schema.GroupKind, object metav1.Object) {
	o.seen.Ledger.Production(namespace, kind, object)
	if pod, ok := object.(*corev1.Pod); ok && slices.ContainsFunc(scope.Unowned, labels.Set(pod.Labels).Has) {
		o.seen.Unowned.Insert(namespace + "/" + pod.Name)
	}
}

// Sandbox takes note of an object that is in the sandbox for source.
func (o *Observer) Sandbox(source string, kind schema.GroupKind, object metav1.Object) {
	if !Back(object, o.restore) {
		return
	}
	o.seen.Ledger.Sandbox(source, kind, object)
	if kind != (schema.GroupKind{Kind: "ServiceAccount"}) || object.GetName() != "default" { // Velero adds to the one that is there
		o.seen.Back.Insert(source)
	}
}

// Gone takes note that a source namespace does not exist any more.
func (o *Observer) Gone(source string) { o.seen.Ledger.Gone(source) }

// Unread takes note of something of production that could not be looked at.
func (o *Observer) Unread(what string) { o.seen.Ledger.Unread(what) }

// Result returns what was found.
func (o *Observer) Result() Seen { return o.seen }

// OnlyWithheld tells whether the backup holds something of a source namespace, and nothing that is restored: that nothing came
// back then says nothing about the backup.
func (s Seen) OnlyWithheld(source string, holds Inventory) bool {
	any := false
	for kind, names := range holds {
		for _, name := range names {
			if !ofNamespace(name, source) || kind == (schema.GroupKind{Kind: "Namespace"}) {
				continue
			}
			any = true
			unowned := kind == (schema.GroupKind{Kind: "Pod"}) && s.Unowned.Has(name)
			if scope.Default(kind) && !scope.Everywhere(kind, name[len(source)+1:]) && !unowned {
				return false
			}
		}
	}
	return any
}

func ofNamespace(name, source string) bool {
	return len(name) > len(source) && name[len(source)] == '/' && name[:len(source)] == source
}
