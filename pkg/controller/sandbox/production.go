package sandbox

import (
	"context"
	"fmt"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/ptr"
)

// production is what is known of a source namespace: what runs in it, what its workloads would run, for pods that are pending
// or scaled to zero are in the backup all the same, and the claims. All is empty for a namespace that does not exist.
type production struct {
	pods      []corev1.PodSpec
	templates []template
	claims    []corev1.PersistentVolumeClaim
}

// template is what a workload makes pods of.
type template struct {
	spec     corev1.PodSpec
	replicas int32
}

// all returns every pod spec.
func (p *production) all() []corev1.PodSpec {
	all := append([]corev1.PodSpec(nil), p.pods...)
	for _, t := range p.templates {
		all = append(all, t.spec)
	}
	return all
}

// look asks for what is known of a source namespace.
func (c *Controller) look(ctx context.Context, source string) (production, error) {
	var p production
	// From the API server's cache: the run has no use for the very last pod, and production's etcd no use for the request.
	cached := metav1.ListOptions{ResourceVersion: "0"}
	pods, err := c.kube.CoreV1().Pods(source).List(ctx, cached)
	if err != nil {
		return p, fmt.Errorf("list pods of source namespace %s: %w", source, err)
	}
	for i := range pods.Items {
		if phase := pods.Items[i].Status.Phase; phase != corev1.PodSucceeded && phase != corev1.PodFailed {
			p.pods = append(p.pods, pods.Items[i].Spec)
		}
	}
	deployments, err := c.kube.AppsV1().Deployments(source).List(ctx, cached)
	if err != nil {
		return p, fmt.Errorf("list deployments of source namespace %s: %w", source, err)
	}
	for i := range deployments.Items {
		spec := &deployments.Items[i].Spec
		p.templates = append(p.templates, template{spec.Template.Spec, ptr.Deref(spec.Replicas, 1)})
	}
	statefulSets, err := c.kube.AppsV1().StatefulSets(source).List(ctx, cached)
	if err != nil {
		return p, fmt.Errorf("list statefulsets of source namespace %s: %w", source, err)
	}
	for i := range statefulSets.Items {
		spec := &statefulSets.Items[i].Spec
		p.templates = append(p.templates, template{spec.Template.Spec, ptr.Deref(spec.Replicas, 1)})
	}
	claims, err := c.kube.CoreV1().PersistentVolumeClaims(source).List(ctx, cached)
	if err != nil {
		return p, fmt.Errorf("list claims of source namespace %s: %w", source, err)
	}
	p.claims = claims.Items
	return p, nil
}
