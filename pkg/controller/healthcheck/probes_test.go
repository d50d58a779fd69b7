package healthcheck

import (
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
)

func TestAPodThatNoProbeHasFailedIsExcused(t *testing.T) {
	from := noon.Add(10 * time.Second)
	runs := func(p *corev1.Pod) {
		p.UID = types.UID(p.Name)
		p.Spec.Containers = []corev1.Container{{Name: "web", ReadinessProbe: anyProbe}}
		p.Status.ContainerStatuses = []corev1.ContainerStatus{{Name: "web", Ready: true, State: corev1.ContainerState{Running: &corev1.ContainerStateRunning{StartedAt: moment(0)}}}}
	}
	event := func(pod string, at time.Duration) corev1.Event {
		return corev1.Event{Reason: unhealthy, InvolvedObject: corev1.ObjectReference{Kind: "Pod", Name: pod, UID: types.UID(pod)}, LastTimestamp: moment(at)}
	}
	back := pod("web-1", "", noon.Add(15*time.Second), runs)
	for name, c := range map[string]struct {
		pod    *corev1.Pod
		events []corev1.Event
		fell   string
	}{
		"readiness that went and came, and no probe failed": {back, nil, ""},
		"readiness that has gone, and no probe failed":      {pod("web-1", "", time.Time{}, runs), nil, ""},
		"a probe failed":                                     {back, []corev1.Event{event("web-1", 13*time.Second)}, "pod web-1, not ready for a while"},
		"a probe failed before all were ready":               {back, []corev1.Event{event("web-1", 3*time.Second)}, ""},
		"a probe of another pod failed":                      {back, []corev1.Event{event("web-2", 13*time.Second)}, ""},
		"a probe failed again and again, told of as a count": {back, []corev1.Event{{Reason: unhealthy, InvolvedObject: corev1.ObjectReference{UID: "web-1"}, LastTimestamp: moment(0), Series: &corev1.EventSeries{LastObservedTime: metav1.NewMicroTime(noon.Add(12 * time.Second))}}}, "pod web-1, not ready for a while"},
		"something else happened to it":                      {back, []corev1.Event{{Reason: "Pulled", InvolvedObject: corev1.ObjectReference{UID: "web-1"}, LastTimestamp: moment(13 * time.Second)}}, ""},
		"a container was started again": {pod("web-1", "", noon.Add(18*time.Second), runs, withProbe, restarted("web", 10*time.Second, 17*time.Second, 18*time.Second, 1, 137, "OOMKilled")), nil,
			"pod web-1, container web: exit code 137 (OOMKilled), restarts: 1"},
		"nothing probes it": {pod("web-1", "", noon.Add(15*time.Second), runs, func(p *corev1.Pod) { p.Spec.Containers[0].ReadinessProbe = nil }), nil, "pod web-1, not ready for a while"},
	} {
		t.Run(name, func(t *testing.T) {
			in := contents{source: "shop", pods: []*corev1.Pod{c.pod}, excused: excused([]*corev1.Pod{c.pod}, c.events, from)}
			r := assess([]contents{in})
			got := ""
			for _, what := range r.fell(from) {
				got += what
			}
			if got != c.fell {
				t.Errorf("got %q, want %q", got, c.fell)
			}
		})
	}
}
