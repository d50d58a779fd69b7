package coverage

import (
	"cmp"
	"slices"
	"strings"
	"time"

	velerov1 "github.com/vmware-tanzu/velero/pkg/apis/velero/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/kymaros/kymaros/pkg/apis/restore/v1alpha1"
	"github.com/kymaros/kymaros/pkg/scope"
	"github.com/kymaros/kymaros/pkg/volumes"
)

// State of a namespace.
type State string

// States of a namespace, the worst first.
const (
	// Failed: the newest run that shows anything says that its backup does not restore.
	Failed State = "Failed"
	// Unprotected: it is in no backup that can be restored.
	Unprotected State = "Unprotected"
	// Unproven: it is in a backup, and no report that is kept shows that it restores.
	Unproven State = "Unproven"
	// Partial: some of it is proven, and some of it is in no backup, or not proven.
	Partial State = "Partial"
	// Stale: all of it is proven, longer ago than is accepted.
	Stale State = "Stale"
	// Verified: all of it is proven.
	Verified State = "Verified"
	// Ignored: it is left out on purpose, or belongs to the cluster itself.
	Ignored State = "Ignored"
)

// States are all of them, the worst first.
var States = []State{Failed, Unprotected, Unproven, Partial, Stale, Verified, Ignored}

// VolumeState is the state of a volume.
type VolumeState string

// States of a volume, the worst first.
const (
	// NoData: the newest backup of its namespace holds no data of it.
	NoData VolumeState = "NoData"
	// LeftOut: a label leaves it out of all backups.
	LeftOut VolumeState = "LeftOut"
	// Unclear: the backup holds snapshots, and does not say of which volumes.
	Unclear VolumeState = "Unclear"
	// TooNew: it was created after the backup began.
	TooNew VolumeState = "TooNew"
	// InBackup: its data is in the backup, and was not proven to come back.
	InBackup VolumeState = "InBackup"
	// Proven: its data came back in a run that passed.
	Proven VolumeState = "Proven"
	// Nothing: there is nothing in it to lose: it is not bound.
	Nothing VolumeState = "Nothing"
)

// VolumeStates are all of them, the worst first.
var VolumeStates = []VolumeState{NoData, LeftOut, Unclear, TooNew, InBackup, Proven, Nothing}

// Claim is a PersistentVolumeClaim of a namespace.
type Claim struct {
	Namespace, Name string
	Created         time.Time
	// Labels tell whether it is left out of backups. Capacity is for people, such as 10Gi.
	Labels   map[string]string
	Capacity string
	// Pending tells that it is not bound.
	Pending bool
	// Ephemeral tells that it is that of an ephemeral volume; such a claim is not listed.
	Ephemeral bool
}

// ClaimOf returns what matters of a claim.
func ClaimOf(pvc *corev1.PersistentVolumeClaim) Claim {
	c := Claim{
		Namespace: pvc.Namespace, Name: pvc.Name, Created: pvc.CreationTimestamp.Time, Labels: pvc.Labels,
		Pending: pvc.Status.Phase != corev1.ClaimBound, Ephemeral: scope.Ephemeral(pvc),
	}
	if size, ok := pvc.Status.Capacity[corev1.ResourceStorage]; ok {
		c.Capacity = size.String()
	}
	return c
}

// Input is what was seen of a cluster.
type Input struct {
	Namespaces []corev1.Namespace
	Claims     []Claim
	Schedules  []*velerov1.Schedule
	Backups    []*velerov1.Backup
	// Locations says of a BackupStorageLocation why nothing can be restored from it, or "" if it can. One that is not there is taken
	// to be well.
	Locations map[string]string
	// Held is what each backup says of single volumes: its PodVolumeBackups and DataUploads, by the name of the backup. Of a backup
	// that is not there nobody looked.
	Held map[string][]volumes.Backed
	// Mounts of the pods, for volumes that a backup knows only by their pod.
	Mounts  []volumes.Mount
	Tests   []*v1alpha1.RestoreTest
	Reports []*v1alpha1.RestoreReport
	// VeleroNamespace is where the backups are.
	VeleroNamespace string
	// Unseen says in words what was not looked at: nothing is Verified then.
	Unseen []string
	Now    time.Time
	// MaxAge is how long ago a proof may be; 0 accepts any.
	MaxAge time.Duration
}

// Proof is a run that showed that something restores.
type Proof struct {
	// Namespace and Report name the RestoreReport, Test its test.
	Namespace string `json:"namespace"`
	Report    string `json:"report"`
	Test      string `json:"test"`
	// Time is when the run began, BackupTime when its backup did.
	Time       metav1.Time  `json:"time"`
	Backup     string       `json:"backup"`
	BackupTime *metav1.Time `json:"backupTime,omitempty"`
	Score      int32        `json:"score"`
}

// Volume is what is known of a volume.
type Volume struct {
	Claim    string      `json:"claim"`
	Capacity string      `json:"capacity,omitempty"`
	State    VolumeState `json:"state"`
	// Proof is the newest run that passed in which its data came back.
	Proof *Proof `json:"proof,omitempty"`
}

// Namespace is what is known of a namespace.
type Namespace struct {
	Name  string `json:"name"`
	State State  `json:"state"`
	// Why says in a sentence why it is not Verified.
	Why string `json:"why,omitempty"`
	// Schedules of Velero that take it, "name (cron)"; those that are paused say so.
	Schedules []string `json:"schedules,omitempty"`
	// Backup is the best that can be restored, BackupTime when it began. LeavesOut is what its filters leave out of what a test
	// restores.
	Backup     string       `json:"backup,omitempty"`
	BackupTime *metav1.Time `json:"backupTime,omitempty"`
	LeavesOut  []string     `json:"leavesOut,omitempty"`
	// Tests that restore it, "namespace/name".
	Tests []string `json:"tests,omitempty"`
	// Proof is the newest run that passed.
	Proof   *Proof   `json:"proof,omitempty"`
	Volumes []Volume `json:"volumes,omitempty"`
}

// ProvenVolumes counts those that are proven, and all that have something to lose.
func (n Namespace) ProvenVolumes() (proven, total int) {
	for _, v := range n.Volumes {
		if v.State == Nothing {
			continue
		}
		total++
		if v.State == Proven {
			proven++
		}
	}
	return proven, total
}

// Of returns what is known of every namespace, the worst first and then by name. Sandboxes are left out.
func Of(in Input) []Namespace {
	var all []Namespace
	seen := lookAt(in)
	for i := range in.Namespaces {
		ns := &in.Namespaces[i]
		if ns.Labels[v1alpha1.LabelManagedBy] == v1alpha1.ManagedBy || ns.DeletionTimestamp != nil {
			continue
		}
		all = append(all, seen.namespace(ns))
	}
	slices.SortFunc(all, func(a, b Namespace) int {
		return cmp.Or(slices.Index(States, a.State)-slices.Index(States, b.State), strings.Compare(a.Name, b.Name))
	})
	return all
}

// clusters are namespaces that every cluster makes by itself.
var clusters = []string{"kube-system", "kube-public", "kube-node-lease"}

// ignored says why a namespace is left out of the coverage, if it is.
func ignored(ns *corev1.Namespace) (why string, yes bool) {
	value, reason, _ := strings.Cut(ns.Annotations[v1alpha1.AnnotationCoverage], ":")
	switch {
	case strings.TrimSpace(value) == "ignore":
		return cmp.Or(strings.TrimSpace(reason), "annotation "+v1alpha1.AnnotationCoverage), true
	case slices.Contains(clusters, ns.Name):
		return "every cluster makes it by itself", true
	}
	return "", false
}
