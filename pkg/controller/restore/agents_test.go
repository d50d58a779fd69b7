package restore

import (
	"strings"
	"testing"

	velerov1 "github.com/vmware-tanzu/velero/pkg/apis/velero/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	kubefake "k8s.io/client-go/kubernetes/fake"

	"github.com/kymaros/kymaros/pkg/apis/restore/v1alpha1"
	"github.com/kymaros/kymaros/pkg/generated/clientset/versioned/fake"
)

func onNode(namespace, name, node string, labels map[string]string) *corev1.Pod {
	return &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: name, Labels: labels},
		Spec: corev1.PodSpec{NodeName: node}, Status: corev1.PodStatus{Phase: corev1.PodRunning}}
}

func TestVolumesThatNoNodeAgentFillsAreNoFaultOfTheBackup(t *testing.T) {
	agent := func(node string) *corev1.Pod {
		return onNode("velero", "node-agent-"+node, node, map[string]string{"role": "node-agent"})
	}
	ended := agent("b")
	ended.Status.Phase = corev1.PodFailed
	for name, c := range map[string]struct {
		volume  velerov1.PodVolumeRestorePhase
		errors  int
		objects []runtime.Object
		reason  string
		named   bool
	}{
		"no agent is there":                {"", 1, []runtime.Object{agent("a")}, v1alpha1.ReasonClusterLacks, true},
		"one is there that has ended":      {velerov1.PodVolumeRestorePhaseNew, 1, []runtime.Object{agent("a"), ended}, v1alpha1.ReasonClusterLacks, true},
		"there are other errors":           {"", 2, []runtime.Object{agent("a")}, v1alpha1.ReasonPartiallyFailed, true},
		"one of Velero 1.15 is there":      {"", 1, []runtime.Object{agent("a"), onNode("velero", "node-agent-b", "b", map[string]string{"name": "node-agent"})}, v1alpha1.ReasonPartiallyFailed, false},
		"an agent is there":                {"", 1, []runtime.Object{agent("a"), agent("b")}, v1alpha1.ReasonPartiallyFailed, false},
		"the agent that tried is gone now": {velerov1.PodVolumeRestorePhaseFailed, 1, []runtime.Object{agent("a")}, v1alpha1.ReasonPartiallyFailed, false},
	} {
		t.Run(name, func(t *testing.T) {
			r := restoreIn(velerov1.RestorePhasePartiallyFailed, func(r *velerov1.Restore) { r.Namespace, r.Status.Errors = "velero", c.errors })
			volume := &velerov1.PodVolumeRestore{ObjectMeta: metav1.ObjectMeta{Namespace: "velero", Name: "v", Labels: map[string]string{velerov1.RestoreUIDLabel: "ours"}},
				Status: velerov1.PodVolumeRestoreStatus{Phase: c.volume}}
			volume.Spec.Pod.Namespace, volume.Spec.Pod.Name = "sbx-db", "db-0"
			other := onNode("sbx-shop", "db-0", "c", nil) // nothing is to be filled there
			controller := &Controller{client: fake.NewSimpleClientset(volume), options: Options{VeleroNamespace: "velero"}, still: map[string]stillness{},
				kube: kubefake.NewClientset(append(c.objects, onNode("sbx-db", "db-0", "b", nil), other)...)}
			s := seen{restore: r}
			if err := controller.watch(t.Context(), test(), &s, nil, false, now); err != nil {
				t.Fatal(err)
			}
			got := decide(test(createdBefore), s, now).condition
			if got.Reason != c.reason || got.Status != metav1.ConditionFalse || strings.Contains(got.Message, "db: Pod/db-0 is on b") != c.named || strings.Contains(got.Message, "is on c") {
				t.Errorf("%s (%s) %s", got.Status, got.Reason, got.Message)
			}
		})
	}
}
