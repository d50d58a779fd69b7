package guide

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/kubernetes/fake"
	clienttesting "k8s.io/client-go/testing"

	"github.com/kymaros/kymaros/pkg/canary"
)

type podEdit = func(*corev1.Pod)

// target is one that is ready, with an address in each IP family that it has.
func target(name, node string, ips []string, edits ...podEdit) *corev1.Pod {
	pod := &corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{
			Namespace: canary.TargetNamespace, Name: name,
			Labels: map[string]string{"app.kubernetes.io/name": "kymaros", "app.kubernetes.io/component": "canary-target"},
		},
		Spec:   corev1.PodSpec{NodeName: node},
		Status: corev1.PodStatus{Conditions: []corev1.PodCondition{{Type: corev1.PodReady, Status: corev1.ConditionTrue}}},
	}
	for _, ip := range ips {
		pod.Status.PodIP = ips[0]
		pod.Status.PodIPs = append(pod.Status.PodIPs, corev1.PodIP{IP: ip})
	}
	for _, e := range edits {
		e(pod)
	}
	return pod
}

func unready(pod *corev1.Pod) { pod.Status.Conditions[0].Status = corev1.ConditionFalse }

func going(pod *corev1.Pod) { pod.DeletionTimestamp = &metav1.Time{Time: time.Unix(1, 0)} }

