package cleanup

import (
	"fmt"
	"slices"
	"strings"
	"time"

	velerov1 "github.com/vmware-tanzu/velero/pkg/apis/velero/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/kymaros/kymaros/pkg/apis/restore/v1alpha1"
	"github.com/kymaros/kymaros/pkg/conditions"
	"github.com/kymaros/kymaros/pkg/velero"
)

// overdue is how long after the run's deadline cleanup waits for the report.
const overdue = 10 * time.Minute

// volumePause is how long to wait before the volumes of a namespace are looked for again, which was deleted so long ago:
// they carry none of our labels, so watching ours would mean watching all.
func volumePause(deletedFor time.Duration) time.Duration {
	return min(max(deletedFor/4, 2*time.Second), time.Minute)
}

// seen is what exists of the runs of one RestoreTest that are to be cleaned up.
type seen struct {
	namespaces []*corev1.Namespace
	restores   []*velerov1.Restore
	contents   []string                     // pods and claims that still exist, "kind namespace/name"
	lingering  []*corev1.Namespace          // those that terminate and hold pods that take their time
	planned                                 // for the volumes of the namespaces' claims
	snapshots  []*unstructured.Unstructured // VolumeSnapshotContents that may be deleted
}

// step is the next thing to do, in this order. Each is idempotent, so cleanup may be cut off anywhere.
type step int

const (
	// awaitRestore: a sandbox that goes under a running Restore would be made anew by Velero, without guards. A Restore
	// that Velero has not begun with is deleted, on condition that it still has not.
	awaitRestore step = iota
	// secureVolumes: what is the run's own goes with its claim, and what may be somebody else's does not. Both depend on the
	// reclaim policy, so it has to be right before a claim goes.
	secureVolumes
	// deleteNamespaces also waits: namespaces are deleted once.
	deleteNamespaces
	// awaitContents: the guards stay as long as a pod runs.
	awaitContents
	// deleteSnapshots also waits. They are bound to objects of the namespaces.
	deleteSnapshots
	// release deletes the Restores and takes our finalizers off guards and namespaces.
	release
	// done: nothing is left.
	done
)

// kept returns the id of the run of rt whose objects stay: that of a run which is not reported yet, or "". rt is nil when
// the RestoreTest is gone. A report that cannot be written does not keep a copy of production alive for ever.
func kept(rt *v1alpha1.RestoreTest, now time.Time) string {
	if rt == nil || rt.DeletionTimestamp != nil || !conditions.Active(rt) || conditions.Is(rt, v1alpha1.ConditionReported, metav1.ConditionTrue) ||
		reportDue(rt, now) <= 0 {
		return ""
	}
	return rt.Status.Run.ID
}

// reportDue returns how much longer the report of rt's run is waited for.
func reportDue(rt *v1alpha1.RestoreTest, now time.Time) time.Duration {
	return rt.Status.Run.Deadline.Add(overdue).Sub(now)
}

// holds tells whether the sandboxes stay for r. One that is being deleted goes when Velero next runs; if its objects are all made, the
// sandboxes go without it. Velero makes nothing anew in them, a copy of production does not live as long as Velero is down, and a server
// that ends over a claim, as 1.15 to 1.18 do over one without a class, would end with each start while the claim is there. But it may set
// reclaim policies still, so what may be somebody else's keeps its claim.
func (s seen) holds(r *velerov1.Restore) bool {
	if r.DeletionTimestamp != nil && velero.Finalizing(r.Status.Phase) {
		return len(s.leaked) > 0
	}
	return !velero.Terminal(r.Status.Phase)
}

// going tells whether all of s is going already: sandboxes that terminate, and Restores into them. Nothing about that can be taken
// back, so nobody has to be asked again.
func (s seen) going() bool {
	into := map[string]bool{}
	for _, ns := range s.namespaces {
		if ns.DeletionTimestamp == nil {
			return false
		}
		into[ns.Labels[v1alpha1.LabelRun]] = true
	}
	return len(s.namespaces) > 0 && !slices.ContainsFunc(s.restores, func(r *velerov1.Restore) bool { return !into[r.Labels[v1alpha1.LabelRun]] })
}

