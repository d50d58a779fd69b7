// Package volumes tells where the data of each claim in a sandbox came from. Velero restores a claim whose data is in no
// backup as a new, empty volume, and calls that Completed without a warning: only the proof of a data source, or of why there
// is none, tells the difference. It is pure: no client, no clock. Its Observer is one of a look.
package volumes

import (
	"cmp"
	"fmt"
	"slices"
	"time"

	velerov1 "github.com/vmware-tanzu/velero/pkg/apis/velero/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/sets"

	"github.com/kymaros/kymaros/pkg/apis/restore/v1alpha1"
	"github.com/kymaros/kymaros/pkg/scope"
)

// scheduledTo is on a claim whose volume was made where the first pod that used it was to run.
const scheduledTo = "volume.kubernetes.io/selected-node"

// Claim is a PersistentVolumeClaim of a sandbox, or of production.
type Claim struct {
	// Source is the source namespace, Namespace that of the claim: the sandbox, or the same.
	Source, Namespace string
	Name, UID         string
	Created           time.Time
	Bound, Pending    bool
	// Volume is the PersistentVolume that the claim is bound to, or asks for.
	Volume string
	// Snapshot is the VolumeSnapshot that the claim was made from, if any.
	Snapshot string
	// DataMover tells that the claim accepts only the volume that Velero's data mover filled for it.
	DataMover bool
	// Ephemeral tells that it is the claim of an ephemeral volume, made for its pod.
	Ephemeral bool
	// Used tells that a pod has used the claim at some time. Where volumes are made before there is a pod, it is not known.
	Used bool
	// Excluded tells that a label keeps the claim out of backups.
	Excluded bool
}

// ClaimOf returns what matters of a claim in the sandbox for source.
func ClaimOf(source string, pvc *corev1.PersistentVolumeClaim) Claim {
	c := Claim{
		Source: source, Namespace: pvc.Namespace, Name: pvc.Name, UID: string(pvc.UID), Created: pvc.CreationTimestamp.Time,
		Bound: pvc.Status.Phase == corev1.ClaimBound, Pending: pvc.Status.Phase == corev1.ClaimPending, Volume: pvc.Spec.VolumeName,
		Ephemeral: scope.Ephemeral(pvc), Used: pvc.Annotations[scheduledTo] != "",
		Excluded: pvc.Labels[velerov1.ExcludeFromBackupLabel] == "true",
	}
	if from := pvc.Spec.DataSource; from != nil && from.Kind == "VolumeSnapshot" {
		c.Snapshot = from.Name
	}
	if from := pvc.Spec.DataSourceRef; from != nil && from.Kind == "VolumeSnapshot" {
		c.Snapshot = from.Name
	}
	if pvc.Spec.Selector != nil {
		_, c.DataMover = pvc.Spec.Selector.MatchLabels[velerov1.DynamicPVRestoreLabel]
	}
	return c
}

// Look is what a look at the cluster showed of the volumes of a run.
type Look struct {
	Claims    []Claim
	Mounts    []Mount
	Transfers []Transfer
	Inventory *Inventory
	// Workloads of the sandboxes that name claims, whether or not they have a pod.
	Workloads  []Workload
	Production Origin
	Backup     Backup
	// Snapshots says what the storage says of VolumeSnapshots that it has no volume for, by "namespace/name".
	Snapshots map[string]string
	// Refused are pods of the backup, "source/name", that the sandbox refused and in whose place a controller made another.
	Refused sets.Set[string]
	// Began is when the run did.
	Began time.Time
}

// Origin is what the source namespaces hold now.
type Origin struct {
	// Claims that were there when the backup began, by "namespace/name".
	Claims map[string]Claim
	// Mounts of the pods of namespaces Read.
	Mounts []Mount
	Read   sets.Set[string]
}

type claimKey struct{ namespace, name string }

type volumeKey struct{ namespace, pod, volume string }

// Awaited tells whether a claim waits for a volume out of a snapshot, so that what is said of snapshots matters.
func Awaited(claims []Claim) bool {
	return slices.ContainsFunc(claims, func(c Claim) bool { return c.Snapshot != "" && !c.Bound })
}

// Report tells, for every claim, where its data came from; sorted by source namespace and name.
func Report(l Look) []v1alpha1.VolumeReport {
	mountedBy := map[claimKey]string{}
	byVolume := map[volumeKey]string{}
	for _, m := range l.Mounts {
		byVolume[volumeKey{m.Namespace, m.Pod, m.Volume}] = m.Claim
		key := claimKey{m.Namespace, m.Claim}
		if first, ok := mountedBy[key]; !ok || m.Pod < first {
			mountedBy[key] = m.Pod
		}
	}
	var all []v1alpha1.VolumeReport
	for _, c := range l.Claims {
		r := v1alpha1.VolumeReport{Namespace: c.Source, Claim: c.Name, Method: v1alpha1.VolumeEmpty}
		if pod, ok := mountedBy[claimKey{c.Namespace, c.Name}]; ok {
			r.MountedBy = "pod/" + pod
		}
		held := l.held(c)
		var ours []Transfer
		for _, t := range l.Transfers {
			// The pod may be gone since; then the claim's UID still tells, or what the backup says of the pod.
			into := t.Namespace == c.Namespace && (t.Claim == c.Name || byVolume[volumeKey{t.Namespace, t.Pod, t.Volume}] == c.Name ||
				c.UID != "" && t.ClaimUID == c.UID || slices.ContainsFunc(held, t.brings))
			if into {
				ours = append(ours, t)
			}
		}
		l.source(c, ours, held, &r)
		l.storage(c, &r)
		all = append(all, r)
	}
	slices.SortFunc(all, func(a, b v1alpha1.VolumeReport) int {
		return cmp.Or(cmp.Compare(a.Namespace, b.Namespace), cmp.Compare(a.Claim, b.Claim))
	})
	return all
}

