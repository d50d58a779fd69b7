package integration

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/util/json"
	"k8s.io/apimachinery/pkg/util/wait"
	"k8s.io/apimachinery/pkg/util/yaml"
	"k8s.io/client-go/discovery/cached/memory"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/restmapper"
)

// crdFiles are our own definitions.
var crdFiles = filepath.Join(root, "manifests/crds/*.yaml")

// poll is how often a condition is looked at.
const poll = 50 * time.Millisecond

// install brings the cluster to where a user has it after installing Velero and Kymaros, but for the controller itself.
func install(ctx context.Context) error {
	for _, crds := range []string{"testdata/velero.yaml", crdFiles} {
		if err := applyFiles(ctx, crds); err != nil {
			return err
		}
	}
	velero := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: veleroNamespace}}
	if _, err := kube.CoreV1().Namespaces().Create(ctx, velero, metav1.CreateOptions{}); err != nil {
		return err
	}
	for _, manifest := range []string{
		"00-namespace.yaml", "05-networkpolicy.yaml", "10-rbac.yaml", "12-metrics.yaml", "15-priorityclass.yaml", "17-storageclass.yaml", "20-modifiers.yaml", "25-group-modifiers.yaml", "27-no-class-modifiers.yaml", "40-dns.yaml",
	} {
		if err := applyFiles(ctx, filepath.Join(root, "manifests", manifest)); err != nil {
			return err
		}
	}
	return installCanaries(ctx)
}

// installCanaries installs all of the canaries but what makes pods: DaemonSets would take pods that a test makes for theirs,
// and delete them for want of a node.
func installCanaries(ctx context.Context) error {
	all, err := readManifests(filepath.Join(root, "manifests/45-canary.yaml"))
	if err != nil {
		return err
	}
	for _, o := range all {
		if kind := o.GetKind(); kind == "DaemonSet" || kind == "Deployment" {
			continue
		}
		if err := apply(ctx, o); err != nil {
			return err
		}
	}
	return nil
}

func applyFiles(ctx context.Context, pattern string) error {
	all, err := readManifests(pattern)
	if err != nil {
		return err
	}
	for _, o := range all {
		if err := apply(ctx, o); err != nil {
			return err
		}
		if o.GetKind() != "CustomResourceDefinition" {
			continue
		}
		name := o.GetName()
		established := func(ctx context.Context) (bool, error) {
			crd, err := objects.Resource(crdResource).Get(ctx, name, metav1.GetOptions{})
			return err == nil && isEstablished(crd), err
		}
		if err := wait.PollUntilContextCancel(ctx, poll, true, established); err != nil {
			return fmt.Errorf("CustomResourceDefinition %s is not established: %w", name, err)
		}
	}
	return nil
}

var crdResource = schema.GroupVersionResource{Group: "apiextensions.k8s.io", Version: "v1", Resource: "customresourcedefinitions"}

func isEstablished(crd *unstructured.Unstructured) bool {
	all, _, _ := unstructured.NestedSlice(crd.Object, "status", "conditions")
	for _, c := range all {
		if c, ok := c.(map[string]any); ok && c["type"] == "Established" {
			return c["status"] == "True"
		}
	}
	return false
}

// readManifests returns the objects in the files.
func readManifests(pattern string) ([]*unstructured.Unstructured, error) {
	files, err := filepath.Glob(pattern)
	if err != nil {
		return nil, err
	}
	if len(files) == 0 {
		return nil, fmt.Errorf("no file %s", pattern)
	}
	var all []*unstructured.Unstructured
	for _, file := range files {
		body, err := os.ReadFile(file)
		if err != nil {
			return nil, err
		}
		some, err := parse(body)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", file, err)
		}
		all = append(all, some...)
	}
	return all, nil
}

// parse returns the objects of a file of YAML documents.
func parse(body []byte) ([]*unstructured.Unstructured, error) {
	var all []*unstructured.Unstructured
	documents := yaml.NewYAMLReader(bufio.NewReader(bytes.NewReader(body)))
	for {
		document, err := documents.Read()
		if errors.Is(err, io.EOF) {
			return all, nil
		}
		if err != nil {
			return nil, err
		}
		document, err = yaml.ToJSON(document)
		if err != nil {
			return nil, err
		}
		o := &unstructured.Unstructured{}
		if err := json.Unmarshal(document, &o.Object); err != nil { // whole numbers become int64, as in answers of the API
			return nil, err
		}
		if len(o.Object) > 0 {
			all = append(all, o)
		}
	}
}

// apply applies o as kubectl apply --server-side does.
func apply(ctx context.Context, o *unstructured.Unstructured) error {
	resource, err := resourceFor(o)
	if err != nil {
		return err
	}
	_, err = resource.Apply(ctx, o.GetName(), o, metav1.ApplyOptions{FieldManager: "integration-test", Force: true})
	if err != nil {
		return fmt.Errorf("apply %s %s: %w", o.GetKind(), o.GetName(), err)
	}
	return nil
}

// resourceFor returns the client for o.
func resourceFor(o *unstructured.Unstructured) (dynamic.ResourceInterface, error) {
	gvk := o.GroupVersionKind()
	mapping, err := restmapper.NewDeferredDiscoveryRESTMapper(memory.NewMemCacheClient(kube.Discovery())).RESTMapping(gvk.GroupKind(), gvk.Version)
	if err != nil {
		return nil, err
	}
	if mapping.Scope.Name() == meta.RESTScopeNameRoot {
		return objects.Resource(mapping.Resource), nil
	}
	return objects.Resource(mapping.Resource).Namespace(o.GetNamespace()), nil
}

// eventually waits until check succeeds and fails t with its last error if that takes too long.
func eventually(t *testing.T, timeout time.Duration, check func(ctx context.Context) error) {
	t.Helper()
	last := errors.New("never looked")
	err := wait.PollUntilContextTimeout(t.Context(), poll, timeout, true, func(ctx context.Context) (bool, error) {
		err := check(ctx)
		if err != nil && ctx.Err() == nil {
			last = err
		}
		return err == nil, nil
	})
	if err != nil {
		t.Fatalf("not after %v: %v", timeout, last)
	}
}

// steadily fails t as soon as check fails within the time.
func steadily(t *testing.T, during time.Duration, check func(ctx context.Context) error) {
	t.Helper()
	var failed error
	err := wait.PollUntilContextTimeout(t.Context(), poll, during, true, func(ctx context.Context) (bool, error) {
		if err := check(ctx); err != nil && ctx.Err() == nil {
			failed = err
			return true, nil
		}
		return false, nil
	})
	if failed != nil {
		t.Fatal(failed)
	}
	if t.Context().Err() != nil {
		t.Fatal(err)
	}
}
