package cleanup

import (
	"bytes"
	"runtime"
	"testing"
	"testing/synctest"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	kruntime "k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	dynamicfake "k8s.io/client-go/dynamic/fake"
	"k8s.io/client-go/informers"
	kubefake "k8s.io/client-go/kubernetes/fake"
	corelisters "k8s.io/client-go/listers/core/v1"
	metadatafake "k8s.io/client-go/metadata/fake"
	"k8s.io/client-go/tools/cache"
	"k8s.io/client-go/tools/record"

	"github.com/kymaros/kymaros/pkg/apis/restore/v1alpha1"
	"github.com/kymaros/kymaros/pkg/conditions"
	"github.com/kymaros/kymaros/pkg/generated/clientset/versioned/fake"
	"github.com/kymaros/kymaros/pkg/generated/informers/externalversions"
)

// stage is a controller whose caches hold what the test puts there.
type stage struct {
	*Controller
	client     *fake.Clientset
	tests      cache.Store
	namespaces cache.Store
}

func newStage(t *testing.T) *stage {
	t.Helper()
	scheme := metadatafake.NewTestScheme()
	if err := metav1.AddMetaToScheme(scheme); err != nil {
		t.Fatal(err)
	}
	client, kube := fake.NewClientset(), kubefake.NewClientset()
	factory, labelled := externalversions.NewSharedInformerFactory(client, 0), informers.NewSharedInformerFactory(kube, 0)
	tests := factory.Restore().V1alpha1().RestoreTests()
	c, err := New(t.Context(), Options{
		Kube: kube, Kymaros: client, VeleroNamespace: "velero",
		Metadata: metadatafake.NewSimpleMetadataClient(scheme),
		Dynamic: dynamicfake.NewSimpleDynamicClientWithCustomListKinds(kruntime.NewScheme(),
			map[schema.GroupVersionResource]string{snapshotContents: "VolumeSnapshotContentList"}),
	}, tests, factory.Velero().V1().Restores(), labelled, record.NewFakeRecorder(100))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.runner.Queue.ShutDown)
	return &stage{c, client, tests.Informer().GetIndexer(), labelled.Core().V1().Namespaces().Informer().GetIndexer()}
}

func TestNothingIsKeptOfANamespaceWhoseEndOvertakesTheSync(t *testing.T) {
	for name, c := range map[string]struct {
		overtaken, holds bool
		want             int
	}{
		"its end comes later, and is awaited":                     {false, true, 20},
		"its end comes first":                                     {true, true, 0},
		"it holds nothing any more, and only the cluster is late": {false, false, 0},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := newStage(t)
				if c.holds {
					s.holds(t, "sbx")
				}
				synctest.Wait()
				before := goroutines()
				var ns *corev1.Namespace
				s.Controller.namespaces = overtaken{s.Controller.namespaces, func() {
					if c.overtaken { // the cache was asked already
						s.end(t, ns)
					}
				}}
				for i := range 20 {
					ns = ending(func(ns *corev1.Namespace) { ns.UID = types.UID(rune('a' + i)) })
					if err := s.namespaces.Add(ns); err != nil {
						t.Fatal(err)
					}
					if _, err := s.sync(t.Context(), cache.NewObjectName("prod", "shop")); err != nil {
						t.Fatal(err)
					}
				}
				if n := len(s.watches.of); n != c.want {
					t.Errorf("%d watches, want %d", n, c.want)
				}
				for i := range 20 {
					s.end(t, ending(func(ns *corev1.Namespace) { ns.UID = types.UID(rune('a' + i)) }))
				}
				time.Sleep(time.Second) // of the bubble
				synctest.Wait()
				kept := len(s.notes.all)
				if left := goroutines() - before; len(s.watches.of) > 0 || kept > 0 || left > 0 {
					t.Errorf("in the end %d watches, %d notes and %d goroutines are left", len(s.watches.of), kept, left)
				}
			})
		})
	}
}

