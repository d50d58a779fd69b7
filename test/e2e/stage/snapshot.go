package stage

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/discovery"
)

// Snapshot returns all objects of the namespaces, of every kind the cluster knows, with the namespaces themselves and the
// volumes of their claims, as JSON. Only events are left out, which tell of objects and are none, and what a kubelet says by itself.
func (c *Cluster) Snapshot(ctx context.Context, namespaces ...string) (map[string]string, error) {
	all := map[string]string{}
	kinds, err := c.Kube.Discovery().ServerPreferredResources()
	if err != nil {
		return nil, err
	}
	kinds = discovery.FilteredBy(discovery.SupportsAllVerbs{Verbs: []string{"list"}}, kinds)
	for _, list := range kinds {
		group, err := schema.ParseGroupVersion(list.GroupVersion)
		if err != nil {
			return nil, err
		}
		for _, kind := range list.APIResources {
			if !kind.Namespaced || kind.Name == "events" {
				continue
			}
			for _, ns := range namespaces {
				if err := c.add(ctx, all, group.WithResource(kind.Name), ns, ""); err != nil {
					return nil, err
				}
			}
		}
	}
	claimed, err := c.Kube.CoreV1().PersistentVolumes().List(ctx, metav1.ListOptions{})
	if err != nil {
		return nil, err
	}
	for _, ns := range namespaces {
		if err := c.add(ctx, all, schema.GroupVersionResource{Version: "v1", Resource: "namespaces"}, "", "metadata.name="+ns); err != nil {
			return nil, err
		}
		for _, pv := range claimed.Items {
			if pv.Spec.ClaimRef == nil || pv.Spec.ClaimRef.Namespace != ns {
				continue
			}
			if err := c.add(ctx, all, schema.GroupVersionResource{Version: "v1", Resource: "persistentvolumes"}, "", "metadata.name="+pv.Name); err != nil {
				return nil, err
			}
		}
	}
	return all, nil
}

func (c *Cluster) add(ctx context.Context, all map[string]string, resource schema.GroupVersionResource, namespace, field string) error {
	list, err := c.Objects.Resource(resource).Namespace(namespace).List(ctx, metav1.ListOptions{FieldSelector: field})
	if err != nil {
		return fmt.Errorf("list %s in %s: %w", resource, namespace, err)
	}
	for _, o := range list.Items {
		if resource.GroupResource() == (schema.GroupResource{Resource: "pods"}) {
			withoutAllocation(&o)
		}
		text, err := json.MarshalIndent(o.Object, "", " ")
		if err != nil {
			return err
		}
		all[fmt.Sprintf("%s %s/%s", resource.GroupResource(), o.GetNamespace(), o.GetName())] = string(text)
	}
	return nil
}

// withoutAllocation takes out of a pod what its kubelet says of the resources that it has given it, which it reads off the node from
// time to time: it changes by itself, and with it who wrote last.
func withoutAllocation(pod *unstructured.Unstructured) {
	unstructured.RemoveNestedField(pod.Object, "metadata", "resourceVersion")
	unstructured.RemoveNestedField(pod.Object, "status", "resources")
	pod.SetManagedFields(slices.DeleteFunc(pod.GetManagedFields(), func(f metav1.ManagedFieldsEntry) bool { return f.Manager == "kubelet" }))
	containers, _, _ := unstructured.NestedSlice(pod.Object, "status", "containerStatuses")
	for _, c := range containers {
		if status, ok := c.(map[string]any); ok {
			delete(status, "resources")
		}
	}
	if len(containers) > 0 {
		_ = unstructured.SetNestedSlice(pod.Object, containers, "status", "containerStatuses")
	}
}

// Untouched fails t if anything in the namespaces differs at the end of t from what it is now.
func (c *Cluster) Untouched(t testing.TB, namespaces ...string) {
	t.Helper()
	before, err := c.Snapshot(t.Context(), namespaces...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		after, err := c.Snapshot(context.WithoutCancel(t.Context()), namespaces...)
		if err != nil {
			t.Fatal(err)
		}
		Compare(t, before, after)
	})
}
