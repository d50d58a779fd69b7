package isolation

import (
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/kymaros/kymaros/pkg/apis/restore/v1alpha1"
	"github.com/kymaros/kymaros/pkg/canary"
)

// born gives a pod the message of its first init container.
func born(message string) podEdit {
	return func(pod *corev1.Pod) {
		pod.Status.InitContainerStatuses = []corev1.ContainerStatus{{
			Name: canary.BirthContainer, State: corev1.ContainerState{Terminated: &corev1.ContainerStateTerminated{Message: message}},
		}}
	}
}

func anew(pod *corev1.Pod) { pod.Status.InitContainerStatuses[0].RestartCount = 1 }

func TestAMomentIsSeenOrNotOrUnknown(t *testing.T) {
	const fenced, control = "canary-fenced", "canary-control"
	const calm = `{"targets":3,"answers":0,"moment":0,"quiet":true,"service":"10.0.0.2"}`
	const late = `{"targets":3,"answers":4,"moment":120,"quiet":true,"service":"10.0.0.2"}`
	on := func(node string, edits ...podEdit) []corev1.Pod {
		return []corev1.Pod{canaryPod(fenced, node, edits...), canaryPod(control, node)}
	}
	for name, c := range map[string]struct {
		pods    []corev1.Pod
		state   v1alpha1.MomentState
		longest v1alpha1.Duration
		says    string
	}{
		"nothing answered":                            {append(on("a", born(calm)), on("b", born(calm))...), "noneSeen", "", ""},
		"on one node something did":                   {append(on("a", born(calm)), on("b", born(late))...), "seen", "120ms", "canary-fenced-b on node b got answers until 120ms"},
		"on one node, and another does not know":      {append(on("a"), on("b", born(late))...), "seen", "120ms", "node b"},
		"the longest counts":                          {append(on("a", born(strings.Replace(late, "120", "1500", 1))), on("b", born(late))...), "seen", "1.5s", "until 1.5s"},
		"it went on":                                  {on("a", born(`{"targets":1,"answers":9,"moment":9950,"quiet":false}`)), "seen", "9.95s", "and it went on"},
		"something answered one that began anew":      {on("a", born(late), anew), "seen", "120ms", "node a"},
		"nothing answered one that began anew":        {on("a", born(calm), anew), "unknown", "", "rollout restart daemonset canary-fenced"},
		"a pod of an older manifest":                  {on("a"), "unknown", "", "apply -f manifests/45-canary.yaml"},
		"it knew no target":                           {on("a", born(`{"targets":0,"answers":0,"moment":0,"quiet":false}`)), "unknown", "", "knew no target"},
		"its message is something else":               {on("a", born("Killed")), "unknown", "", "does not tell"},
		"it was ended before":                         {on("a", born(`{"targets":1,"answers":0,"moment":0,"quiet":false}`)), "unknown", "", "not look long enough"},
		"it has only begun":                           {on("a", born(calm), func(pod *corev1.Pod) { pod.Status.InitContainerStatuses[0].State.Terminated = nil }), "unknown", "", "has only begun"},
		"there is no canary":                          {nil, "unknown", "", "not proven"},
		"nothing answers, for the network is dead":    {[]corev1.Pod{canaryPod(fenced, "a", born(calm)), canaryPod(control, "a", notReadySince(time.Hour))}, "unknown", "", "not proven"},
		"what a pod saw that ends does not count":     {append(on("a", born(calm)), canaryPod(fenced, "a", born(late), ending)), "noneSeen", "", ""},
		"nor on a node that is lost, though it knows": {append(on("a", born(calm)), canaryPod(fenced, "b", born(late), lost), canaryPod(control, "b", lost)), "noneSeen", "", ""},
	} {
		t.Run(name, func(t *testing.T) {
			got := Prove(c.pods, now).Moment
			if got == nil || got.State != c.state || got.Longest != c.longest || !strings.Contains(got.Message, c.says) || (got.Message == "") != (c.says == "") {
				t.Errorf("got %+v, want %s %s %q", got, c.state, c.longest, c.says)
			}
		})
	}
}

func TestTheAddressOfTheTargetsIsThatOfTheNewestPod(t *testing.T) {
	made := func(age time.Duration) podEdit {
		return func(pod *corev1.Pod) { pod.CreationTimestamp = metav1.NewTime(now.Add(-age)) }
	}
	message := func(service string) podEdit { return born(`{"targets":1,"quiet":true,"service":"` + service + `"}`) }
	pods := []corev1.Pod{
		canaryPod("canary-fenced", "a", made(time.Hour), message("10.0.0.1")), canaryPod("canary-fenced", "b", made(time.Minute), message("10.0.0.2")),
		canaryPod("canary-fenced", "c", made(time.Second), message("evil.example")), canaryPod("canary-fenced", "d", made(time.Second), message("10.0.0.3"), ending),
		canaryPod("canary-fenced", "e", made(time.Second)), canaryPod("canary-control", "a", made(time.Second), message("10.0.0.4")),
	}
	if got := Prove(pods, now).Target; got != "10.0.0.2" {
		t.Errorf("%q", got)
	}
}
