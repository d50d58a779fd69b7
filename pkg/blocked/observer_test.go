package blocked

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/kymaros/kymaros/pkg/apis/restore/v1alpha1"
	"github.com/kymaros/kymaros/pkg/completeness"
)

func TestPodsThatAreRefusedAndNotHere(t *testing.T) {
	began := time.Date(2026, 11, 21, 3, 0, 0, 0, time.UTC)
	filter, err := completeness.NewFilter(began, nil, &v1alpha1.RestoreTestSpec{}, "restore")
	if err != nil {
		t.Fatal(err)
	}
	pod := func(name string, change func(*corev1.Pod)) *corev1.Pod {
		p := &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Name: name, CreationTimestamp: metav1.NewTime(began.Add(-time.Hour))}}
		p.Spec.Containers = []corev1.Container{{Name: "c"}}
		if change != nil {
			change(p)
		}
		return p
	}
	host := func(p *corev1.Pod) { p.Spec.HostNetwork = true }
	const baseline = `violates PodSecurity "baseline:latest": host namespaces (hostNetwork=true)`
	for name, c := range map[string]struct {
		filter completeness.Filter
		level  v1alpha1.PodSecurity
		there  []*corev1.Pod
		here   []*corev1.Pod
		want   []string
		failed bool
	}{
		"all that are refused, sorted":        {filter: filter, there: []*corev1.Pod{pod("b", host), pod("a", host), pod("fine", nil)}, want: []string{"shop: Pod/a: " + baseline, "shop: Pod/b: " + baseline}},
		"not one that is here":                {filter: filter, there: []*corev1.Pod{pod("a", host)}, here: []*corev1.Pod{pod("a", host)}},
		"none where all is allowed":           {filter: filter, level: "privileged", there: []*corev1.Pod{pod("a", host)}},
		"not one of a workload":               {filter: filter, there: []*corev1.Pod{pod("a", func(p *corev1.Pod) { host(p); p.OwnerReferences = []metav1.OwnerReference{{Controller: new(true)}} })}},
		"none where nothing can be compared":  {there: []*corev1.Pod{pod("a", host)}},
		"a level that does not exist is said": {filter: filter, level: "none", there: []*corev1.Pod{pod("a", host)}, failed: true},
	} {
		o := NewObserver(c.filter, c.level)
		for _, p := range c.here {
			o.Sandbox("shop", schema.GroupKind{Kind: "Pod"}, p)
		}
		for _, p := range c.there {
			o.Source("shop", schema.GroupKind{Kind: "Pod"}, p)
		}
		o.Source("shop", schema.GroupKind{Kind: "Service"}, &corev1.Service{})
		s := o.Result()
		if diff := cmp.Diff(c.want, s.Pods); diff != "" || (s.Failed["shop"] != nil) != c.failed {
			t.Errorf("%s: failed %v (-want +got):\n%s", name, s.Failed, diff)
		}
	}
}
