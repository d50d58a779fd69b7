package cleanup

import (
	"slices"
	"strings"
	"testing"
	"time"

	velerov1 "github.com/vmware-tanzu/velero/pkg/apis/velero/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	kubefake "k8s.io/client-go/kubernetes/fake"
	clienttesting "k8s.io/client-go/testing"
	"k8s.io/client-go/tools/cache"
	"k8s.io/client-go/tools/record"

	"github.com/kymaros/kymaros/pkg/apis/restore/v1alpha1"
	"github.com/kymaros/kymaros/pkg/controller"
	"github.com/kymaros/kymaros/pkg/generated/clientset/versioned/fake"
)

// TestARestoreOnWhichVeleroStallsAfterTheVerdictIsDeleted: nobody else watches it then.
func TestARestoreOnWhichVeleroStallsAfterTheVerdictIsDeleted(t *testing.T) {
	began := metav1.NewTime(now)
	server := func(since time.Duration) *corev1.Pod {
		return &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Namespace: "velero", Name: "velero-x"}, Status: corev1.PodStatus{ContainerStatuses: []corev1.ContainerStatus{{
			Name: "velero", State: corev1.ContainerState{Running: &corev1.ContainerStateRunning{StartedAt: metav1.NewTime(now.Add(since))}},
		}}}}
	}
	reported := &v1alpha1.RestoreTest{ObjectMeta: metav1.ObjectMeta{Namespace: "prod", Name: "shop"}}
	for name, c := range map[string]struct {
		rt      *v1alpha1.RestoreTest
		restore *velerov1.Restore
		server  *corev1.Pod
		deleted bool
		told    bool
	}{
		"at once, with a warning":            {reported, restore(velerov1.RestorePhaseFinalizingPartiallyFailed), server(time.Minute), true, true},
		"also when the test is gone":         {nil, restore(velerov1.RestorePhaseFinalizing), server(time.Minute), true, false},
		"not while its server runs":          {reported, restore(velerov1.RestorePhaseFinalizing), server(-time.Minute), false, false},
		"but once":                           {reported, deleted(restore(velerov1.RestorePhaseFinalizing), 0), server(time.Minute), false, false},
		"not one that the next server fails": {reported, restore(velerov1.RestorePhaseInProgress), server(time.Minute), false, false},
		"not one whose volumes are filled":   {reported, restore(velerov1.RestorePhaseWaitingForPluginOperations), server(time.Minute), false, false},
	} {
		t.Run(name, func(t *testing.T) {
			c.restore.Namespace, c.restore.UID, c.restore.Status.StartTimestamp = "velero", "uid", &began
			client, recorder := fake.NewSimpleClientset(c.restore), record.NewFakeRecorder(1)
			cleanup := Controller{kube: kubefake.NewClientset(c.server), client: client, veleroNamespace: "velero", status: controller.StatusWriter{Recorder: recorder}}
			if err := cleanup.act(t.Context(), cache.NewObjectName("prod", "shop"), c.rt, seen{restores: []*velerov1.Restore{c.restore}}); err != nil {
				t.Fatal(err)
			}
			deleted := slices.ContainsFunc(client.Actions(), func(a clienttesting.Action) bool { return a.GetVerb() == "delete" })
			if deleted != c.deleted {
				t.Errorf("requests: %v", client.Actions())
			}
			select {
			case event := <-recorder.Events:
				if !c.told || !strings.HasPrefix(event, "Warning VeleroStalled ") || !strings.Contains(event, "Restore r") {
					t.Errorf("event %q", event)
				}
			default:
				if c.told {
					t.Error("no warning")
				}
			}
		})
	}
}
