package sandbox

import (
	"slices"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
)

// least returns the smallest of most and of what is left to each container that requests nothing, in any pod which requests something for
// all of its containers together: the API server refuses those whose containers request more than the whole.
func least(most resource.Quantity, production []corev1.PodSpec, name corev1.ResourceName) resource.Quantity {
	for i := range production {
		if rest, ok := share(&production[i], name); ok && rest.Cmp(most) < 0 {
			most = rest
		}
	}
	return most
}

// share returns what is left to each container of a pod that requests nothing; ok if there is one, and the pod requests something as a
// whole. That most init containers end before the others begin is left out.
func share(spec *corev1.PodSpec, name corev1.ResourceName) (rest resource.Quantity, ok bool) {
	if spec.Resources == nil {
		return rest, false
	}
	if rest, ok = says(*spec.Resources, name); !ok {
		return rest, false
	}
	silent := int64(0)
	for _, c := range slices.Concat(spec.InitContainers, spec.Containers) {
		if request, said := says(c.Resources, name); said {
			rest.Sub(request)
		} else {
			silent++
		}
	}
	switch {
	case silent == 0:
		return rest, false
	case rest.Sign() < 0:
		return resource.Quantity{}, true
	case name == corev1.ResourceCPU:
		return *resource.NewMilliQuantity(rest.MilliValue()/silent, resource.DecimalSI), true
	}
	return *resource.NewQuantity(rest.Value()/silent, resource.BinarySI), true
}

// says returns what is requested: a limit alone is a request too.
func says(r corev1.ResourceRequirements, name corev1.ResourceName) (resource.Quantity, bool) {
	if request, ok := r.Requests[name]; ok {
		return request.DeepCopy(), true
	}
	limit, ok := r.Limits[name]
	return limit.DeepCopy(), ok
}
