package integration

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	velerov1 "github.com/vmware-tanzu/velero/pkg/apis/velero/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"

	"github.com/kymaros/kymaros/pkg/apis/restore/v1alpha1"
)

var oneGi = corev1.ResourceList{corev1.ResourceStorage: resource.MustParse("1Gi")}

// volume creates a PersistentVolume of the storage that handle names, bound to claim unless that is nil.
func volume(t *testing.T, name, handle string, policy corev1.PersistentVolumeReclaimPolicy, claim *corev1.PersistentVolumeClaim) {
	t.Helper()
	pv := &corev1.PersistentVolume{
		ObjectMeta: metav1.ObjectMeta{Name: name, Annotations: map[string]string{"pv.kubernetes.io/provisioned-by": "csi.example.com"}},
		Spec: corev1.PersistentVolumeSpec{
			Capacity: oneGi, AccessModes: []corev1.PersistentVolumeAccessMode{corev1.ReadWriteOnce}, PersistentVolumeReclaimPolicy: policy,
			PersistentVolumeSource: corev1.PersistentVolumeSource{CSI: &corev1.CSIPersistentVolumeSource{Driver: "csi.example.com", VolumeHandle: handle}},
		},
	}
	if claim != nil {
		pv.Spec.ClaimRef = &corev1.ObjectReference{Kind: "PersistentVolumeClaim", APIVersion: "v1", Namespace: claim.Namespace, Name: claim.Name, UID: claim.UID}
	}
	if _, err := kube.CoreV1().PersistentVolumes().Create(t.Context(), pv, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = kube.CoreV1().PersistentVolumes().Delete(context.WithoutCancel(t.Context()), name, metav1.DeleteOptions{})
	})
}

// provision plays the provisioner for a claim that was restored: it creates the claim with a volume, and waits until they are
// bound.
func provision(t *testing.T, sandbox, name, handle string, policy corev1.PersistentVolumeReclaimPolicy) {
	t.Helper()
	claims := kube.CoreV1().PersistentVolumeClaims(sandbox)
	claim, err := claims.Create(t.Context(), &corev1.PersistentVolumeClaim{ObjectMeta: metav1.ObjectMeta{Name: "data"}, Spec: corev1.PersistentVolumeClaimSpec{
		AccessModes: []corev1.PersistentVolumeAccessMode{corev1.ReadWriteOnce}, Resources: corev1.VolumeResourceRequirements{Requests: oneGi},
		VolumeName: name, StorageClassName: new(""),
	}}, metav1.CreateOptions{})
	if err != nil {
		t.Fatal(err)
	}
	volume(t, name, handle, policy, claim)
	eventually(t, stepTimeout, func(ctx context.Context) error {
		claim, err := claims.Get(ctx, "data", metav1.GetOptions{})
		if err == nil && claim.Status.Phase != corev1.ClaimBound {
			err = fmt.Errorf("the claim is %s", claim.Status.Phase)
		}
		return err
	})
}

func volumeNow(t *testing.T, name string) *corev1.PersistentVolume {
	t.Helper()
	pv, err := kube.CoreV1().PersistentVolumes().Get(t.Context(), name, metav1.GetOptions{})
	if err != nil {
		t.Fatal(err)
	}
	return pv
}

// leaksOf returns the objects that rt's run has left behind, after a check that status, condition and report agree.
func leaksOf(t *testing.T, rt *v1alpha1.RestoreTest, report *v1alpha1.RestoreReport) []string {
	t.Helper()
	leaked := rt.Status.Cleanup.Leaked
	var all []string
	for _, l := range leaked {
		all = append(all, l.Object)
	}
	want, reason := v1alpha1.HygieneClean, v1alpha1.ReasonNothingLeft
	if len(leaked) > 0 {
		want, reason = v1alpha1.HygieneLeaked, v1alpha1.ReasonLeaked
	}
	c := meta.FindStatusCondition(rt.Status.Conditions, v1alpha1.ConditionCleanedUp)
	if c.Reason != reason || !contains(c.Message, all) {
		t.Errorf("CleanedUp: %s: %s; want %s, and %q", c.Reason, c.Message, reason, all)
	}
	if h := report.Hygiene; h == nil || h.Status != want || h.CleanedAt.IsZero() || !cmp.Equal(leaked, h.Leaked) {
		t.Errorf("hygiene in the report is %+v, want %s, %+v", report.Hygiene, want, leaked)
	}
	return all
}