// goroutines is how many there are in the test's bubble. Outside of it the runtime starts some whenever it collects garbage.
func goroutines() int {
	all := make([]byte, 1<<22)
	return bytes.Count(all[:runtime.Stack(all, true)], []byte("synctest bubble"))
}

// overtaken is a lister of namespaces after whose answer something happens.
type overtaken struct {
	corelisters.NamespaceLister
	then func()
}

func (o overtaken) List(selector labels.Selector) ([]*corev1.Namespace, error) {
	defer o.then()
	return o.NamespaceLister.List(selector)
}

// holds puts a pod into a namespace.
func (s *stage) holds(t *testing.T, namespace string) {
	t.Helper()
	pod := &metav1.PartialObjectMetadata{TypeMeta: metav1.TypeMeta{APIVersion: "v1", Kind: "Pod"}, ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: "web"}}
	if err := s.metadata.(*metadatafake.FakeMetadataClient).Tracker().Add(pod); err != nil {
		t.Fatal(err)
	}
}

// end does what the informer does when a namespace is gone.
func (s *stage) end(t *testing.T, ns *corev1.Namespace) {
	t.Helper()
	if err := s.namespaces.Delete(ns); err != nil {
		t.Fatal(err)
	}
	s.forget(ns.UID)
}

func TestARunWithoutASandboxEndsThoughNobodyReportsIt(t *testing.T) {
	waits := func(kind string) metav1.Condition {
		return metav1.Condition{Type: kind, Status: metav1.ConditionUnknown, Reason: v1alpha1.ReasonWaiting}
	}
	for name, edit := range map[string]func(*v1alpha1.RestoreTestStatus){
		"nor ever began to": func(*v1alpha1.RestoreTestStatus) {},
		"though it was about to": func(s *v1alpha1.RestoreTestStatus) {
			s.Report, s.Cleanup = &v1alpha1.ReportStatus{RunID: "run"}, &v1alpha1.CleanupStatus{RunID: "run"}
			s.Conditions = append(s.Conditions, waits(v1alpha1.ConditionReported), waits(v1alpha1.ConditionCleanedUp))
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := newStage(t)
				key, start := cache.NewObjectName("prod", "shop"), metav1.Now()
				rt := &v1alpha1.RestoreTest{
					ObjectMeta: metav1.ObjectMeta{Namespace: key.Namespace, Name: key.Name, ResourceVersion: "1"},
					Status: v1alpha1.RestoreTestStatus{
						Run:        &v1alpha1.RunStatus{ID: "run", StartTime: start, Deadline: metav1.NewTime(start.Add(time.Hour))},
						Sandbox:    &v1alpha1.SandboxStatus{RunID: "run"},
						Conditions: []metav1.Condition{{Type: v1alpha1.ConditionSandboxReady, Status: metav1.ConditionFalse, Reason: v1alpha1.ReasonNameTaken}},
					},
				}
				edit(&rt.Status)
				if err := s.client.Tracker().Add(rt); err != nil {
					t.Fatal(err)
				}
				for range 10 {
					if err := s.tests.Add(rt); err != nil {
						t.Fatal(err)
					}
					written := len(s.client.Actions())
					again, err := s.sync(t.Context(), key)
					if err != nil {
						t.Fatal(err)
					}
					if len(s.client.Actions()) == written && again == 0 {
						break // nothing wakes it any more
					}
					time.Sleep(again) // of the bubble
					if rt, err = s.client.RestoreV1alpha1().RestoreTests(key.Namespace).Get(t.Context(), key.Name, metav1.GetOptions{}); err != nil {
						t.Fatal(err)
					}
				}
				if took := time.Since(start.Time); conditions.Active(rt) || took < 70*time.Minute || took > 71*time.Minute {
					t.Errorf("%v after its start the run with a deadline of one hour is: %+v", took, rt.Status.Conditions)
				}
			})
		})
	}
}
