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

func agentOn(node string) *corev1.Pod {
	return onNode("velero", "node-agent-"+node, node, map[string]string{"role": "node-agent"})
}

// readOnly has a Restore be of a backup in a location that takes nothing.
func readOnly(r *velerov1.Restore) {
	r.Annotations = map[string]string{v1alpha1.AnnotationLocation: asText(&v1alpha1.BackupLocation{Name: "primary", ReadOnly: true})}
}

func TestVolumesThatNoNodeAgentFillsAreNoFaultOfTheBackup(t *testing.T) {
	ended := agentOn("b")
	ended.Status.Phase = corev1.PodFailed
	old := onNode("velero", "node-agent-b", "b", map[string]string{"name": "node-agent"})
	as := func(*velerov1.Restore) {}
	for name, c := range map[string]struct {
		volume velerov1.PodVolumeRestorePhase // "none" for no PodVolumeRestore at all
		waits  string                         // the UID of the Restore that the pod waits for
		node   string                         // of the pod
		edit   func(*velerov1.Restore)
		errors int
		agents []runtime.Object
		reason string
		named  bool
	}{
		"none is on the node":                     {"", "ours", "b", as, 1, []runtime.Object{agentOn("a")}, v1alpha1.ReasonClusterLacks, true},
		"one is there that has ended":             {velerov1.PodVolumeRestorePhaseNew, "ours", "b", as, 1, []runtime.Object{agentOn("a"), ended}, v1alpha1.ReasonClusterLacks, true},
		"there are other errors":                  {"", "ours", "b", as, 2, []runtime.Object{agentOn("a")}, v1alpha1.ReasonPartiallyFailed, true},
		"the log could not be written either":     {"", "ours", "b", readOnly, 2, []runtime.Object{agentOn("a")}, v1alpha1.ReasonClusterLacks, true},
		"and there is one more":                   {"", "ours", "b", readOnly, 3, []runtime.Object{agentOn("a")}, v1alpha1.ReasonPartiallyFailed, true},
		"one is there by now":                     {"", "ours", "b", as, 1, []runtime.Object{agentOn("a"), agentOn("b")}, v1alpha1.ReasonClusterLacks, true},
		"one of Velero 1.15 is":                   {"", "ours", "b", as, 1, []runtime.Object{agentOn("a"), old}, v1alpha1.ReasonClusterLacks, true},
		"no node took the pod":                    {"", "ours", "", as, 1, []runtime.Object{agentOn("a")}, v1alpha1.ReasonPartiallyFailed, false},
		"one tried and failed":                    {velerov1.PodVolumeRestorePhaseFailed, "ours", "b", as, 1, []runtime.Object{agentOn("a")}, v1alpha1.ReasonPartiallyFailed, false},
		"none is in the cluster":                  {"none", "ours", "b", as, 1, nil, v1alpha1.ReasonClusterLacks, true},
		"none is, and the log is not written":     {"none", "ours", "b", readOnly, 2, nil, v1alpha1.ReasonClusterLacks, true},
		"none is, and there are other errors":     {"none", "ours", "b", as, 2, nil, v1alpha1.ReasonPartiallyFailed, true},
		"none is, and no node took the pod":       {"none", "ours", "", as, 1, nil, v1alpha1.ReasonClusterLacks, true},
		"none is, and the pod waits for nothing":  {"none", "former", "b", as, 1, nil, v1alpha1.ReasonPartiallyFailed, false},
		"some are, and Velero did not ask them":   {"none", "ours", "b", as, 1, []runtime.Object{agentOn("b")}, v1alpha1.ReasonPartiallyFailed, false},
		"none is, and contents of snapshots come": {"none", "ours", "b", func(r *velerov1.Restore) { r.Spec.IncludeClusterResources = nil }, 1, nil, v1alpha1.ReasonClusterLacks, true},
	} {
		t.Run(name, func(t *testing.T) {
			r := restoreIn(velerov1.RestorePhasePartiallyFailed, func(r *velerov1.Restore) { r.Namespace, r.Status.Errors = "velero", c.errors }, c.edit)
			volume := &velerov1.PodVolumeRestore{ObjectMeta: metav1.ObjectMeta{Namespace: "velero", Name: "v", Labels: map[string]string{velerov1.RestoreUIDLabel: "ours"}},
				Status: velerov1.PodVolumeRestoreStatus{Phase: c.volume}}
			volume.Spec.Pod.Namespace, volume.Spec.Pod.Name = "sbx-db", "db-0"
			if c.volume == "none" {
				volume.Labels[velerov1.RestoreUIDLabel] = "theirs"
			}
			pod, other := onNode("sbx-db", "db-0", c.node, nil), onNode("sbx-shop", "web-0", "c", nil) // nothing is to be filled there
			pod.Spec.InitContainers = []corev1.Container{{Name: "restore-wait", Args: []string{c.waits}}}
			controller := &Controller{client: fake.NewSimpleClientset(volume), options: Options{VeleroNamespace: "velero"}, still: map[string]stillness{},
				kube: kubefake.NewClientset(append(c.agents, pod, other)...)}
			s := seen{restore: r}
			if err := controller.watch(t.Context(), test(), &s, nil, false, now); err != nil {
				t.Fatal(err)
			}
			got := decide(test(createdBefore), s, now).condition
			if got.Reason != c.reason || got.Status != metav1.ConditionFalse ||
				strings.Contains(got.Message, "node agent of Velero") != c.named || strings.Contains(got.Message, "db: Pod/db-0") != c.named || strings.Contains(got.Message, "web-0") {
				t.Errorf("%s (%s) %s", got.Status, got.Reason, got.Message)
			}
		})
	}
}
