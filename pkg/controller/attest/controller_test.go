package attest

import (
	"strings"
	"testing"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/kubernetes/fake"
	clienttesting "k8s.io/client-go/testing"
	"k8s.io/client-go/tools/cache"
	"k8s.io/client-go/tools/record"

	"github.com/kymaros/kymaros/pkg/apis/restore/v1alpha1"
	restorelisters "github.com/kymaros/kymaros/pkg/generated/listers/restore/v1alpha1"
	"github.com/kymaros/kymaros/pkg/isolation"
)

// scene is a controller that sees one test and one sandbox.
func scene(t *testing.T, rt *v1alpha1.RestoreTest, s seen) (*Controller, *fake.Clientset, *record.FakeRecorder) {
	t.Helper()
	objects := []runtime.Object{s.namespace}
	for _, p := range s.policies {
		objects = append(objects, p)
	}
	for _, q := range s.quotas {
		objects = append(objects, q)
	}
	kube, recorder := fake.NewClientset(objects...), record.NewFakeRecorder(10)
	indexer := cache.NewIndexer(cache.MetaNamespaceKeyFunc, cache.Indexers{})
	if err := indexer.Add(rt); err != nil {
		t.Fatal(err)
	}
	return &Controller{system: system, proof: isolation.Off, kube: kube, tests: restorelisters.NewRestoreTestLister(indexer), recorder: recorder}, kube, recorder
}

func writes(kube *fake.Clientset) (all []clienttesting.Action) {
	for _, a := range kube.Actions() {
		if a.GetVerb() != "get" && a.GetVerb() != "list" {
			all = append(all, a)
		}
	}
	return all
}

var key = cache.NewObjectName("team", "shop")

func TestAGuardedSandboxIsLabelledOnce(t *testing.T) {
	rt := test()
	c, kube, _ := scene(t, rt, asItMustBe(rt))
	for range 2 {
		if again, err := c.sync(t.Context(), key); again != 0 || err != nil {
			t.Fatalf("again after %s: %v", again, err)
		}
	}
	ns, err := kube.CoreV1().Namespaces().Get(t.Context(), box.Name, metav1.GetOptions{})
	if err != nil || ns.Labels["kymaros.io/guarded"] != "run" {
		t.Errorf("labels %v: %v", ns.Labels, err)
	}
	if n := len(writes(kube)); n != 1 {
		t.Errorf("%d writes, want one", n)
	}
}

func TestWhatASandboxLacksIsToldAndLookedAtAgain(t *testing.T) {
	rt := test()
	s := asItMustBe(rt)
	s.quotas["kymaros-quota"].Status.Hard = nil
	c, kube, recorder := scene(t, rt, s)
	if again, err := c.sync(t.Context(), key); again != lookAgain || err != nil {
		t.Fatalf("again after %s: %v", again, err)
	}
	if n := len(writes(kube)); n != 0 {
		t.Errorf("%d writes, want none", n)
	}
	if e := <-recorder.Events; !strings.Contains(e, "NotAttested") || !strings.Contains(e, "kymaros-quota") {
		t.Errorf("event %q", e)
	}
}

func TestASandboxThatChangesWhileItIsLookedAtIsNotAttested(t *testing.T) {
	rt := test()
	c, kube, _ := scene(t, rt, asItMustBe(rt))
	var sent string
	kube.PrependReactor("patch", "namespaces", func(a clienttesting.Action) (bool, runtime.Object, error) {
		sent = string(a.(clienttesting.PatchAction).GetPatch())
		return true, nil, apierrors.NewConflict(v1alpha1.Resource("namespaces"), box.Name, nil)
	})
	if _, err := c.sync(t.Context(), key); !apierrors.IsConflict(err) {
		t.Errorf("error %v, want the conflict", err)
	}
	if !strings.Contains(sent, `"uid":"of-sbx"`) || !strings.Contains(sent, `"resourceVersion":`) {
		t.Errorf("the label was asked for with %s, whatever the namespace is by then", sent)
	}
}
