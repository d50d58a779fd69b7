package report

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	velerov1 "github.com/vmware-tanzu/velero/pkg/apis/velero/v1"
	"k8s.io/client-go/tools/cache"

	"github.com/kymaros/kymaros/pkg/apis/restore/v1alpha1"
	"github.com/kymaros/kymaros/pkg/inventory"
	"github.com/kymaros/kymaros/pkg/sideeffects"
)

// The list is asked for while the application is checked, and no worker waits for it.
func TestNoWorkerWaitsForAList(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		rt := test()
		f := newFixture(t, rt)
		asked := 0
		f.lists = inventory.New(func(context.Context, *v1alpha1.RestoreTest, *velerov1.Backup, []string) (sideeffects.Inventory, error) {
			asked++
			time.Sleep(10 * time.Second) // of the bubble
			return nil, errors.New("no answer in time")
		})
		f.status.Tests = f.client.RestoreV1alpha1()
		defer f.lists.Close()
		key := cache.NewObjectName(rt.Namespace, rt.Name)
		begin := time.Now()
		if _, err := f.Controller.sync(t.Context(), key); err != nil {
			t.Fatal(err)
		}
		equal(t, "held the worker for", time.Since(begin), time.Duration(0))
		if reports := f.reports(t); len(reports) > 0 {
			t.Fatal("reported before the answer was there, or could not come any more")
		}
		time.Sleep(10 * time.Second) // of the bubble
		synctest.Wait()
		equal(t, "tests that are woken", f.runner.Queue.Len(), 1)
		begin = time.Now()
		if _, err := f.Controller.sync(t.Context(), key); err != nil {
			t.Fatal(err)
		}
		equal(t, "held the worker for", time.Since(begin), time.Duration(0))
		equal(t, "reports", len(f.reports(t)), 1)
		equal(t, "lists that were asked for", asked, 1)
		f.mustSync(t)
		f.mustSync(t)
		f.lists.Ask(t.Context(), rt, "nightly", nil, func() {})
		synctest.Wait()
		equal(t, "lists that were asked for, when nobody keeps the first any more", asked, 2)
	})
}
