package healthcheck

import (
	"cmp"
	"context"
	"fmt"
	"slices"

	corev1 "k8s.io/api/core/v1"
	storagev1 "k8s.io/api/storage/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/sets"
	"k8s.io/client-go/tools/cache"

	"github.com/kymaros/kymaros/pkg/apis/restore/v1alpha1"
	"github.com/kymaros/kymaros/pkg/conditions"
	"github.com/kymaros/kymaros/pkg/hindrance"
	"github.com/kymaros/kymaros/pkg/podsecurity"
	"github.com/kymaros/kymaros/pkg/volumes"
)

// notRestored tells whether Velero could not restore everything. What is missing then may have been refused; else it was not
// in the backup.
func notRestored(rt *v1alpha1.RestoreTest) bool {
	restored := conditions.ForRun(rt, v1alpha1.ConditionRestored)
	return restored != nil && restored.Reason == v1alpha1.ReasonPartiallyFailed
}

// lookForRefused finds the claims of a sandbox that pods wait for and that the quota had no room for, or the fence refused for want of a
// class. It asks for nothing unless there may be some. What a claim requests only production can tell: what it does not know is not excused.
func (c *Controller) lookForRefused(ctx context.Context, rt *v1alpha1.RestoreTest, in *contents) error {
	i := slices.IndexFunc(rt.Status.Sandbox.Namespaces, func(ns v1alpha1.SandboxNamespace) bool { return ns.Source == in.source })
	if i < 0 || !notRestored(rt) || !slices.ContainsFunc(in.pods, func(p *corev1.Pod) bool { return missing(p) != "" }) {
		return nil
	}
	sandbox := rt.Status.Sandbox.Namespaces[i]
	var claims [2][]corev1.PersistentVolumeClaim
	for i, namespace := range []string{sandbox.Source, sandbox.Name} {
		list, err := c.watches.kube.CoreV1().PersistentVolumeClaims(namespace).List(ctx, metav1.ListOptions{ResourceVersion: "0"})
		if err != nil {
			return fmt.Errorf("list claims in namespace %s: %w", namespace, err)
		}
		claims[i] = list.Items
	}
	if in.noClass = classless(claims[0], claims[1]); in.noClass.Len() > 0 {
		classes, err := c.watches.kube.StorageV1().StorageClasses().List(ctx, metav1.ListOptions{ResourceVersion: "0"})
		if err != nil {
			return fmt.Errorf("list StorageClasses: %w", err)
		}
		if slices.ContainsFunc(classes.Items, func(c storagev1.StorageClass) bool { return volumes.DefaultClass(&c) }) {
			in.noClass = nil
		}
	}
	if sandbox.Quota.Storage == "" {
		return nil
	}
	quota, err := resource.ParseQuantity(string(sandbox.Quota.Storage))
	if err != nil {
		return fmt.Errorf("status.sandbox: quota of %s: %w", sandbox.Name, err)
	}
	in.noRoom = noRoom(quota, claims[0], claims[1])
	return nil
}

// classless returns the claims of a source that are not in its sandbox and have no class: where there is no default, the fence refuses them.
func classless(source, here []corev1.PersistentVolumeClaim) sets.Set[string] {
	all := sets.New[string]()
	for i := range source {
		if class := source[i].Spec.StorageClassName; class == nil || *class == "" {
			all.Insert(source[i].Name)
		}
	}
	for i := range here {
		all.Delete(here[i].Name)
	}
	return all
}

// lookAtProduction finds the pods of production that a sandbox refuses, once in a run, if Velero could not restore everything
// and a controller made pods in the sandbox: only they can tell that one of these stands in for a pod that was refused.
func (c *Controller) lookAtProduction(ctx context.Context, key cache.ObjectName, rt *v1alpha1.RestoreTest, in *contents) ([]turnedAway, error) {
	if !notRestored(rt) || !in.mayReplace() {
		return nil, nil
	}
	level := string(cmp.Or(rt.Status.Run.Spec.Sandbox.PodSecurity, v1alpha1.PodSecurityBaseline))
	return c.watches.lookOnce(key, rt.Status.Run.ID, in.source, func() ([]turnedAway, error) {
		list, err := c.watches.kube.CoreV1().Pods(in.source).List(ctx, metav1.ListOptions{ResourceVersion: "0"})
		if err != nil {
			return nil, fmt.Errorf("list pods in namespace %s: %w", in.source, err)
		}
		all := []turnedAway{}
		for i := range list.Items {
			pod := &list.Items[i]
			reason, err := podsecurity.Refusal(level, &pod.ObjectMeta, &pod.Spec)
			if err != nil {
				return nil, err
			}
			if reason != "" {
				all = append(all, turnedAway{&corev1.Pod{ObjectMeta: metav1.ObjectMeta{Name: pod.Name, Labels: pod.Labels, OwnerReferences: pod.OwnerReferences}}, reason})
			}
		}
		return all, nil
	})
}

// noRoom returns the claims of a source that are not in its sandbox and that its quota has no room for, and how much they
// request.
func noRoom(quota resource.Quantity, source, here []corev1.PersistentVolumeClaim) map[string]string {
	restored := map[string]bool{}
	room := quota.DeepCopy()
	for i := range here {
		restored[here[i].Name] = true
		room.Sub(here[i].Spec.Resources.Requests[corev1.ResourceStorage])
	}
	all := map[string]string{}
	for i := range source {
		request := source[i].Spec.Resources.Requests[corev1.ResourceStorage]
		if !restored[source[i].Name] && request.Cmp(room) > 0 {
			all[source[i].Name] = fmt.Sprintf("requested: requests.storage=%s, limited: requests.storage=%s", request.String(), quota.String())
		}
	}
	return all
}

// refusedClaim returns why the quota, or the fence, refused a claim that is missing; empty if they did not.
func (in *contents) refusedClaim(claim string) string {
	if claim == "" {
		return ""
	}
	if in.noClass.Has(claim) {
		return fmt.Sprintf("claim %s is missing; kymaros fence: %s", claim, hindrance.HasClass)
	}
	if request := in.noRoom[claim]; request != "" {
		return fmt.Sprintf("claim %s is missing; the quota has no room for it, %s", claim, request)
	}
	if in.claimsRefused {
		return fmt.Sprintf("claim %s is missing; the quota refuses those whose storage class has a free volume (storageclass.storage.k8s.io)", claim)
	}
	return ""
}
