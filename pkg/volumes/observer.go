package volumes

import (
	"time"

	velerov1 "github.com/vmware-tanzu/velero/pkg/apis/velero/v1"
	velerov2alpha1 "github.com/vmware-tanzu/velero/pkg/apis/velero/v2alpha1"
	appsv1 "k8s.io/api/apps/v1"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/util/sets"
	"k8s.io/utils/ptr"

	"github.com/kymaros/kymaros/pkg/velero"
)

// Run is what an Observer is to know of a run.
type Run struct {
	// Restore is the name of its Restore.
	Restore            string
	Sources, Sandboxes []string
	// Began is when the run did, BackupBegan when the backup did: zero if that is not known.
	Began, BackupBegan time.Time
	// Backup is nil if Velero has it no more.
	Backup *velerov1.Backup
}

// Observer takes note of the volumes of a run. It is not safe for concurrent use.
type Observer struct {
	run  Run
	look Look
	// claims are those of production, if a resource policy may leave their volumes out.
	claims map[string]*corev1.PersistentVolumeClaim
	policy velero.Policy
}

// NewObserver returns an Observer of a run.
func NewObserver(run Run) *Observer {
	o := &Observer{run: run, look: Look{
		Began: run.Began, Backup: BackupOf(run.Backup), Snapshots: map[string]string{},
		Production: Origin{Claims: map[string]Claim{}, Read: sets.New[string]()},
	}}
	if velero.PolicyName(run.Backup) != "" {
		o.claims = map[string]*corev1.PersistentVolumeClaim{}
	}
	o.Anew()
	return o
}

// BackupOf returns what a Backup says of volumes; nil is one that Velero has no more.
func BackupOf(b *velerov1.Backup) Backup {
	if b == nil {
		return Backup{Gone: true}
	}
	return Backup{
		FileSystem: ptr.Deref(b.Spec.DefaultVolumesToFsBackup, false), NativeSnapshots: b.Status.VolumeSnapshotsCompleted > 0,
		Policy: velero.PolicyName(b),
	}
}

// Source takes note of a claim or pod of production.
func (o *Observer) Source(_ string, _ schema.GroupKind, object metav1.Object) {
	switch object := object.(type) {
	case *corev1.Pod:
		o.look.Production.Mounts = append(o.look.Production.Mounts, MountsOf(object)...)
	case *corev1.PersistentVolumeClaim:
		// Of one that is younger the backup says nothing.
		if !o.run.BackupBegan.IsZero() && object.CreationTimestamp.After(o.run.BackupBegan) {
			return
		}
		key := object.Namespace + "/" + object.Name
		o.look.Production.Claims[key] = ClaimOf(object.Namespace, object)
		if o.claims != nil {
			o.claims[key] = object
		}
	}
}

// Sandbox takes note of a claim, or of what may name one.
func (o *Observer) Sandbox(source string, _ schema.GroupKind, object metav1.Object) {
	workload := func(kind string, pod *corev1.PodSpec, templates ...corev1.PersistentVolumeClaim) {
		o.look.Workloads = append(o.look.Workloads, WorkloadOf(source, kind, object.GetName(), pod, templates...))
	}
	switch object := object.(type) {
	case *corev1.PersistentVolumeClaim:
		o.look.Claims = append(o.look.Claims, ClaimOf(source, object))
	case *corev1.Pod:
		o.look.Mounts = append(o.look.Mounts, MountsOf(object)...)
	case *appsv1.Deployment:
		workload("Deployment", &object.Spec.Template.Spec)
	case *appsv1.StatefulSet:
		workload("StatefulSet", &object.Spec.Template.Spec, object.Spec.VolumeClaimTemplates...)
	case *batchv1.CronJob:
		if object.Labels[velerov1.RestoreNameLabel] == o.run.Restore {
			workload("CronJob", &object.Spec.JobTemplate.Spec.Template.Spec)
		}
	}
}

// Beside takes note of a PersistentVolume of the cluster, of what Velero wrote into volumes, of what the backup holds of them, and of
// what the storage says of snapshots.
func (o *Observer) Beside(object runtime.Object) {
	switch object := object.(type) {
	case *corev1.PersistentVolume:
		o.look.Inventory.Add(object)
	case *velerov1.PodVolumeRestore:
		o.look.Transfers = append(o.look.Transfers, TransferOf(object))
	case *velerov2alpha1.DataDownload:
		o.look.Transfers = append(o.look.Transfers, DownloadOf(object))
	case *velerov1.PodVolumeBackup:
		o.look.Backup.Held = append(o.look.Backup.Held, BackedUp(object))
	case *velerov2alpha1.DataUpload:
		o.look.Backup.Held = append(o.look.Backup.Held, UploadOf(object))
	case *unstructured.Unstructured:
		if snapshot, said := trouble(object); said != "" {
			o.look.Snapshots[snapshot] = said
		}
	}
}

// Anew forgets all PersistentVolumes, for they are read again.
func (o *Observer) Anew() {
	o.look.Inventory = NewInventory(o.run.Sandboxes...)
	o.look.Inventory.Sources = o.run.Sources
}

// PodsRead takes note that all pods of a source namespace were read.
func (o *Observer) PodsRead(source string) { o.look.Production.Read.Insert(source) }

// Policy takes note of the resource policy of the backup.
func (o *Observer) Policy(p velero.Policy) { o.policy = p }

// Result returns what was found, and which volumes the resource policy of the backup leaves out.
func (o *Observer) Result() Look {
	l := o.look
	l.Backup.Skipped = sets.New[string]()
	for key, claim := range o.claims {
		if o.policy.Skips(claim, l.Inventory.OfSources[key]) {
			l.Backup.Skipped.Insert(key)
		}
	}
	return l
}
