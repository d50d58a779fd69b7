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
	Created           time.Time
	Bound             bool
	// Volume is the PersistentVolume that the claim is bound to, or asks for.
	Volume string
	// Snapshot is the VolumeSnapshot that the claim was made from, if any.
	Snapshot string
	// DataMover tells that the claim accepts only the volume that Velero's data mover filled for it.
	DataMover bool
}

// ClaimOf returns what matters of a claim in the sandbox for source.
func ClaimOf(source string, pvc *corev1.PersistentVolumeClaim) Claim {
	c := Claim{
		Source: source, Namespace: pvc.Namespace, Name: pvc.Name, UID: string(pvc.UID), Created: pvc.CreationTimestamp.Time,
		Bound: pvc.Status.Phase == corev1.ClaimBound, Volume: pvc.Spec.VolumeName,
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

// Look is what a look at the cluster showed of the volumes of a run.
type Look struct {
	Claims    []Claim
	Mounts    []Mount
	Transfers []Transfer
	Inventory *Inventory
	// Production are the VolumeSnapshots that claims of production were once made from, by "namespace/name" of the claim.
	Production map[string]string
	// Began is when the run did.
	Began time.Time
	// NativeSnapshots tells that the backup holds snapshots of another kind than CSI.
	NativeSnapshots bool
}

// Report tells, for every claim, where its data came from; sorted by source namespace and name.
func Report(l Look) []v1alpha1.VolumeReport {
	type claimKey struct{ namespace, name string }
	type volumeKey struct{ namespace, pod, volume string }
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
		var ours []Transfer
		for _, t := range l.Transfers {
			// The pod may be gone since; then the claim's UID still tells.
			if t.Namespace == c.Namespace && (t.Claim == c.Name || byVolume[volumeKey{t.Namespace, t.Pod, t.Volume}] == c.Name || c.UID != "" && t.ClaimUID == c.UID) {
				ours = append(ours, t)
			}
		}
		l.source(c, ours, &r)
		l.storage(c, &r)
		all = append(all, r)
	}
	slices.SortFunc(all, func(a, b v1alpha1.VolumeReport) int {
		return cmp.Or(cmp.Compare(a.Namespace, b.Namespace), cmp.Compare(a.Claim, b.Claim))
	})
	return all
}

// source fills in where the data of c came from.
func (l Look) source(c Claim, transfers []Transfer, r *v1alpha1.VolumeReport) {
	for _, t := range transfers {
		if t.Phase != completed {
			r.Message = fmt.Sprintf("%s %s is %s", t.Kind, t.Name, cmp.Or(t.Phase, "not started"))
			continue
		}
		r.Method, r.Bytes, r.Message = t.Method, t.Bytes, ""
		if !t.Start.IsZero() && t.End.After(t.Start) {
			r.Duration = v1alpha1.Of(t.End.Sub(t.Start).Round(time.Millisecond))
		}
		return
	}
	if r.Message != "" {
		return // a transfer that did not end well left who knows what
	}
	switch {
	case c.DataMover:
		r.Message = "the claim waits for Velero's data mover, and there is no DataDownload for it"
	case c.Snapshot != "" && !c.Bound:
		r.Message = "the claim is not bound: its snapshot did not become a volume"
	case c.Snapshot != "" && l.Production[c.Source+"/"+c.Name] == c.Snapshot:
		r.Message = fmt.Sprintf("it was made from VolumeSnapshot %s, as production's was: Velero sets another when the volume is in the backup", c.Snapshot)
	case c.Snapshot != "":
		r.Method = v1alpha1.VolumeCSISnapshot
	case l.Inventory.bound[c.Volume].Native:
		r.Method = v1alpha1.VolumeNativeSnapshot
	case l.NativeSnapshots:
		r.Message = "no data of this volume came back: the backup holds native volume snapshots, which are not restored beside production; " +
			"back it up with CSI snapshots or file-system backup"
	default:
		r.Message = "no data of this volume is in the backup: it was made anew"
	}
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

// Unproven are the volumes for which no data source was found, or that are not the run's alone: "namespace: claim (pod/name)".
func Unproven(all []v1alpha1.VolumeReport) []string {
	var out []string
	for _, v := range all {
		if v.Method == v1alpha1.VolumeEmpty || v.Method == v1alpha1.VolumePreBound || len(v.SharedWith) > 0 {
			out = append(out, fmt.Sprintf("%s: %s (%s)", v.Namespace, v.Claim, cmp.Or(v.MountedBy, "not mounted by any pod")))
		}
	}
	return out
}
