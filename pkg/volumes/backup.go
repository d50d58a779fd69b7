package volumes

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	velerov1 "github.com/vmware-tanzu/velero/pkg/apis/velero/v1"
	velerov2alpha1 "github.com/vmware-tanzu/velero/pkg/apis/velero/v2alpha1"
	"k8s.io/apimachinery/pkg/util/sets"

	"github.com/kymaros/kymaros/pkg/apis/restore/v1alpha1"
)

// claimName is the annotation of a PodVolumeBackup that says of which claim it is.
const claimName = "velero.io/pvc-name"

// Backup is what is known of the backup.
type Backup struct {
	// Gone tells that Velero has it no more, so that nothing is known of it.
	Gone bool
	// FileSystem tells that it takes all volumes of pods by file-system backup, unless they are left out.
	FileSystem bool
	// NativeSnapshots tells that it holds snapshots of another kind than CSI.
	NativeSnapshots bool
	// Held is what it says of single volumes.
	Held []Backed
	// Skipped are the claims of production, "namespace/name", that its resource policy leaves out; Policy is its name.
	Skipped sets.Set[string]
	Policy  string
}

// Backed is a PodVolumeBackup or DataUpload of a backup.
type Backed struct {
	Kind, Name string
	// Namespace of production; Claim, if known; Pod and Volume through which the data was read, if it was read through one.
	Namespace, Claim, Pod, Volume string
	Phase, Message                string
	// Snapshot is where its data is: none if the volume was empty.
	Snapshot string
}

// BackedUp returns what matters of a PodVolumeBackup.
func BackedUp(pvb *velerov1.PodVolumeBackup) Backed {
	return Backed{
		Kind: "PodVolumeBackup", Name: pvb.Name, Namespace: pvb.Spec.Pod.Namespace, Pod: pvb.Spec.Pod.Name, Volume: pvb.Spec.Volume,
		Claim: pvb.Annotations[claimName], Phase: string(pvb.Status.Phase), Message: pvb.Status.Message, Snapshot: pvb.Status.SnapshotID,
	}
}

// UploadOf returns what matters of a DataUpload.
func UploadOf(d *velerov2alpha1.DataUpload) Backed {
	return Backed{
		Kind: "DataUpload", Name: d.Name, Namespace: d.Spec.SourceNamespace, Claim: d.Spec.SourcePVC,
		Phase: string(d.Status.Phase), Message: d.Status.Message, Snapshot: d.Status.SnapshotID,
	}
}

// held returns what the backup says of the volume of c, what holds data first.
func (l Look) held(c Claim) []Backed {
	var all []Backed
	for _, b := range l.Backup.Held {
		mounts := func(m Mount) bool {
			return (m.Namespace == c.Source || m.Namespace == c.Namespace) && m.Claim == c.Name && m.Pod == b.Pod && m.Volume == b.Volume
		}
		if b.Namespace == c.Source && (b.Claim == c.Name || b.Claim == "" && slices.ContainsFunc(l.mounts(), mounts)) {
			all = append(all, b)
		}
	}
	rank := func(b Backed) int {
		switch {
		case b.Phase == completed && b.Snapshot != "":
			return 0
		case b.Phase == completed:
			return 1
		}
		return 2
	}
	slices.SortStableFunc(all, func(a, b Backed) int { return cmp.Or(rank(a)-rank(b), cmp.Compare(a.Name, b.Name)) })
	return all
}

func (l Look) mounts() []Mount { return slices.Concat(l.Mounts, l.Production.Mounts) }

// of returns who names c, in its sandbox and in production, sorted by pod.
func (l Look) of(c Claim) (all []Mount) {
	for _, m := range l.mounts() {
		if (m.Namespace == c.Source || m.Namespace == c.Namespace) && m.Claim == c.Name {
			all = append(all, m)
		}
	}
	slices.SortStableFunc(all, func(a, b Mount) int { return cmp.Compare(a.Pod, b.Pod) })
	return all
}

// withoutData says why no data came into c.
func (l Look) withoutData(c Claim, held []Backed) (v1alpha1.VolumeMethod, string) {
	if len(held) > 0 {
		return l.heldBack(c, held[0])
	}
	production, known := l.Production.Claims[c.Source+"/"+c.Name]
	mounts := l.of(c)
	hook := slices.IndexFunc(mounts, func(m Mount) bool { return m.Hook })
	why, onPurpose := l.leftOut(c, mounts)
	switch {
	case l.Backup.Gone:
		return v1alpha1.VolumeEmpty, "no data of this volume came back, and whether the backup holds any is not known: the Backup is not there any more"
	case known && production.Pending:
		return v1alpha1.VolumePending, "the claim is Pending in production too: it has no volume there"
	case why != "" && hook >= 0:
		return v1alpha1.VolumeRestoreHook, fmt.Sprintf("no data of this volume is in the backup: %s; a real restore runs the restore hook of pod %s, which may fill it: the restore hook of pod %s was not run",
			why, mounts[hook].Pod, mounts[hook].Pod)
	case onPurpose:
		return v1alpha1.VolumeLeftOut, "no data of this volume is in the backup, on purpose: " + why
	case l.Backup.NativeSnapshots:
		return v1alpha1.VolumeNotRestored, "no data of this volume came back: the backup holds native volume snapshots, which are not restored beside production; " +
			"back it up with CSI snapshots or file-system backup"
	case !slices.ContainsFunc(mounts, mounted):
		return l.unmounted(c, mounts, known && !production.Used && l.Production.Read.Has(c.Source))
	case why != "":
		return v1alpha1.VolumeNotInBackup, "no data of this volume is in the backup: " + why
	}
	return v1alpha1.VolumeNotInBackup, "no data of this volume is in the backup: it was made anew"
}

