package sandbox

import (
	"context"
	"errors"
	"slices"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/informers"
	kubefake "k8s.io/client-go/kubernetes/fake"
	clienttesting "k8s.io/client-go/testing"
	"k8s.io/client-go/tools/cache"
	"k8s.io/client-go/tools/record"

	"github.com/kymaros/kymaros/pkg/apis/restore/v1alpha1"
	"github.com/kymaros/kymaros/pkg/generated/clientset/versioned/fake"
	"github.com/kymaros/kymaros/pkg/generated/informers/externalversions"
	"github.com/kymaros/kymaros/pkg/guards"
)

const opened = "NetworkPolicy sbx/kymaros-deny-all was changed by somebody during the run"

// watched is a controller with a sandbox that is ready, and whose policy somebody has opened.
type watched struct {
	*Controller
	rt         *v1alpha1.RestoreTest
	client     *fake.Clientset
	kube       *kubefake.Clientset
	policies   cache.Indexer
	namespaces cache.Indexer
}

func newWatched(t *testing.T, edits ...func(*v1alpha1.RestoreTest)) *watched {
	t.Helper()
	rt := test(deadline(time.Now().Add(time.Hour)), func(rt *v1alpha1.RestoreTest) {
		rt.Finalizers = []string{v1alpha1.Finalizer}
		rt.Status.Run.Spec.BackupSource.Namespaces = []v1alpha1.SourceNamespace{{Name: box.Source, SandboxName: box.Name}}
		rt.Status.Sandbox = &v1alpha1.SandboxStatus{RunID: "run", Namespaces: []v1alpha1.SandboxNamespace{{Source: box.Source, Name: box.Name, UID: "uid"}}}
		rt.Status.Conditions = []metav1.Condition{{Type: v1alpha1.ConditionSandboxReady, Status: metav1.ConditionTrue, Reason: v1alpha1.ReasonGuarded}}
	})
	for _, edit := range edits {
		edit(rt)
	}
	ns := guards.Namespace(rt, box)
	ns.UID = "uid"
	open := guards.NetworkPolicies(rt, box, "kymaros-system")[0]
	open.Spec.Egress = []networkingv1.NetworkPolicyEgressRule{{}}
	quotas := []*corev1.ResourceQuota{guards.Quota(rt, box), guards.PriorityQuota(rt, box)}

	client, kube := fake.NewClientset(rt.DeepCopy()), kubefake.NewClientset(ns, open)
	factory, labelled := externalversions.NewSharedInformerFactory(client, 0), informers.NewSharedInformerFactory(kube, 0)
	c, err := New(t.Context(), Options{SystemNamespace: "kymaros-system"}, kube, client, factory.Restore().V1alpha1().RestoreTests(), labelled, record.NewFakeRecorder(10))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.runner.Queue.ShutDown)
	w := &watched{
		Controller: c, rt: rt, client: client, kube: kube,
		policies: labelled.Networking().V1().NetworkPolicies().Informer().GetIndexer(), namespaces: labelled.Core().V1().Namespaces().Informer().GetIndexer(),
	}
	for indexer, objects := range map[cache.Indexer][]any{
		factory.Restore().V1alpha1().RestoreTests().Informer().GetIndexer(): {rt},
		w.namespaces: {ns},
		labelled.Core().V1().ResourceQuotas().Informer().GetIndexer(): {quotas[0], quotas[1]},
		w.policies: {open},
	} {
		for _, o := range objects {
			if err := indexer.Add(o); err != nil {
				t.Fatal(err)
			}
		}
	}
	return w
}

func (w *watched) look(t *testing.T) error {
	t.Helper()
	_, err := w.sync(t.Context(), cache.NewObjectName(w.rt.Namespace, w.rt.Name))
	return err
}

