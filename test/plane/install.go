package plane

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
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

// poll is how often a condition is looked at.
const poll = 50 * time.Millisecond

// Install brings the cluster to where a user has it after installing Velero and Kymaros, but for the controller itself.
func (c *Cluster) Install(ctx context.Context) error {
	for _, crds := range []string{"test/integration/testdata/velero.yaml", "manifests/crds/*.yaml"} {
		if err := c.ApplyFiles(ctx, filepath.Join(c.root, crds)); err != nil {
			return err
		}
	}
	velero := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: VeleroNamespace}}
	if _, err := c.Kube.CoreV1().Namespaces().Create(ctx, velero, metav1.CreateOptions{}); err != nil {
		return err
	}
	if VeleroNamespace != shippedVelero {
		if err := c.applyWithoutPods(ctx, filepath.Join(c.root, "manifests/overlays", VeleroNamespace, "kymaros.yaml")); err != nil {
			return err
		}
		return c.ApplyFiles(ctx, filepath.Join(c.root, "manifests/archive/access.yaml"))
	}
	for _, manifest := range []string{
		"00-namespace.yaml", "05-networkpolicy.yaml", "10-rbac.yaml", "11-sandbox-roles.yaml", "12-metrics.yaml", "15-priorityclass.yaml", "17-storageclass.yaml", "20-modifiers.yaml", "25-group-modifiers.yaml", "27-no-class-modifiers.yaml", "40-dns.yaml", "50-api.yaml", "55-notify.yaml", "archive/access.yaml",
	} {
		if err := c.ApplyFiles(ctx, filepath.Join(c.root, "manifests", manifest)); err != nil {
			return err
		}
	}
	if err := c.applyWithoutPods(ctx, filepath.Join(c.root, "manifests/35-prober.yaml")); err != nil {
		return err
	}
	return c.InstallCanaries(ctx)
}

// InstallCanaries installs all of the canaries but what makes pods: DaemonSets would take pods that a test makes for theirs,
// and delete them for want of a node.
func (c *Cluster) InstallCanaries(ctx context.Context) error {
	return c.applyWithoutPods(ctx, filepath.Join(c.root, "manifests/45-canary.yaml"))
}

// applyWithoutPods applies the objects in the files but what makes pods.
func (c *Cluster) applyWithoutPods(ctx context.Context, pattern string) error {
	all, err := ReadManifests(pattern)
	if err != nil {
		return err
	}
	for _, o := range all {
		if kind := o.GetKind(); kind == "DaemonSet" || kind == "Deployment" {
			continue
		}
		if err := c.Apply(ctx, o); err != nil {
			return err
		}
	}
	return nil
}

// ApplyFiles applies the objects in the files, and waits until definitions among them are established.
func (c *Cluster) ApplyFiles(ctx context.Context, pattern string) error {
	all, err := ReadManifests(pattern)
	if err != nil {
		return err
	}
	for _, o := range all {
		name, isKind := o.GetName(), o.GetKind() == "CustomResourceDefinition"
		if isKind { // one that a test before has deleted counts as established to its end
			ended := func(ctx context.Context) (bool, error) {
				crd, err := c.Objects.Resource(CRDResource).Get(ctx, name, metav1.GetOptions{})
				return apierrors.IsNotFound(err) || err == nil && crd.GetDeletionTimestamp() == nil, nil
			}
			if err := wait.PollUntilContextCancel(ctx, poll, true, ended); err != nil {
				return fmt.Errorf("CustomResourceDefinition %s is still being deleted: %w", name, err)
			}
		}
		if err := c.Apply(ctx, o); err != nil {
			return err
		}
		if !isKind {
			continue
		}
		established := func(ctx context.Context) (bool, error) {
			crd, err := c.Objects.Resource(CRDResource).Get(ctx, name, metav1.GetOptions{})
			return err == nil && IsEstablished(crd), err
		}
		if err := wait.PollUntilContextCancel(ctx, poll, true, established); err != nil {
			return fmt.Errorf("CustomResourceDefinition %s is not established: %w", name, err)
		}
	}
	return nil
}

// CRDResource are CustomResourceDefinitions.
var CRDResource = schema.GroupVersionResource{Group: "apiextensions.k8s.io", Version: "v1", Resource: "customresourcedefinitions"}

// IsEstablished tells whether a definition is served.
func IsEstablished(crd *unstructured.Unstructured) bool {
	all, _, _ := unstructured.NestedSlice(crd.Object, "status", "conditions")
	for _, c := range all {
		if c, ok := c.(map[string]any); ok && c["type"] == "Established" {
			return c["status"] == "True"
		}
	}
	return false
}

// ReadManifests returns the objects in the files.
func ReadManifests(pattern string) ([]*unstructured.Unstructured, error) {
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
		some, err := Parse(body)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", file, err)
		}
		all = append(all, some...)
	}
	return all, nil
}

// Parse returns the objects of a file of YAML documents.
func Parse(body []byte) ([]*unstructured.Unstructured, error) {
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

// Apply applies o as kubectl apply --server-side does.
func (c *Cluster) Apply(ctx context.Context, o *unstructured.Unstructured) error {
	resource, err := c.ResourceFor(o)
	if err != nil {
		return err
	}
	_, err = resource.Apply(ctx, o.GetName(), o, metav1.ApplyOptions{FieldManager: c.Admin.UserAgent, Force: true})
	if err != nil {
		return fmt.Errorf("apply %s %s: %w", o.GetKind(), o.GetName(), err)
	}
	return nil
}

// ResourceFor returns the client for o.
func (c *Cluster) ResourceFor(o *unstructured.Unstructured) (dynamic.ResourceInterface, error) {
	gvk := o.GroupVersionKind()
	mapping, err := restmapper.NewDeferredDiscoveryRESTMapper(memory.NewMemCacheClient(c.Kube.Discovery())).RESTMapping(gvk.GroupKind(), gvk.Version)
	if err != nil {
		return nil, err
	}
	if mapping.Scope.Name() == meta.RESTScopeNameRoot {
		return c.Objects.Resource(mapping.Resource), nil
	}
	return c.Objects.Resource(mapping.Resource).Namespace(o.GetNamespace()), nil
}
