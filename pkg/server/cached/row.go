package cached

import (
	"cmp"
	"fmt"
	"unique"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/kymaros/kymaros/pkg/apis/restore/v1alpha1"
)

// Key is what caches know a row by: the only metadata that they read.
type Key struct{ Namespace, Name string }

// GetObjectMeta makes rows objects for caches.
func (k *Key) GetObjectMeta() metav1.Object {
	return &metav1.ObjectMeta{Namespace: k.Namespace, Name: k.Name}
}

// Compare orders by namespace, then by name.
func (k *Key) Compare(other *Key) int {
	return cmp.Or(cmp.Compare(k.Namespace, other.Namespace), cmp.Compare(k.Name, other.Name))
}

func keyOf(o metav1.Object) Key {
	return Key{same(o.GetNamespace()), o.GetName()}
}

// nothing stands for an object that no list tells of.
type nothing struct{ Key }

// toRow is the transform of all informers. It is called again with what it has returned.
func toRow(obj any) (any, error) {
	switch o := obj.(type) {
	case *v1alpha1.RestoreTest:
		return toTestRow(o), nil
	case *v1alpha1.RestoreReport:
		return toReportRow(o), nil
	case *v1alpha1.HealthCheckPolicy:
		return toPolicyRow(o), nil
	case *Test, *Report, *Policy, *nothing:
		return obj, nil
	}
	return nil, fmt.Errorf("no row is made of a %T", obj)
}

// same has equal texts of many rows share their memory.
func same[T ~string](text T) T { return unique.Make(text).Value() }
