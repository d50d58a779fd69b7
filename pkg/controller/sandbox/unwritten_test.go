package sandbox

import (
	"slices"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/informers"
	kubefake "k8s.io/client-go/kubernetes/fake"
	clienttesting "k8s.io/client-go/testing"
	"k8s.io/client-go/tools/cache"
	"k8s.io/client-go/tools/record"

	"github.com/kymaros/kymaros/pkg/apis/restore/v1alpha1"
	"github.com/kymaros/kymaros/pkg/generated/clientset/versioned/fake"
	"github.com/kymaros/kymaros/pkg/generated/informers/externalversions"
)

// A guard is put back before the status tells of it. When that write finds the test changed, the next look sees a guard
// that is as it must be.
func TestAViolationIsToldAlthoughTheFirstWriteOfItFails(t *testing.T) {
	rt := test(deadline(time.Now().Add(time.Hour)), func(rt *v1alpha1.RestoreTest) {
		rt.Finalizers = []string{v1alpha1.Finalizer}
		rt.Status.Run.Spec.BackupSource.Namespaces = []v1alpha1.SourceNamespace{{Name: box.Source, SandboxName: box.Name}}
		rt.Status.Sandbox = &v1alpha1.SandboxStatus{RunID: "run", Namespaces: []v1alpha1.SandboxNamespace{{Source: box.Source, Name: box.Name, UID: "uid"}}}
		rt.Status.Conditions = []metav1.Condition{{Type: v1alpha1.ConditionSandboxReady, Status: metav1.ConditionTrue, Reason: v1alpha1.ReasonGuarded}}
	})
	ns := namespace(rt, box)
	ns.UID = "uid"
	open := networkPolicies(rt, box, "kymaros-system")[0]
	open.Spec.Egress = []networkingv1.NetworkPolicyEgressRule{{}}
	quotas := []*corev1.ResourceQuota{quota(rt, box), priorityQuota(rt, box)}

	client, kube := fake.NewClientset(rt.DeepCopy()), kubefake.NewClientset(ns, open)
	factory, labelled := externalversions.NewSharedInformerFactory(client, 0), informers.NewSharedInformerFactory(kube, 0)
	c, err := New(t.Context(), Options{SystemNamespace: "kymaros-system"}, kube, client, factory.Restore().V1alpha1().RestoreTests(), labelled, record.NewFakeRecorder(10))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.runner.Queue.ShutDown)
	policies := labelled.Networking().V1().NetworkPolicies().Informer().GetIndexer()
	for indexer, objects := range map[cache.Indexer][]any{
		factory.Restore().V1alpha1().RestoreTests().Informer().GetIndexer(): {rt},
		labelled.Core().V1().Namespaces().Informer().GetIndexer():           {ns},
		labelled.Core().V1().ResourceQuotas().Informer().GetIndexer():       {quotas[0], quotas[1]},
		policies: {open},
	} {
		for _, o := range objects {
			if err := indexer.Add(o); err != nil {
				t.Fatal(err)
			}
		}
	}
	changed := false
	client.PrependReactor("patch", "restoretests", func(clienttesting.Action) (bool, runtime.Object, error) {
		if changed {
			return false, nil, nil
		}
		changed = true
		return true, nil, apierrors.NewConflict(v1alpha1.Resource("restoretests"), rt.Name, nil)
	})

	key := cache.NewObjectName(rt.Namespace, rt.Name)
	if _, err := c.sync(t.Context(), key); !apierrors.IsConflict(err) {
		t.Fatalf("got %v, want a conflict", err)
	}
	back, err := kube.NetworkingV1().NetworkPolicies(box.Name).Get(t.Context(), denyAll, metav1.GetOptions{})
	if err != nil || len(back.Spec.Egress) > 0 {
		t.Fatalf("the policy was not put back: %v, %v", back, err)
	}
	if err := policies.Update(back); err != nil {
		t.Fatal(err)
	}
	if _, err := c.sync(t.Context(), key); err != nil {
		t.Fatal(err)
	}
	got, err := client.RestoreV1alpha1().RestoreTests(rt.Namespace).Get(t.Context(), rt.Name, metav1.GetOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if want := "NetworkPolicy sbx/kymaros-deny-all was changed by somebody during the run"; !slices.Contains(got.Status.Sandbox.Violations, want) {
		t.Errorf("violations %q, want %q", got.Status.Sandbox.Violations, want)
	}
	if left := c.unwritten.take(key, "run"); len(left) > 0 {
		t.Errorf("kept although it is written: %q", left)
	}
}