// policy returns the policy that cuts the sandbox off, as the API server has it.
func (w *watched) policy(t *testing.T) *networkingv1.NetworkPolicy {
	t.Helper()
	p, err := w.kube.NetworkingV1().NetworkPolicies(box.Name).Get(t.Context(), guards.DenyAll, metav1.GetOptions{})
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func (w *watched) status(ctx context.Context, t *testing.T) *v1alpha1.SandboxStatus {
	t.Helper()
	now, err := w.client.RestoreV1alpha1().RestoreTests(w.rt.Namespace).Get(ctx, w.rt.Name, metav1.GetOptions{})
	if err != nil {
		t.Fatal(err)
	}
	return now.Status.Sandbox
}

// A guard is put back also when the status cannot tell of it, because the test has changed: the next look then sees a guard
// that is as it must be.
func TestAViolationIsToldAlthoughTheFirstWriteOfItFails(t *testing.T) {
	w := newWatched(t)
	changed := false
	w.client.PrependReactor("patch", "restoretests", func(clienttesting.Action) (bool, runtime.Object, error) {
		if changed {
			return false, nil, nil
		}
		changed = true
		return true, nil, apierrors.NewConflict(v1alpha1.Resource("restoretests"), w.rt.Name, nil)
	})

	if err := w.look(t); !apierrors.IsConflict(err) {
		t.Fatalf("got %v, want a conflict", err)
	}
	back := w.policy(t)
	if len(back.Spec.Egress) > 0 {
		t.Fatalf("the policy was not put back: %v", back)
	}
	if err := w.policies.Update(back); err != nil {
		t.Fatal(err)
	}
	if err := w.look(t); err != nil {
		t.Fatal(err)
	}
	if got := w.status(t.Context(), t).Violations; !slices.Contains(got, opened) {
		t.Errorf("violations %q, want %q", got, opened)
	}
	if left := w.unwritten.take(cache.NewObjectName(w.rt.Namespace, w.rt.Name), "run"); len(left) > 0 {
		t.Errorf("kept although it is written: %q", left)
	}
}

func TestAViolationIsToldBeforeItIsPutBack(t *testing.T) {
	w := newWatched(t)
	var told []bool // at each repair
	w.kube.PrependReactor("patch", "networkpolicies", func(clienttesting.Action) (bool, runtime.Object, error) {
		told = append(told, slices.Contains(w.status(t.Context(), t).Violations, opened))
		return false, nil, nil
	})
	if err := w.look(t); err != nil {
		t.Fatal(err)
	}
	if len(w.policy(t).Spec.Egress) > 0 || !slices.Equal(told, []bool{true}) {
		t.Errorf("told before: %v; the policy: %+v", told, w.policy(t).Spec)
	}
}

// Velero may restore for a while after a run has ended, and cleanup waits for it.
func TestASandboxIsWatchedUntilItIsDeleted(t *testing.T) {
	ends := map[string]func(*v1alpha1.RestoreTest){
		"a run that is reported": func(rt *v1alpha1.RestoreTest) {
			rt.Status.Report = &v1alpha1.ReportStatus{RunID: "run"}
			rt.Status.Conditions = append(rt.Status.Conditions, metav1.Condition{Type: v1alpha1.ConditionReported, Status: metav1.ConditionTrue})
		},
		"a test that was deleted": func(rt *v1alpha1.RestoreTest) { rt.DeletionTimestamp = &metav1.Time{Time: time.Now()} },
	}
	for name, end := range ends {
		t.Run(name, func(t *testing.T) {
			w := newWatched(t, end)
			if err := w.look(t); err != nil {
				t.Fatal(err)
			}
			if got := w.policy(t).Spec.Egress; len(got) > 0 {
				t.Errorf("what somebody opened stays open: %v", got)
			}
		})
		t.Run(name+" and whose sandbox is deleted", func(t *testing.T) {
			w := newWatched(t, end)
			ns := guards.Namespace(w.rt, box)
			ns.UID, ns.DeletionTimestamp = "uid", &metav1.Time{Time: time.Now()}
			if err := w.namespaces.Update(ns); err != nil {
				t.Fatal(err)
			}
			if err := w.look(t); err != nil {
				t.Fatal(err)
			}
			if got := w.status(t.Context(), t).Violations; len(got) > 0 {
				t.Errorf("cleanup is called a violation: %v", got)
			}
		})
		t.Run(name+" before there was a sandbox gets none", func(t *testing.T) {
			w := newWatched(t, end, func(rt *v1alpha1.RestoreTest) { rt.Status.Conditions[0].Status = metav1.ConditionUnknown })
			if err := w.look(t); err != nil || len(w.kube.Actions()) > 0 {
				t.Errorf("%v, %v", err, w.kube.Actions())
			}
		})
	}
}

func TestALookThatFailsForgetsNoSandbox(t *testing.T) {
	w := newWatched(t)
	if err := w.namespaces.Delete(guards.Namespace(w.rt, box)); err != nil { // it has lost our label
		t.Fatal(err)
	}
	away := errors.New("the API server is away")
	w.kube.PrependReactor("get", "namespaces", func(clienttesting.Action) (bool, runtime.Object, error) { return true, nil, away })
	s, err := w.ensure(t.Context(), w.rt, true)
	if !errors.Is(err, away) {
		t.Fatalf("got %v", err)
	}
	if got := s.namespaces; len(got) != 1 || got[0].UID != types.UID("uid") {
		t.Errorf("the status would tell of %+v", got)
	}
}
