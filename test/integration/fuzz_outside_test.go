package integration

import (
	"context"
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strings"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/util/sets"
	"k8s.io/client-go/discovery"

	"github.com/kymaros/kymaros/pkg/apis/restore/v1alpha1"
)

// remains is all that stolen tokens of the controller and of the prober may change outside of sandboxes, as SECURITY.md says it, and what the
// cluster changes by itself. mask takes out of an object what may differ, and tells whether the rest of it counts at all.
var remains = []struct {
	resource string // with its group
	why      string
	mask     func(o *unstructured.Unstructured, sandboxes sets.Set[string]) (counts bool)
}{
	{"restores.velero.io", "what Velero is asked for, by names and labels of ours; what each says, fuzz.Wrong looks at", func(o *unstructured.Unstructured, _ sets.Set[string]) bool {
		return o.GetNamespace() != veleroNamespace || !strings.HasPrefix(o.GetName(), "kymaros-") || o.GetLabels()[v1alpha1.LabelManagedBy] != v1alpha1.ManagedBy
	}},
	{"downloadrequests.velero.io", "the one request for the list of a backup", func(o *unstructured.Unstructured, _ sets.Set[string]) bool {
		kind, _, _ := unstructured.NestedString(o.Object, "spec", "target", "kind")
		return o.GetNamespace() != veleroNamespace || !strings.HasPrefix(o.GetName(), "kymaros-inventory") || kind != "BackupResourceList"
	}},
	{"configmaps", "the address of the nameserver in the modifiers for group", func(o *unstructured.Unstructured, _ sets.Set[string]) bool {
		if o.GetNamespace() == veleroNamespace && o.GetName() == "kymaros-group-modifiers" {
			if rules, found, _ := unstructured.NestedString(o.Object, "data", "rules.yaml"); found {
				_ = unstructured.SetNestedField(o.Object, nameserver.ReplaceAllString(rules, "nameservers: [ADDRESS]"), "data", "rules.yaml")
			}
		}
		return true
	}},
	{"events", "what is told about RestoreTests, and what others tell", func(o *unstructured.Unstructured, _ sets.Set[string]) bool {
		kind, _, _ := unstructured.NestedString(o.Object, "involvedObject", "kind")
		namespace, _, _ := unstructured.NestedString(o.Object, "involvedObject", "namespace")
		ours := slices.ContainsFunc(o.GetManagedFields(), func(f metav1.ManagedFieldsEntry) bool { return f.Manager == fuzzAgent })
		return ours && (kind != "RestoreTest" || namespace != o.GetNamespace())
	}},
	{"leases.coordination.k8s.io", "who of the controllers leads; and the API server's own", func(o *unstructured.Unstructured, _ sets.Set[string]) bool {
		return !(o.GetNamespace() == systemNamespace && o.GetName() == "kymaros-controller") && !(o.GetNamespace() == "kube-system" && strings.HasPrefix(o.GetName(), "apiserver-"))
	}},
	{"restoretests.restore.kymaros.io", "the finalizer and the status of tests", func(o *unstructured.Unstructured, _ sets.Set[string]) bool {
		delete(o.Object, "status")
		others := slices.DeleteFunc(o.GetFinalizers(), func(f string) bool { return f == v1alpha1.Finalizer })
		unstructured.RemoveNestedField(o.Object, "metadata", "finalizers")
		if len(others) > 0 {
			o.SetFinalizers(others)
		}
		return true
	}},
	{"restorereports.restore.kymaros.io", "reports", func(*unstructured.Unstructured, sets.Set[string]) bool { return false }},
	{"persistentvolumes", "the reclaim policy of volumes that are bound in sandboxes", func(o *unstructured.Unstructured, sandboxes sets.Set[string]) bool {
		claim, _, _ := unstructured.NestedString(o.Object, "spec", "claimRef", "namespace")
		phase, _, _ := unstructured.NestedString(o.Object, "status", "phase")
		if sandboxes.Has(claim) && phase == "Bound" {
			unstructured.RemoveNestedField(o.Object, "spec", "persistentVolumeReclaimPolicy")
		}
		return true
	}},
	{"volumesnapshotcontents.snapshot.storage.k8s.io", "what our Restores leave of snapshots, and no snapshot", func(o *unstructured.Unstructured, _ sets.Set[string]) bool {
		policy, _, _ := unstructured.NestedString(o.Object, "spec", "deletionPolicy")
		return policy != "Retain" || !strings.HasPrefix(o.GetLabels()["velero.io/restore-name"], "kymaros-")
	}},
	{"validatingadmissionpolicies.admissionregistration.k8s.io", "the cluster notes in the status whether they are well typed", func(o *unstructured.Unstructured, _ sets.Set[string]) bool {
		delete(o.Object, "status")
		return true
	}},
}

