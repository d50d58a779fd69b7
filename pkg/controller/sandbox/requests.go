package sandbox

import (
	"cmp"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	podresource "k8s.io/component-helpers/resource"

	"github.com/kymaros/kymaros/pkg/apis/restore/v1alpha1"
)

// usual is what a container may take that declares no limit, and the least that a sandbox gets whose quota is derived from
// production: a tiny application must be able to start.
var usual = v1alpha1.SandboxQuota{CPU: "2", Memory: "4Gi", Storage: "10Gi"}

// requested is what a container requests that declares nothing: of the LimitRange of a sandbox.
var requested = corev1.ResourceList{corev1.ResourceCPU: resource.MustParse("50m"), corev1.ResourceMemory: resource.MustParse("64Mi")}

// restoreWait is what Velero puts before the containers of a pod whose volumes it fills. These are its defaults.
var restoreWait = corev1.Container{Resources: corev1.ResourceRequirements{
	Requests: corev1.ResourceList{corev1.ResourceCPU: resource.MustParse("100m"), corev1.ResourceMemory: resource.MustParse("128Mi")},
}}

// allotted returns the quota of a sandbox: what the test or a flag gives and, where neither does, twice what production
// requests, so that no test is without bounds. Twice, for production may have been larger when the backup was made. Where
// nothing runs and there are no claims nothing is known, the namespace may well be gone, and a guess would refuse what the
// backup brings: there is no bound then.
func allotted(given v1alpha1.SandboxQuota, p production) v1alpha1.SandboxQuota {
	cpu, memory := p.requests()
	return v1alpha1.SandboxQuota{
		CPU:     cmp.Or(given.CPU, twice(cpu, usual.CPU)),
		Memory:  cmp.Or(given.Memory, twice(memory, usual.Memory)),
		Storage: cmp.Or(given.Storage, twice(p.storage(), usual.Storage)),
	}
}

// twice returns double of q, and no less than least; empty of nothing.
func twice(q resource.Quantity, least v1alpha1.Quantity) v1alpha1.Quantity {
	if q.IsZero() {
		return ""
	}
	double := q.DeepCopy()
	double.Add(q)
	if double.Cmp(resource.MustParse(string(least))) < 0 {
		return least
	}
	return v1alpha1.Quantity(double.String())
}

// requests returns what the pods of production request, as the quota of a sandbox would count them: those that are there, or
// those that the workloads ask for, if that is more. Twice the larger is never less than both together.
func (p *production) requests() (cpu, memory resource.Quantity) {
	var there, asked corev1.ResourceList
	for i := range p.pods {
		there = sum(there, &p.pods[i], 1)
	}
	for i := range p.templates {
		t := &p.templates[i]
		asked = sum(asked, &t.spec, max(t.replicas, 1)) // what is scaled to zero now may be in the backup
	}
	larger := func(name corev1.ResourceName) resource.Quantity {
		a, b := there[name], asked[name]
		if a.Cmp(b) < 0 {
			return b
		}
		return a
	}
	return larger(corev1.ResourceCPU), larger(corev1.ResourceMemory)
}

// sum adds so many pods of a spec to total.
func sum(total corev1.ResourceList, spec *corev1.PodSpec, pods int32) corev1.ResourceList {
	if total == nil {
		total = corev1.ResourceList{}
	}
	pod := &corev1.Pod{Spec: *spec.DeepCopy()}
	pod.Spec.InitContainers = append([]corev1.Container{restoreWait}, pod.Spec.InitContainers...)
	for _, containers := range [][]corev1.Container{pod.Spec.InitContainers, pod.Spec.Containers} {
		for i := range containers {
			requestsOfLimits(&containers[i].Resources)
		}
	}
	requests := podresource.PodRequests(pod, podresource.PodResourcesOptions{NonMissingContainerRequests: requested})
	for _, name := range []corev1.ResourceName{corev1.ResourceCPU, corev1.ResourceMemory} {
		one := requests[name]
		one.Mul(int64(pods))
		q := total[name]
		q.Add(one)
		total[name] = q
	}
	return total
}

// requestsOfLimits has a container request its limit where it declares that alone: the API server does so for pods, and
// leaves templates alone.
func requestsOfLimits(r *corev1.ResourceRequirements) {
	for name, limit := range r.Limits {
		if _, ok := r.Requests[name]; !ok {
			if r.Requests == nil {
				r.Requests = corev1.ResourceList{}
			}
			r.Requests[name] = limit
		}
	}
}

// storage returns what the claims of production request.
func (p *production) storage() resource.Quantity {
	var all resource.Quantity
	for i := range p.claims {
		all.Add(p.claims[i].Spec.Resources.Requests[corev1.ResourceStorage])
	}
	return all
}
