package sandbox

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/informers"
	"k8s.io/client-go/kubernetes/fake"

	"github.com/kymaros/kymaros/pkg/guards"
	"github.com/kymaros/kymaros/pkg/isolation"
)

func TestASandboxHasTheUsersOfItsSourceOnOpenShift(t *testing.T) {
	source := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: box.Source, Annotations: map[string]string{
		"openshift.io/sa.scc.uid-range": "1000680000/10000", "openshift.io/sa.scc.mcs": "s0:c26,c20", "openshift.io/requester": "alice",
	}}}
	plain := guards.Namespace(test(), box).Annotations
	with := guards.Namespace(test(), box).Annotations
	with["openshift.io/sa.scc.uid-range"], with["openshift.io/sa.scc.mcs"] = "1000680000/10000", "s0:c26,c20"
	for name, c := range map[string]struct {
		openShift bool
		objects   []*corev1.Namespace
		want      map[string]string
		requests  int
	}{
		"OpenShift":                        {true, []*corev1.Namespace{source}, with, 2},
		"OpenShift, without the source":    {true, nil, plain, 2},
		"another cluster, which is spared": {false, []*corev1.Namespace{source}, plain, 1},
	} {
		t.Run(name, func(t *testing.T) {
			kube := fake.NewClientset()
			for _, ns := range c.objects {
				if err := kube.Tracker().Add(ns); err != nil {
					t.Fatal(err)
				}
			}
			labelled := informers.NewSharedInformerFactory(kube, 0)
			controller := Controller{kube: kube, proof: isolation.Off, openShift: c.openShift, namespaces: labelled.Core().V1().Namespaces().Lister()}
			if _, verdict, err := controller.ensureNamespace(t.Context(), test(), box); err != nil || verdict != nil {
				t.Fatal(verdict, err)
			}
			if n := len(kube.Actions()); n != c.requests {
				t.Errorf("%d requests, want %d", n, c.requests)
			}
			made, err := kube.CoreV1().Namespaces().Get(t.Context(), box.Name, metav1.GetOptions{})
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(c.want, made.Annotations); diff != "" {
				t.Error(diff)
			}
		})
	}
}
