package healthcheck

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"

	"github.com/kymaros/kymaros/pkg/unschedulable"
)

// lacks returns what this cluster does not have for a pod of a backup that was made in another; empty if nothing is known. In the
// cluster of the backup the same would be a fault of what was backed up: a real restore meets it as well.
func (in *contents) lacks(pod *corev1.Pod) string {
	if !in.elsewhere {
		return ""
	}
	for _, s := range statuses(pod) {
		if w := s.State.Waiting; w != nil && slices.Contains([]string{"ErrImagePull", "ImagePullBackOff", "ErrImageNeverPull"}, w.Reason) {
			return fmt.Sprintf("image %s of container %s was not pulled (%s): spec.restore.mappings.imageRegistries", cmp.Or(imageOf(pod, s.Name), s.Image), s.Name, w.Reason)
		}
	}
	for _, c := range pod.Status.Conditions {
		if c.Type != corev1.PodScheduled || c.Status != corev1.ConditionFalse {
			continue
		}
		if strings.Contains(c.Message, "unbound immediate PersistentVolumeClaims") {
			return "a claim got no volume, for which its storage class may be missing: spec.restore.mappings.storageClasses"
		}
		if unschedulable.NoNode(c.Message) {
			return "no node matches its node selector or affinity: spec.restore.mappings.nodeSelectors"
		}
	}
	return ""
}

// imageOf is as the pod names it: the status may have another name for it.
func imageOf(pod *corev1.Pod, container string) string {
	for _, c := range slices.Concat(pod.Spec.InitContainers, pod.Spec.Containers) {
		if c.Name == container {
			return c.Image
		}
	}
	return ""
}

// lacking says what the cluster lacks; empty if that is nothing.
func (r *readiness) lacking() string {
	if r == nil || len(r.lacks) == 0 {
		return ""
	}
	return "this cluster lacks what the backup, made elsewhere, asks for: " + list(r.lacks, ", ") + "; map it, or give the cluster what is missing"
}
