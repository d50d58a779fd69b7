package sandbox

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes/fake"

	"github.com/kymaros/kymaros/pkg/apis/restore/v1alpha1"
	"github.com/kymaros/kymaros/pkg/canary"
	"github.com/kymaros/kymaros/pkg/isolation"
)

func TestASandboxSaysWhatItsNewPodsGet(t *testing.T) {
	fenced := &corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{
			Namespace: canary.Namespace, Name: "canary-fenced-a",
			Labels: map[string]string{"app.kubernetes.io/name": "kymaros", "app.kubernetes.io/component": "canary-fenced"},
		},
		Status: corev1.PodStatus{InitContainerStatuses: []corev1.ContainerStatus{{
			Name: canary.BirthContainer, State: corev1.ContainerState{Terminated: &corev1.ContainerStateTerminated{Message: `{"targets":1,"quiet":true,"service":"10.0.0.2"}`}},
		}}},
	}
	dns := &corev1.Service{ObjectMeta: metav1.ObjectMeta{Namespace: "kymaros-system", Name: "kymaros-dns"}, Spec: corev1.ServiceSpec{ClusterIP: "10.0.0.53"}}
	headless := dns.DeepCopy()
	headless.Spec.ClusterIP = corev1.ClusterIPNone
	const gate, nameserver = "kymaros.io/gate-target", "kymaros.io/nameserver"
	for name, c := range map[string]struct {
		mode v1alpha1.NetworkIsolation
		look string
		pod  *corev1.Pod
		dns  *corev1.Service
		want map[string]string
	}{
		"strict":                            {v1alpha1.IsolationStrict, isolation.Required, fenced, dns, map[string]string{gate: "10.0.0.2"}},
		"group":                             {v1alpha1.IsolationGroup, isolation.Required, fenced, dns, map[string]string{gate: "10.0.0.2", nameserver: "10.0.0.53"}},
		"group, without a DNS":              {v1alpha1.IsolationGroup, isolation.Reported, fenced, nil, map[string]string{gate: "10.0.0.2"}},
		"group, and the DNS has no address": {v1alpha1.IsolationGroup, isolation.Required, fenced, headless, map[string]string{gate: "10.0.0.2"}},
		"no canary":                         {v1alpha1.IsolationStrict, isolation.Reported, nil, dns, map[string]string{}},
		"nobody looks":                      {v1alpha1.IsolationStrict, isolation.Off, fenced, dns, map[string]string{}},
	} {
		t.Run(name, func(t *testing.T) {
			kube := fake.NewClientset()
			if c.pod != nil {
				if err := kube.Tracker().Add(c.pod); err != nil {
					t.Fatal(err)
				}
			}
			if c.dns != nil {
				if err := kube.Tracker().Add(c.dns); err != nil {
					t.Fatal(err)
				}
			}
			controller := Controller{kube: kube, system: "kymaros-system", proof: c.look}
			got, err := controller.newborn(t.Context(), test(func(rt *v1alpha1.RestoreTest) { rt.Status.Run.Spec.Sandbox.NetworkIsolation = c.mode }))
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestTheMomentStaysAsItWasWhenTheSandboxBecameReady(t *testing.T) {
	seenMoment := &v1alpha1.IsolationMoment{State: v1alpha1.MomentSeen, Longest: "120ms"}
	first := fragment(test(), seen{isolation: isolation.Proof{State: "proven", Moment: seenMoment}}, now)
	if first.Sandbox.Moment != seenMoment {
		t.Fatalf("moment %+v", first.Sandbox.Moment)
	}
	rt := test(func(rt *v1alpha1.RestoreTest) { rt.Status.Sandbox = first.Sandbox })
	if got := fragment(rt, seen{}, now).Sandbox.Moment; got != seenMoment {
		t.Errorf("without a new look %+v", got)
	}
	rt.Status.Sandbox.RunID = "another"
	if got := fragment(rt, seen{}, now).Sandbox.Moment; got != nil {
		t.Errorf("that of another run counts: %+v", got)
	}
}