var nameserver = regexp.MustCompile(`nameservers: \["[0-9a-f.:]{2,39}"\]`)

// outside looks at all that is in no sandbox.
type outside struct {
	kinds []schema.GroupVersionResource
	// ignored are namespaces that were going when the first look was made.
	ignored sets.Set[string]
}

// newOutside finds out what kinds there are.
func newOutside(ctx context.Context) (*outside, error) {
	lists, err := kube.Discovery().ServerPreferredResources()
	if err != nil {
		return nil, err
	}
	w := &outside{ignored: sets.New[string]()}
	for _, list := range discovery.FilteredBy(discovery.SupportsAllVerbs{Verbs: []string{"list"}}, lists) {
		group, err := schema.ParseGroupVersion(list.GroupVersion)
		if err != nil {
			return nil, err
		}
		for _, kind := range list.APIResources {
			// Both are others seen again: events by another group, and whether etcd answers.
			if group.Group != "events.k8s.io" && kind.Name != "componentstatuses" {
				w.kinds = append(w.kinds, group.WithResource(kind.Name))
			}
		}
	}
	namespaces, err := kube.CoreV1().Namespaces().List(ctx, metav1.ListOptions{})
	if err != nil {
		return nil, err
	}
	for i := range namespaces.Items {
		if namespaces.Items[i].DeletionTimestamp != nil {
			w.ignored.Insert(namespaces.Items[i].Name)
		}
	}
	return w, nil
}

// look returns every object that is in no sandbox and is none, without what may differ, as JSON.
func (w *outside) look(ctx context.Context) (map[string]string, error) {
	namespaces, err := kube.CoreV1().Namespaces().List(ctx, metav1.ListOptions{LabelSelector: v1alpha1.LabelManagedBy + "=" + v1alpha1.ManagedBy})
	if err != nil {
		return nil, err
	}
	sandboxes := sets.New[string]()
	for i := range namespaces.Items {
		sandboxes.Insert(namespaces.Items[i].Name)
	}
	all := map[string]string{}
	for _, kind := range w.kinds {
		list, err := objects.Resource(kind).List(ctx, metav1.ListOptions{})
		if ignoreNotFound(err) != nil {
			return nil, fmt.Errorf("list %s: %w", kind.GroupResource(), err)
		}
		if err != nil {
			continue // a kind that a test before this one has taken away
		}
		for i := range list.Items {
			o := &list.Items[i]
			if sandboxes.Has(o.GetNamespace()) || w.ignored.Has(o.GetNamespace()) ||
				kind.Resource == "namespaces" && (sandboxes.Has(o.GetName()) || w.ignored.Has(o.GetName())) || !counts(kind.GroupResource().String(), o, sandboxes) {
				continue
			}
			text, err := json.MarshalIndent(normal(o).Object, "", " ")
			if err != nil {
				return nil, err
			}
			all[keyOf(kind, o.GetNamespace(), o.GetName())] = string(text)
		}
	}
	return all, nil
}

func keyOf(kind schema.GroupVersionResource, namespace, name string) string {
	return fmt.Sprintf("%s %s/%s", kind.GroupResource(), namespace, name)
}

func counts(resource string, o *unstructured.Unstructured, sandboxes sets.Set[string]) bool {
	for _, r := range remains {
		if r.resource == resource && !r.mask(o, sandboxes) {
			return false
		}
	}
	return true
}

// normal takes out what differs from write to write, though nothing is changed.
func normal(o *unstructured.Unstructured) *unstructured.Unstructured {
	for _, field := range []string{"resourceVersion", "managedFields", "generation"} {
		unstructured.RemoveNestedField(o.Object, "metadata", field)
	}
	withoutTimes(o.Object["status"])
	return o
}

func withoutTimes(value any) {
	switch v := value.(type) {
	case map[string]any:
		for field, inner := range v {
			if strings.HasSuffix(field, "Time") || strings.HasSuffix(field, "Timestamp") {
				delete(v, field)
				continue
			}
			withoutTimes(inner)
		}
	case []any:
		for _, inner := range v {
			withoutTimes(inner)
		}
	}
}
