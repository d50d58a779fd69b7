package schedule

import (
	"context"
	"errors"
	"testing"

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
			away := errors.New("the API server is away")
			schedule := Controller{
				client: client, tests: listers.NewRestoreTestLister(indexer), requireFence: c.required,
				fence:  func(context.Context) (string, error) { return "", away },
				status: controller.StatusWriter{Controller: controller.Schedule, Tests: client.RestoreV1alpha1(), Recorder: record.NewFakeRecorder(10)},
			}
			_, err := schedule.sync(t.Context(), cache.ObjectName{Namespace: rt.Namespace, Name: rt.Name})
			if c.starts != (err == nil) || err != nil && !errors.Is(err, away) {
				t.Fatalf("sync: %v", err)
			}
			if started := len(client.Actions()) > 0; started != c.starts {
				t.Errorf("started: %v", started)
			}
			if !c.starts {
				return
			}
			now, err := client.RestoreV1alpha1().RestoreTests(rt.Namespace).Get(t.Context(), rt.Name, metav1.GetOptions{})
			if err != nil {
				t.Fatal(err)
			}
			if run := now.Status.Run; run == nil || run.Fence != v1alpha1.FenceNotIntact {
				t.Errorf("run %+v", run)
			}
		})
	}
}
