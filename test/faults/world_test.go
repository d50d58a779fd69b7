package faults

import (
	"crypto/sha256"
	"encoding/json"
	"slices"
	"strings"
	"testing"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/discovery"

	"github.com/kymaros/kymaros/pkg/apis/restore/v1alpha1"
)

// world is what exists.
type world struct {
	// outside are the objects outside of sandboxes, "kind namespace/name", with a sum of what somebody may have changed.
	outside map[string]string
	// ours are those that carry our label, and the RestoreTest that they are for.
	ours map[string]string
}

// unwatched are resources that say nothing of production: they change by themselves.
var unwatched = []string{"events", "leases", "endpoints", "endpointslices", "ipaddresses", "componentstatuses", "apiservices", "controllerrevisions"}

// look lists everything.
func look(t *testing.T) world {
	t.Helper()
	lists, err := cluster.Kube.Discovery().ServerPreferredResources()
	if err != nil && !discovery.IsGroupDiscoveryFailedError(err) {
		t.Fatal(err)
	}
	w := world{outside: map[string]string{}, ours: map[string]string{}}
	var all []unstructured.Unstructured
	sandboxes := map[string]bool{}
	for _, list := range lists {
		gv, err := schema.ParseGroupVersion(list.GroupVersion)
		if err != nil {
			t.Fatal(err)
		}
		for _, r := range list.APIResources {
			if slices.Contains(unwatched, r.Name) || !slices.Contains(r.Verbs, "list") {
				continue
			}
			items, err := cluster.Objects.Resource(gv.WithResource(r.Name)).List(t.Context(), metav1.ListOptions{})
			if apierrors.IsNotFound(err) || apierrors.IsMethodNotSupported(err) {
				continue
			}
			if err != nil {
				t.Fatal(err)
			}
			all = append(all, items.Items...)
		}
	}
	for i := range all {
		if o := &all[i]; o.GetKind() == "Namespace" && o.GetAnnotations()[v1alpha1.AnnotationSource] != "" {
			sandboxes[o.GetName()] = true
		}
	}
	for i := range all {
		o := &all[i]
		name := o.GetKind() + " " + o.GetNamespace() + "/" + o.GetName()
		if o.GetKind() == "Namespace" && sandboxes[o.GetName()] { // though it may lack its labels
			_, w.ours[name], _ = strings.Cut(o.GetAnnotations()[v1alpha1.AnnotationRestoreTest], "/")
			continue
		}
		if o.GetLabels()[v1alpha1.LabelManagedBy] == v1alpha1.ManagedBy && o.GetKind() != "RestoreReport" {
			w.ours[name] = o.GetLabels()[v1alpha1.LabelTest]
			continue
		}
		if sandboxes[o.GetNamespace()] || strings.HasPrefix(o.GetKind(), "RestoreTest") || o.GetKind() == "RestoreReport" {
			continue
		}
		w.outside[name] = sum(t, o)
	}
	return w
}

// sum is the same for two states of an object that somebody cares about.
func sum(t *testing.T, o *unstructured.Unstructured) string {
	t.Helper()
	o = o.DeepCopy()
	delete(o.Object, "status")
	for _, field := range []string{"managedFields", "resourceVersion", "generation"} {
		unstructured.RemoveNestedField(o.Object, "metadata", field)
	}
	body, err := json.Marshal(o.Object)
	if err != nil {
		t.Fatal(err)
	}
	digest := sha256.Sum256(body)
	return string(digest[:])
}
