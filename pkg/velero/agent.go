package velero

import (
	"slices"

	velerov1 "github.com/vmware-tanzu/velero/pkg/apis/velero/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/sets"
)

// Velero's installers give its node agents one of these labels, before 1.16 the second alone.
const roleLabel, nameLabel, agent = "role", "name", "node-agent"

// AgentNodes returns the nodes on which one of pods is a node agent that runs. Only there can volumes be filled.
func AgentNodes(pods []corev1.Pod) sets.Set[string] {
	nodes := sets.New[string]()
	for i := range pods {
		if p := &pods[i]; (p.Labels[roleLabel] == agent || p.Labels[nameLabel] == agent) && p.Status.Phase == corev1.PodRunning {
			nodes.Insert(p.Spec.NodeName)
		}
	}
	return nodes
}

// Untouched tells whether no node agent has taken up the volume that v is to fill.
func Untouched(v *velerov1.PodVolumeRestore) bool {
	return v.Status.Phase == "" || v.Status.Phase == velerov1.PodVolumeRestorePhaseNew
}

// WaitsIn tells whether c keeps a pod back until r, and no other, has filled its volumes: Velero gives it the UID of its Restore. Velero
// before 1.17 leaves that of a former Restore in a pod that it fills no volume of now.
func WaitsIn(c *corev1.Container, r *velerov1.Restore) bool {
	return Waits(c.Name) && slices.Equal(c.Args, []string{string(r.UID)})
}

// Waits tells whether an init container of that name is Velero's, which keeps a pod back until its volumes are filled. The second name
// is that of backups of old.
func Waits(container string) bool { return container == "restore-wait" || container == "restic-wait" }
