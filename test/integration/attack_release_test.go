package integration

import (
	"context"
	"fmt"
	"testing"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
)

// TestAStolenTokenTakesNoPolicyOffASandboxWithPods: without our finalizer a policy goes when its namespace is deleted, in
// clusters before 1.33 ahead of the pods that take their time.
func TestAStolenTokenTakesNoPolicyOffASandboxWithPods(t *testing.T) {
	const box, unused, by = "attack-release", "attack-release-unused", "kymaros-release"
	attackScene(t, attackSandbox(box, "attack-release-shop")+attackSandbox(unused, "attack-release-shop")+"\n---\n"+
		attackPod(box, "slow", "{metadata: {finalizers: [attack.example.com/slow]}}"))
	c := clientsOf(t, theController).kube
	release := func(ctx context.Context, namespace string) error {
		_, err := c.NetworkingV1().NetworkPolicies(namespace).Patch(ctx, denyAll, types.MergePatchType, []byte(`{"metadata":{"finalizers":null}}`), metav1.PatchOptions{})
		return err
	}
	refusedBy(t, "from a sandbox with a pod", by, release(t.Context(), box))
	refusedBy(t, "from a sandbox that will get pods", by, release(t.Context(), unused))

	// The end of every run.
	if err := c.CoreV1().Namespaces().Delete(t.Context(), box, metav1.DeleteOptions{}); err != nil {
		t.Fatal(err)
	}
	eventually(t, stepTimeout, func(ctx context.Context) error {
		ns, err := kube.CoreV1().Namespaces().Get(ctx, box, metav1.GetOptions{})
		if err == nil && len(ns.Status.Conditions) == 0 {
			err = fmt.Errorf("the cluster has not looked into the namespace, which is %s", ns.Status.Phase)
		}
		return err
	})
	refusedBy(t, "from a sandbox that goes, with a pod that takes its time", by, release(t.Context(), box))
	let := []byte(`{"metadata":{"finalizers":null}}`)
	if _, err := kube.CoreV1().Pods(box).Patch(t.Context(), "slow", types.MergePatchType, let, metav1.PatchOptions{}); err != nil {
		t.Fatal(err)
	}
	eventually(t, stepTimeout, func(ctx context.Context) error {
		err := release(ctx, box)
		if apierrors.IsNotFound(err) {
			return nil
		}
		return err
	})
	pods, err := kube.CoreV1().Pods(box).List(t.Context(), metav1.ListOptions{})
	if err != nil || len(pods.Items) > 0 {
		t.Errorf("the policy was released while there were pods: %v, %v", podNames(pods.Items), err)
	}
}

func podNames(pods []corev1.Pod) []string {
	var all []string
	for i := range pods {
		all = append(all, pods[i].Name)
	}
	return all
}
