package sandbox

import (
	"context"
	"fmt"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/kymaros/kymaros/pkg/apis/restore/v1alpha1"
)

// ensureLimits creates the LimitRange of a sandbox. It depends on production of this moment, so it is not compared later.
func (c *Controller) ensureLimits(ctx context.Context, rt *v1alpha1.RestoreTest, sandbox v1alpha1.SandboxNamespace) error {
	production, err := c.podSpecs(ctx, sandbox.Source)
	if err != nil {
		return err
	}
	_, err = c.kube.CoreV1().LimitRanges(sandbox.Name).Create(ctx, limits(rt, sandbox, production), createOptions)
	if apierrors.IsAlreadyExists(err) {
		return nil
	}
	return err
}

// podSpecs returns what runs in a source namespace, and what its workloads would run: pods that are pending, or scaled to
// zero, are in the backup all the same. It is empty for a namespace that does not exist.
func (c *Controller) podSpecs(ctx context.Context, source string) ([]corev1.PodSpec, error) {
	var all []corev1.PodSpec
	// From the API server's cache: the run has no use for the very last pod, and production's etcd no use for the request.
	cached := metav1.ListOptions{ResourceVersion: "0"}
	pods, err := c.kube.CoreV1().Pods(source).List(ctx, cached)
	if err != nil {
		return nil, fmt.Errorf("list pods of source namespace %s: %w", source, err)
	}
	for i := range pods.Items {
		all = append(all, pods.Items[i].Spec)
	}
	deployments, err := c.kube.AppsV1().Deployments(source).List(ctx, cached)
	if err != nil {
		return nil, fmt.Errorf("list deployments of source namespace %s: %w", source, err)
	}
	for i := range deployments.Items {
		all = append(all, deployments.Items[i].Spec.Template.Spec)
	}
	statefulSets, err := c.kube.AppsV1().StatefulSets(source).List(ctx, cached)
	if err != nil {
		return nil, fmt.Errorf("list statefulsets of source namespace %s: %w", source, err)
	}
	for i := range statefulSets.Items {
		all = append(all, statefulSets.Items[i].Spec.Template.Spec)
	}
	return all, nil
}

// limits returns the LimitRange of a sandbox: what a container gets that declares nothing. It must not have anything
// refused, so it has no bounds; what a container declares itself, as Velero's restore-wait does, stays as it is. A default
// limit below a container's request would have that container refused, so
//   - where a quota is set it is the limit: nothing that requests more could run anyway;
//   - else it is the usual one, raised to the largest request that production makes without a limit;
//   - and where production cannot be asked, because its namespace is gone, there is none: a guess may be too low. Such
//     pods request little, so they are throttled and evicted before production is.
func limits(rt *v1alpha1.RestoreTest, sandbox v1alpha1.SandboxNamespace, production []corev1.PodSpec) *corev1.LimitRange {
	spec := rt.Status.Run.Spec.Sandbox.ResourceQuota
	limit := corev1.ResourceList{}
	for name, from := range map[corev1.ResourceName]struct{ quota, usual v1alpha1.Quantity }{
		corev1.ResourceCPU:    {spec.CPU, "2"},
		corev1.ResourceMemory: {spec.Memory, "4Gi"},
	} {
		parsed, err := resource.ParseQuantity(string(from.quota))
		if err != nil {
			if len(production) == 0 {
				continue
			}
			parsed = resource.MustParse(string(from.usual))
		}
		most, bounded := demand(production, name)
		if bounded {
			continue
		}
		if most.Cmp(parsed) > 0 {
			parsed = most
		}
		limit[name] = parsed
	}
	request := corev1.ResourceList{corev1.ResourceCPU: resource.MustParse("50m"), corev1.ResourceMemory: resource.MustParse("64Mi")}
	for name, value := range request {
		if most, ok := limit[name]; ok && most.Cmp(value) < 0 {
			request[name] = most
		}
	}
	return &corev1.LimitRange{ObjectMeta: meta(rt, sandbox, limitsName), Spec: corev1.LimitRangeSpec{
		Limits: []corev1.LimitRangeItem{{Type: corev1.LimitTypeContainer, Default: limit, DefaultRequest: request}},
	}}
}

// demand returns the largest request for name among containers that set no limit for it. bounded: a pod sets a limit for
// all its containers together, and the API server refuses a container whose own limit is above that.
func demand(production []corev1.PodSpec, name corev1.ResourceName) (most resource.Quantity, bounded bool) {
	for i := range production {
		spec := &production[i]
		if spec.Resources != nil {
			_, limited := spec.Resources.Limits[name]
			bounded = bounded || limited
		}
		for _, containers := range [][]corev1.Container{spec.InitContainers, spec.Containers} {
			for j := range containers {
				resources := &containers[j].Resources
				if _, limited := resources.Limits[name]; limited {
					continue
				}
				if request := resources.Requests[name]; request.Cmp(most) > 0 {
					most = request
				}
			}
		}
	}
	return most, bounded
}
