// Package clitest runs kubectl kymaros in tests: against a server that answers from a list of objects, and in a terminal of a given width.
package clitest

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/runtime"
)

// resources by kind.
var resources = map[string]string{
	"RestoreTest": "restoretests", "RestoreReport": "restorereports", "HealthCheckPolicy": "healthcheckpolicies", "Namespace": "namespaces",
	"PersistentVolumeClaim": "persistentvolumeclaims", "Backup": "backups", "Schedule": "schedules", "Restore": "restores",
	"BackupStorageLocation": "backupstoragelocations", "PodVolumeBackup": "podvolumebackups", "DataUpload": "datauploads",
	"Node": "nodes", "Pod": "pods", "Secret": "secrets", "ConfigMap": "configmaps", "Deployment": "deployments", "DaemonSet": "daemonsets", "Lease": "leases",
	"StatefulSet": "statefulsets", "Service": "services",
	"StorageClass": "storageclasses", "PriorityClass": "priorityclasses", "VolumeSnapshotClass": "volumesnapshotclasses",
	"CustomResourceDefinition": "customresourcedefinitions", "ValidatingAdmissionPolicy": "validatingadmissionpolicies",
	"ValidatingAdmissionPolicyBinding": "validatingadmissionpolicybindings",
}

// Serve starts a server that lists and gets objects, and returns its address. What it does not have is an empty list.
func Serve(t testing.TB, objects ...runtime.Object) string {
	t.Helper()
	return serve(t, nil, objects)
}

// ServeChanges is Serve, and whoever watches is told these changes, one after the other. A patch is answered and forgotten: the
// changes tell what became of it.
func ServeChanges(t testing.TB, changes []runtime.Object, objects ...runtime.Object) string {
	t.Helper()
	return serve(t, changes, objects)
}

func serve(t testing.TB, changes, objects []runtime.Object) string {
	t.Helper()
	closed := make(chan struct{})
	byResource := map[string][]unstructured.Unstructured{}
	for _, o := range objects {
		fields, err := runtime.DefaultUnstructuredConverter.ToUnstructured(o)
		if err != nil {
			t.Fatal(err)
		}
		u := unstructured.Unstructured{Object: fields}
		if resources[u.GetKind()] == "" {
			t.Fatalf("kind %q of %s is not served", u.GetKind(), u.GetName())
		}
		byResource[resources[u.GetKind()]] = append(byResource[resources[u.GetKind()]], u)
	}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		if answer := general(r); answer != nil {
			_ = json.NewEncoder(w).Encode(answer)
			return
		}
		version, namespace, resource, name := split(r.URL.Path)
		selector, err := labels.Parse(r.URL.Query().Get("labelSelector"))
		if err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		if r.URL.Query().Get("watch") == "true" {
			for _, o := range changes {
				_ = json.NewEncoder(w).Encode(map[string]any{"type": "MODIFIED", "object": o})
			}
			_ = http.NewResponseController(w).Flush()
			select {
			case <-r.Context().Done():
			case <-closed:
			}
			return
		}
		items := []map[string]any{}
		for _, o := range byResource[resource] {
			if namespace != "" && o.GetNamespace() != namespace || !selector.Matches(labels.Set(o.GetLabels())) {
				continue
			}
			if name == o.GetName() {
				_ = json.NewEncoder(w).Encode(o.Object)
				return
			}
			items = append(items, o.Object)
		}
		if name != "" {
			w.WriteHeader(http.StatusNotFound)
			_ = json.NewEncoder(w).Encode(metav1.Status{
				TypeMeta: metav1.TypeMeta{APIVersion: "v1", Kind: "Status"}, Status: metav1.StatusFailure, Code: http.StatusNotFound, Reason: metav1.StatusReasonNotFound,
				Message: resource + " \"" + name + "\" not found", Details: &metav1.StatusDetails{Name: name, Kind: resource},
			})
			return
		}
		_ = json.NewEncoder(w).Encode(map[string]any{"apiVersion": version, "kind": listOf(resource), "metadata": map[string]any{}, "items": items})
	}))
	t.Cleanup(func() { close(closed); server.Close() })
	return server.URL
}

// general answers what is asked of no object: which version the server is, what it serves, and what the user may do, which is all.
func general(r *http.Request) any {
	version, _, resource, _ := split(r.URL.Path)
	switch {
	case r.URL.Path == "/version":
		return map[string]string{"gitVersion": "v1.36.3"}
	case resource == "":
		list := metav1.APIResourceList{TypeMeta: metav1.TypeMeta{APIVersion: "v1", Kind: "APIResourceList"}, GroupVersion: version}
		for kind, name := range resources {
			list.APIResources = append(list.APIResources, metav1.APIResource{Name: name, Kind: kind})
		}
		return list
	case resource == "selfsubjectaccessreviews":
		return map[string]any{"apiVersion": version, "kind": "SelfSubjectAccessReview", "status": map[string]bool{"allowed": true}}
	}
	return nil
}

// split returns the parts of /apis/GROUP/VERSION/namespaces/NAMESPACE/RESOURCE/NAME.
func split(path string) (version, namespace, resource, name string) {
	parts := strings.Split(strings.Trim(path, "/"), "/")
	n := 2
	if parts[0] == "apis" {
		n = 3
	}
	n = min(n, len(parts))
	version, parts = strings.Join(parts[1:n], "/"), parts[n:]
	if len(parts) > 2 && parts[0] == "namespaces" {
		namespace, parts = parts[1], parts[2:]
	}
	switch len(parts) {
	case 0:
	case 1:
		resource = parts[0]
	default:
		resource, name = parts[0], parts[1]
	}
	return version, namespace, resource, name
}

// listOf returns the kind of a list of the resource.
func listOf(resource string) string {
	for kind, r := range resources {
		if r == resource {
			return kind + "List"
		}
	}
	return "List"
}
