package report

import (
	"time"

	velerov1 "github.com/vmware-tanzu/velero/pkg/apis/velero/v1"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/utils/ptr"

	"github.com/kymaros/kymaros/pkg/apis/restore/v1alpha1"
)

const (
	runID   = "20261121-030000-abcdef"
	sandbox = "rp-test-shop-aaaaaa"
	velero  = "velero"
)

// runStart is when the run of the fixture began. It is when the clock of a synctest bubble starts.
var runStart = time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC)

func at(seconds int) metav1.Time {
	return metav1.NewTime(runStart.Add(time.Duration(seconds) * time.Second))
}

func point(seconds int) *metav1.Time { return new(at(seconds)) }

// test returns a RestoreTest whose run has all checks passed, changed by the given functions.
func test(change ...func(*v1alpha1.RestoreTest)) *v1alpha1.RestoreTest {
	rt := &v1alpha1.RestoreTest{
		ObjectMeta: metav1.ObjectMeta{Namespace: "prod", Name: "shop", UID: "test-uid", ResourceVersion: "7"},
		Status: v1alpha1.RestoreTestStatus{
			Run: &v1alpha1.RunStatus{
				ID: runID, Trigger: v1alpha1.TriggerCron, ScheduledTime: at(0), StartTime: at(0), Deadline: at(3600),
				Spec: v1alpha1.RestoreTestSpec{
					BackupSource: v1alpha1.BackupSource{Provider: "velero", Namespaces: []v1alpha1.SourceNamespace{{Name: "shop"}}},
					Sandbox:      v1alpha1.SandboxSpec{NetworkIsolation: v1alpha1.IsolationStrict},
					HealthChecks: v1alpha1.HealthChecks{PolicyRef: "shop"},
					SLA:          &v1alpha1.SLA{MaxRTO: "1m", AlertOnExceed: true},
					HistoryLimit: ptr.To[int32](2),
				},
			},
			Sandbox: &v1alpha1.SandboxStatus{RunID: runID, Namespaces: []v1alpha1.SandboxNamespace{{Source: "shop", Name: sandbox, UID: "ns-uid"}}},
			Restore: &v1alpha1.RestoreStatus{
				RunID: runID, BackupName: "nightly", BackupTime: point(-3600), Name: "kymaros-shop-" + runID, Phase: "Completed",
				QueuedTime: point(1), StartTime: point(3), CompletionTime: point(13), Warnings: 1, Velero: &v1alpha1.VeleroServer{Version: "1.18.3"},
			},
			Health: &v1alpha1.HealthStatus{
				RunID: runID, StartTime: point(13), PodsReadyTime: point(20), CompletionTime: point(23),
				Pods:   v1alpha1.PodCount{Ready: 1, Total: 1},
				Checks: []v1alpha1.CheckStatus{{Name: "rows", Status: v1alpha1.CheckPass, Duration: "20ms"}},
			},
			Report: &v1alpha1.ReportStatus{RunID: runID},
		},
	}
	condition(v1alpha1.ConditionSandboxReady, metav1.ConditionTrue, v1alpha1.ReasonGuarded)(rt)
	condition(v1alpha1.ConditionRestored, metav1.ConditionTrue, v1alpha1.ReasonCompleted)(rt)
	condition(v1alpha1.ConditionHealthChecked, metav1.ConditionTrue, v1alpha1.ReasonPassed)(rt)
	condition(v1alpha1.ConditionReported, metav1.ConditionUnknown, v1alpha1.ReasonWaiting)(rt)
	for _, c := range change {
		c(rt)
	}
	return rt
}

// condition sets a condition whose message is "about <reason>".
func condition(kind string, status metav1.ConditionStatus, reason string) func(*v1alpha1.RestoreTest) {
	return func(rt *v1alpha1.RestoreTest) {
		meta.RemoveStatusCondition(&rt.Status.Conditions, kind)
		meta.SetStatusCondition(&rt.Status.Conditions, metav1.Condition{
			Type: kind, Status: status, Reason: reason, Message: "about " + reason, LastTransitionTime: at(23),
		})
	}
}

// stillRestoring takes the run back to where Velero restores.
func stillRestoring(rt *v1alpha1.RestoreTest) {
	condition(v1alpha1.ConditionRestored, metav1.ConditionUnknown, v1alpha1.ReasonInProgress)(rt)
	condition(v1alpha1.ConditionHealthChecked, metav1.ConditionUnknown, v1alpha1.ReasonWaiting)(rt)
	rt.Status.Restore.CompletionTime, rt.Status.Restore.Phase = nil, "InProgress"
	rt.Status.Health = &v1alpha1.HealthStatus{RunID: runID}
}

func deleted(rt *v1alpha1.RestoreTest) {
	rt.DeletionTimestamp = point(24)
	rt.Finalizers = []string{v1alpha1.Finalizer}
}

// old is the time before the backup.
var old = at(-7200)

// production returns the source namespace, as far as only metadata is read of it.
func production() []runtime.Object {
	var all []runtime.Object
	add := func(apiVersion, kind, name string) {
		all = append(all, &metav1.PartialObjectMetadata{
			TypeMeta:   metav1.TypeMeta{APIVersion: apiVersion, Kind: kind},
			ObjectMeta: metav1.ObjectMeta{Namespace: "shop", Name: name, CreationTimestamp: old},
		})
	}
	add("apps/v1", "StatefulSet", "db")
	add("v1", "Secret", "db")
	add("v1", "ConfigMap", "db")
	add("v1", "ConfigMap", "kube-root-ca.crt")
	return all
}