// next tells what to do about s.
func next(s seen) step {
	if slices.ContainsFunc(s.restores, s.holds) {
		return awaitRestore
	}
	if len(s.protect)+len(s.reclaim) > 0 {
		return secureVolumes
	}
	for _, ns := range s.namespaces {
		if ns.DeletionTimestamp == nil {
			return deleteNamespaces
		}
	}
	switch {
	case len(s.contents)+len(s.leaving) > 0:
		return awaitContents
	case len(s.snapshots) > 0:
		return deleteSnapshots
	case len(s.namespaces)+len(s.restores) > 0:
		return release
	}
	return done
}

// emptied tells whether the cluster says of a terminating namespace that policies are left in it, and no pod. The policy
// kymaros-release of the fence lets the finalizers of guards go on the same condition: what the cluster says is no word of ours.
func emptied(ns *corev1.Namespace) bool {
	return slices.ContainsFunc(ns.Status.Conditions, func(c corev1.NamespaceCondition) bool {
		return c.Type == corev1.NamespaceContentRemaining && c.Status == corev1.ConditionTrue &&
			strings.Contains(c.Message, "networkpolicies.networking.k8s.io has ") && !strings.Contains(c.Message, "pods. has ")
	})
}

// decide tells what CleanedUp is after a look that found s, in a run that leaves that behind.
func decide(s seen, leaked []v1alpha1.Leak, now time.Time) metav1.Condition {
	condition := metav1.Condition{Type: v1alpha1.ConditionCleanedUp, Status: metav1.ConditionUnknown}
	switch next(s) {
	case awaitRestore:
		if message := stuck(seen{restores: s.restores}, now); message != "" {
			condition.Reason, condition.Message = v1alpha1.ReasonStuck, message
			break
		}
		condition.Reason = v1alpha1.ReasonDeletingRestore
		condition.Message = "the sandbox stays until Velero is done with Restore " + strings.Join(running(s.restores), ", ")
	case done:
		condition.Status, condition.Reason = metav1.ConditionTrue, v1alpha1.ReasonNothingLeft
		condition.Message = "no namespace, volume or Restore of the run is left"
		if len(leaked) > 0 {
			condition.Reason = v1alpha1.ReasonLeaked
			condition.Message = "no namespace or Restore of the run is left, but status.cleanup.leaked tells why these are and what to do: " + objects(leaked)
		}
	default:
		if message := stuck(s, now); message != "" {
			condition.Reason, condition.Message = v1alpha1.ReasonStuck, message
			break
		}
		condition.Reason = v1alpha1.ReasonNamespacesTerminating
		condition.Message = "waiting until they are gone: " + strings.Join(remaining(s), ", ")
		if len(s.namespaces) == 0 && len(s.restores) > 0 {
			condition.Reason = v1alpha1.ReasonDeletingRestore
		}
	}
	return condition
}

// objects names what was leaked. A message has an end.
func objects(leaked []v1alpha1.Leak) string {
	const most = 20
	var all []string
	for _, l := range leaked[:min(len(leaked), most)] {
		all = append(all, l.Object)
	}
	if more := len(leaked) - most; more > 0 {
		all = append(all, fmt.Sprintf("and %d more", more))
	}
	return strings.Join(all, ", ")
}

// remaining lists what exists of s, sorted.
func remaining(s seen) []string {
	var all []string
	for _, ns := range s.namespaces {
		all = append(all, "namespace/"+ns.Name)
	}
	for _, r := range s.restores {
		all = append(all, "restore/"+r.Name)
	}
	for _, pv := range s.leaving {
		all = append(all, volumePrefix+pv)
	}
	for _, o := range s.snapshots {
		all = append(all, snapshotPrefix+o.GetName())
	}
	slices.Sort(all)
	return all
}

func running(restores []*velerov1.Restore) []string {
	var all []string
	for _, r := range restores {
		if !velero.Terminal(r.Status.Phase) {
			all = append(all, r.Name)
		}
	}
	slices.Sort(all)
	return all
}
