package stage

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"sync"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
)

var gadgets = schema.GroupVersionResource{Group: "hazard.example.com", Version: "v1", Resource: "gadgets"}

// Hazards is the application of testdata/hazards.yaml, with two backups of it.
type Hazards struct {
	Namespace string
	// Sound is a backup of all of it; Unsound has one more workload, whose image does not exist.
	Sound, Unsound string
	// Volume was made by hand and is bound by claim archive, Free was made by hand for somebody else.
	Volume, Free string
	// Stop ends the operator and removes what is not in the namespace.
	Stop func(context.Context) error
}

// Crowd of ConfigMaps: as many as a large namespace holds.
const Crowd = 1200

// OperatorLog is the ConfigMap into which the operator writes when a Gadget, anywhere, is deleted.
const OperatorLog = "operator-log"

// DeployHazards deploys the application, with so many ConfigMaps more, and its operator, and backs it up twice.
func (c *Cluster) DeployHazards(ctx context.Context, crowd int) (h Hazards, err error) {
	h = Hazards{
		Namespace: c.Name("hazards"), Sound: c.Name("hazards-sound"), Unsound: c.Name("hazards-unsound"), Volume: c.Name("archive"), Free: c.Name("free"),
	}
	h.Stop = func(context.Context) error { return nil }
	stopOperator, err := c.runOperator(ctx, h.Namespace)
	if err != nil {
		return h, err
	}
	var directories []string
	h.Stop = func(ctx context.Context) error {
		stopOperator()
		var errs []error
		for _, name := range []string{h.Volume, h.Free} {
			if err := c.Kube.CoreV1().PersistentVolumes().Delete(ctx, name, metav1.DeleteOptions{}); err != nil && !apierrors.IsNotFound(err) {
				errs = append(errs, err)
			}
		}
		for _, directory := range directories {
			errs = append(errs, os.RemoveAll(directory))
		}
		return errors.Join(errs...)
	}
	for _, name := range []string{h.Volume, h.Free} {
		directory, err := os.MkdirTemp("/var/tmp", name+"-")
		if err != nil {
			return h, err
		}
		directories = append(directories, directory)
		if err := c.createVolume(ctx, name, directory); err != nil {
			return h, err
		}
	}
	if err := c.Deploy(ctx, App{File: "hazards.yaml", Namespace: h.Namespace, Volume: h.Volume}); err != nil {
		return h, err
	}
	if err := c.crowd(ctx, h.Namespace, crowd); err != nil {
		return h, err
	}
	for _, app := range []string{"web", "archive", "cache", "host-network", "migrate", "node-agent"} {
		if err := c.awaitReady(ctx, h.Namespace, "app="+app); err != nil {
			return h, err
		}
	}
	if err := c.pointAtProduction(ctx, h.Namespace); err != nil {
		return h, err
	}
	if err := c.Backup(ctx, h.Sound, h.Namespace); err != nil {
		return h, err
	}
	if err := c.Add(ctx, App{File: "noimage.yaml", Namespace: h.Namespace}); err != nil {
		return h, err
	}
	return h, c.Backup(ctx, h.Unsound, h.Namespace)
}

// createVolume makes a volume by hand, in a directory of the node. Anybody may enter it: until 1.17 Velero's container that waits for the
// data is not root, and waits for ever where it may not look.
func (c *Cluster) createVolume(ctx context.Context, name, directory string) error {
	if err := os.Chmod(directory, 0o755); err != nil {
		return err
	}
	nodes, err := c.Kube.CoreV1().Nodes().List(ctx, metav1.ListOptions{})
	if err != nil || len(nodes.Items) == 0 {
		return fmt.Errorf("no node: %w", err)
	}
	_, err = c.Kube.CoreV1().PersistentVolumes().Create(ctx, &corev1.PersistentVolume{
		ObjectMeta: metav1.ObjectMeta{Name: name},
		Spec: corev1.PersistentVolumeSpec{
			Capacity:    corev1.ResourceList{corev1.ResourceStorage: resource.MustParse("64Mi")},
			AccessModes: []corev1.PersistentVolumeAccessMode{corev1.ReadWriteOnce}, PersistentVolumeReclaimPolicy: corev1.PersistentVolumeReclaimRetain,
			PersistentVolumeSource: corev1.PersistentVolumeSource{Local: &corev1.LocalVolumeSource{Path: directory}},
			NodeAffinity: &corev1.VolumeNodeAffinity{Required: &corev1.NodeSelector{NodeSelectorTerms: []corev1.NodeSelectorTerm{{
				MatchExpressions: []corev1.NodeSelectorRequirement{{Key: corev1.LabelHostname, Operator: corev1.NodeSelectorOpIn, Values: []string{nodes.Items[0].Labels[corev1.LabelHostname]}}},
			}}}},
		},
	}, metav1.CreateOptions{})
	return err
}

// crowd fills the namespace with ConfigMaps.
func (c *Cluster) crowd(ctx context.Context, namespace string, size int) error {
	numbers := make(chan int)
	failed := make(chan error, size)
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for n := range numbers {
				_, err := c.Kube.CoreV1().ConfigMaps(namespace).Create(ctx, &corev1.ConfigMap{
					ObjectMeta: metav1.ObjectMeta{Name: fmt.Sprintf("one-of-many-%04d", n)}, Data: map[string]string{"n": fmt.Sprint(n)},
				}, metav1.CreateOptions{})
				failed <- err
			}
		})
	}
	for n := range size {
		numbers <- n
	}
	close(numbers)
	wg.Wait()
	close(failed)
	var errs []error
	for err := range failed {
		errs = append(errs, err)
	}
	return errors.Join(errs...)
}

