package stage

import (
	"context"
	"errors"
	"os"

	storagev1 "k8s.io/api/storage/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
)

const defaultClass = "storageclass.kubernetes.io/is-default-class"

// DeployStatic deploys a pod with a volume made by hand, and returns what deletes the volume, once the namespace is gone.
func (c *Cluster) DeployStatic(ctx context.Context, namespace string) (clean func(context.Context) error, err error) {
	directory, err := os.MkdirTemp("/var/tmp", namespace+"-")
	if err != nil {
		return func(context.Context) error { return nil }, err
	}
	clean = func(ctx context.Context) error {
		err := c.Kube.CoreV1().PersistentVolumes().Delete(ctx, namespace, metav1.DeleteOptions{})
		return errors.Join(err, os.RemoveAll(directory))
	}
	if err := c.createVolume(ctx, namespace, directory); err != nil {
		return clean, err
	}
	if err := c.Deploy(ctx, App{File: "static.yaml", Namespace: namespace, Volume: namespace}); err != nil {
		return clean, err
	}
	return clean, c.AwaitPods(ctx, namespace, 1)
}

// WithoutDefaultClass takes the mark of the default off all storage classes, and returns what puts it back.
func (c *Cluster) WithoutDefaultClass(ctx context.Context) (restore func(context.Context) error, err error) {
	classes := c.Kube.StorageV1().StorageClasses()
	list, err := classes.List(ctx, metav1.ListOptions{})
	if err != nil {
		return nil, err
	}
	mark := func(ctx context.Context, value string) error {
		var errs []error
		for i := range list.Items {
			if list.Items[i].Annotations[defaultClass] == "true" {
				patch := []byte(`{"metadata":{"annotations":{"` + defaultClass + `":` + value + `}}}`)
				_, err := classes.Patch(ctx, list.Items[i].Name, types.MergePatchType, patch, metav1.PatchOptions{})
				errs = append(errs, err)
			}
		}
		return errors.Join(errs...)
	}
	return func(ctx context.Context) error { return mark(ctx, `"true"`) }, mark(ctx, "null")
}

// CopyDefaultClass makes a storage class that serves as the default one does.
func (c *Cluster) CopyDefaultClass(ctx context.Context, name string) error {
	classes := c.Kube.StorageV1().StorageClasses()
	list, err := classes.List(ctx, metav1.ListOptions{})
	if err != nil {
		return err
	}
	for _, class := range list.Items {
		if class.Annotations[defaultClass] == "true" {
			class.ObjectMeta = metav1.ObjectMeta{Name: name, Annotations: without(class)}
			_, err := classes.Create(ctx, &class, metav1.CreateOptions{})
			return err
		}
	}
	return errors.New("there is no default storage class")
}

func without(class storagev1.StorageClass) map[string]string {
	all := map[string]string{}
	for key, value := range class.Annotations {
		if key != defaultClass {
			all[key] = value
		}
	}
	return all
}

// Restarts returns the pods of Velero's server and how often each was restarted.
func (c *Cluster) Restarts(ctx context.Context) (map[string]int32, error) {
	pods, err := c.Kube.CoreV1().Pods(VeleroNamespace).List(ctx, metav1.ListOptions{LabelSelector: "deploy=velero"})
	if err != nil {
		return nil, err
	}
	all := map[string]int32{}
	for _, p := range pods.Items {
		for _, s := range p.Status.ContainerStatuses {
			all[p.Name] += s.RestartCount
		}
	}
	return all, nil
}
