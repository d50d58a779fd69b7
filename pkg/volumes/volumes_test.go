package volumes

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/vmware-tanzu/velero/pkg/apis/velero/shared"
	velerov1 "github.com/vmware-tanzu/velero/pkg/apis/velero/v1"
	velerov2alpha1 "github.com/vmware-tanzu/velero/pkg/apis/velero/v2alpha1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/kymaros/kymaros/pkg/apis/restore/v1alpha1"
)

var began = time.Date(2026, 11, 21, 3, 0, 0, 0, time.UTC)

func transfer(change ...func(*Transfer)) Transfer {
	t := Transfer{
		Kind: "PodVolumeRestore", Name: "pvr", Method: v1alpha1.VolumeFileSystemBackup,
		Namespace: "box", Pod: "db-0", Volume: "vol", Phase: completed, Bytes: 7, Start: began, End: began.Add(3 * time.Second),
	}
	for _, f := range change {
		f(&t)
	}
	return t
}

// bound returns a volume that a provisioner made for claim box/data in the run.
func bound(change ...func(*corev1.PersistentVolume)) *corev1.PersistentVolume {
	pv := &corev1.PersistentVolume{
		ObjectMeta: metav1.ObjectMeta{
			Name: "pv-1", UID: "pv-uid", ResourceVersion: "5", CreationTimestamp: metav1.NewTime(began.Add(time.Minute)),
			Annotations: map[string]string{provisionedBy: "csi.example.com"},
		},
		Spec: corev1.PersistentVolumeSpec{
			ClaimRef:                      &corev1.ObjectReference{Namespace: "box", Name: "data", UID: "u1"},
			PersistentVolumeReclaimPolicy: corev1.PersistentVolumeReclaimRetain,
			PersistentVolumeSource:        corev1.PersistentVolumeSource{CSI: &corev1.CSIPersistentVolumeSource{Driver: "csi.example.com", VolumeHandle: "1"}},
		},
	}
	for _, f := range change {
		f(pv)
	}
	return pv
}

func early(pv *corev1.PersistentVolume) {
	pv.CreationTimestamp = metav1.NewTime(began.Add(-time.Second))
}
func byHand(pv *corev1.PersistentVolume) { pv.Annotations = nil }
func native(pv *corev1.PersistentVolume) { pv.Annotations[originalName] = "pv-of-production" }
func odd(pv *corev1.PersistentVolume) {
	pv.Spec.PersistentVolumeSource = corev1.PersistentVolumeSource{Quobyte: &corev1.QuobyteVolumeSource{}}
}
func ofProduction(pv *corev1.PersistentVolume) {
	pv.Name, pv.Spec.ClaimRef = "pv-of-production", &corev1.ObjectReference{Namespace: "shop", Name: "data"}
	early(pv)
}

