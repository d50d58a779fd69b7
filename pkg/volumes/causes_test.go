package volumes

import (
	"strings"
	"testing"

	velerov1 "github.com/vmware-tanzu/velero/pkg/apis/velero/v1"
	velerov2alpha1 "github.com/vmware-tanzu/velero/pkg/apis/velero/v2alpha1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/sets"

	"github.com/google/go-cmp/cmp"

	"github.com/kymaros/kymaros/pkg/apis/restore/v1alpha1"
)

// pod returns a pod that mounts claim data as volume vol.
func pod(namespace, name string, change ...func(*corev1.Pod)) *corev1.Pod {
	p := &corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: name, Annotations: map[string]string{}, Labels: map[string]string{}},
		Spec: corev1.PodSpec{
			Containers: []corev1.Container{{VolumeMounts: []corev1.VolumeMount{{Name: "vol"}}}},
			Volumes: []corev1.Volume{{Name: "vol", VolumeSource: corev1.VolumeSource{
				PersistentVolumeClaim: &corev1.PersistentVolumeClaimVolumeSource{ClaimName: "data"},
			}}},
		},
	}
	for _, f := range change {
		f(p)
	}
	return p
}

func annotated(key, value string) func(*corev1.Pod) {
	return func(p *corev1.Pod) { p.Annotations[key] = value }
}

func ownedBy(kind, name string) func(*corev1.Pod) {
	return func(p *corev1.Pod) {
		p.OwnerReferences = []metav1.OwnerReference{{Kind: kind, Name: name, Controller: new(true)}}
	}
}

func noMount(p *corev1.Pod) { p.Spec.Containers[0].VolumeMounts = nil }

func ephemeralVolume(p *corev1.Pod) {
	p.Spec.Volumes[0].VolumeSource = corev1.VolumeSource{Ephemeral: &corev1.EphemeralVolumeSource{}}
}

// podBackup is what Velero writes of volume vol of a pod of production.
func podBackup(podName, phase, snapshot, message string) Backed {
	return BackedUp(&velerov1.PodVolumeBackup{
		ObjectMeta: metav1.ObjectMeta{Name: "pvb", Annotations: map[string]string{claimName: "data"}},
		Spec:       velerov1.PodVolumeBackupSpec{Pod: corev1.ObjectReference{Namespace: "shop", Name: podName}, Volume: "vol"},
		Status:     velerov1.PodVolumeBackupStatus{Phase: velerov1.PodVolumeBackupPhase(phase), SnapshotID: snapshot, Message: message},
	})
}

