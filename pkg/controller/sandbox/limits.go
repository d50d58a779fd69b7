package sandbox

import (
	"context"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/resource"

	"github.com/kymaros/kymaros/pkg/apis/restore/v1alpha1"
	"github.com/kymaros/kymaros/pkg/guards"
)

// measure gives a sandbox its quota and its limits, which the status keeps, and creates its LimitRange. All depend on production of
// this moment, and on flags, so none is found anew later: it would look as if somebody had changed them.
func (c *Controller) measure(ctx context.Context, rt *v1alpha1.RestoreTest, sandbox *v1alpha1.SandboxNamespace) error {
	p, err := c.look(ctx, sandbox.Source)
	if err != nil {
		return err
	}
	given := c.bounds.Quota(rt.Status.Run.Spec.Sandbox.ResourceQuota)
	sandbox.Quota = allotted(given, p)
	want := limits(rt, *sandbox, given, p.all())
	sandbox.Limits = told(want)
	_, err = c.kube.CoreV1().LimitRanges(sandbox.Name).Create(ctx, want, createOptions)
	if apierrors.IsAlreadyExists(err) {
		return nil
	}
	return err
}

// limits returns the LimitRange of a sandbox: what a container gets that declares nothing. It must not have anything
// refused, so it has no bounds; what a container declares itself, as Velero's restore-wait does, stays as it is. A default
// limit below a container's request would have that container refused, so
//   - where a test or a flag gives a quota it is the limit: nothing that requests more could run anyway;
//   - else it is the usual one, raised to the largest request that production makes without a limit. The quota that is derived
//     from production is no limit: it counts requests, and containers without a limit take more than they request;
//   - and where production cannot be asked, because its namespace is gone, there is none: a guess may be too low. Such
//     pods request little, so they are throttled and evicted before production is.
func limits(rt *v1alpha1.RestoreTest, sandbox v1alpha1.SandboxNamespace, given v1alpha1.SandboxQuota, production []corev1.PodSpec) *corev1.LimitRange {
	limit := corev1.ResourceList{}
	for name, from := range map[corev1.ResourceName]struct{ quota, usual v1alpha1.Quantity }{
		corev1.ResourceCPU:    {given.CPU, usual.CPU},
		corev1.ResourceMemory: {given.Memory, usual.Memory},
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
	request := requested.DeepCopy()
	for name, value := range request {
		if most, ok := limit[name]; ok && most.Cmp(value) < 0 {
			value = most
		}
		request[name] = least(value, production, name)
	}
	return &corev1.LimitRange{ObjectMeta: guards.Meta(rt, sandbox, guards.LimitsName), Spec: corev1.LimitRangeSpec{
		Limits: []corev1.LimitRangeItem{{Type: corev1.LimitTypeContainer, Default: limit, DefaultRequest: request}},
	}}
}

// told returns what the status says of a LimitRange.
func told(l *corev1.LimitRange) v1alpha1.SandboxLimits {
	text := func(name corev1.ResourceName) v1alpha1.Quantity {
		q, ok := l.Spec.Limits[0].Default[name]
		if !ok {
			return ""
		}
		return v1alpha1.Quantity(q.String())
	}
	return v1alpha1.SandboxLimits{CPU: text(corev1.ResourceCPU), Memory: text(corev1.ResourceMemory)}
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
