package cleanup

import (
	"context"
	"errors"
	"fmt"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/tools/cache"
	"k8s.io/klog/v2"
	"k8s.io/utils/ptr"

	"github.com/kymaros/kymaros/pkg/apis/restore/v1alpha1"
	"github.com/kymaros/kymaros/pkg/controller"
)

// podGrace is how many seconds a pod of a sandbox gets to stop, whatever its spec asks for: nothing that it could save is kept.
// Less the kubelet does not give. The cluster looks 5 and 10 s after a namespace was deleted whether its pods are gone, and
// next after half of what they ask for, so they had better be.
const podGrace int64 = 2

// lingers tells whether a pod is not deleted yet, or is given more time than podGrace.
func lingers(pod metav1.Object) bool {
	return pod.GetDeletionTimestamp() == nil || ptr.Deref(pod.GetDeletionGracePeriodSeconds(), 0) > podGrace
}

// hurry deletes the pods of terminating sandboxes with a short grace; the deletion of a namespace passes none on. A namespace
// that terminates takes no new ones. A later deletion with a shorter grace shortens one that is under way.
func (c *Controller) hurry(ctx context.Context, key cache.ObjectName, namespaces []*corev1.Namespace) error {
	var errs []error
	for _, ns := range namespaces {
		// Pods are named by their namespace alone, so it is looked at again: our finalizer keeps its name from anybody else.
		live, err := c.kube.CoreV1().Namespaces().Get(ctx, ns.Name, metav1.GetOptions{})
		if apierrors.IsNotFound(err) {
			continue
		}
		if err != nil {
			errs = append(errs, err)
			continue
		}
		if !sameSandbox(live, ns, key) || live.DeletionTimestamp == nil || !controller.HasFinalizer(live) {
			continue
		}
		klog.FromContext(ctx).V(2).Info("Deleting the pods of a sandbox", "namespace", ns.Name, "gracePeriodSeconds", podGrace)
		err = c.kube.CoreV1().Pods(ns.Name).DeleteCollection(ctx, metav1.DeleteOptions{GracePeriodSeconds: new(podGrace)}, metav1.ListOptions{})
		if err != nil && !apierrors.IsNotFound(err) {
			errs = append(errs, fmt.Errorf("delete the pods of %s: %w", ns.Name, err))
		}
	}
	return errors.Join(errs...)
}

// sameSandbox tells whether live is the sandbox that was seen, and still says that it was made for that run of the test.
func sameSandbox(live, seen *corev1.Namespace, key cache.ObjectName) bool {
	of, marked := controller.TestOf(live)
	return marked && of == key && sandbox(live) && live.UID == seen.UID && live.Labels[v1alpha1.LabelRun] == seen.Labels[v1alpha1.LabelRun]
}