func TestAddresses(t *testing.T) {
	for name, c := range map[string]struct {
		pods []*corev1.Pod
		want map[string]string
	}{
		"each node has its target":           {[]*corev1.Pod{target("x", "a", []string{"10.1.0.1"}), target("y", "b", []string{"fd00::1"})}, map[string]string{"a": "10.1.0.1", "b": "fd00::1"}},
		"there is none":                      {nil, map[string]string{}},
		"one is not ready":                   {[]*corev1.Pod{target("x", "a", []string{"10.1.0.1"}, unready), target("y", "b", []string{"10.1.0.2"})}, map[string]string{"b": "10.1.0.2"}},
		"one goes, and another comes for it": {[]*corev1.Pod{target("x", "a", []string{"10.1.0.1"}), target("y", "a", []string{"10.1.0.2"}, going)}, map[string]string{"a": "10.1.0.1"}},
		"one has no address yet":             {[]*corev1.Pod{target("x", "a", nil)}, map[string]string{}},
		"one has no node yet":                {[]*corev1.Pod{target("x", "", []string{"10.1.0.1"})}, map[string]string{}},
		"one says nothing of readiness":      {[]*corev1.Pod{target("x", "a", []string{"10.1.0.1"}, func(p *corev1.Pod) { p.Status.Conditions = nil })}, map[string]string{}},
		"two are on one node":                {[]*corev1.Pod{target("y", "a", []string{"10.1.0.2"}), target("x", "a", []string{"10.1.0.1"})}, map[string]string{"a": "10.1.0.2"}},
	} {
		t.Run(name, func(t *testing.T) {
			var trimmed []*corev1.Pod
			for _, pod := range c.pods {
				small, err := trim(pod)
				if err != nil {
					t.Fatal(err)
				}
				trimmed = append(trimmed, small.(*corev1.Pod))
			}
			if diff := cmp.Diff(canary.Addresses{Service: "10.0.0.2", Pods: c.want}, addresses(services{targets: []string{"10.0.0.2"}}, trimmed)); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestAddressesInBothIPFamilies(t *testing.T) {
	both, one := target("x", "a", []string{"10.1.0.1", "fd00::1"}), target("y", "b", []string{"10.1.0.2"})
	all := services{targets: []string{"10.0.0.2", "fd00:1::2"}, fenced: []string{"10.0.0.3", "fd00:1::3"}, fencedLocal: []string{"10.0.0.4", "fd00:1::4"}}
	first := canary.Addresses{Service: "10.0.0.2", Pods: map[string]string{"a": "10.1.0.1", "b": "10.1.0.2"}, Fenced: "10.0.0.3", FencedLocal: "10.0.0.4"}
	for name, c := range map[string]struct {
		services services
		pods     []*corev1.Pod
		second   *canary.Addresses
	}{
		"all has two": {all, []*corev1.Pod{both, one}, &canary.Addresses{Service: "fd00:1::2", Pods: map[string]string{"a": "fd00::1"}, Fenced: "fd00:1::3", FencedLocal: "fd00:1::4"}},
		"Services have one": {
			services{targets: all.targets[:1], fenced: all.fenced[:1], fencedLocal: all.fencedLocal[:1]}, []*corev1.Pod{both, one},
			&canary.Addresses{Pods: map[string]string{"a": "fd00::1"}},
		},
		"no pod has two": {all, []*corev1.Pod{target("x", "a", []string{"10.1.0.1"}), one}, nil},
	} {
		want := first
		want.Second = c.second
		if diff := cmp.Diff(want, addresses(c.services, c.pods)); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
	}
}

func TestTheGuideWritesWhereTheTargetsAre(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		// Not ours, and not a target.
		elsewhere := target("z", "c", []string{"10.1.0.9"})
		elsewhere.Namespace = "default"
		itself := target("canary-guide", "c", []string{"10.1.0.8"})
		itself.Labels["app.kubernetes.io/component"] = "canary-guide"
		shipped := &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Namespace: canary.Namespace, Name: canary.ConfigMap, Labels: map[string]string{"a": "b"}}}
		fenced := &corev1.Service{ObjectMeta: metav1.ObjectMeta{Namespace: canary.Namespace, Name: "canary-fenced"}, Spec: corev1.ServiceSpec{ClusterIPs: []string{"10.0.0.4"}}}
		all := &corev1.Service{ObjectMeta: metav1.ObjectMeta{Namespace: canary.TargetNamespace, Name: "canary-target"}, Spec: corev1.ServiceSpec{ClusterIPs: []string{"10.0.0.2", "fd00:1::2"}}}
		kube := fake.NewClientset(elsewhere, itself, fenced, all)
		pods := kube.CoreV1().Pods(canary.TargetNamespace)
		configMaps := kube.CoreV1().ConfigMaps(canary.Namespace)
		ctx, cancel := context.WithCancel(t.Context())
		g, err := New(ctx, kube)
		if err != nil {
			t.Fatal(err)
		}
		done := make(chan struct{})
		go func() { defer close(done); g.Run(ctx) }()
		defer func() { cancel(); <-done }()

		// settle waits so long, and returns how often the ConfigMap was written meanwhile and what it holds.
		settle := func(d time.Duration) (writes int, text string) {
			t.Helper()
			kube.ClearActions()
			<-time.After(d)
			synctest.Wait()
			for _, action := range kube.Actions() {
				if action.GetVerb() == "update" {
					writes++
				}
			}
			have, err := configMaps.Get(ctx, canary.ConfigMap, metav1.GetOptions{})
			if err != nil {
				return writes, ""
			}
			if have.Labels["a"] != "b" {
				t.Errorf("labels %v", have.Labels)
			}
			return writes, have.Data[canary.AddressesKey]
		}
		expect := func(what string, after time.Duration, wantWrites int, want string) {
			t.Helper()
			if writes, text := settle(after); writes != wantWrites || text != want {
				t.Errorf("%s: written %d times, holds %s; want %d, %s", what, writes, text, wantWrites, want)
			}
		}

		expect("without a ConfigMap", 2*gather, 0, "")
		if g.Ready() {
			t.Error("ready although nothing is written")
		}
		if _, err := configMaps.Create(ctx, shipped, metav1.CreateOptions{}); err != nil {
			t.Fatal(err)
		}
		// Fenced pods begin when there is one.
		expect("before there is a target", recheck/2, 0, "")
		if g.Ready() {
			t.Error("ready although there is nothing to tell")
		}

		for _, pod := range []*corev1.Pod{target("x", "a", []string{"10.1.0.1"}), target("y", "b", []string{"10.1.0.2"})} {
			if _, err := pods.Create(ctx, pod, metav1.CreateOptions{}); err != nil {
				t.Fatal(err)
			}
		}
		const both = `{"service":"10.0.0.2","pods":{"a":"10.1.0.1","b":"10.1.0.2"},"fenced":"10.0.0.4","fencedLocal":""}`
		expect("right after two targets have come", gather/2, 0, "")
		expect("when changes are gathered", gather, 1, both)
		if !g.Ready() {
			t.Error("not ready although the addresses are written")
		}

		labelled := target("x", "a", []string{"10.1.0.1"}, func(pod *corev1.Pod) { pod.Labels["more"] = "labels" })
		if _, err := pods.Update(ctx, labelled, metav1.UpdateOptions{}); err != nil {
			t.Fatal(err)
		}
		expect("after a change that moves nothing", 2*gather, 0, both)

		if err := pods.Delete(ctx, "y", metav1.DeleteOptions{}); err != nil {
			t.Fatal(err)
		}
		const one = `{"service":"10.0.0.2","pods":{"a":"10.1.0.1"},"fenced":"10.0.0.4","fencedLocal":""}`
		expect("after a target has gone", 2*gather, 1, one)
		if err := pods.Delete(ctx, "x", metav1.DeleteOptions{}); err != nil {
			t.Fatal(err)
		}
		expect("after the last has gone", 2*gather, 1, `{"service":"10.0.0.2","pods":{},"fenced":"10.0.0.4","fencedLocal":""}`)
		if _, err := pods.Create(ctx, target("x", "a", []string{"10.1.0.1"}), metav1.CreateOptions{}); err != nil {
			t.Fatal(err)
		}
		expect("when it is back", 2*gather, 1, one)

		edited := shipped.DeepCopy()
		edited.Data = map[string]string{canary.AddressesKey: "nonsense", "more": "nonsense"}
		if _, err := configMaps.Update(ctx, edited, metav1.UpdateOptions{}); err != nil {
			t.Fatal(err)
		}
		expect("after somebody has edited it", recheck, 1, one)
		expect("while nothing happens", 10*recheck, 0, one)

		services := kube.CoreV1().Services(canary.Namespace)
		local := fenced.DeepCopy()
		local.Name, local.Spec.ClusterIPs = "canary-fenced-local", []string{"10.0.0.3"}
		if _, err := services.Create(ctx, local, metav1.CreateOptions{}); err != nil {
			t.Fatal(err)
		}
		fenced.Spec.ClusterIPs = []string{"10.0.0.14"}
		if err := services.Delete(ctx, fenced.Name, metav1.DeleteOptions{}); err != nil {
			t.Fatal(err)
		}
		if _, err := services.Create(ctx, fenced, metav1.CreateOptions{}); err != nil {
			t.Fatal(err)
		}
		const anew = `{"service":"10.0.0.2","pods":{"a":"10.1.0.1"},"fenced":"10.0.0.14","fencedLocal":"10.0.0.3"}`
		expect("after a Service of fenced pods was made anew", recheck, 1, anew)

		kube.PrependReactor("get", "services", func(clienttesting.Action) (bool, runtime.Object, error) {
			return true, nil, apierrors.NewInternalError(errors.New("overloaded"))
		})
		expect("while nobody tells where they are", recheck, 0, anew)
	})
}
