package schedule

import (
	"context"
	"errors"
	"strings"
	"testing"

	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/tools/cache"
	"k8s.io/client-go/tools/record"

	"github.com/kymaros/kymaros/pkg/apis/restore/v1alpha1"
	"github.com/kymaros/kymaros/pkg/controller"
	"github.com/kymaros/kymaros/pkg/generated/clientset/versioned/fake"
	listers "github.com/kymaros/kymaros/pkg/generated/listers/restore/v1alpha1"
)

func TestAFenceThatCannotBeLookedAt(t *testing.T) {
	for name, c := range map[string]struct {
		required bool
		starts   bool
	}{
		"holds runs up where it is required":   {true, false},
		"holds none up where nobody wants one": {false, true},
	} {
		t.Run(name, func(t *testing.T) {
			rt := test()
			client := fake.NewClientset(rt)
			indexer := cache.NewIndexer(cache.MetaNamespaceKeyFunc, cache.Indexers{cache.NamespaceIndex: cache.MetaNamespaceIndexFunc})
			if err := indexer.Add(rt); err != nil {
				t.Fatal(err)
			}
			away := errors.New("dial tcp 10.0.0.1:34567: the API server is away")
			schedule := Controller{
				client: client, tests: listers.NewRestoreTestLister(indexer), requireFence: c.required,
				fence:  func(context.Context) (string, error) { return "", away },
				status: controller.StatusWriter{Controller: controller.Schedule, Tests: client.RestoreV1alpha1(), Recorder: record.NewFakeRecorder(10)},
			}
			_, err := schedule.sync(t.Context(), cache.ObjectName{Namespace: rt.Namespace, Name: rt.Name})
			if c.starts != (err == nil) || err != nil && !errors.Is(err, away) {
				t.Fatalf("sync: %v", err)
			}
			now, err := client.RestoreV1alpha1().RestoreTests(rt.Namespace).Get(t.Context(), rt.Name, metav1.GetOptions{})
			if err != nil {
				t.Fatal(err)
			}
			if run := now.Status.Run; (run != nil) != c.starts || run != nil && run.Fence != v1alpha1.FenceNotIntact {
				t.Errorf("run %+v", run)
			}
			if c.starts {
				return
			}
			// What is due and does not start says why, in words that stay the same.
			scheduled := meta.FindStatusCondition(now.Status.Conditions, v1alpha1.ConditionScheduled)
			if scheduled == nil || scheduled.Reason != v1alpha1.ReasonFenceNotIntact || !strings.Contains(scheduled.Message, "log of the controller") || strings.Contains(scheduled.Message, "34567") {
				t.Errorf("condition %+v", scheduled)
			}
		})
	}
}