// cluster returns the source namespace and what came back in the sandbox.
func cluster() []runtime.Object {
	here := func(name string) metav1.ObjectMeta {
		return metav1.ObjectMeta{Namespace: sandbox, Name: name, Labels: map[string]string{velerov1.RestoreNameLabel: "kymaros-shop-" + runID}}
	}
	there := func(name string) metav1.ObjectMeta {
		return metav1.ObjectMeta{Namespace: "shop", Name: name, CreationTimestamp: old}
	}
	claim := corev1.VolumeSource{PersistentVolumeClaim: &corev1.PersistentVolumeClaimVolumeSource{ClaimName: "data-db-0"}}
	return []runtime.Object{
		&corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: "shop"}},
		&corev1.Service{ObjectMeta: there("db")},
		&corev1.PersistentVolumeClaim{ObjectMeta: there("data-db-0")},
		&corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: sandbox, Labels: map[string]string{
			v1alpha1.LabelManagedBy: v1alpha1.ManagedBy, v1alpha1.LabelRun: runID,
		}}},
		&appsv1.StatefulSet{ObjectMeta: here("db")},
		&corev1.Service{ObjectMeta: here("db")},
		&corev1.ConfigMap{ObjectMeta: here("db")},
		&corev1.Secret{ObjectMeta: here("db")},
		&corev1.PersistentVolumeClaim{
			ObjectMeta: here("data-db-0"), Spec: corev1.PersistentVolumeClaimSpec{VolumeName: "pv-1"},
			Status: corev1.PersistentVolumeClaimStatus{Phase: corev1.ClaimBound},
		},
		volume(),
		&corev1.Pod{ObjectMeta: here("db-0"), Spec: corev1.PodSpec{PriorityClassName: "kymaros-sandbox", Volumes: []corev1.Volume{{Name: "data", VolumeSource: claim}}}},
	}
}

// volume is what the provisioner made for data-db-0.
func volume() *corev1.PersistentVolume {
	return &corev1.PersistentVolume{
		ObjectMeta: metav1.ObjectMeta{Name: "pv-1", CreationTimestamp: at(4), Annotations: map[string]string{"pv.kubernetes.io/provisioned-by": "csi.example.com"}},
		Spec: corev1.PersistentVolumeSpec{
			ClaimRef:               &corev1.ObjectReference{Namespace: sandbox, Name: "data-db-0"},
			PersistentVolumeSource: corev1.PersistentVolumeSource{CSI: &corev1.CSIPersistentVolumeSource{Driver: "csi.example.com", VolumeHandle: "1"}},
		},
	}
}

// transferred is Velero's proof that data-db-0 was filled.
func transferred() *velerov1.PodVolumeRestore {
	return &velerov1.PodVolumeRestore{
		ObjectMeta: metav1.ObjectMeta{Namespace: velero, Name: "pvr", Labels: map[string]string{velerov1.RestoreNameLabel: "kymaros-shop-" + runID}},
		Spec:       velerov1.PodVolumeRestoreSpec{Pod: corev1.ObjectReference{Namespace: sandbox, Name: "db-0"}, Volume: "data", SnapshotSize: 4096},
		Status: velerov1.PodVolumeRestoreStatus{
			Phase: velerov1.PodVolumeRestorePhaseCompleted, StartTimestamp: point(5), CompletionTimestamp: point(12),
		},
	}
}

func backup() *velerov1.Backup {
	return &velerov1.Backup{
		ObjectMeta: metav1.ObjectMeta{Namespace: velero, Name: "nightly"},
		Status:     velerov1.BackupStatus{Phase: velerov1.BackupPhaseCompleted},
	}
}

// stored returns the report of another run.
func stored(name string, age int, change ...func(*v1alpha1.RestoreReport)) *v1alpha1.RestoreReport {
	r := newReport(test(), name)
	r.UID = types.UID(name)
	r.CreationTimestamp = at(-age)
	r.Labels[v1alpha1.LabelRun], r.Spec.RunID = "run-"+name, "run-"+name
	r.Status = &v1alpha1.RestoreReportStatus{Score: 50, Result: v1alpha1.ResultFail}
	writtenBy("kymaros-report")(r)
	for _, c := range change {
		c(r)
	}
	return r
}

// writtenBy has spec and status written by a field manager, and a label by kubectl.
func writtenBy(manager string) func(*v1alpha1.RestoreReport) {
	return func(r *v1alpha1.RestoreReport) {
		r.ManagedFields = []metav1.ManagedFieldsEntry{
			{Manager: manager, Operation: metav1.ManagedFieldsOperationUpdate, FieldsV1: metav1.NewFieldsV1(`{"f:spec":{"f:testRef":{},"f:runID":{}}}`)},
			{Manager: manager, Operation: metav1.ManagedFieldsOperationUpdate, Subresource: "status", FieldsV1: metav1.NewFieldsV1(`{"f:status":{"f:score":{}}}`)},
			{Manager: "kubectl-label", Operation: metav1.ManagedFieldsOperationUpdate, FieldsV1: metav1.NewFieldsV1(`{"f:metadata":{"f:labels":{"f:audited":{}}}}`)},
		}
	}
}

// forged returns a report of the run that somebody else has written: it passes.
func forged(name string) *v1alpha1.RestoreReport {
	r := newReport(test(), name)
	r.UID = types.UID(name)
	r.CreationTimestamp = at(-1000)
	r.Status = &v1alpha1.RestoreReportStatus{Score: 100, Result: v1alpha1.ResultPass}
	writtenBy("kubectl-create")(r)
	return r
}
