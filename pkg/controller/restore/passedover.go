package restore

import (
	"context"
	"slices"

	velerov1 "github.com/vmware-tanzu/velero/pkg/apis/velero/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/version"

	"github.com/kymaros/kymaros/pkg/apis/restore/v1alpha1"
	"github.com/kymaros/kymaros/pkg/velero"
)

// passedOver returns the pods that wait for their volumes, though r, which has ended, made no PodVolumeRestore for them, sorted: Velero
// before 1.18.3 makes none for a Restore that does not name persistentvolumes, and one that brings back contents of snapshots must not.
func (c *Controller) passedOver(ctx context.Context, rt *v1alpha1.RestoreTest, r *velerov1.Restore) ([]string, error) {
	if r.Spec.IncludeClusterResources != nil || r.Status.Errors > 0 && !released(r) {
		return nil, nil
	}
	filled, err := c.filledIn(ctx, r, func(*velerov1.PodVolumeRestore) bool { return true })
	if err != nil {
		return nil, err
	}
	return c.podsThat(ctx, rt, func(p *corev1.Pod) bool { return waits(p) && !filled.Has(p.Namespace+"/"+p.Name) },
		func(p *corev1.Pod) string { return "Pod/" + p.Name })
}

// released tells whether it is known which release of Velero does r. Of a build of somebody's own an error may be why it did not fill a
// volume, and that may be the backup's fault.
func released(r *velerov1.Restore) bool {
	server := fromText[v1alpha1.VeleroServer](r.Annotations[v1alpha1.AnnotationVelero])
	if server == nil {
		return false
	}
	v, err := version.ParseSemantic(server.Version)
	return err == nil && v.PreRelease() == ""
}

// waits tells whether Velero has made a pod wait until its volumes are filled.
func waits(pod *corev1.Pod) bool {
	return slices.ContainsFunc(pod.Spec.InitContainers, func(c corev1.Container) bool { return velero.Waits(c.Name) })
}