func TestAVolumeThatIsProvedToBeOursGoesThoughItsPolicyIsRetain(t *testing.T) {
	t.Parallel()
	shared(t)
	const name, pv = "reclaimed", "reclaimed-volume"
	rt, r := inSandbox(t, name)
	provision(t, rt.Status.SandboxNamespace, pv, pv, corev1.PersistentVolumeReclaimRetain)
	finish(t, r)

	volumes := kube.CoreV1().PersistentVolumes()
	eventually(t, runTimeout, func(ctx context.Context) error {
		live, err := volumes.Get(ctx, pv, metav1.GetOptions{})
		if err == nil && (live.Spec.PersistentVolumeReclaimPolicy != corev1.PersistentVolumeReclaimDelete || live.Status.Phase != corev1.VolumeReleased) {
			err = fmt.Errorf("reclaim policy %s, phase %s", live.Spec.PersistentVolumeReclaimPolicy, live.Status.Phase)
		}
		return err
	})
	await(t, rt, v1alpha1.ConditionCleanedUp, metav1.ConditionUnknown, v1alpha1.ReasonNamespacesTerminating)
	// As the provisioner does now.
	if err := volumes.Delete(t.Context(), pv, metav1.DeleteOptions{}); err != nil {
		t.Fatal(err)
	}
	rt, report := awaitEnd(t, rt)
	if leaked := leaksOf(t, rt, report); len(leaked) > 0 {
		t.Errorf("leaked: %q", leaked)
	}
	v := report.Status.Volumes
	if len(v) != 1 || v[0].Volume != pv || v[0].Method != v1alpha1.VolumeNotInBackup || len(v[0].SharedWith) > 0 {
		t.Errorf("volumes in the report: %+v", v)
	}
}

func TestAVolumeOfProductionAbortsTheRunAndIsNeverDeleted(t *testing.T) {
	t.Parallel()
	shared(t)
	const name, pv, original = "aborted", "aborted-volume", "volume-of-production"
	volume(t, original, "disk-1", corev1.PersistentVolumeReclaimRetain, nil)
	rt, r := inSandbox(t, name, func(rt *v1alpha1.RestoreTest) { rt.Spec.HealthChecks.PolicyRef = "web" })
	policy(t, rt.Namespace, "web")
	provision(t, rt.Status.SandboxNamespace, pv, "disk-1", corev1.PersistentVolumeReclaimDelete)

	// The order counts: a claim that goes first takes the storage with it.
	sandbox := rt.Status.SandboxNamespace
	early := make(chan string, 1)
	watching, err := kube.CoreV1().Namespaces().Watch(t.Context(), metav1.ListOptions{FieldSelector: "metadata.name=" + sandbox})
	if err != nil {
		t.Fatal(err)
	}
	go func() {
		defer close(early)
		for event := range watching.ResultChan() {
			if ns, ok := event.Object.(*corev1.Namespace); ok && ns.DeletionTimestamp != nil {
				live, err := kube.CoreV1().PersistentVolumes().Get(context.Background(), pv, metav1.GetOptions{})
				if err != nil || live.Spec.PersistentVolumeReclaimPolicy != corev1.PersistentVolumeReclaimRetain {
					early <- fmt.Sprintf("the sandbox goes while the volume may go with it (%v)", err)
				}
				return
			}
		}
	}()
	finish(t, r)
	rt, report := awaitEnd(t, rt)
	watching.Stop()
	if problem := <-early; problem != "" {
		t.Error(problem)
	}

	restored := meta.FindStatusCondition(rt.Status.Conditions, v1alpha1.ConditionRestored)
	if restored.Status != metav1.ConditionFalse || restored.Reason != v1alpha1.ReasonProductionVolume || !contains(restored.Message, []string{sandbox + "/data", pv, original}) {
		t.Errorf("Restored: %+v", restored)
	}
	if s := report.Status; s.Result != v1alpha1.ResultInconclusive || s.Reason != v1alpha1.ReasonProductionVolume || len(s.Checks) > 0 || !contains(s.Message, []string{pv, "leave its claim out of the test"}) {
		t.Errorf("report: %s %s, checks %v: %s", s.Result, s.Reason, s.Checks, s.Message)
	}
	if diff := cmp.Diff([]string{"persistentvolume/" + pv}, leaksOf(t, rt, report)); diff != "" {
		t.Errorf("leaked (-want +got):\n%s", diff)
	}
	if live := volumeNow(t, pv); live.DeletionTimestamp != nil || live.Spec.PersistentVolumeReclaimPolicy != corev1.PersistentVolumeReclaimRetain {
		t.Errorf("the volume: deleted %v, policy %s", live.DeletionTimestamp, live.Spec.PersistentVolumeReclaimPolicy)
	}
	if live := volumeNow(t, original); live.Spec.PersistentVolumeReclaimPolicy != corev1.PersistentVolumeReclaimRetain || live.Spec.ClaimRef != nil {
		t.Errorf("the volume of production was changed: %+v", live.Spec)
	}
}

