package inventory

import (
	"context"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	velerov1 "github.com/vmware-tanzu/velero/pkg/apis/velero/v1"
	"k8s.io/client-go/tools/cache"

	"github.com/kymaros/kymaros/pkg/apis/restore/v1alpha1"
	"github.com/kymaros/kymaros/pkg/sideeffects"
)

const took = 3 * time.Second

// counted reads lists that hold nothing, and counts how often.
func counted() (*Lists, *atomic.Int32) {
	n := new(atomic.Int32)
	return New(func(ctx context.Context, _ *v1alpha1.RestoreTest, _ *velerov1.Backup, _ []string) (sideeffects.Inventory, error) {
		n.Add(1)
		select {
		case <-time.After(took):
			return sideeffects.Inventory{}, nil
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}), n
}

func TestAListIsReadOnceForAllWhoAsk(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		lists, reads := counted()
		defer lists.Close()
		var woken atomic.Int32
		wake := func() { woken.Add(1) }
		first := lists.Ask(t.Context(), test(), "nightly", backup(), wake)
		second := lists.Ask(t.Context(), test(), "nightly", nil, wake)
		other := lists.Ask(t.Context(), test(), "weekly", backup(), wake)
		if first != second || first == other || first.IsReady() {
			t.Fatalf("same list for the same backup: %t; for another: %t; ready at once: %t", first == second, first == other, first.IsReady())
		}
		time.Sleep(took)
		synctest.Wait()
		if reads.Load() != 2 || woken.Load() != 3 || !first.IsReady() {
			t.Errorf("%d reads, %d woken, ready %t; want 2, 3, true", reads.Load(), woken.Load(), first.IsReady())
		}
		lists.Ask(t.Context(), test(), "nightly", backup(), wake)
		synctest.Wait()
		if reads.Load() != 2 || woken.Load() != 3 {
			t.Errorf("of a list that is there: %d reads, %d woken", reads.Load()-2, woken.Load()-3)
		}
	})
}

func TestListsGoWithTheirRun(t *testing.T) {
	for name, forget := range map[string]func(*Lists){
		"when another begins": func(l *Lists) {
			rt := test()
			rt.Status.Run.ID = "run-2"
			l.Ask(t.Context(), rt, "weekly", backup(), func() {})
		},
		"when it is reported":   func(l *Lists) { l.Drop(cache.NewObjectName("tests", "shop")) },
		"when the process ends": (*Lists).Close,
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				lists, _ := counted()
				defer lists.Close()
				var woken atomic.Bool
				list := lists.Ask(t.Context(), test(), "nightly", backup(), func() { woken.Store(true) })
				forget(lists)
				synctest.Wait()
				if _, err := list.Names(); !list.IsReady() || err == nil || !woken.Load() {
					t.Errorf("ready %t, woken %t, %v; want that nobody waits for it any more", list.IsReady(), woken.Load(), err)
				}
				if again := lists.Ask(t.Context(), test(), "nightly", backup(), func() {}); again == list {
					t.Error("it was kept")
				}
			})
		})
	}
}
