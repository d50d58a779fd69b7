package healthcheck

import (
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
)

func TestWhatAPodLacksInAnotherCluster(t *testing.T) {
	pod := func(change func(*corev1.Pod)) *corev1.Pod {
		p := &corev1.Pod{Spec: corev1.PodSpec{Containers: []corev1.Container{{Name: "web", Image: "registry.old.example/web:1"}}}}
		change(p)
		return p
	}
	waits := func(reason string) func(*corev1.Pod) {
		return func(p *corev1.Pod) {
			p.Status.ContainerStatuses = []corev1.ContainerStatus{{Name: "web", Image: "x", State: corev1.ContainerState{Waiting: &corev1.ContainerStateWaiting{Reason: reason}}}}
		}
	}
	unscheduled := func(message string) func(*corev1.Pod) {
		return func(p *corev1.Pod) {
			p.Status.Conditions = []corev1.PodCondition{{Type: corev1.PodScheduled, Status: corev1.ConditionFalse, Reason: corev1.PodReasonUnschedulable, Message: message}}
		}
	}
	for name, c := range map[string]struct {
		pod  *corev1.Pod
		want string
	}{
		"its image":            {pod(waits("ImagePullBackOff")), "image registry.old.example/web:1 of container web was not pulled (ImagePullBackOff): spec.restore.mappings.imageRegistries"},
		"a node":               {pod(unscheduled("0/1 nodes are available: 1 node(s) didn't match Pod's node affinity/selector.")), "nodeSelectors"},
		"a volume":             {pod(unscheduled("0/1 nodes are available: pod has unbound immediate PersistentVolumeClaims.")), "storageClasses"},
		"room":                 {pod(unscheduled("0/1 nodes are available: 1 Insufficient memory.")), ""},
		"its own good":         {pod(waits("CrashLoopBackOff")), ""},
		"nothing, for it runs": {pod(func(*corev1.Pod) {}), ""},
	} {
		t.Run(name, func(t *testing.T) {
			got := (&contents{elsewhere: true}).lacks(c.pod)
			if !strings.Contains(got, c.want) || (got == "") != (c.want == "") {
				t.Errorf("got %q, want %q", got, c.want)
			}
			if got := (&contents{}).lacks(c.pod); got != "" {
				t.Errorf("in the cluster of the backup: %q", got)
			}
		})
	}
}
