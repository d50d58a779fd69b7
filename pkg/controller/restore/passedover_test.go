package restore

import (
	"strings"
	"testing"

	velerov1 "github.com/vmware-tanzu/velero/pkg/apis/velero/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	kubefake "k8s.io/client-go/kubernetes/fake"

	"github.com/kymaros/kymaros/pkg/apis/restore/v1alpha1"
	"github.com/kymaros/kymaros/pkg/generated/clientset/versioned/fake"
)

func TestVolumesThatAnOldVeleroPassesOverAreNoFaultOfTheBackup(t *testing.T) {
	for name, c := range map[string]struct {
		open   bool // what belongs to the whole cluster, so that contents of snapshots come back
		phase  velerov1.RestorePhase
		waits  string // an init container of the pod
		of     string // the UID of the Restore that it waits for
		filled string // the pod for which there is a PodVolumeRestore
		errors int
		want   string // the reason
	}{
		"a pod waits for nothing":           {true, velerov1.RestorePhaseCompleted, "restore-wait", "ours", "other", 0, v1alpha1.ReasonVeleroUnsupported},
		"errors are of something else":      {true, velerov1.RestorePhasePartiallyFailed, "restore-wait", "ours", "other", 1, v1alpha1.ReasonPartiallyFailed},
		"it waited in a former Restore":     {true, velerov1.RestorePhaseCompleted, "restore-wait", "former", "other", 0, v1alpha1.ReasonCompleted},
		"a pod of a backup of old":          {true, velerov1.RestorePhaseCompleted, "restic-wait", "ours", "other", 0, v1alpha1.ReasonVeleroUnsupported},
		"its volumes were filled":           {true, velerov1.RestorePhaseCompleted, "restore-wait", "ours", "db-0", 0, v1alpha1.ReasonCompleted},
		"it has none that Velero fills":     {true, velerov1.RestorePhaseCompleted, "migrate", "ours", "other", 0, v1alpha1.ReasonCompleted},
		"volumes are named, so it is asked": {false, velerov1.RestorePhaseCompleted, "restore-wait", "ours", "other", 0, v1alpha1.ReasonCompleted},
		"all of it failed":                  {true, velerov1.RestorePhaseFailed, "restore-wait", "ours", "other", 1, v1alpha1.ReasonFailed},
	} {
		t.Run(name, func(t *testing.T) {
			r := restoreIn(c.phase, func(r *velerov1.Restore) {
				r.Namespace, r.Status.Errors = "velero", c.errors
				if c.open {
					r.Spec.IncludeClusterResources = nil
				}
			})
			volume := &velerov1.PodVolumeRestore{ObjectMeta: metav1.ObjectMeta{Namespace: "velero", Name: "v", Labels: map[string]string{velerov1.RestoreUIDLabel: "ours"}}}
			volume.Spec.Pod.Namespace, volume.Spec.Pod.Name = "sbx-db", c.filled
			pod := onNode("sbx-db", "db-0", "a", nil)
			pod.Spec.InitContainers = []corev1.Container{{Name: c.waits, Args: []string{c.of}}}
			controller := &Controller{client: fake.NewSimpleClientset(volume), options: Options{VeleroNamespace: "velero"}, still: map[string]stillness{}, kube: kubefake.NewClientset(pod)}
			s := seen{restore: r}
			if err := controller.watch(t.Context(), test(), &s, nil, false, now); err != nil {
				t.Fatal(err)
			}
			got := decide(test(createdBefore), s, now).condition
			told := c.want == v1alpha1.ReasonVeleroUnsupported || c.want == v1alpha1.ReasonPartiallyFailed
			if got.Reason != c.want || strings.Contains(got.Message, "db: Pod/db-0") != told {
				t.Errorf("%s (%s) %s, want %s", got.Status, got.Reason, got.Message, c.want)
			}
		})
	}
}