// Each volume of a claim into which nothing was transferred, and what is said of it. The links are to reports of users.
func TestCauses(t *testing.T) {
	const hook = "post.hook.restore.velero.io/command"
	excluded := annotated(velerov1.VolumesToExcludeAnnotation, "logs,vol")
	claim := Claim{Source: "shop", Namespace: "box", Name: "data", UID: "u1", Bound: true, Volume: "pv-1", Created: began}
	used, unused, pending := Claim{Bound: true, Used: true}, Claim{Bound: true}, Claim{Pending: true}
	owned := ClaimOf("shop", &corev1.PersistentVolumeClaim{
		ObjectMeta: metav1.ObjectMeta{Name: "data", Namespace: "shop", OwnerReferences: []metav1.OwnerReference{{APIVersion: "apps/v1", Kind: "StatefulSet", Name: "db", Controller: new(true)}}},
		Status:     corev1.PersistentVolumeClaimStatus{Phase: corev1.ClaimBound},
	})
	with := func(change func(*Claim)) *Claim { c := claim; change(&c); return &c }
	restored := func(bytes, total, held int64) []Transfer {
		return []Transfer{transfer(func(t *Transfer) { t.Bytes, t.Total, t.Held = bytes, total, held })}
	}
	const (
		lost    = Unproven
		shown   = NothingLost
		sandbox = NotShown
	)
	for name, test := range map[string]struct {
		claim      *Claim // that of the sandbox, if it is not claim
		pods       []*corev1.Pod
		backup     Backup
		refused    string
		production *Claim
		source     []*corev1.Pod // pods of production
		workloads  []Workload
		transfers  []Transfer
		unread     bool
		method     v1alpha1.VolumeMethod
		want       Consequence
		says       string
	}{
		// https://github.com/openshift/oadp-operator/issues/577, https://github.com/velero-io/velero/issues/1266
		"empty when it was backed up": {
			pods: []*corev1.Pod{pod("box", "web")}, backup: Backup{FileSystem: true, Held: []Backed{podBackup("web", completed, "", "volume was empty so no snapshot was taken")}},
			production: &used, method: v1alpha1.VolumeEmptyInProduction, want: shown, says: "it was empty when it was backed up, as PodVolumeBackup pvb says",
		},
		// https://github.com/velero-io/velero/issues/9507, https://github.com/velero-io/velero/issues/260
		"Pending in production too": {
			backup: Backup{FileSystem: true}, production: &pending, method: v1alpha1.VolumePending, want: shown, says: "Pending in production too",
		},
		// https://github.com/velero-io/velero/issues/7233
		// Volumes that are made before there is a pod, or by hand, tell nothing of who used them.
		"nobody uses it, and perhaps nobody did": {
			backup: Backup{FileSystem: true}, production: &unused, method: v1alpha1.VolumeNotInBackup, want: lost, says: "nothing mounts it, and whether anything ever did is not known",
		},
		"whether somebody uses it could not be read": {
			backup: Backup{FileSystem: true}, production: &unused, unread: true, method: v1alpha1.VolumeNotInBackup, want: lost, says: "nothing mounts it any more",
		},
		// https://github.com/velero-io/velero/issues/5036, https://github.com/velero-io/velero/issues/5006
		"a pod names it, but none of its containers mounts it": {
			pods: []*corev1.Pod{pod("box", "web", noMount)}, backup: Backup{FileSystem: true}, production: &unused,
			method: v1alpha1.VolumeUnused, want: shown, says: "no container of pod web mounts it",
		},
		"nothing uses it any more, and a pod once did": {
			backup: Backup{FileSystem: true}, production: &used, method: v1alpha1.VolumeNotInBackup, want: lost, says: "nothing mounts it any more",
		},
		"nothing uses it here, and production is gone": {
			backup: Backup{FileSystem: true}, method: v1alpha1.VolumeNotInBackup, want: lost, says: "nothing mounts it any more",
		},
		// https://github.com/velero-io/velero/issues/1919: of what is scaled to zero, no file is in the backup.
		"its workload is scaled to zero": {
			backup: Backup{FileSystem: true}, production: &unused, workloads: []Workload{{Source: "shop", Name: "Deployment/web", Claims: []string{"data"}}},
			method: v1alpha1.VolumeNotInBackup, want: lost, says: "no pod of Deployment/web mounts it",
		},
		"not in the backup at all": {
			pods: []*corev1.Pod{pod("box", "web")}, backup: Backup{FileSystem: true}, production: &used, method: v1alpha1.VolumeNotInBackup, want: lost, says: "it was made anew",
		},
		// https://github.com/openshift/oadp-operator/issues/616: everything is backed up but the volume.
		"no annotation takes it in": {
			pods: []*corev1.Pod{pod("box", "web")}, production: &used, method: v1alpha1.VolumeNotInBackup, want: lost,
			says: "annotation backup.velero.io/backup-volumes of pod web does not name it",
		},
		"an annotation takes it in, and it is not there": {
			pods: []*corev1.Pod{pod("box", "web", annotated(velerov1.VolumesToBackupAnnotation, "vol"))}, production: &used,
			method: v1alpha1.VolumeNotInBackup, want: lost, says: "it was made anew",
		},
		"its backup failed": {
			pods: []*corev1.Pod{pod("box", "web")}, backup: Backup{FileSystem: true, Held: []Backed{podBackup("web", "Failed", "", "no space left")}},
			method: v1alpha1.VolumeNotInBackup, want: lost, says: "PodVolumeBackup pvb is Failed: no space left",
		},
		// https://github.com/velero-io/velero/issues/1896
		"in the backup through the pod of a Job": {
			pods: []*corev1.Pod{pod("box", "web")}, backup: Backup{FileSystem: true, Held: []Backed{podBackup("a-import-1", completed, "k1", "")}},
			source: []*corev1.Pod{pod("shop", "a-import-1", ownedBy("Job", "a-import"))}, method: v1alpha1.VolumeNotRestored, want: sandbox,
			says: "the data of claim data is in the backup, but tied to pod a-import-1, which the test leaves out: it belongs to Job a-import",
		},
		// https://github.com/velero-io/velero/issues/5458
		"in the backup through the pod of a DaemonSet": {
			pods: []*corev1.Pod{pod("box", "web")}, backup: Backup{FileSystem: true, Held: []Backed{podBackup("agent-x", completed, "k1", "")}},
			source: []*corev1.Pod{pod("shop", "agent-x", ownedBy("DaemonSet", "agent"))}, method: v1alpha1.VolumeNotRestored, want: sandbox,
			says: "it belongs to DaemonSet agent",
		},
		"in the backup through a pod that is nowhere any more": {
			pods: []*corev1.Pod{pod("box", "web")}, backup: Backup{FileSystem: true, Held: []Backed{podBackup("gone", completed, "k1", "")}},
			method: v1alpha1.VolumeNotRestored, want: sandbox, says: "tied to pod gone, which did not come back",
		},
		// https://github.com/openshift/oadp-operator/issues/158: a PodVolumeBackup, the pod, and no PodVolumeRestore.
		"in the backup through a pod that came back, and not restored": {
			pods: []*corev1.Pod{pod("box", "web")}, backup: Backup{FileSystem: true, Held: []Backed{podBackup("web", completed, "k1", "")}},
			method: v1alpha1.VolumeEmpty, want: lost, says: "its data is in the backup, as PodVolumeBackup pvb says, and Velero did not restore it",
		},
		// https://github.com/velero-io/velero/issues/5193
		"in the backup through a pod that the sandbox refused, and another has its name": {
			pods: []*corev1.Pod{pod("box", "web")}, backup: Backup{FileSystem: true, Held: []Backed{podBackup("web", completed, "k1", "")}}, refused: "shop/web",
			method: v1alpha1.VolumeNotRestored, want: sandbox, says: "tied to pod web, which the sandbox refused",
		},
		"of two backups of it the one with data counts": {
			pods:   []*corev1.Pod{pod("box", "web")},
			backup: Backup{FileSystem: true, Held: []Backed{podBackup("a", completed, "", ""), podBackup("b", completed, "k1", "")}},
			method: v1alpha1.VolumeNotRestored, want: sandbox, says: "tied to pod b",
		},
		"moved to the backup, and not restored": {
			pods: []*corev1.Pod{pod("box", "web")}, method: v1alpha1.VolumeEmpty, want: lost, says: "its data is in the backup, as DataUpload du says",
			backup: Backup{Held: []Backed{UploadOf(&velerov2alpha1.DataUpload{
				ObjectMeta: metav1.ObjectMeta{Name: "du"}, Spec: velerov2alpha1.DataUploadSpec{SourceNamespace: "shop", SourcePVC: "data"},
				Status: velerov2alpha1.DataUploadStatus{Phase: velerov2alpha1.DataUploadPhaseCompleted, SnapshotID: "k1"},
			})}},
		},
		"the backup of another claim says nothing": {
			pods: []*corev1.Pod{pod("box", "web")}, backup: Backup{FileSystem: true, Held: []Backed{func() Backed { b := podBackup("web", completed, "", ""); b.Claim = "other"; return b }()}},
			production: &used, method: v1alpha1.VolumeNotInBackup, want: lost, says: "it was made anew",
		},
		"a backup that does not name its claim is known by pod and volume": {
			pods: []*corev1.Pod{pod("box", "web")}, backup: Backup{FileSystem: true, Held: []Backed{func() Backed { b := podBackup("web", completed, "", ""); b.Claim = ""; return b }()}},
			method: v1alpha1.VolumeEmptyInProduction, want: shown, says: "it was empty",
		},
		"restored through another pod, which is gone since": {
			pods: []*corev1.Pod{pod("box", "web")}, backup: Backup{FileSystem: true, Held: []Backed{podBackup("old", completed, "k1", "")}},
			transfers: []Transfer{transfer(func(t *Transfer) { t.Pod = "old" })}, method: v1alpha1.VolumeFileSystemBackup, want: shown,
		},
		// https://github.com/velero-io/velero/issues/2121: the restore was Completed all the same.
		"its restore failed": {
			pods: []*corev1.Pod{pod("box", "db-0")}, backup: Backup{FileSystem: true, Held: []Backed{podBackup("db-0", completed, "k1", "")}},
			transfers: []Transfer{transfer(func(t *Transfer) { t.Phase = "Failed" })}, method: v1alpha1.VolumeEmpty, want: lost, says: "PodVolumeRestore pvr is Failed",
		},
		"its restore failed, and Velero says why": {
			pods: []*corev1.Pod{pod("box", "db-0")}, transfers: []Transfer{TransferOf(&velerov1.PodVolumeRestore{
				ObjectMeta: metav1.ObjectMeta{Name: "pvr"},
				Spec:       velerov1.PodVolumeRestoreSpec{Pod: corev1.ObjectReference{Namespace: "box", Name: "db-0"}, Volume: "vol"},
				Status:     velerov1.PodVolumeRestoreStatus{Phase: "Failed", Message: "data path restore failed:\nsnapshot not found"},
			})}, method: v1alpha1.VolumeEmpty, want: lost, says: "PodVolumeRestore pvr is Failed: data path restore failed: snapshot not found",
		},
		"so it did for the data mover": {
			transfers: []Transfer{DownloadOf(&velerov2alpha1.DataDownload{
				ObjectMeta: metav1.ObjectMeta{Name: "dd"},
				Spec:       velerov2alpha1.DataDownloadSpec{TargetVolume: velerov2alpha1.TargetVolumeSpec{Namespace: "box", PVC: "data"}},
				Status:     velerov2alpha1.DataDownloadStatus{Phase: "Failed", Message: "timeout on preparing data download"},
			})}, method: v1alpha1.VolumeEmpty, want: lost, says: "DataDownload dd is Failed: timeout on preparing data download",
		},
		"fewer bytes came back than the backup holds": {
			pods: []*corev1.Pod{pod("box", "db-0")}, transfers: restored(700, 700, 9000), method: v1alpha1.VolumePartlyRestored, want: lost,
			says: "PodVolumeRestore pvr brought 700 of the 9000 bytes that the backup holds",
		},
		// https://github.com/velero-io/velero/issues/8232: the last count of a transfer that is complete may be lost.
		"a count that stopped on the way says nothing": {
			pods: []*corev1.Pod{pod("box", "db-0")}, transfers: restored(5603065856, 8589934592, 8589934592), method: v1alpha1.VolumeFileSystemBackup, want: shown,
		},
		"links count in the backup only": {
			pods: []*corev1.Pod{pod("box", "db-0")}, transfers: restored(8950, 8950, 9000), method: v1alpha1.VolumeFileSystemBackup, want: shown,
		},
		// https://github.com/velero-io/velero/issues/5349
		"an annotation leaves it out": {
			pods: []*corev1.Pod{pod("box", "web", excluded)}, backup: Backup{FileSystem: true}, production: &used,
			method: v1alpha1.VolumeLeftOut, want: lost, says: "annotation backup.velero.io/backup-volumes-excludes of pod web leaves it out",
		},
		// https://github.com/velero-io/velero/issues/9318
		"a resource policy leaves it out": {
			pods: []*corev1.Pod{pod("box", "web")}, backup: Backup{FileSystem: true, Skipped: sets.New("shop/data"), Policy: "no-nfs"}, production: &used,
			method: v1alpha1.VolumeLeftOut, want: lost, says: "resource policy no-nfs leaves it out",
		},
		"its pod is left out": {
			pods:   []*corev1.Pod{pod("box", "web")},
			source: []*corev1.Pod{pod("shop", "web", func(p *corev1.Pod) { p.Labels[velerov1.ExcludeFromBackupLabel] = "true" })}, backup: Backup{FileSystem: true},
			method: v1alpha1.VolumeLeftOut, want: lost, says: "label velero.io/exclude-from-backup of pod web leaves it out",
		},
		"the claim is left out": {
			pods: []*corev1.Pod{pod("box", "web")}, production: &Claim{Bound: true, Excluded: true}, backup: Backup{FileSystem: true},
			method: v1alpha1.VolumeLeftOut, want: lost, says: "of the claim leaves it out",
		},
		// https://github.com/velero-io/velero/issues/2763
		"left out, and filled by a restore hook": {
			pods: []*corev1.Pod{pod("box", "db-0", excluded)}, source: []*corev1.Pod{pod("shop", "db-0", excluded, annotated(hook, "[load]"))},
			backup: Backup{FileSystem: true}, method: v1alpha1.VolumeRestoreHook, want: sandbox, says: "the restore hook of pod db-0 was not run",
		},
		"not chosen, and filled by a restore hook": {
			pods: []*corev1.Pod{pod("box", "db-0")}, source: []*corev1.Pod{pod("shop", "db-0", annotated(hook, "[load]"))},
			method: v1alpha1.VolumeRestoreHook, want: sandbox, says: "the restore hook of pod db-0 was not run",
		},
		"a hook does not excuse a volume that the backup should have taken": {
			pods: []*corev1.Pod{pod("box", "db-0")}, source: []*corev1.Pod{pod("shop", "db-0", annotated(hook, "[load]"))}, backup: Backup{FileSystem: true},
			method: v1alpha1.VolumeNotInBackup, want: lost, says: "it was made anew",
		},
		"of a backup that is gone nothing is known": {
			pods: []*corev1.Pod{pod("box", "web", excluded)}, backup: Backup{Gone: true}, method: v1alpha1.VolumeEmpty, want: lost, says: "the Backup is not there any more",
		},
		"a snapshot of a claim that no pod mounts waits for one": {
			claim: with(func(c *Claim) { c.Snapshot, c.Bound, c.Volume = "s", false, "" }), production: &used,
			method: v1alpha1.VolumeNotRestored, want: sandbox, says: "no pod of the sandbox mounts the claim",
		},
		// https://github.com/velero-io/velero/issues/7862
		"the claim of an ephemeral volume that came back without its owner": {
			claim: with(func(c *Claim) { c.Name = "web-vol" }), pods: []*corev1.Pod{pod("box", "web", ephemeralVolume)},
			transfers: []Transfer{transfer(func(t *Transfer) { t.Pod, t.Phase = "web", "Accepted" })},
			method:    v1alpha1.VolumeEphemeral, want: shown, says: "does not let pod web use it: it was not created for the pod",
		},
		"the claim of an ephemeral volume that was made for its pod": {
			claim: with(func(c *Claim) { c.Name, c.Ephemeral = "web-vol", true }), pods: []*corev1.Pod{pod("box", "web", ephemeralVolume)},
			method: v1alpha1.VolumeEphemeral, want: shown,
		},
		// persistentVolumeClaimRetentionPolicy {whenDeleted: Delete}; operators of databases do the same.
		"a claim that a StatefulSet owns, without data": {
			pods: []*corev1.Pod{pod("box", "web")}, production: &owned, method: v1alpha1.VolumeNotInBackup, want: lost, says: "no data of this volume is in the backup",
		},
		"the claim of an ephemeral volume whose pod is gone": {
			backup: Backup{FileSystem: true}, production: &Claim{Bound: true, Ephemeral: true}, method: v1alpha1.VolumeEphemeral, want: shown,
		},
	} {
		t.Run(name, func(t *testing.T) {
			c := claim
			if test.claim != nil {
				c = *test.claim
			}
			l := Look{Claims: []Claim{c}, Inventory: inventory(bound()), Began: began, Backup: test.backup, Workloads: test.workloads, Transfers: test.transfers, Refused: sets.New(test.refused)}
			if !test.unread {
				l.Production.Read = sets.New("shop")
			}
			for _, p := range test.pods {
				l.Mounts = append(l.Mounts, MountsOf(p)...)
			}
			for _, p := range test.source {
				l.Production.Mounts = append(l.Production.Mounts, MountsOf(p)...)
			}
			if test.production != nil {
				l.Production.Claims = map[string]Claim{"shop/data": *test.production}
			}
			got := Report(l)[0]
			if got.Method != test.method || ConsequenceOf(got) != test.want || !strings.Contains(got.Message, test.says) || test.says == "" && got.Message != "" {
				t.Errorf("got %s, consequence %d: %q; want %s, %d: %q", got.Method, ConsequenceOf(got), got.Message, test.method, test.want, test.says)
			}
		})
	}
}