func TestReport(t *testing.T) {
	claim := Claim{Source: "shop", Namespace: "box", Name: "data", UID: "u1", Bound: true, Volume: "pv-1", Created: began.Add(time.Minute)}
	mount := Mount{Namespace: "box", Pod: "db-0", Volume: "vol", Claim: "data"}
	moved := transfer(func(t *Transfer) {
		t.Kind, t.Name, t.Method, t.Pod, t.Volume, t.Claim = "DataDownload", "dd", v1alpha1.VolumeDataMover, "", "", "data"
	})
	with := func(change func(*Claim)) []Claim { c := claim; change(&c); return []Claim{c} }
	report := func(change func(*v1alpha1.VolumeReport)) v1alpha1.VolumeReport {
		r := v1alpha1.VolumeReport{Namespace: "shop", Claim: "data", Method: v1alpha1.VolumeEmpty, Volume: "pv-1", MountedBy: "pod/db-0"}
		change(&r)
		return r
	}
	filled := func(change func(*v1alpha1.VolumeReport)) v1alpha1.VolumeReport {
		return report(func(r *v1alpha1.VolumeReport) {
			r.Method, r.Bytes, r.Duration = v1alpha1.VolumeFileSystemBackup, 7, "3s"
			change(r)
		})
	}
	empty := func(message string) v1alpha1.VolumeReport {
		return report(func(r *v1alpha1.VolumeReport) { r.Message = message })
	}
	missing := func(message string) v1alpha1.VolumeReport {
		return report(func(r *v1alpha1.VolumeReport) { r.Method, r.Message = v1alpha1.VolumeNotInBackup, message })
	}
	const anew = "no data of this volume is in the backup: it was made anew"
	tests := map[string]struct {
		look Look // claims, mounts and inventory: those above
		pvs  []*corev1.PersistentVolume
		want v1alpha1.VolumeReport
	}{
		"a completed transfer into the volume of its pod": {
			look: Look{Transfers: []Transfer{transfer()}}, want: filled(func(*v1alpha1.VolumeReport) {}),
		},
		"a transfer that names the claim, when its pod is gone": {
			look: Look{
				Mounts:    []Mount{{Namespace: "box", Pod: "db-1", Volume: "vol", Claim: "data"}},
				Transfers: []Transfer{transfer(func(t *Transfer) { t.ClaimUID = "u1" })},
			},
			want: filled(func(r *v1alpha1.VolumeReport) { r.MountedBy = "pod/db-1" }),
		},
		"a transfer into the same pod of another sandbox proves nothing": {
			look: Look{
				Mounts:    []Mount{mount, {Namespace: "box2", Pod: "db-0", Volume: "vol", Claim: "data"}},
				Transfers: []Transfer{transfer(func(t *Transfer) { t.Namespace = "box2" })},
			},
			want: missing(anew),
		},
		"a transfer into another volume of the pod proves nothing": {
			look: Look{Transfers: []Transfer{transfer(func(t *Transfer) { t.Volume = "logs" })}}, want: missing(anew),
		},
		"a transfer that failed proves nothing": {
			look: Look{Transfers: []Transfer{transfer(func(t *Transfer) { t.Phase = "Failed" })}},
			want: empty("PodVolumeRestore pvr is Failed"),
		},
		"a claim made from a snapshot": {
			look: Look{Claims: with(func(c *Claim) { c.Snapshot = "s" })},
			want: report(func(r *v1alpha1.VolumeReport) { r.Method = v1alpha1.VolumeCSISnapshot }),
		},
		"a snapshot that production's claim was made from proves nothing": {
			look: Look{Claims: with(func(c *Claim) { c.Snapshot = "s" }), Production: Origin{Claims: map[string]Claim{"shop/data": {Snapshot: "s"}}}},
			want: report(func(r *v1alpha1.VolumeReport) {
				r.Message = "it was made from VolumeSnapshot s, as production's was: Velero sets another when the volume is in the backup"
			}),
		},
		"a claim whose snapshot never became a volume": {
			look: Look{Claims: with(func(c *Claim) { c.Snapshot, c.Bound, c.Volume = "s", false, "" })},
			want: report(func(r *v1alpha1.VolumeReport) {
				r.Volume, r.Message = "", "the claim is not bound: its snapshot did not become a volume"
			}),
		},
		"a claim whose snapshot the storage has lost": {
			look: Look{Claims: with(func(c *Claim) { c.Snapshot, c.Bound, c.Volume = "s", false, "" }),
				Snapshots: map[string]string{"box/s": "snap-1 is not there", "box2/s": "of another", "shop/s": "of production"}},
			want: report(func(r *v1alpha1.VolumeReport) {
				r.Volume, r.Message = "", "the claim is not bound: its snapshot did not become a volume: snap-1 is not there"
			}),
		},
		"a claim filled by the data mover, with its bytes and seconds": {
			look: Look{Claims: with(func(c *Claim) { c.DataMover = true }), Transfers: []Transfer{moved}},
			want: filled(func(r *v1alpha1.VolumeReport) { r.Method = v1alpha1.VolumeDataMover }),
		},
		"a data mover that was at another claim proves nothing": {
			look: Look{Claims: with(func(c *Claim) { c.DataMover = true }), Transfers: []Transfer{func() Transfer { m := moved; m.Claim = "other"; return m }()}},
			want: empty("the claim waits for Velero's data mover, and there is no DataDownload for it"),
		},
		"a data mover that is not done proves nothing": {
			look: Look{Claims: with(func(c *Claim) { c.DataMover = true }), Transfers: []Transfer{func() Transfer { m := moved; m.Phase = "InProgress"; return m }()}},
			want: empty("DataDownload dd is InProgress"),
		},
		"a volume that Velero made from a native snapshot": {
			pvs:  []*corev1.PersistentVolume{bound(native)},
			want: report(func(r *v1alpha1.VolumeReport) { r.Method = v1alpha1.VolumeNativeSnapshot }),
		},
		"native snapshots in the backup explain an empty volume": {
			look: Look{Backup: Backup{NativeSnapshots: true}},
			want: report(func(r *v1alpha1.VolumeReport) {
				r.Method = v1alpha1.VolumeNotRestored
				r.Message = "no data of this volume came back: the backup holds native volume snapshots, which are not restored beside production; " +
					"back it up with CSI snapshots or file-system backup"
			}),
		},
		"a volume that was there before the run proves nothing, whatever was written into it": {
			look: Look{Transfers: []Transfer{transfer()}},
			pvs:  []*corev1.PersistentVolume{bound(early)},
			want: filled(func(r *v1alpha1.VolumeReport) {
				r.Method, r.Message = v1alpha1.VolumePreBound, "PersistentVolume pv-1 was there before the run began"
			}),
		},
		"a volume that nobody provisioned, and that is not younger than the claim, proves nothing": {
			look: Look{Transfers: []Transfer{transfer()}},
			pvs:  []*corev1.PersistentVolume{bound(byHand)},
			want: filled(func(r *v1alpha1.VolumeReport) {
				r.Method, r.Message = v1alpha1.VolumePreBound, "nothing shows that PersistentVolume pv-1 was made for this claim"
			}),
		},
		"a volume of an unknown provisioner that is younger than its claim is the claim's": {
			look: Look{Claims: with(func(c *Claim) { c.Created = began.Add(time.Second) }), Transfers: []Transfer{transfer()}},
			pvs:  []*corev1.PersistentVolume{bound(byHand)},
			want: filled(func(*v1alpha1.VolumeReport) {}),
		},
		"another volume of the same storage is named": {
			look: Look{Transfers: []Transfer{transfer()}},
			pvs:  []*corev1.PersistentVolume{bound(), bound(ofProduction)},
			want: filled(func(r *v1alpha1.VolumeReport) {
				r.SharedWith = []string{"pv-of-production"}
				r.Message = "it stands for the same storage as PersistentVolume pv-of-production"
			}),
		},
		"a kind of storage that is not known is never silently unique": {
			look: Look{Transfers: []Transfer{transfer()}},
			pvs:  []*corev1.PersistentVolume{bound(odd), bound(ofProduction, odd)},
			want: filled(func(r *v1alpha1.VolumeReport) {
				r.Message = "it was not compared with other volumes: its kind of storage is not known"
			}),
		},
		"a volume that is gone holds no data": {
			look: Look{Transfers: []Transfer{transfer()}, Inventory: NewInventory("box")},
			want: filled(func(r *v1alpha1.VolumeReport) {
				r.Method, r.Volume, r.Message = v1alpha1.VolumeEmpty, "", `the claim is bound to PersistentVolume "pv-1", which is not there`
			}),
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			l := test.look
			l.Began, l.Backup.FileSystem = began, true
			if l.Claims == nil {
				l.Claims = []Claim{claim}
			}
			if l.Mounts == nil {
				l.Mounts = []Mount{mount}
			}
			if test.pvs == nil {
				test.pvs = []*corev1.PersistentVolume{bound()}
			}
			if l.Inventory == nil {
				l.Inventory = inventory(test.pvs...)
			}
			if diff := cmp.Diff([]v1alpha1.VolumeReport{test.want}, Report(l)); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func TestNamed(t *testing.T) {
	all := []v1alpha1.VolumeReport{
		{Namespace: "shop", Claim: "data", Method: v1alpha1.VolumeNotInBackup, MountedBy: "pod/db-0", Message: "it was made anew"},
		{Namespace: "shop", Claim: "unknown", Method: "of a later version"},
		{Namespace: "shop", Claim: "good", Method: v1alpha1.VolumeFileSystemBackup, MountedBy: "pod/db-0", Message: "it was not compared"},
		{Namespace: "shop", Claim: "old", Method: v1alpha1.VolumePreBound, MountedBy: "pod/db-0"},
		{Namespace: "shop", Claim: "shared", Method: v1alpha1.VolumeCSISnapshot, SharedWith: []string{"pv"}, MountedBy: "pod/db-0"},
		{Namespace: "shop", Claim: "tied", Method: v1alpha1.VolumeNotRestored, MountedBy: "pod/web", Message: "its pod is left out"},
	}
	for consequence, want := range map[Consequence][]string{
		NothingLost: {"shop: good (pod/db-0): it was not compared"},
		NotShown:    {"shop: tied (pod/web): its pod is left out"},
		Unproven: {
			"shop: data (pod/db-0): it was made anew", "shop: unknown (not mounted by any pod)", "shop: old (pod/db-0)", "shop: shared (pod/db-0)",
		},
	} {
		if diff := cmp.Diff(want, Named(all, consequence)); diff != "" {
			t.Errorf("%d (-want +got):\n%s", consequence, diff)
		}
	}
}

func inventory(pvs ...*corev1.PersistentVolume) *Inventory {
	i := NewInventory("box")
	for _, pv := range pvs {
		i.Add(pv)
	}
	return i
}

func TestOnlyVolumesOutOfSnapshotsAreLazy(t *testing.T) {
	got := Lazy([]v1alpha1.VolumeReport{
		{Namespace: "shop", Claim: "csi", Method: v1alpha1.VolumeCSISnapshot},
		{Namespace: "shop", Claim: "native", Method: v1alpha1.VolumeNativeSnapshot},
		{Namespace: "shop", Claim: "moved", Method: v1alpha1.VolumeDataMover},
		{Namespace: "shop", Claim: "files", Method: v1alpha1.VolumeFileSystemBackup},
		{Namespace: "shop", Claim: "lost", Method: v1alpha1.VolumeEmpty},
		{Namespace: "shop", Claim: "read", Method: v1alpha1.VolumeCSISnapshot},
		{Namespace: "cellar", Claim: "read", Method: v1alpha1.VolumeCSISnapshot},
	}, []v1alpha1.CheckStatus{{Name: "web"}, {Name: "files", ReadVolumes: []string{"shop: read", "shop: moved"}}})
	if diff := cmp.Diff([]string{"shop: csi", "shop: native", "cellar: read"}, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestProduction(t *testing.T) {
	claim := Claim{Namespace: "box", Name: "data", UID: "u1", Bound: true, Volume: "pv-1"}
	for name, test := range map[string]struct {
		claim Claim
		pvs   []*corev1.PersistentVolume
		want  []string
	}{
		"a volume of the run alone": {claim, []*corev1.PersistentVolume{bound()}, nil},
		"a volume as old as the run, to the second": {
			claim, []*corev1.PersistentVolume{bound(func(pv *corev1.PersistentVolume) { pv.CreationTimestamp = metav1.NewTime(began) })}, nil,
		},
		"a volume that was there before the run": {
			claim, []*corev1.PersistentVolume{bound(early)}, []string{"claim box/data has PersistentVolume pv-1: it was there before the run began"},
		},
		"a volume whose storage another one shares": {
			claim, []*corev1.PersistentVolume{bound(), bound(ofProduction)},
			[]string{"claim box/data has PersistentVolume pv-1: it stands for the same storage as PersistentVolume pv-of-production"},
		},
		"volumes of unknown kinds are not taken for one": {claim, []*corev1.PersistentVolume{bound(odd), bound(ofProduction, odd)}, nil},
		"a claim without a volume": {
			Claim{Namespace: "box", Name: "data"}, []*corev1.PersistentVolume{bound(early)}, nil,
		},
	} {
		t.Run(name, func(t *testing.T) {
			if diff := cmp.Diff(test.want, Production([]Claim{test.claim}, inventory(test.pvs...), began)); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func TestInventoryKnows(t *testing.T) {
	i := inventory(bound())
	for name, test := range map[string]struct {
		claim Claim
		want  bool
	}{
		"the volume of a bound claim":             {Claim{Bound: true, Volume: "pv-1"}, true},
		"no volume that the list does not show":   {Claim{Bound: true, Volume: "pv-2"}, false},
		"that a claim in waiting has no volume":   {Claim{}, true},
		"that a claim asks for one it cannot get": {Claim{Volume: "pv-2"}, true},
	} {
		if got := i.Knows([]Claim{test.claim}); got != test.want {
			t.Errorf("knows %s: %t, want %t", name, got, test.want)
		}
	}
}

func TestSpan(t *testing.T) {
	later := transfer(func(t *Transfer) { t.Start, t.End = began.Add(time.Second), began.Add(9*time.Second) })
	open := transfer(func(t *Transfer) { t.Start, t.End = began.Add(-time.Hour), time.Time{} })
	if got := Span([]Transfer{later, transfer(), open}); got != 9*time.Second {
		t.Errorf("got %s, want 9s", got)
	}
	if got := Span(nil); got != 0 {
		t.Errorf("got %s, want 0s", got)
	}
}

func TestFromObjects(t *testing.T) {
	pvc := &corev1.PersistentVolumeClaim{
		ObjectMeta: metav1.ObjectMeta{Namespace: "box", Name: "data", UID: "u1", CreationTimestamp: metav1.NewTime(began)},
		Spec: corev1.PersistentVolumeClaimSpec{
			VolumeName: "pv-1",
			DataSource: &corev1.TypedLocalObjectReference{Kind: "VolumeSnapshot", Name: "s"},
			Selector:   &metav1.LabelSelector{MatchLabels: map[string]string{velerov1.DynamicPVRestoreLabel: "x"}},
		},
		Status: corev1.PersistentVolumeClaimStatus{Phase: corev1.ClaimBound},
	}
	want := Claim{Source: "shop", Namespace: "box", Name: "data", UID: "u1", Bound: true, Volume: "pv-1", Created: began, Snapshot: "s", DataMover: true}
	if diff := cmp.Diff(want, ClaimOf("shop", pvc)); diff != "" {
		t.Errorf("claim (-want +got):\n%s", diff)
	}
	clone := &corev1.PersistentVolumeClaim{Spec: corev1.PersistentVolumeClaimSpec{
		DataSourceRef: &corev1.TypedObjectReference{Kind: "PersistentVolumeClaim", Name: "other"},
	}}
	if got := ClaimOf("shop", clone); got.Snapshot != "" {
		t.Errorf("a clone of a claim counts as snapshot %s", got.Snapshot)
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
	if diff := cmp.Diff(transfer(func(t *Transfer) { t.ClaimUID, t.Held = "u1", 9 }), TransferOf(pvr)); diff != "" {
		t.Errorf("transfer (-want +got):\n%s", diff)
	}
	pvr.Status.Progress.BytesDone = 0
	if got := TransferOf(pvr).Bytes; got != 9 {
		t.Errorf("got %d bytes, want the size of the snapshot", got)
	}

	download := &velerov2alpha1.DataDownload{
		ObjectMeta: metav1.ObjectMeta{Name: "dd"},
		Spec:       velerov2alpha1.DataDownloadSpec{TargetVolume: velerov2alpha1.TargetVolumeSpec{PVC: "data", Namespace: "box"}, SnapshotSize: 9},
		Status: velerov2alpha1.DataDownloadStatus{
			Phase: velerov2alpha1.DataDownloadPhaseCompleted, StartTimestamp: &start, CompletionTimestamp: &end,
			Progress: shared.DataMoveOperationProgress{BytesDone: 7},
		},
	}
	moved := Transfer{
		Kind: "DataDownload", Name: "dd", Method: v1alpha1.VolumeDataMover, Namespace: "box", Claim: "data", Phase: completed,
		Bytes: 7, Held: 9, Start: start.Time, End: end.Time,
	}
	if diff := cmp.Diff(moved, DownloadOf(download)); diff != "" {
		t.Errorf("download (-want +got):\n%s", diff)
	}
	download.Status.Progress.BytesDone = 0
	if got := DownloadOf(download).Bytes; got != 9 {
		t.Errorf("got %d bytes, want the size of the snapshot", got)
	}
}
