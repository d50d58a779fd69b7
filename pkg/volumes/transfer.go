package volumes

import (
	"cmp"
	"time"

	velerov1 "github.com/vmware-tanzu/velero/pkg/apis/velero/v1"
	velerov2alpha1 "github.com/vmware-tanzu/velero/pkg/apis/velero/v2alpha1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/kymaros/kymaros/pkg/apis/restore/v1alpha1"
	"github.com/kymaros/kymaros/pkg/velero"
)

// completed is the phase of a transfer, of either kind, that has brought all data.
const completed = string(velerov1.PodVolumeRestorePhaseCompleted)

// Transfer is one of Velero's PodVolumeRestores or DataDownloads of the run.
type Transfer struct {
	Kind, Name string
	// Method is the one that a transfer of this kind, when completed, proves.
	Method v1alpha1.VolumeMethod
	// Namespace, Pod and Volume say into which volume of which pod the data went; Claim or ClaimUID, if known, into which
	// claim.
	Namespace, Pod, Volume, Claim, ClaimUID string
	// Message is what Velero says of it.
	Phase, Message string
	// Bytes that were written, Total that were to be, as Velero counted on the way, and Held that the backup has.
	Bytes, Total, Held int64
	Start, End         time.Time // zero if not reached
}

// short tells whether a transfer that is complete brought less than there was. The count of a transfer that is complete may be
// an old one (velero-io/velero#8232): only one that is at its own end counts. Some links count in the backup only, hence the
// hundredth.
func (t Transfer) short() bool {
	return t.Total > 0 && t.Bytes == t.Total && t.Bytes < t.Held-t.Held/100
}

// brings tells whether t restores b: through the pod of the same name.
func (t Transfer) brings(b Backed) bool { return b.Pod != "" && b.Pod == t.Pod && b.Volume == t.Volume }

// TransferOf returns what matters of a PodVolumeRestore.
func TransferOf(pvr *velerov1.PodVolumeRestore) Transfer {
	return Transfer{
		Kind: "PodVolumeRestore", Name: pvr.Name, Method: v1alpha1.VolumeFileSystemBackup,
		Namespace: pvr.Spec.Pod.Namespace, Pod: pvr.Spec.Pod.Name, Volume: pvr.Spec.Volume,
		ClaimUID: pvr.Labels[velerov1.PVCUIDLabel], Phase: string(pvr.Status.Phase), Message: velero.Words(pvr.Status.Message),
		// Progress comes in intervals: a small volume is complete before the first.
		Bytes: cmp.Or(pvr.Status.Progress.BytesDone, pvr.Spec.SnapshotSize), Total: pvr.Status.Progress.TotalBytes, Held: pvr.Spec.SnapshotSize,
		Start: timeOf(pvr.Status.StartTimestamp), End: timeOf(pvr.Status.CompletionTimestamp),
	}
}

// DownloadOf returns what matters of a DataDownload.
func DownloadOf(d *velerov2alpha1.DataDownload) Transfer {
	return Transfer{
		Kind: "DataDownload", Name: d.Name, Method: v1alpha1.VolumeDataMover,
		Namespace: d.Spec.TargetVolume.Namespace, Claim: d.Spec.TargetVolume.PVC, Phase: string(d.Status.Phase), Message: velero.Words(d.Status.Message),
		Bytes: cmp.Or(d.Status.Progress.BytesDone, d.Spec.SnapshotSize), Total: d.Status.Progress.TotalBytes, Held: d.Spec.SnapshotSize,
		Start: timeOf(d.Status.StartTimestamp), End: timeOf(d.Status.CompletionTimestamp),
	}
}

func timeOf(t *metav1.Time) time.Time {
	if t == nil {
		return time.Time{}
	}
	return t.Time
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
