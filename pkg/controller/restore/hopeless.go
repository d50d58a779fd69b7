package restore

import (
	"fmt"
	"slices"
	"strings"
	"time"

	velerov1 "github.com/vmware-tanzu/velero/pkg/apis/velero/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/sets"

	"github.com/kymaros/kymaros/pkg/absent"
	"github.com/kymaros/kymaros/pkg/apis/restore/v1alpha1"
	"github.com/kymaros/kymaros/pkg/hindrance"
	"github.com/kymaros/kymaros/pkg/names"
	"github.com/kymaros/kymaros/pkg/unschedulable"
	"github.com/kymaros/kymaros/pkg/velero"
)

// How long what may pass by itself is given before it counts as hopeless.
const (
	// claimPatience is for a claim that somebody may be about to make, and for images, which registries lose for a moment.
	claimPatience = 30 * time.Second
	// registryPatience is for a registry of another cluster that does not answer, or wants credentials that are not here.
	registryPatience = 2 * time.Minute
	// nodePatience is for other pods to go. Autoscalers that go by priority add no node for a copy; of one that does, events tell,
	// and scalePatience is for the node that it adds.
	nodePatience  = time.Minute
	scalePatience = 10 * time.Minute
	// returnPatience is for nodes that take no pods to do so again: to drain and update one takes minutes.
	returnPatience = 10 * time.Minute
)

// look is what sandboxes hold while Velero restores into them.
type look struct {
	test    *v1alpha1.RestoreTestSpec // of the run
	restore *velerov1.Restore
	pods    []corev1.Pod
	claims  map[string][]corev1.PersistentVolumeClaim // by the name of the sandbox
	sources map[string]string                         // source namespaces, by the name of the sandbox
	classes sets.Set[string]                          // the storage classes of the cluster
	events  []corev1.Event                            // about pods
	// moves are what Velero made to move data by, and agents the nodes that run one of its node agents.
	moves  moves
	agents sets.Set[string]
	// agentless is since when one of them is missing; zero if none is.
	agentless time.Time
	// elsewhere: the backup was made in another cluster, as far as is known.
	elsewhere bool
	// ending: the deadline has passed, so that it is told what Velero waited for, be it hopeless or not.
	ending bool
}

// obstacle is why a pod or claim that Velero waits for will never be ready.
type obstacle struct {
	message string
	// ours: it is of the sandbox' making, or of Velero's, and says nothing about the backup.
	ours bool
	// mapping, of spec.restore.mappings, has the backup ask for something else; "" if none has.
	mapping string
	// agent: what is missing is a node agent of Velero, which says nothing about the backup wherever that was made.
	agent bool
}

// hopeless returns what Velero waits for in vain, sorted. A pod without volumes to fill holds up nothing: health checks judge it.
func hopeless(l look, now time.Time) []obstacle {
	var all []obstacle
	pods := l
	// While data moves it is that which the deadline cuts short, whatever else waits.
	pods.ending = l.ending && !l.moving()
	for i := range l.pods {
		pod := &l.pods[i]
		if !waits(pod, l.restore) || waitsInside(pod) {
			continue
		}
		if o, found := pods.obstacle(pod, now); found {
			o.message = fmt.Sprintf("%s: Pod/%s: %s", l.sources[pod.Namespace], pod.Name, o.message)
			all = append(all, o)
		}
	}
	// Those whose data comes out of a snapshot are filled before their pods start.
	if phase := l.restore.Status.Phase; phase == velerov1.RestorePhaseWaitingForPluginOperations || phase == velerov1.RestorePhaseWaitingForPluginOperationsPartiallyFailed {
		for sandbox, claims := range l.claims {
			for i := range claims {
				if o, found := l.unclassed(&claims[i]); found {
					o.message = l.sources[sandbox] + ": " + o.message
					all = append(all, o)
				}
			}
		}
	}
	all = append(all, l.unattended(now)...)
	for i := range all {
		if !l.elsewhere {
			all[i].mapping = "" // in the cluster of the backup there is nothing to map: a real restore waits for the same
		}
	}
	slices.SortFunc(all, func(a, b obstacle) int { return strings.Compare(a.message, b.message) })
	return slices.Compact(all)
}

// waitsInside tells whether pod is where Velero wants it: its volumes are mounted, and data can come.
func waitsInside(pod *corev1.Pod) bool {
	return slices.ContainsFunc(pod.Status.InitContainerStatuses, func(s corev1.ContainerStatus) bool {
		return velero.Waits(s.Name) && (s.State.Running != nil || s.State.Terminated != nil)
	})
}

func (l look) obstacle(pod *corev1.Pod, now time.Time) (obstacle, bool) {
	age := now.Sub(pod.CreationTimestamp.Time)
	for _, v := range pod.Spec.Volumes {
		name := ""
		switch {
		case v.PersistentVolumeClaim != nil:
			name = v.PersistentVolumeClaim.ClaimName
		case v.Ephemeral != nil:
			name = pod.Name + "-" + v.Name
		default:
			continue
		}
		i := slices.IndexFunc(l.claims[pod.Namespace], func(c corev1.PersistentVolumeClaim) bool { return c.Name == name })
		if i < 0 {
			if v.PersistentVolumeClaim == nil || age < claimPatience {
				continue
			}
			if why := absent.LeftOut(l.test, fmt.Sprintf("persistentvolumeclaim %q not found", name)); why != "" {
				return obstacle{message: why, ours: true}, true
			}
			return obstacle{message: fmt.Sprintf("its claim %s was refused, or is not in the backup", name), ours: true}, true
		}
		claim := &l.claims[pod.Namespace][i]
		if v.Ephemeral != nil && !metav1.IsControlledBy(claim, pod) {
			return obstacle{message: fmt.Sprintf("Kubernetes does not let it use claim %s of its ephemeral volume %s: Velero restores such a claim without its owner",
				name, v.Name)}, true
		}
		if o, found := l.unclassed(claim); found {
			return o, true
		}
	}
	if o, found := l.unscheduled(pod, now); found {
		return o, true
	}
	if o, found := l.unmounted(pod, age); found {
		return o, true
	}
	return l.imageless(pod, age)
}

