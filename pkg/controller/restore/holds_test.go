package restore

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	velerov1 "github.com/vmware-tanzu/velero/pkg/apis/velero/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/kubernetes/fake"
	"k8s.io/client-go/tools/cache"

	"github.com/kymaros/kymaros/pkg/apis/restore/v1alpha1"
	"github.com/kymaros/kymaros/pkg/controller"
	kymarosfake "github.com/kymaros/kymaros/pkg/generated/clientset/versioned/fake"
	velerolisters "github.com/kymaros/kymaros/pkg/generated/listers/velero/v1"
	"github.com/kymaros/kymaros/pkg/inventory"
	"github.com/kymaros/kymaros/pkg/sideeffects"
)

// listed chooses with all lists at hand.
func (c *Controller) listed(t *testing.T, rt *v1alpha1.RestoreTest, s *seen) error {
	t.Helper()
	all, err := c.backups.List(labels.Everything())
	if err != nil {
		return err
	}
	for _, b := range all {
		<-c.options.Lists.Ask(t.Context(), rt, b.Name, b, func() {}).Ready()
	}
	return c.choose(t.Context(), rt, s)
}

// unlisted are lists of a Velero that gives out none.
func unlisted() *inventory.Lists {
	return inventory.New(func(context.Context, *v1alpha1.RestoreTest, *velerov1.Backup, []string) (sideeffects.Inventory, error) {
		return nil, errors.New("nobody gives out lists here")
	})
}

// chooseAtLast chooses when every list is there that the choice needs.
func (c *Controller) chooseAtLast(t *testing.T, rt *v1alpha1.RestoreTest, s *seen) error {
	t.Helper()
	c.runner.Queue = controller.NewQueue("test")
	defer c.runner.Queue.ShutDown()
	for {
		if err := c.choose(t.Context(), rt, s); err != nil || s.listing == "" {
			return err
		}
		b, err := c.backups.Get(s.listing)
		if err != nil {
			return err
		}
		<-c.options.Lists.Ask(t.Context(), rt, b.Name, b, func() {}).Ready()
	}
}

func TestABackupIsLookedIntoBeforeItIsTaken(t *testing.T) {
	const completed = velerov1.BackupPhaseCompleted
	holds := map[string]sideeffects.Inventory{
		"full": {schema.GroupKind{Group: "apps", Kind: "Deployment"}: {"shop/web"}}, "full-too": {schema.GroupKind{Kind: "Secret"}: {"shop/password"}}, "void": {}, "void-2": {}, "void-3": {}, "void-4": {},
	}
	for name, c := range map[string]struct {
		backups []string // the newest first
		named   string
		chosen  string
		asked   []string
		left    []string
	}{
		"the newest, if it holds something":                 {backups: []string{"full", "full-too"}, chosen: "full", asked: []string{"full"}},
		"the next, if the newest holds nothing":             {backups: []string{"void", "full", "full-too"}, chosen: "full", asked: []string{"void", "full"}},
		"not if there is no other":                          {backups: []string{"void"}, chosen: "void"},
		"not if the test names it":                          {backups: []string{"void", "full"}, named: "void", chosen: "void"},
		"the newest, if its list cannot be had":             {backups: []string{"unlisted", "full"}, chosen: "unlisted", asked: []string{"unlisted"}},
		"no more than three, and then the next of the rest": {backups: []string{"void", "void-2", "void-3", "void-4", "full"}, chosen: "void-4", asked: []string{"void", "void-2", "void-3"}},
		"the newest, if none holds anything, which is said": {backups: []string{"void", "void-2"}, chosen: "void-2", asked: []string{"void"}},
	} {
		t.Run(name, func(t *testing.T) {
			indexer := cache.NewIndexer(cache.MetaNamespaceKeyFunc, cache.Indexers{cache.NamespaceIndex: cache.MetaNamespaceIndexFunc})
			for i, name := range c.backups {
				b := backup(name, completed, time.Duration(i+1)*time.Hour)
				b.Namespace = "velero"
				if err := indexer.Add(b); err != nil {
					t.Fatal(err)
				}
			}
			var asked []string
			lists := inventory.New(func(_ context.Context, _ *v1alpha1.RestoreTest, b *velerov1.Backup, _ []string) (sideeffects.Inventory, error) {
				asked = append(asked, b.Name)
				if names, ok := holds[b.Name]; ok {
					return names, nil
				}
				return nil, errors.New("the object store is down")
			})
			rt := test(func(rt *v1alpha1.RestoreTest) {
				rt.Status.Run.Spec.BackupSource = v1alpha1.BackupSource{Namespaces: []v1alpha1.SourceNamespace{{Name: "shop"}}, AllowOlderThanNamespace: true, BackupName: c.named}
			})
			controller := &Controller{options: Options{VeleroNamespace: "velero", Lists: lists}, kube: fake.NewClientset(), client: kymarosfake.NewClientset(), backups: velerolisters.NewBackupLister(indexer).Backups("velero")}
			// What is asked for while the sandbox is made is what is asked for when the turn comes.
			if err := controller.peek(t.Context(), rt); err != nil {
				t.Fatal(err)
			}
			s := seen{resources: []string{"deployments.apps", "secrets"}}
			if err := controller.chooseAtLast(t, rt, &s); err != nil || s.missing != nil {
				t.Fatal(err, s.missing)
			}
			if s.backup.Name != c.chosen {
				t.Errorf("chosen %s, want %s", s.backup.Name, c.chosen)
			}
			if diff := cmp.Diff(c.asked, asked); diff != "" {
				t.Errorf("asked for (-want +got):\n%s", diff)
			}
		})
	}
}

func TestAWorkerDoesNotWaitForAList(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		indexer := cache.NewIndexer(cache.MetaNamespaceKeyFunc, cache.Indexers{cache.NamespaceIndex: cache.MetaNamespaceIndexFunc})
		for name, age := range map[string]time.Duration{"new": time.Hour, "old": 2 * time.Hour} {
			b := backup(name, velerov1.BackupPhaseCompleted, age)
			b.Namespace = "velero"
			if err := indexer.Add(b); err != nil {
				t.Fatal(err)
			}
		}
		lists := inventory.New(func(context.Context, *v1alpha1.RestoreTest, *velerov1.Backup, []string) (sideeffects.Inventory, error) {
			time.Sleep(10 * time.Second) // of the bubble
			return nil, errors.New("no answer in time")
		})
		rt := test(func(rt *v1alpha1.RestoreTest) { rt.Status.Run.Spec.BackupSource.AllowOlderThanNamespace = true })
		c := &Controller{options: Options{VeleroNamespace: "velero", Lists: lists}, kube: fake.NewClientset(), client: kymarosfake.NewClientset(), backups: velerolisters.NewBackupLister(indexer).Backups("velero")}
		c.runner.Queue = controller.NewQueue("test")
		defer c.runner.Queue.ShutDown()
		begin := time.Now()
		var s seen
		if err := c.choose(t.Context(), rt, &s); err != nil || s.listing != "new" || s.backup != nil || time.Since(begin) > 0 {
			t.Fatalf("%v: waits for the list of %q, has %v, after %s", err, s.listing, s.backup, time.Since(begin))
		}
		time.Sleep(11 * time.Second) // of the bubble
		synctest.Wait()
		if n := c.runner.Queue.Len(); n != 1 {
			t.Errorf("%d tests are woken", n)
		}
		s = seen{}
		if err := c.choose(t.Context(), rt, &s); err != nil || s.backup == nil || s.backup.Name != "new" {
			t.Errorf("%v: %v, want new, for nothing speaks against it", err, s.backup)
		}
	})
}
