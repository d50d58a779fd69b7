package report

import (
	"errors"
	"strings"
	"testing"

	velerov1 "github.com/vmware-tanzu/velero/pkg/apis/velero/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	clienttesting "k8s.io/client-go/testing"

	"github.com/kymaros/kymaros/pkg/apis/restore/v1alpha1"
)

// content is a VolumeSnapshotContent that Velero made of a snapshot of the backup.
func content(name, restore, namespace, said string) *unstructured.Unstructured {
	o := &unstructured.Unstructured{Object: map[string]any{
		"apiVersion": "snapshot.storage.k8s.io/v1", "kind": "VolumeSnapshotContent",
		"metadata": map[string]any{"name": name, "labels": map[string]any{velerov1.RestoreNameLabel: restore}},
		"spec":     map[string]any{"volumeSnapshotRef": map[string]any{"namespace": namespace, "name": "snap"}},
	}}
	if said != "" {
		o.Object["status"] = map[string]any{"error": map[string]any{"message": said}}
	}
	return o
}

// fromSnapshot makes the claim of the sandbox one out of a snapshot.
func fromSnapshot(t *testing.T, f *fixture, phase corev1.PersistentVolumeClaimPhase) {
	t.Helper()
	if err := f.client.Tracker().Delete(velerov1.SchemeGroupVersion.WithResource("podvolumerestores"), velero, "pvr"); err != nil {
		t.Fatal(err)
	}
	for _, o := range cluster() {
		if pvc, ok := o.(*corev1.PersistentVolumeClaim); ok && pvc.Namespace == sandbox {
			pvc.Spec.DataSource = &corev1.TypedLocalObjectReference{Kind: "VolumeSnapshot", Name: "snap"}
			if pvc.Status.Phase = phase; phase != corev1.ClaimBound {
				pvc.Spec.VolumeName = ""
			}
			if err := f.kube.Tracker().Update(corev1.SchemeGroupVersion.WithResource("persistentvolumeclaims"), pvc, sandbox); err != nil {
				t.Fatal(err)
			}
		}
	}
}

// neverReady returns a RestoreTest whose pods never got ready.
func neverReady() *v1alpha1.RestoreTest {
	return test(condition(v1alpha1.ConditionHealthChecked, metav1.ConditionFalse, v1alpha1.ReasonCheckFailed), func(rt *v1alpha1.RestoreTest) {
		rt.Status.Health.Pods.Ready, rt.Status.Health.PodsReadyTime = 0, nil
	})
}

func TestTheStorageSaysWhyASnapshotIsNoVolume(t *testing.T) {
	const restore = "kymaros-shop-" + runID
	for name, tt := range map[string]struct {
		contents []*unstructured.Unstructured
		denied   bool
		want     string
	}{
		"in its own words, on one line": {
			contents: []*unstructured.Unstructured{content("a", restore, sandbox, "rpc error: code = NotFound\n  desc = snap-1 is not there")},
			want:     "did not become a volume: rpc error: code = NotFound desc = snap-1 is not there",
		},
		"but no more than a reader takes in": {
			contents: []*unstructured.Unstructured{content("a", restore, sandbox, strings.Repeat("x", 9000))}, want: "xxx…",
		},
		"unless there is nothing wrong":         {contents: []*unstructured.Unstructured{content("a", restore, sandbox, "")}, want: "did not become a volume"},
		"not of another run":                    {contents: []*unstructured.Unstructured{content("a", "other", sandbox, "another")}, want: "did not become a volume"},
		"not of another sandbox":                {contents: []*unstructured.Unstructured{content("a", restore, "rp-test-shop-bbbbbb", "another")}, want: "did not become a volume"},
		"and if it cannot be asked, it is lost": {denied: true, want: "did not become a volume"},
	} {
		t.Run(name, func(t *testing.T) {
			f := newFixture(t, neverReady())
			fromSnapshot(t, f, corev1.ClaimPending)
			for _, o := range tt.contents {
				if err := f.dynamic.Tracker().Add(o); err != nil {
					t.Fatal(err)
				}
			}
			if tt.denied {
				f.dynamic.PrependReactor("list", "volumesnapshotcontents", func(clienttesting.Action) (bool, runtime.Object, error) {
					return true, nil, errors.New("no")
				})
			}
			f.mustSync(t)
			r := f.reports(t)[0].Status
			equal(t, "result", r.Result, v1alpha1.ResultFail)
			equal(t, "method", r.Volumes[0].Method, v1alpha1.VolumeEmpty)
			if !strings.HasSuffix(r.Volumes[0].Message, tt.want) || len(r.Volumes[0].Message) > 700 {
				t.Errorf("volume: %q, want %q", r.Volumes[0].Message, tt.want)
			}
			if caps := strings.Join(r.Caps, "\n"); !strings.Contains(caps, r.Volumes[0].Message) {
				t.Errorf("what keeps it from a pass does not tell: %q", caps)
			}
		})
	}
}

func TestContentsOfSnapshotsAreListedOnlyForAClaimThatWaits(t *testing.T) {
	for phase, want := range map[corev1.PersistentVolumeClaimPhase]int{corev1.ClaimPending: 1, corev1.ClaimBound: 0} {
		f := newFixture(t, test())
		fromSnapshot(t, f, phase)
		f.mustSync(t)
		if got := len(f.dynamic.Actions()); got != want {
			t.Errorf("%s: %d requests, want %d", phase, got, want)
		}
	}
}

func TestARecoveryOutOfSnapshotsIsSaidToBeOptimistic(t *testing.T) {
	f := newFixture(t, test())
	fromSnapshot(t, f, corev1.ClaimBound)
	f.mustSync(t)
	r := f.reports(t)[0].Status
	equal(t, "result", r.Result, v1alpha1.ResultPass)
	equal(t, "method", r.Volumes[0].Method, v1alpha1.VolumeCSISnapshot)
	equal(t, "its own time", r.RTO.Parts.VolumeData, "")
	if notes := strings.Join(r.ValidationLevels.RTOCompliance.NotTested, "; "); !strings.Contains(notes, "(shop: data-db-0)") || !strings.Contains(notes, "the 20s measured") {
		t.Errorf("not tested: %q", notes)
	}
}

func TestARecoveryInWhichACheckReadAllIsNot(t *testing.T) {
	f := newFixture(t, test(func(rt *v1alpha1.RestoreTest) { rt.Status.Health.Checks[0].ReadVolumes = []string{"shop: data-db-0"} }))
	fromSnapshot(t, f, corev1.ClaimBound)
	f.mustSync(t)
	r := f.reports(t)[0].Status
	equal(t, "method", r.Volumes[0].Method, v1alpha1.VolumeCSISnapshot)
	if notes := strings.Join(r.ValidationLevels.RTOCompliance.NotTested, "; "); strings.Contains(notes, "data-db-0") {
		t.Errorf("not tested: %q", notes)
	}
}
