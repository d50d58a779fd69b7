package volumes

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/vmware-tanzu/velero/pkg/apis/velero/shared"
	velerov1 "github.com/vmware-tanzu/velero/pkg/apis/velero/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/kymaros/kymaros/pkg/apis/restore/v1alpha1"
)

var began = time.Date(2026, 11, 21, 3, 0, 0, 0, time.UTC)

func transfer(change func(*Transfer)) Transfer {
	t := Transfer{
		Name: "pvr", Namespace: "box", Pod: "db-0", Volume: "vol", Phase: velerov1.PodVolumeRestorePhaseCompleted,
		Bytes: 7, Start: began, End: began.Add(3 * time.Second),
	}
	if change != nil {
		change(&t)
	}
	return t
}

func TestReport(t *testing.T) {
	claim := Claim{Source: "shop", Namespace: "box", Name: "data", UID: "u1", Bound: true}
	mount := Mount{Namespace: "box", Pod: "db-0", Volume: "vol", Claim: "data"}
	filled := v1alpha1.VolumeReport{Namespace: "shop", Claim: "data", Method: v1alpha1.VolumeFileSystemBackup, Bytes: 7, Duration: "3s", MountedBy: "pod/db-0"}
	with := func(c Claim, change func(*Claim)) Claim { change(&c); return c }
	tests := map[string]struct {
		claim     Claim
		mounts    []Mount
		transfers []Transfer
		want      v1alpha1.VolumeReport
	}{
		"a completed transfer into the volume of its pod": {claim, []Mount{mount}, []Transfer{transfer(nil)}, filled},
		"a transfer that names the claim, when its pod is gone": {
			claim, []Mount{{Namespace: "box", Pod: "db-1", Volume: "vol", Claim: "data"}},
			[]Transfer{transfer(func(t *Transfer) { t.ClaimUID = "u1" })},
			func() v1alpha1.VolumeReport { r := filled; r.MountedBy = "pod/db-1"; return r }(),
		},
		"a transfer into the same pod of another sandbox proves nothing": {
			claim, []Mount{mount, {Namespace: "box2", Pod: "db-0", Volume: "vol", Claim: "data"}},
			[]Transfer{transfer(func(t *Transfer) { t.Namespace = "box2" })},
			v1alpha1.VolumeReport{Namespace: "shop", Claim: "data", Method: v1alpha1.VolumeEmpty, MountedBy: "pod/db-0",
				Message: "no data of this volume is in the backup: it was made anew"},
		},
		"a transfer into another volume of the pod proves nothing": {
			claim, []Mount{mount}, []Transfer{transfer(func(t *Transfer) { t.Volume = "logs" })},
			v1alpha1.VolumeReport{Namespace: "shop", Claim: "data", Method: v1alpha1.VolumeEmpty, MountedBy: "pod/db-0",
				Message: "no data of this volume is in the backup: it was made anew"},
		},
		"a transfer that failed proves nothing": {
			claim, []Mount{mount}, []Transfer{transfer(func(t *Transfer) { t.Phase = velerov1.PodVolumeRestorePhaseFailed })},
			v1alpha1.VolumeReport{Namespace: "shop", Claim: "data", Method: v1alpha1.VolumeEmpty, MountedBy: "pod/db-0",
				Message: "PodVolumeRestore pvr is Failed"},
		},
		"a claim made from a snapshot": {
			with(claim, func(c *Claim) { c.Snapshot = "s" }), nil, nil,
			v1alpha1.VolumeReport{Namespace: "shop", Claim: "data", Method: v1alpha1.VolumeCSISnapshot},
		},
		"a claim filled by the data mover": {
			with(claim, func(c *Claim) { c.DataMover = true }), nil, nil,
			v1alpha1.VolumeReport{Namespace: "shop", Claim: "data", Method: v1alpha1.VolumeCSISnapshot, Message: "moved by Velero's data mover"},
		},
		"a claim whose snapshot never became a volume": {
			with(claim, func(c *Claim) { c.Snapshot, c.Bound = "s", false }), nil, nil,
			v1alpha1.VolumeReport{Namespace: "shop", Claim: "data", Method: v1alpha1.VolumeEmpty,
				Message: "the claim is not bound: its snapshot did not become a volume"},
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			got := Report([]Claim{test.claim}, test.mounts, test.transfers)
			if diff := cmp.Diff([]v1alpha1.VolumeReport{test.want}, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func TestUnproven(t *testing.T) {
	got := Unproven([]v1alpha1.VolumeReport{
		{Namespace: "shop", Claim: "data", Method: v1alpha1.VolumeEmpty, MountedBy: "pod/db-0"},
		{Namespace: "shop", Claim: "unused", Method: v1alpha1.VolumeEmpty},
		{Namespace: "shop", Claim: "good", Method: v1alpha1.VolumeFileSystemBackup, MountedBy: "pod/db-0"},
	})
	if diff := cmp.Diff([]string{"shop: data (pod/db-0)", "shop: unused (not mounted by any pod)"}, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestSpan(t *testing.T) {
	later := transfer(func(t *Transfer) { t.Start, t.End = began.Add(time.Second), began.Add(9*time.Second) })
	open := transfer(func(t *Transfer) { t.Start, t.End = began.Add(-time.Hour), time.Time{} })
	if got := Span([]Transfer{later, transfer(nil), open}); got != 9*time.Second {
		t.Errorf("got %s, want 9s", got)
	}
	if got := Span(nil); got != 0 {
		t.Errorf("got %s, want 0s", got)
	}
}

func TestFromObjects(t *testing.T) {
	pvc := &corev1.PersistentVolumeClaim{
		ObjectMeta: metav1.ObjectMeta{Namespace: "box", Name: "data", UID: "u1"},
		Spec: corev1.PersistentVolumeClaimSpec{
			DataSource: &corev1.TypedLocalObjectReference{Kind: "VolumeSnapshot", Name: "s"},
			Selector:   &metav1.LabelSelector{MatchLabels: map[string]string{velerov1.DynamicPVRestoreLabel: "x"}},
		},
		Status: corev1.PersistentVolumeClaimStatus{Phase: corev1.ClaimBound},
	}
	want := Claim{Source: "shop", Namespace: "box", Name: "data", UID: "u1", Bound: true, Snapshot: "s", DataMover: true}
	if diff := cmp.Diff(want, ClaimOf("shop", pvc)); diff != "" {
		t.Errorf("claim (-want +got):\n%s", diff)
	}
	clone := &corev1.PersistentVolumeClaim{Spec: corev1.PersistentVolumeClaimSpec{
		DataSourceRef: &corev1.TypedObjectReference{Kind: "PersistentVolumeClaim", Name: "other"},
	}}
	if got := ClaimOf("shop", clone); got.Snapshot != "" {
		t.Errorf("a clone of a claim counts as snapshot %s", got.Snapshot)
	}

	pod := &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Namespace: "box", Name: "db-0"}, Spec: corev1.PodSpec{Volumes: []corev1.Volume{
		{Name: "vol", VolumeSource: corev1.VolumeSource{PersistentVolumeClaim: &corev1.PersistentVolumeClaimVolumeSource{ClaimName: "data"}}},
		{Name: "scratch", VolumeSource: corev1.VolumeSource{Ephemeral: &corev1.EphemeralVolumeSource{}}},
	}}}
	if diff := cmp.Diff([]Mount{{Namespace: "box", Pod: "db-0", Volume: "vol", Claim: "data"}}, MountsOf(pod)); diff != "" {
		t.Errorf("mounts (-want +got):\n%s", diff)
	}

	start, end := metav1.NewTime(began), metav1.NewTime(began.Add(3*time.Second))
	pvr := &velerov1.PodVolumeRestore{
		ObjectMeta: metav1.ObjectMeta{Name: "pvr", Labels: map[string]string{velerov1.PVCUIDLabel: "u1"}},
		Spec:       velerov1.PodVolumeRestoreSpec{Pod: corev1.ObjectReference{Namespace: "box", Name: "db-0"}, Volume: "vol", SnapshotSize: 9},
		Status: velerov1.PodVolumeRestoreStatus{
			Phase: velerov1.PodVolumeRestorePhaseCompleted, StartTimestamp: &start, CompletionTimestamp: &end,
			Progress: shared.DataMoveOperationProgress{BytesDone: 7},
		},
	}
	if diff := cmp.Diff(transfer(func(t *Transfer) { t.ClaimUID = "u1" }), TransferOf(pvr)); diff != "" {
		t.Errorf("transfer (-want +got):\n%s", diff)
	}
	pvr.Status.Progress.BytesDone = 0
	if got := TransferOf(pvr).Bytes; got != 9 {
		t.Errorf("got %d bytes, want the size of the snapshot", got)
	}
}
