package cleanup

import (
	"testing"
	"testing/synctest"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	dynamicfake "k8s.io/client-go/dynamic/fake"
	metadatafake "k8s.io/client-go/metadata/fake"
	"k8s.io/client-go/tools/cache"

	"github.com/kymaros/kymaros/pkg/apis/restore/v1alpha1"
)

func TestASandboxThatHoldsNothingIsWatchedOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStage(t)
		if err := s.namespaces.Add(ending(func(*corev1.Namespace) {})); err != nil {
			t.Fatal(err)
		}
		asked := func() int {
			if _, err := s.sync(t.Context(), cache.NewObjectName("prod", "shop")); err != nil {
				t.Fatal(err)
			}
			synctest.Wait()
			return len(s.metadata.(*metadatafake.FakeMetadataClient).Actions())
		}
		if first, second := asked(), asked(); first == 0 || second != first {
			t.Errorf("%d requests for what it holds, and %d more", first, second-first)
		}
	})
}

func TestSnapshotsOfARunAreAskedForOnceMoreOnlyIfSomebodyElseLetItsSandboxGo(t *testing.T) {
	for name, c := range map[string]struct {
		went bool
		want int
	}{"this process did": {true, 0}, "somebody else did": {false, 1}} {
		t.Run(name, func(t *testing.T) {
			s := newStage(t)
			rt := &v1alpha1.RestoreTest{ObjectMeta: metav1.ObjectMeta{Namespace: "prod", Name: "shop", ResourceVersion: "1"}, Status: v1alpha1.RestoreTestStatus{
				Run:     &v1alpha1.RunStatus{ID: "run", StartTime: metav1.Now(), Deadline: metav1.Now()},
				Sandbox: &v1alpha1.SandboxStatus{RunID: "run", Namespaces: []v1alpha1.SandboxNamespace{{Name: "sbx", UID: "uid", Source: "shop"}}},
			}}
			if err := s.client.Tracker().Add(rt); err != nil {
				t.Fatal(err)
			}
			if c.went {
				s.notes.went("uid")
			}
			if _, err := s.conclude(t.Context(), cache.MetaObjectToName(rt), rt, "", nil); err != nil {
				t.Fatal(err)
			}
			if n := len(s.dynamic.(*dynamicfake.FakeDynamicClient).Actions()); n != c.want {
				t.Errorf("%d requests, want %d", n, c.want)
			}
		})
	}
}