// awaitReady waits until a pod with the labels is ready.
func (c *Cluster) awaitReady(ctx context.Context, namespace, selector string) error {
	return Poll(ctx, time.Minute, func(ctx context.Context) error {
		pods, err := c.Kube.CoreV1().Pods(namespace).List(ctx, metav1.ListOptions{LabelSelector: selector})
		if err != nil {
			return err
		}
		for i := range pods.Items {
			if Ready(&pods.Items[i]) {
				return nil
			}
		}
		return fmt.Errorf("no pod with %s in namespace %s is ready", selector, namespace)
	})
}

// pointAtProduction puts the address of a pod behind Service legacy.
func (c *Cluster) pointAtProduction(ctx context.Context, namespace string) error {
	pods, err := c.Kube.CoreV1().Pods(namespace).List(ctx, metav1.ListOptions{LabelSelector: "app=web"})
	if err != nil || len(pods.Items) == 0 {
		return fmt.Errorf("no web pod: %w", err)
	}
	_, err = c.Kube.CoreV1().Endpoints(namespace).Create(ctx, &corev1.Endpoints{ //nolint:staticcheck // deprecated, and still in many clusters
		ObjectMeta: metav1.ObjectMeta{Name: "legacy"},
		Subsets: []corev1.EndpointSubset{{ //nolint:staticcheck // as above
			Addresses: []corev1.EndpointAddress{{IP: pods.Items[0].Status.PodIP}}, Ports: []corev1.EndpointPort{{Name: "http", Port: 8080}},
		}},
	}, metav1.CreateOptions{})
	return err
}

var gadgetDefinition = schema.GroupVersionResource{Group: "apiextensions.k8s.io", Version: "v1", Resource: "customresourcedefinitions"}

// serveGadgets has the cluster know Gadgets. Velero asks which kinds there are when it starts, and then every five minutes,
// so it is started anew.
func (c *Cluster) serveGadgets(ctx context.Context) error {
	schema := map[string]any{"type": "object", "x-kubernetes-preserve-unknown-fields": true}
	_, err := c.Objects.Resource(gadgetDefinition).Create(ctx, &unstructured.Unstructured{Object: map[string]any{
		"apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition", "metadata": map[string]any{"name": "gadgets.hazard.example.com"},
		"spec": map[string]any{
			"group": gadgets.Group, "scope": "Namespaced", "names": map[string]any{"kind": "Gadget", "listKind": "GadgetList", "plural": "gadgets", "singular": "gadget"},
			"versions": []any{map[string]any{"name": "v1", "served": true, "storage": true, "schema": map[string]any{"openAPIV3Schema": schema}}},
		},
	}}, metav1.CreateOptions{})
	if apierrors.IsAlreadyExists(err) {
		return nil
	}
	if err != nil {
		return err
	}
	err = Poll(ctx, 30*time.Second, func(ctx context.Context) error {
		_, err := c.Objects.Resource(gadgets).List(ctx, metav1.ListOptions{})
		return err
	})
	if err != nil {
		return err
	}
	return errors.Join(c.Scale(ctx, VeleroNamespace, "velero", 0), c.Scale(ctx, VeleroNamespace, "velero", 1))
}

// runOperator runs what operators of databases and clouds do: when a Gadget is deleted, in whatever namespace, it cleans up
// "the real thing", which stands for production. It returns what ends it.
func (c *Cluster) runOperator(ctx context.Context, production string) (stop func(), err error) {
	ctx, cancel := context.WithCancel(context.WithoutCancel(ctx))
	changes, err := c.Objects.Resource(gadgets).Watch(ctx, metav1.ListOptions{})
	if err != nil {
		cancel()
		return nil, err
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		for change := range changes.ResultChan() {
			if gadget, ok := change.Object.(*unstructured.Unstructured); ok && gadget.GetDeletionTimestamp() != nil && len(gadget.GetFinalizers()) > 0 {
				c.operate(ctx, production, gadget)
			}
		}
	}()
	return func() { cancel(); <-done }, nil
}

// operate does what the operator does about a Gadget that is being deleted. What fails is seen by the test: the Gadget
// stays, or the log is missing.
func (c *Cluster) operate(ctx context.Context, production string, gadget *unstructured.Unstructured) {
	_, _ = c.Kube.CoreV1().ConfigMaps(production).Create(ctx, &corev1.ConfigMap{
		ObjectMeta: metav1.ObjectMeta{Name: OperatorLog}, Data: map[string]string{"deleted": gadget.GetNamespace() + "/" + gadget.GetName()},
	}, metav1.CreateOptions{})
	patch, _ := json.Marshal(map[string]any{"metadata": map[string]any{"finalizers": nil}}) // of constants
	_, _ = c.Objects.Resource(gadgets).Namespace(gadget.GetNamespace()).Patch(ctx, gadget.GetName(), types.MergePatchType, patch, metav1.PatchOptions{})
}

// Unhold takes the finalizer off ConfigMap held, so that the namespace can go.
func (c *Cluster) Unhold(ctx context.Context, namespace string) error {
	_, err := c.Kube.CoreV1().ConfigMaps(namespace).Patch(ctx, "held", types.MergePatchType, []byte(`{"metadata":{"finalizers":null}}`), metav1.PatchOptions{})
	if apierrors.IsNotFound(err) {
		return nil
	}
	return err
}