// unclassed tells whether claim waits for a volume that nobody will make.
func (l look) unclassed(claim *corev1.PersistentVolumeClaim) (obstacle, bool) {
	class := claim.Spec.StorageClassName
	switch {
	case claim.Status.Phase == corev1.ClaimBound || claim.Spec.VolumeName != "" || class == nil || *class == "":
		return obstacle{}, false
	case *class == names.NoClass:
		return obstacle{message: fmt.Sprintf("claim %s has no storage class of its own, and the cluster has no default class", claim.Name), ours: true}, true
	case !l.classes.Has(*class):
		return obstacle{message: fmt.Sprintf("claim %s is of storage class %s, which does not exist", claim.Name, *class), mapping: "storageClasses"}, true
	}
	return obstacle{}, false
}

// unscheduled tells whether the scheduler has said for a while that no node takes pod, for what does not pass soon.
func (l look) unscheduled(pod *corev1.Pod, now time.Time) (obstacle, bool) {
	patience := nodePatience
	if slices.ContainsFunc(l.events, func(e corev1.Event) bool {
		return about(e, pod) && (e.Reason == "TriggeredScaleUp" || e.Reason == "Nominated") // by the cluster autoscaler, by Karpenter
	}) {
		patience = scalePatience
	}
	for _, c := range pod.Status.Conditions {
		waited := now.Sub(c.LastTransitionTime.Time)
		if c.Type != corev1.PodScheduled || c.Status != corev1.ConditionFalse || waited < patience && !l.ending {
			continue
		}
		if c.Reason == corev1.PodReasonSchedulingGated {
			return obstacle{message: "whoever is to open its scheduling gates is not in the sandbox", ours: true}, true
		}
		if c.Reason != corev1.PodReasonUnschedulable {
			continue
		}
		crowded, passing := unschedulable.Crowded(c.Message), unschedulable.Passing(c.Message)
		switch {
		case unschedulable.NoNode(c.Message) && passing != "":
			return obstacle{message: "no node matches its node selector or affinity, unless one of those does that " + passing, ours: true, mapping: "nodeSelectors"}, true
		case unschedulable.NoNode(c.Message):
			return obstacle{message: "no node matches its node selector or affinity", mapping: "nodeSelectors"}, true
		case crowded != "":
			return obstacle{message: "no node has room for it beside production (" + crowded + ")", ours: true}, true
		case passing != "" && (waited >= returnPatience || l.ending):
			return obstacle{message: hindrance.NoNodeNow + " (" + passing + ")", ours: true}, true
		}
	}
	return obstacle{}, false
}

func about(e corev1.Event, pod *corev1.Pod) bool {
	return e.InvolvedObject.Namespace == pod.Namespace && e.InvolvedObject.Name == pod.Name && e.InvolvedObject.UID == pod.UID
}

// unmounted tells whether pod cannot start for want of a Secret or ConfigMap. Only events tell: the pod just waits.
func (l look) unmounted(pod *corev1.Pod, age time.Duration) (obstacle, bool) {
	said := l.said(pod, absent.FailedMount)
	things := absent.Things(said...)
	if age < claimPatience || len(things) == 0 {
		return obstacle{}, false
	}
	const message = "its volumes cannot be mounted: "
	if why := absent.LeftOut(l.test, said...); why != "" {
		return obstacle{message: message + why, ours: true}, true
	}
	return obstacle{message: message + strings.Join(things, ", ")}, true
}

// said returns what events with that reason say about pod.
func (l look) said(pod *corev1.Pod, reason string) []string {
	var all []string
	for _, e := range l.events {
		if e.Reason == reason && about(e, pod) {
			all = append(all, e.Message)
		}
	}
	return all
}

// imageless tells whether a container of pod that has to run before Velero can fill its volumes has an image that is not there.
func (l look) imageless(pod *corev1.Pod, age time.Duration) (obstacle, bool) {
	for _, s := range pod.Status.InitContainerStatuses {
		w := s.State.Waiting
		if w == nil {
			continue
		}
		switch w.Reason {
		case "ErrImageNeverPull", "InvalidImageName":
		case "ErrImagePull", "ImagePullBackOff":
			known := strings.Contains(w.Message, "not found") || strings.Contains(w.Message, "manifest unknown")
			if age < claimPatience || !known && (!l.elsewhere || age < registryPatience) {
				continue
			}
		default:
			continue
		}
		message := fmt.Sprintf("image %s of its init container %s is not there (%s)", s.Image, s.Name, w.Reason)
		if velero.Waits(s.Name) {
			return obstacle{message: message + "; it is Velero's own", ours: true}, true
		}
		if w.Reason == "InvalidImageName" {
			return obstacle{message: message}, true
		}
		if why := absent.LeftOut(l.test, l.said(pod, absent.FailedPullSecrets)...); why != "" && w.Reason != "ErrImageNeverPull" {
			return obstacle{message: message + "; " + why, ours: true}, true
		}
		return obstacle{message: message, mapping: "imageRegistries"}, true
	}
	return obstacle{}, false
}
