// Package volumes tells where the data of each claim in a sandbox came from. Velero restores a claim whose data is in no
// backup as a new, empty volume, and calls that Completed without a warning: only the proof of a data source tells the
// difference. It is pure: no client, no clock.
package volumes

import (
	"cmp"
	"fmt"
	"slices"
	"time"

	velerov1 "github.com/vmware-tanzu/velero/pkg/apis/velero/v1"
	corev1 "k8s.io/api/core/v1"

	"github.com/kymaros/kymaros/pkg/apis/restore/v1alpha1"
)

// Claim is a PersistentVolumeClaim of a sandbox.
type Claim struct {
	// Source is the source namespace, Namespace the sandbox.
	Source, Namespace string
	Name, UID         string
	Bound             bool
	// Snapshot is the VolumeSnapshot that the claim was made from, if any.
	Snapshot string
	// DataMover tells that the claim accepts only the volume that Velero's data mover filled for it.
	DataMover bool
}

// ClaimOf returns what matters of a claim in the sandbox for source.
func ClaimOf(source string, pvc *corev1.PersistentVolumeClaim) Claim {
	c := Claim{Source: source, Namespace: pvc.Namespace, Name: pvc.Name, UID: string(pvc.UID), Bound: pvc.Status.Phase == corev1.ClaimBound}
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

// Mount is a claim that a pod mounts.
type Mount struct {
	Namespace, Pod string
	// Volume is the name of the volume in the pod.
	Volume, Claim string
}

// MountsOf returns the claims that pod mounts. Generic ephemeral volumes are none: they begin empty in production too.
func MountsOf(pod *corev1.Pod) []Mount {
	var all []Mount
	for _, v := range pod.Spec.Volumes {
		if v.PersistentVolumeClaim != nil {
			all = append(all, Mount{Namespace: pod.Namespace, Pod: pod.Name, Volume: v.Name, Claim: v.PersistentVolumeClaim.ClaimName})
		}
	}
	return all
}

// Transfer is one of Velero's PodVolumeRestores of the run.
type Transfer struct {
	Name string
	// Namespace, Pod and Volume say into which volume of which pod the data went; ClaimUID, if known, into which claim.
	Namespace, Pod, Volume, ClaimUID string
	Phase                            velerov1.PodVolumeRestorePhase
	Bytes                            int64
	Start, End                       time.Time // zero if not reached
}

// TransferOf returns what matters of a PodVolumeRestore.
func TransferOf(pvr *velerov1.PodVolumeRestore) Transfer {
	t := Transfer{
		Name: pvr.Name, Namespace: pvr.Spec.Pod.Namespace, Pod: pvr.Spec.Pod.Name, Volume: pvr.Spec.Volume,
		ClaimUID: pvr.Labels[velerov1.PVCUIDLabel], Phase: pvr.Status.Phase,
		// Progress comes in intervals: a small volume is complete before the first.
		Bytes: cmp.Or(pvr.Status.Progress.BytesDone, pvr.Spec.SnapshotSize),
	}
	if at := pvr.Status.StartTimestamp; at != nil {
		t.Start = at.Time
	}
	if at := pvr.Status.CompletionTimestamp; at != nil {
		t.End = at.Time
	}
	return t
}

// Report tells, for every claim, where its data came from; sorted by source namespace and name.
func Report(claims []Claim, mounts []Mount, transfers []Transfer) []v1alpha1.VolumeReport {
	type claimKey struct{ namespace, name string }
	type volumeKey struct{ namespace, pod, volume string }
	mountedBy := map[claimKey]string{}
	byVolume := map[volumeKey]string{}
	for _, m := range mounts {
		byVolume[volumeKey{m.Namespace, m.Pod, m.Volume}] = m.Claim
		key := claimKey{m.Namespace, m.Claim}
		if first, ok := mountedBy[key]; !ok || m.Pod < first {
			mountedBy[key] = m.Pod
		}
	}
	var all []v1alpha1.VolumeReport
	for _, c := range claims {
		r := v1alpha1.VolumeReport{Namespace: c.Source, Claim: c.Name, Method: v1alpha1.VolumeEmpty}
		if pod, ok := mountedBy[claimKey{c.Namespace, c.Name}]; ok {
			r.MountedBy = "pod/" + pod
		}
		var ours []Transfer
		for _, t := range transfers {
			// The pod may be gone since; then the claim's UID still tells.
			if t.Namespace == c.Namespace && (byVolume[volumeKey{t.Namespace, t.Pod, t.Volume}] == c.Name || c.UID != "" && t.ClaimUID == c.UID) {
				ours = append(ours, t)
			}
		}
		source(c, ours, &r)
		all = append(all, r)
	}
	slices.SortFunc(all, func(a, b v1alpha1.VolumeReport) int {
		return cmp.Or(cmp.Compare(a.Namespace, b.Namespace), cmp.Compare(a.Claim, b.Claim))
	})
	return all
}

// source fills in where the data of c came from.
func source(c Claim, transfers []Transfer, r *v1alpha1.VolumeReport) {
	for _, t := range transfers {
		if t.Phase != velerov1.PodVolumeRestorePhaseCompleted {
			r.Message = fmt.Sprintf("PodVolumeRestore %s is %s", t.Name, cmp.Or(string(t.Phase), "not started"))
			continue
		}
		r.Method, r.Bytes, r.Message = v1alpha1.VolumeFileSystemBackup, t.Bytes, ""
		if !t.Start.IsZero() && t.End.After(t.Start) {
			r.Duration = v1alpha1.Of(t.End.Sub(t.Start).Round(time.Millisecond))
		}
		return
	}
	switch {
	case c.Snapshot == "" && !c.DataMover:
		if r.Message == "" {
			r.Message = "no data of this volume is in the backup: it was made anew"
		}
	case !c.Bound:
		r.Message = "the claim is not bound: its snapshot did not become a volume"
	default:
		r.Method, r.Message = v1alpha1.VolumeCSISnapshot, ""
		if c.DataMover {
			r.Message = "moved by Velero's data mover"
		}
	}
}

// Span is from the first start to the last end of all transfers that have both; 0 if none has.
func Span(transfers []Transfer) time.Duration {
	var first, last time.Time
	for _, t := range transfers {
		if t.Start.IsZero() || t.End.IsZero() {
			continue
		}
		if first.IsZero() || t.Start.Before(first) {
			first = t.Start
		}
		if t.End.After(last) {
			last = t.End
		}
	}
	return last.Sub(first)
}

// Unproven are the volumes for which no data source was found: "namespace: claim (pod/name)".
func Unproven(all []v1alpha1.VolumeReport) []string {
	var out []string
	for _, v := range all {
		if v.Method == v1alpha1.VolumeEmpty {
			out = append(out, fmt.Sprintf("%s: %s (%s)", v.Namespace, v.Claim, cmp.Or(v.MountedBy, "not mounted by any pod")))
		}
	}
	return out
}
