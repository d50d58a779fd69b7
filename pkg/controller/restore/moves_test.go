package restore

import (
	"strings"
	"testing"

	velerov1 "github.com/vmware-tanzu/velero/pkg/apis/velero/v1"
	velerov2alpha1 "github.com/vmware-tanzu/velero/pkg/apis/velero/v2alpha1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	kubefake "k8s.io/client-go/kubernetes/fake"

	"github.com/kymaros/kymaros/pkg/apis/restore/v1alpha1"
	"github.com/kymaros/kymaros/pkg/generated/clientset/versioned/fake"
)

func ofRestore(name string) metav1.ObjectMeta {
	return metav1.ObjectMeta{Namespace: "velero", Name: name, Labels: map[string]string{velerov1.RestoreUIDLabel: "ours"}}
}

func podVolume(name string, phase velerov1.PodVolumeRestorePhase, message string) *velerov1.PodVolumeRestore {
	v := &velerov1.PodVolumeRestore{ObjectMeta: ofRestore(name), Status: velerov1.PodVolumeRestoreStatus{Phase: phase, Message: message}}
	v.Spec.Pod.Namespace, v.Spec.Pod.Name = "sbx-db", "db-0"
	return v
}

func download(name string, phase velerov2alpha1.DataDownloadPhase, message string) *velerov2alpha1.DataDownload {
	d := &velerov2alpha1.DataDownload{ObjectMeta: ofRestore(name), Status: velerov2alpha1.DataDownloadStatus{Phase: phase, Message: message}}
	d.Spec.TargetVolume.Namespace, d.Spec.TargetVolume.PVC = "sbx-db", "data"
	return d
}

func TestDataThatWasNotMovedForWhatIsNotOfTheBackupSaysNothingOfIt(t *testing.T) {
	const (
		restarted = `get a podvolumerestore with status "InProgress" during the server starting, mark it as "Failed"`
		refused   = `data path restore failed: Failed to run kopia restore: Unable to load snapshot 2e97: unable to complete GetBlob(q1) despite 10 retries: Get "http://10.0.0.1:9000/velero/kopia/db/q1": dial tcp 10.0.0.1:9000: connect: connection refused`
		corrupt   = "data path restore failed: Failed to run kopia restore: Unable to load snapshot 2e97: snapshot not found"
	)
	for name, c := range map[string]struct {
		errors  int
		objects []runtime.Object
		edit    func(*velerov1.Restore)
		reason  string
		says    string
	}{
		"a node agent started anew": {1, []runtime.Object{podVolume("v", "Failed", restarted)}, nil, v1alpha1.ReasonVeleroStalled,
			"db: PodVolumeRestore v of Pod/db-0 is Failed: " + restarted},
		"and something else failed": {2, []runtime.Object{podVolume("v", "Failed", restarted)}, nil, v1alpha1.ReasonPartiallyFailed, "PodVolumeRestore v of Pod/db-0"},
		"and the log could not be written": {2, []runtime.Object{podVolume("v", "Failed", restarted)}, readOnly, v1alpha1.ReasonVeleroStalled,
			"location primary is ReadOnly"},
		"of two volumes":      {2, []runtime.Object{podVolume("v", "Failed", restarted), podVolume("w", "Failed", restarted)}, nil, v1alpha1.ReasonVeleroStalled, "w of Pod/db-0"},
		"the store went away": {1, []runtime.Object{podVolume("v", "Failed", refused)}, nil, v1alpha1.ReasonBackupLocationUnavailable, "connection refused"},
		"the store went away for the mover": {1, []runtime.Object{download("d", "Failed", refused)}, nil, v1alpha1.ReasonBackupLocationUnavailable,
			"db: DataDownload d of claim data is Failed: data path restore failed"},
		"the mover was never ready":           {1, []runtime.Object{download("d", "Failed", "timeout on preparing data download")}, nil, v1alpha1.ReasonClusterLacks, "timeout on preparing"},
		"Velero waited for its claim as well": {2, []runtime.Object{download("d", "Failed", "timeout on preparing data download")}, nil, v1alpha1.ReasonClusterLacks, "timeout on preparing"},
		"of 1.18 one is of something else": {2, []runtime.Object{download("d", "Failed", "timeout on preparing data download")}, func(r *velerov1.Restore) {
			r.Annotations = map[string]string{v1alpha1.AnnotationVelero: asText(&v1alpha1.VeleroServer{Version: "v1.18.3"})}
		}, v1alpha1.ReasonPartiallyFailed, "timeout on preparing"},
		"it was cancelled":    {1, []runtime.Object{podVolume("v", "Canceled", "")}, nil, v1alpha1.ReasonVeleroStalled, "PodVolumeRestore v of Pod/db-0 is Canceled"},
		"the backup lacks it": {1, []runtime.Object{podVolume("v", "Failed", corrupt)}, nil, v1alpha1.ReasonPartiallyFailed, "1 errors"},
		// Velero does not count all of them: it may have ceased to listen.
		"one more is corrupt":                 {1, []runtime.Object{podVolume("v", "Failed", restarted), podVolume("w", "Failed", corrupt)}, nil, v1alpha1.ReasonPartiallyFailed, "1 errors"},
		"all came, and something else failed": {1, []runtime.Object{podVolume("v", "Completed", ""), download("d", "Completed", "")}, nil, v1alpha1.ReasonPartiallyFailed, "1 errors"},
		"one agent is gone, one started anew": {2, []runtime.Object{podVolume("v", "Failed", restarted), func() runtime.Object {
			v := podVolume("w", "", "")
			v.Spec.Pod.Namespace, v.Spec.Pod.Name = "sbx-shop", "web-0"
			return v
		}()}, nil, v1alpha1.ReasonClusterLacks, "shop: Pod/web-0 is on b"},
	} {
		t.Run(name, func(t *testing.T) {
			r := restoreIn(velerov1.RestorePhasePartiallyFailed, func(r *velerov1.Restore) { r.Namespace, r.Status.Errors = "velero", c.errors })
			if c.edit != nil {
				c.edit(r)
			}
			controller := &Controller{client: fake.NewSimpleClientset(c.objects...), options: Options{VeleroNamespace: "velero"}, still: map[string]stillness{},
				kube: kubefake.NewClientset(onNode("sbx-shop", "web-0", "b", nil), agentOn("a"))}
			s := seen{restore: r}
			if err := controller.watch(t.Context(), test(), &s, nil, false, now); err != nil {
				t.Fatal(err)
			}
			got := decide(test(createdBefore), s, now).condition
			if got.Reason != c.reason || got.Status != metav1.ConditionFalse || !strings.Contains(got.Message, c.says) {
				t.Errorf("%s (%s) %s, want %s: %s", got.Status, got.Reason, got.Message, c.reason, c.says)
			}
		})
	}
}
