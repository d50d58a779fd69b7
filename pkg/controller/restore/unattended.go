package restore

import (
	"slices"
	"time"

	velerov2alpha1 "github.com/vmware-tanzu/velero/pkg/apis/velero/v2alpha1"
	corev1 "k8s.io/api/core/v1"

	"github.com/kymaros/kymaros/pkg/velero"
)

// agentPatience is how long a node agent may be away before what it is to move counts as hopeless: it may be about to start, or be updated.
const agentPatience = 2 * time.Minute

// agentMissing tells whether data may wait for a node agent, so that it is worth a look at what is to be moved.
func (l look) agentMissing() bool {
	return l.agents.Len() == 0 || slices.ContainsFunc(l.pods, func(p corev1.Pod) bool {
		return p.Spec.NodeName != "" && !l.agents.Has(p.Spec.NodeName) && waits(&p, l.restore)
	})
}

// unattended returns what no node agent moves, as long as Velero waits for it. Of what one has taken up nobody knows whether it goes on
// when that is back: it is told at the deadline only.
func (l look) unattended(now time.Time) []obstacle {
	var all []obstacle
	long := !l.agentless.IsZero() && now.Sub(l.agentless) >= agentPatience
	for _, m := range l.toMove() {
		if m.away && (l.ending || m.untouched && long) {
			all = append(all, obstacle{message: m.message, agent: true})
		}
	}
	return all
}

// moving tells whether an agent moves data, or is about to.
func (l look) moving() bool {
	return slices.ContainsFunc(l.toMove(), func(m toMove) bool { return !m.away })
}

// toMove is data of a volume that Velero waits for.
type toMove struct {
	// away: the agent that is to move it is not there, which message says.
	away    bool
	message string
	// untouched: none has taken it up.
	untouched bool
}

func (l look) toMove() []toMove {
	var all []toMove
	add := func(what, node string, untouched bool) {
		m := toMove{l.agents.Len() == 0, what + ": no node agent of Velero is there to move its data", untouched}
		if node != "" {
			m.away, m.message = !l.agents.Has(node), what+": no node agent of Velero is on "+node+" to move its data"
		}
		all = append(all, m)
	}
	for i := range l.moves.downloads {
		if d := &l.moves.downloads[i]; !over(string(d.Status.Phase)) && builtIn(d) {
			untouched := d.Status.Phase == "" || d.Status.Phase == velerov2alpha1.DataDownloadPhaseNew // any agent takes it up
			add(nameOfDownload(d, l.sources), d.Status.Node, untouched)
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
			add(nameOfPodVolume(v, l.sources), node, velero.Untouched(v))
		}
	}
	return all
}

// builtIn tells whether node agents move what d tells of: another data mover does so with pods of its own.
func builtIn(d *velerov2alpha1.DataDownload) bool {
	return d.Spec.DataMover == "" || d.Spec.DataMover == "velero"
}
