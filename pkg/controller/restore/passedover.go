package restore

import (
	"context"
	"slices"

	velerov1 "github.com/vmware-tanzu/velero/pkg/apis/velero/v1"
	corev1 "k8s.io/api/core/v1"

	"github.com/kymaros/kymaros/pkg/apis/restore/v1alpha1"
	"github.com/kymaros/kymaros/pkg/velero"
)

// passedOver returns the pods that wait for their volumes, though r, which has ended, made no PodVolumeRestore for them, sorted: Velero
// before 1.18.3 makes none for a Restore that does not name persistentvolumes, and one that brings back contents of snapshots must not.
// all are those that it made.
func (c *Controller) passedOver(ctx context.Context, rt *v1alpha1.RestoreTest, r *velerov1.Restore, all []velerov1.PodVolumeRestore) ([]string, error) {
	if mayNotPassOver(r) {
		return nil, nil
	}
	filled := podsOf(all, func(*velerov1.PodVolumeRestore) bool { return true })
	return c.podsThat(ctx, rt, func(p *corev1.Pod) bool { return waits(p, r) && !filled.Has(p.Namespace+"/"+p.Name) },
		func(p *corev1.Pod) string { return "Pod/" + p.Name })
}

// mayNotPassOver tells whether r names persistentvolumes, or was given to a Velero that fills volumes of pods in any case.
func mayNotPassOver(r *velerov1.Restore) bool { return r.Spec.IncludeClusterResources != nil }

// waits tells whether Velero has made pod wait until r has filled its volumes.
func waits(pod *corev1.Pod, r *velerov1.Restore) bool {
	return slices.ContainsFunc(pod.Spec.InitContainers, func(c corev1.Container) bool { return velero.WaitsIn(&c, r) })
}