func TestMountsOf(t *testing.T) {
	p := pod("box", "db-0", ownedBy("StatefulSet", "db"), annotated(velerov1.VolumesToBackupAnnotation, "vol"), annotated("init.hook.restore.velero.io/command", "[x]"))
	p.Spec.Volumes = append(p.Spec.Volumes,
		corev1.Volume{Name: "scratch", VolumeSource: corev1.VolumeSource{Ephemeral: &corev1.EphemeralVolumeSource{}}},
		corev1.Volume{Name: "tmp", VolumeSource: corev1.VolumeSource{EmptyDir: &corev1.EmptyDirVolumeSource{}}})
	want := []Mount{
		{Namespace: "box", Pod: "db-0", Volume: "vol", Claim: "data", Owner: "StatefulSet/db", Chosen: true, Hook: true},
		{Namespace: "box", Pod: "db-0", Volume: "scratch", Claim: "db-0-scratch", Owner: "StatefulSet/db", Idle: true, Ephemeral: true, Hook: true},
	}
	if diff := cmp.Diff(want, MountsOf(p)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	block := pod("box", "vm", noMount, func(p *corev1.Pod) {
		p.Spec.InitContainers = []corev1.Container{{VolumeDevices: []corev1.VolumeDevice{{Name: "vol"}}}}
	})
	if MountsOf(block)[0].Idle {
		t.Error("a disk that an init container has is taken for unused")
	}
}

func TestWorkloadNames(t *testing.T) {
	w := WorkloadOf("shop", "StatefulSet", "db", &pod("shop", "x").Spec, corev1.PersistentVolumeClaim{ObjectMeta: metav1.ObjectMeta{Name: "wal"}})
	for name, test := range map[string]struct {
		source, claim string
		want          bool
	}{
		"a claim that its pods name":       {"shop", "data", true},
		"a claim of its template":          {"shop", "wal-db-12", true},
		"one of another StatefulSet":       {"shop", "wal-db-a-0", false},
		"one without a number":             {"shop", "wal-db-", false},
		"one of the name in another place": {"other", "data", false},
	} {
		if got := w.names(Claim{Source: test.source, Name: test.claim}); got != test.want {
			t.Errorf("%s: %t", name, got)
		}
	}
}