// source fills in where the data of c came from, or why there is none.
func (l Look) source(c Claim, transfers []Transfer, held []Backed, r *v1alpha1.VolumeReport) {
	for _, t := range transfers {
		if t.Phase != completed {
			r.Message = fmt.Sprintf("%s %s is %s%s", t.Kind, t.Name, cmp.Or(t.Phase, "not started"), prefixed(t.Message))
			continue
		}
		r.Method, r.Bytes, r.Message = t.Method, t.Bytes, ""
		if t.short() {
			r.Method, r.Message = v1alpha1.VolumePartlyRestored, fmt.Sprintf("%s %s brought %d of the %d bytes that the backup holds", t.Kind, t.Name, t.Bytes, t.Held)
		}
		if !t.Start.IsZero() && t.End.After(t.Start) {
			r.Duration = v1alpha1.Of(t.End.Sub(t.Start).Round(time.Millisecond))
		}
		return
	}
	if pod, ok := l.ephemeral(c); ok {
		r.Method = v1alpha1.VolumeEphemeral
		if !c.Ephemeral && pod != "" {
			r.Message = fmt.Sprintf("it is the claim of an ephemeral volume and came back without its owner, so that Kubernetes does not let pod %s use it: it was not created for the pod", pod)
		}
		return
	}
	if r.Message != "" {
		return // a transfer that did not end well left who knows what
	}
	production := l.Production.Claims[c.Source+"/"+c.Name]
	switch {
	case c.DataMover:
		r.Message = "the claim waits for Velero's data mover, and there is no DataDownload for it"
	case c.Snapshot != "" && c.Snapshot == production.Snapshot:
		r.Message = fmt.Sprintf("it was made from VolumeSnapshot %s, as production's was: Velero sets another when the volume is in the backup", c.Snapshot)
	case c.Snapshot != "" && !c.Bound && r.MountedBy == "":
		r.Method = v1alpha1.VolumeNotRestored
		r.Message = fmt.Sprintf("its data is in the backup, as VolumeSnapshot %s, and no pod of the sandbox mounts the claim, so that no volume is made of it", c.Snapshot)
	case c.Snapshot != "" && !c.Bound:
		r.Message = "the claim is not bound: its snapshot did not become a volume" + prefixed(l.Snapshots[c.Namespace+"/"+c.Snapshot])
	case c.Snapshot != "":
		r.Method = v1alpha1.VolumeCSISnapshot
	case l.Inventory.bound[c.Volume].Native:
		r.Method = v1alpha1.VolumeNativeSnapshot
	default:
		r.Method, r.Message = l.withoutData(c, held)
	}
}

// ephemeral tells whether c is the claim of an ephemeral volume, which begins empty in production too, and which pod of the
// sandbox has it.
func (l Look) ephemeral(c Claim) (pod string, yes bool) {
	for _, m := range l.Mounts {
		if m.Namespace == c.Namespace && m.Claim == c.Name && m.Ephemeral {
			return m.Pod, true
		}
	}
	return "", c.Ephemeral || l.Production.Claims[c.Source+"/"+c.Name].Ephemeral
}

// storage fills in which volume c is bound to. One that is not c's own proves nothing, whatever was written into it.
func (l Look) storage(c Claim, r *v1alpha1.VolumeReport) {
	say := func(format string, args ...any) {
		if r.Message != "" {
			r.Message += "; "
		}
		r.Message += fmt.Sprintf(format, args...)
	}
	v, ok := l.Inventory.bound[c.Volume]
	if !ok {
		if c.Bound {
			r.Method = v1alpha1.VolumeEmpty
			say("the claim is bound to PersistentVolume %q, which is not there", c.Volume)
		}
		return
	}
	r.Volume, r.SharedWith = v.Name, l.Inventory.SharedWith(v)
	switch {
	case v.Created.Before(l.Began):
		r.Method = v1alpha1.VolumePreBound
		say("PersistentVolume %s was there before the run began", v.Name)
	case !v.Provisioned && !v.Created.After(c.Created):
		r.Method = v1alpha1.VolumePreBound
		say("nothing shows that PersistentVolume %s was made for this claim", v.Name)
	}
	switch {
	case len(r.SharedWith) > 0:
		say("it stands for the same storage as PersistentVolume %s", list(r.SharedWith))
	case v.Identity == "":
		say("it was not compared with other volumes: its kind of storage is not known")
	}
}
