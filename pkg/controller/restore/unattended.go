package restore

import (
	"slices"
	"time"

	velerov2alpha1 "github.com/vmware-tanzu/velero/pkg/apis/velero/v2alpha1"
	corev1 "k8s.io/api/core/v1"

	"github.com/kymaros/kymaros/pkg/velero"
)

// agentPatience is how long a node agent may be away before what it is to move counts as hopeless: it may be about to start.
const agentPatience = 2 * time.Minute

// agentMissing tells whether data may wait for a node agent, so that it is worth a look at what is to be moved.
func (l look) agentMissing() bool {
	return l.ending || l.agents.Len() == 0 || slices.ContainsFunc(l.pods, func(p corev1.Pod) bool {
		return p.Spec.NodeName != "" && !l.agents.Has(p.Spec.NodeName) && waits(&p, l.restore)
	})
}

// unattended returns what no node agent moves, as long as Velero waits for it. Of what one has taken up nobody knows since when it is
// away: that is told at the deadline only.
func (l look) unattended(now time.Time) []obstacle {
	var all []obstacle
	add := func(what, node string, made time.Time, untouched bool) {
		away := l.agents.Len() == 0
		message := what + ": no node agent of Velero is there to move its data"
		if node != "" {
			away, message = !l.agents.Has(node), what+": no node agent of Velero is on "+node+" to move its data"
		}
		if away && (l.ending || untouched && now.Sub(made) >= agentPatience) {
			all = append(all, obstacle{message: message, agent: true})
		}
	}
	for i := range l.moves.downloads {
		if d := &l.moves.downloads[i]; !over(string(d.Status.Phase)) && builtIn(d) {
			untouched := d.Status.Phase == "" || d.Status.Phase == velerov2alpha1.DataDownloadPhaseNew // any agent takes it up
			add(nameOfDownload(d, l.sources), d.Status.Node, d.CreationTimestamp.Time, untouched)
		}
	}
	nodes := map[string]string{}
	for i := range l.pods {
		nodes[l.pods[i].Namespace+"/"+l.pods[i].Name] = l.pods[i].Spec.NodeName
	}
	for i := range l.moves.podVolumes {
		v := &l.moves.podVolumes[i]
		// Before a node takes the pod no agent can.
		if node := nodes[v.Spec.Pod.Namespace+"/"+v.Spec.Pod.Name]; node != "" && !over(string(v.Status.Phase)) {
			add(nameOfPodVolume(v, l.sources), node, v.CreationTimestamp.Time, velero.Untouched(v))
		}
	}
	return all
}

// builtIn tells whether node agents move what d tells of: another data mover does so with pods of its own.
func builtIn(d *velerov2alpha1.DataDownload) bool {
	return d.Spec.DataMover == "" || d.Spec.DataMover == "velero"
}
