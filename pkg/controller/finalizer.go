package controller

import (
	"encoding/json"
	"slices"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/kymaros/kymaros/pkg/apis/restore/v1alpha1"
)

// HasFinalizer tells whether our finalizer is on o.
func HasFinalizer(o metav1.Object) bool {
	return slices.Contains(o.GetFinalizers(), v1alpha1.Finalizer)
}

// FinalizerPatch returns a JSON merge patch that puts our finalizer on o, or takes it off, and leaves others as they are.
// It fails with a conflict if o is not the newest version.
func FinalizerPatch(o metav1.Object, present bool) ([]byte, error) {
	finalizers := slices.DeleteFunc(slices.Clone(o.GetFinalizers()), func(f string) bool { return f == v1alpha1.Finalizer })
	if present {
		finalizers = append(finalizers, v1alpha1.Finalizer)
	}
	return json.Marshal(map[string]any{"metadata": map[string]any{
		"resourceVersion": o.GetResourceVersion(),
		"uid":             o.GetUID(),
		"finalizers":      finalizers,
	}})
}