func TestAVolumeFromBeforeTheRunAborts(t *testing.T) {
	t.Parallel()
	shared(t)
	const name, pv = "rebound", "rebound-volume"
	volume(t, pv, pv, corev1.PersistentVolumeReclaimDelete, nil)
	// Older than the run, by a clock that shows seconds.
	made := volumeNow(t, pv).CreationTimestamp
	eventually(t, stepTimeout, func(context.Context) error {
		if !time.Now().Truncate(time.Second).After(made.Time) {
			return errors.New("it is still the second in which the volume was made")
		}
		return nil
	})
	rt, r := inSandbox(t, name)
	claims := kube.CoreV1().PersistentVolumeClaims(rt.Status.SandboxNamespace)
	if _, err := claims.Create(t.Context(), &corev1.PersistentVolumeClaim{ObjectMeta: metav1.ObjectMeta{Name: "data"}, Spec: corev1.PersistentVolumeClaimSpec{
		AccessModes: []corev1.PersistentVolumeAccessMode{corev1.ReadWriteOnce}, Resources: corev1.VolumeResourceRequirements{Requests: oneGi},
		VolumeName: pv, StorageClassName: new(""),
	}}, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	eventually(t, stepTimeout, func(ctx context.Context) error {
		claim, err := claims.Get(ctx, "data", metav1.GetOptions{})
		if err == nil && claim.Status.Phase != corev1.ClaimBound {
			err = errors.New("the claim is not bound")
		}
		return err
	})
	finish(t, r)
	rt, report := awaitEnd(t, rt)
	if report.Status.Reason != v1alpha1.ReasonProductionVolume {
		t.Errorf("reason %s: %s", report.Status.Reason, report.Status.Message)
	}
	if diff := cmp.Diff([]string{"persistentvolume/" + pv}, leaksOf(t, rt, report)); diff != "" {
		t.Errorf("leaked (-want +got):\n%s", diff)
	}
	if live := volumeNow(t, pv); live.DeletionTimestamp != nil || live.Spec.PersistentVolumeReclaimPolicy != corev1.PersistentVolumeReclaimRetain {
		t.Errorf("the volume: deleted %v, policy %s", live.DeletionTimestamp, live.Spec.PersistentVolumeReclaimPolicy)
	}
}

func TestARetainedVolumeWhoseClaimSomebodyDeletedIsNamedAndStays(t *testing.T) {
	t.Parallel()
	shared(t)
	const name, pv = "unproved", "unproved-volume"
	rt, r := inSandbox(t, name)
	provision(t, rt.Status.SandboxNamespace, pv, pv, corev1.PersistentVolumeReclaimRetain)
	phase(t, r, velerov1.RestorePhaseInProgress)
	if err := kube.CoreV1().Namespaces().Delete(t.Context(), rt.Status.SandboxNamespace, metav1.DeleteOptions{}); err != nil {
		t.Fatal(err)
	}
	gone(t, "the claim", func(ctx context.Context) error {
		_, err := kube.CoreV1().PersistentVolumeClaims(rt.Status.SandboxNamespace).Get(ctx, "data", metav1.GetOptions{})
		return err
	})
	phase(t, r, velerov1.RestorePhaseFailed)
	rt, report := awaitEnd(t, rt)
	if diff := cmp.Diff([]string{"persistentvolume/" + pv}, leaksOf(t, rt, report)); diff != "" {
		t.Errorf("leaked (-want +got):\n%s", diff)
	}
	if live := volumeNow(t, pv); live.DeletionTimestamp != nil || live.Spec.PersistentVolumeReclaimPolicy != corev1.PersistentVolumeReclaimRetain {
		t.Errorf("the volume: deleted %v, policy %s", live.DeletionTimestamp, live.Spec.PersistentVolumeReclaimPolicy)
	}
}

var snapshotContents = schema.GroupVersionResource{Group: "snapshot.storage.k8s.io", Version: "v1", Resource: "volumesnapshotcontents"}

func TestSnapshotContentsGoWithoutTheirSnapshotsAndALeakKeepsTheVerdict(t *testing.T) {
	t.Parallel()
	shared(t)
	if err := applyFiles(t.Context(), "testdata/snapshots.yaml"); err != nil {
		t.Fatal(err)
	}
	const name = "snapshots"
	source(t, "src-"+name)
	holdRestores(t, name)
	rt := restoreTest(newNamespace(t, name), name, func(rt *v1alpha1.RestoreTest) { rt.Spec.HealthChecks.PolicyRef = "web" })
	policy(t, rt.Namespace, "web")
	backup(t, name, sources(rt)...)
	rt = createTest(t, rt)
	r := restoreOf(t, rt)
	for content, row := range map[string]struct{ policy, restore string }{
		"retained": {"Retain", r.Name}, "dangerous": {"Delete", r.Name}, "of-somebody-else": {"Retain", "disaster-recovery"},
	} {
		o := &unstructured.Unstructured{Object: map[string]any{
			"apiVersion": snapshotContents.GroupVersion().String(), "kind": "VolumeSnapshotContent",
			"metadata": map[string]any{"name": content, "labels": map[string]any{velerov1.RestoreNameLabel: row.restore}},
			"spec":     map[string]any{"deletionPolicy": row.policy},
		}}
		if _, err := objects.Resource(snapshotContents).Create(t.Context(), o, metav1.CreateOptions{}); err != nil {
			t.Fatal(err)
		}
	}
	finish(t, r)
	rt, report := awaitEnd(t, rt)

	list, err := objects.Resource(snapshotContents).List(t.Context(), metav1.ListOptions{})
	if err != nil {
		t.Fatal(err)
	}
	var left []string
	for i := range list.Items {
		left = append(left, list.Items[i].GetName())
	}
	slices.Sort(left)
	if diff := cmp.Diff([]string{"dangerous", "of-somebody-else"}, left); diff != "" {
		t.Errorf("left (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]string{"volumesnapshotcontent/dangerous"}, leaksOf(t, rt, report)); diff != "" {
		t.Errorf("leaked (-want +got):\n%s", diff)
	}
	if report.Status.Result != v1alpha1.ResultPass || report.Status.Score != 100 {
		t.Errorf("a leak changed the verdict: %s, %d: %s", report.Status.Result, report.Status.Score, report.Status.Message)
	}

	for what, patch := range map[string]string{
		"a better status": `{"hygiene":{"status":"clean"}}`,
		"fewer leaks":     `{"hygiene":{"leaked":null}}`,
		"nothing at all":  `{"hygiene":null}`,
	} {
		_, err := kymaros.RestoreV1alpha1().RestoreReports(report.Namespace).Patch(t.Context(), report.Name, types.MergePatchType, []byte(patch), metav1.PatchOptions{})
		if !apierrors.IsInvalid(err) || !strings.Contains(err.Error(), "a report cannot be changed once written") {
			t.Errorf("%s afterwards: got %v, want it refused", what, err)
		}
	}
}
