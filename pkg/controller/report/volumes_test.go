package report

import (
	"slices"
	"strings"
	"testing"

	velerov1 "github.com/vmware-tanzu/velero/pkg/apis/velero/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	clienttesting "k8s.io/client-go/testing"

	"github.com/kymaros/kymaros/pkg/apis/restore/v1alpha1"
)

// taken is what file-system backup took of data-db-0, through a pod of production.
func taken(pod, snapshot string) *velerov1.PodVolumeBackup {
	return &velerov1.PodVolumeBackup{
		ObjectMeta: metav1.ObjectMeta{
			Namespace: velero, Name: "pvb", Labels: map[string]string{velerov1.BackupNameLabel: "nightly"}, Annotations: map[string]string{"velero.io/pvc-name": "data-db-0"},
		},
		Spec:   velerov1.PodVolumeBackupSpec{Pod: corev1.ObjectReference{Namespace: "shop", Name: pod}, Volume: "data"},
		Status: velerov1.PodVolumeBackupStatus{Phase: velerov1.PodVolumeBackupPhaseCompleted, SnapshotID: snapshot},
	}
}

func TestVolumesThatNothingWasWrittenInto(t *testing.T) {
	const hook = "post.hook.restore.velero.io/command"
	ofProduction := func(name, owner string, annotations map[string]string) *corev1.Pod {
		return &corev1.Pod{
			ObjectMeta: metav1.ObjectMeta{
				Namespace: "shop", Name: name, Annotations: annotations, OwnerReferences: []metav1.OwnerReference{{Kind: owner, Name: "import", Controller: new(true)}},
			},
			Spec: corev1.PodSpec{
				Containers: []corev1.Container{{VolumeMounts: []corev1.VolumeMount{{Name: "data"}}}},
				Volumes: []corev1.Volume{{Name: "data", VolumeSource: corev1.VolumeSource{
					PersistentVolumeClaim: &corev1.PersistentVolumeClaimVolumeSource{ClaimName: "data-db-0"},
				}}},
			},
		}
	}
	excluded := map[string]string{velerov1.VolumesToExcludeAnnotation: "data"}
	for name, tt := range map[string]struct {
		kube   *corev1.Pod
		velero *velerov1.PodVolumeBackup
		policy string
		result v1alpha1.Result
		reason string
		method v1alpha1.VolumeMethod
		says   string
	}{
		"an empty one passes": {velero: taken("db-0", ""), result: v1alpha1.ResultPass, reason: v1alpha1.ReasonPassed, method: v1alpha1.VolumeEmptyInProduction, says: "it was empty"},
		"one that a Job held is not shown": {
			kube: ofProduction("import-1", "Job", nil), velero: taken("import-1", "k1"), result: v1alpha1.ResultPartial, reason: "VolumeNotShown", method: v1alpha1.VolumeNotRestored,
			says: "the data of claim data-db-0 is in the backup, but tied to pod import-1, which the test leaves out: it belongs to Job import",
		},
		"one that a restore hook fills is not shown": {
			kube: ofProduction("db-0", "StatefulSet", map[string]string{velerov1.VolumesToExcludeAnnotation: "data", hook: "[load]"}), result: v1alpha1.ResultPartial, reason: "VolumeNotShown",
			method: v1alpha1.VolumeRestoreHook, says: "the restore hook of pod db-0 was not run",
		},
		"one that is left out does not pass": {
			kube: ofProduction("db-0", "StatefulSet", excluded), result: v1alpha1.ResultPartial, reason: "VolumeUnproven", method: v1alpha1.VolumeLeftOut, says: "of pod db-0 leaves it out",
		},
		"nor does one that a policy leaves out": {
			policy: "volumePolicies: [{conditions: {csi: {driver: d}}, action: {type: skip}}]", result: v1alpha1.ResultPartial, reason: "VolumeUnproven",
			method: v1alpha1.VolumeLeftOut, says: "resource policy rules leaves it out",
		},
		"one that is missing does not": {result: v1alpha1.ResultPartial, reason: "VolumeUnproven", method: v1alpha1.VolumeNotInBackup, says: "it was made anew"},
	} {
		t.Run(name, func(t *testing.T) {
			f := newFixture(t, test())
			if err := f.client.Tracker().Delete(velerov1.SchemeGroupVersion.WithResource("podvolumerestores"), velero, "pvr"); err != nil {
				t.Fatal(err)
			}
			spec := velerov1.BackupSpec{DefaultVolumesToFsBackup: new(true)}
			if tt.kube != nil {
				if err := f.kube.Tracker().Add(tt.kube); err != nil {
					t.Fatal(err)
				}
			}
			if tt.velero != nil {
				if err := f.client.Tracker().Add(tt.velero); err != nil {
					t.Fatal(err)
				}
			}
			if tt.policy != "" {
				spec.ResourcePolicy = policyOf(f, t, tt.policy)
				disk := volume()
				disk.Name, disk.Spec.ClaimRef = "of-production", &corev1.ObjectReference{Namespace: "shop", Name: "data-db-0"}
				disk.Spec.CSI = &corev1.CSIPersistentVolumeSource{Driver: "d", VolumeHandle: "2"}
				if err := f.kube.Tracker().Add(disk); err != nil {
					t.Fatal(err)
				}
			}
			withBackup(t, f, spec)
			for i := range cluster() { // the container of db-0 mounts its volume
				if p, ok := cluster()[i].(*corev1.Pod); ok {
					p.Spec.Containers = []corev1.Container{{VolumeMounts: []corev1.VolumeMount{{Name: "data"}}}}
					if err := f.kube.Tracker().Update(corev1.SchemeGroupVersion.WithResource("pods"), p, sandbox); err != nil {
						t.Fatal(err)
					}
				}
			}
			f.mustSync(t)
			r := f.reports(t)[0].Status
			equal(t, "result", r.Result, tt.result)
			equal(t, "reason", r.Reason, tt.reason)
			equal(t, "method", r.Volumes[0].Method, tt.method)
			if !strings.Contains(r.Volumes[0].Message, tt.says) || tt.result == v1alpha1.ResultPartial && !strings.Contains(r.Message, tt.says) {
				t.Errorf("volume: %q; report: %q; want both to say %q", r.Volumes[0].Message, r.Message, tt.says)
			}
		})
	}
}

func TestTheBackupIsAskedForVolumesOnlyWhenSomethingIsOpen(t *testing.T) {
	asked := func(f *fixture) (all []string) {
		for _, a := range f.client.Actions() {
			if r := a.GetResource().Resource; a.GetVerb() == "list" && (r == "podvolumebackups" || r == "datauploads") {
				all = append(all, r+" "+a.(clienttesting.ListAction).GetListRestrictions().Labels.String())
			}
		}
		slices.Sort(all)
		return all
	}
	f := newFixture(t, test())
	f.mustSync(t)
	equal(t, "lists when all is proven", asked(f), nil)

	f = newFixture(t, test())
	if err := f.client.Tracker().Delete(velerov1.SchemeGroupVersion.WithResource("podvolumerestores"), velero, "pvr"); err != nil {
		t.Fatal(err)
	}
	f.client.PrependReactor("list", "datauploads", func(clienttesting.Action) (bool, runtime.Object, error) {
		return true, nil, apierrors.NewNotFound(schema.GroupResource{Resource: "datauploads"}, "")
	})
	f.mustSync(t)
	equal(t, "lists when nothing is", asked(f), []string{"datauploads velero.io/backup-name=nightly", "podvolumebackups velero.io/backup-name=nightly"})
	equal(t, "volumes", len(f.reports(t)[0].Status.Volumes), 1)
}