func mounted(m Mount) bool { return !m.Idle }

// heldBack says why what the backup holds of c did not come back.
func (l Look) heldBack(c Claim, b Backed) (v1alpha1.VolumeMethod, string) {
	is := func(namespace string) func(Mount) bool {
		return func(m Mount) bool { return m.Namespace == namespace && m.Claim == c.Name && m.Pod == b.Pod }
	}
	switch {
	case b.Phase != completed:
		return v1alpha1.VolumeNotInBackup, fmt.Sprintf("no data of this volume is in the backup: %s %s is %s%s", b.Kind, b.Name, cmp.Or(b.Phase, "not started"), prefixed(b.Message))
	case b.Snapshot == "":
		return v1alpha1.VolumeEmptyInProduction, fmt.Sprintf("it was empty when it was backed up, as %s %s says", b.Kind, b.Name)
	case l.Refused.Has(c.Source + "/" + b.Pod):
		return v1alpha1.VolumeNotRestored, fmt.Sprintf("the data of claim %s is in the backup, but tied to pod %s, which the sandbox refused: the one of that name was made in its place", c.Name, b.Pod)
	case b.Pod == "" || slices.ContainsFunc(l.Mounts, is(c.Namespace)):
		return v1alpha1.VolumeEmpty, fmt.Sprintf("its data is in the backup, as %s %s says, and Velero did not restore it", b.Kind, b.Name)
	}
	because := "which did not come back"
	if i := slices.IndexFunc(l.Production.Mounts, is(c.Source)); i >= 0 {
		if kind, name, _ := strings.Cut(l.Production.Mounts[i].Owner, "/"); kind == "Job" || kind == "DaemonSet" {
			because = fmt.Sprintf("which the test leaves out: it belongs to %s %s", kind, name)
		}
	}
	return v1alpha1.VolumeNotRestored, fmt.Sprintf("the data of claim %s is in the backup, but tied to pod %s, %s", c.Name, b.Pod, because)
}

// leftOut says what leaves the volume of c out of the backup, and whether somebody has said so; "" if nothing does.
func (l Look) leftOut(c Claim, mounts []Mount) (why string, onPurpose bool) {
	if i := slices.IndexFunc(mounts, func(m Mount) bool { return m.Excluded != "" }); i >= 0 {
		return fmt.Sprintf("%s of pod %s leaves it out", mounts[i].Excluded, mounts[i].Pod), true
	}
	if l.Backup.Skipped.Has(c.Source + "/" + c.Name) {
		return fmt.Sprintf("resource policy %s leaves it out", l.Backup.Policy), true
	}
	if l.Production.Claims[c.Source+"/"+c.Name].Excluded {
		return fmt.Sprintf("label %s of the claim leaves it out", velerov1.ExcludeFromBackupLabel), true
	}
	if i := slices.IndexFunc(mounts, mounted); i >= 0 && !l.Backup.FileSystem && !slices.ContainsFunc(mounts, func(m Mount) bool { return m.Chosen }) {
		return fmt.Sprintf("it has no snapshot, and annotation %s of pod %s does not name it", velerov1.VolumesToBackupAnnotation, mounts[i].Pod), false
	}
	return "", false
}

// unmounted is about a claim that no container mounts. That says nothing about what it holds: its workload may be scaled to zero, or its
// operator have deleted the pods. That no pod is known to have used it (unused) counts only where a pod names it, and mounts it nowhere.
func (l Look) unmounted(c Claim, mounts []Mount, unused bool) (v1alpha1.VolumeMethod, string) {
	const read = "file-system backup reads only what containers mount"
	if i := slices.IndexFunc(l.Workloads, func(w Workload) bool { return w.names(c) }); i >= 0 {
		return v1alpha1.VolumeNotInBackup, fmt.Sprintf("no data of this volume is in the backup: %s, and no pod of %s mounts it", read, l.Workloads[i].Name)
	}
	if unused && len(mounts) > 0 {
		return v1alpha1.VolumeUnused, fmt.Sprintf("no container of pod %s mounts it: %s", mounts[0].Pod, read)
	}
	since := "nothing mounts it any more"
	if unused {
		since = "nothing mounts it, and whether anything ever did is not known"
	}
	return v1alpha1.VolumeNotInBackup, fmt.Sprintf("no data of this volume is in the backup: %s, and %s", read, since)
}

// prefixed returns s after a colon, and nothing if there is none.
func prefixed(s string) string {
	if s == "" {
		return ""
	}
	return ": " + s
}
