package cached

import (
	"context"
	"reflect"
	"sync"
	"sync/atomic"
	"time"

	"k8s.io/client-go/tools/cache"
	"k8s.io/utils/lru"

	"github.com/kymaros/kymaros/pkg/apis/restore/v1alpha1"
	"github.com/kymaros/kymaros/pkg/generated/clientset/versioned"
	"github.com/kymaros/kymaros/pkg/generated/informers/externalversions"
)

// Store holds a row of every test, report and policy of the cluster.
type Store struct {
	factory                  externalversions.SharedInformerFactory
	tests, reports, policies cache.SharedIndexInformer
	handlers                 []cache.ResourceEventHandlerRegistration

	// How often each kind has changed. Tests change often, and reports, which are many, seldom.
	testChanges, reportChanges, policyChanges atomic.Int64
	making                                    sync.Mutex
	current                                   atomic.Pointer[View]
}

// NewStore makes the informers and starts none. They look at one namespace, or at all if it is empty. Reports are read by source, or
// by client without one.
//
// heard is called with each failure of a watch, tell with the rows of each change after the first lists, nil for what no list tells of.
func NewStore(client versioned.Interface, source cache.ListerWatcher, namespace string, heard func(error), tell func(old, row any)) (*Store, error) {
	factory := externalversions.NewSharedInformerFactoryWithOptions(client, 0, externalversions.WithTransform(toRow), externalversions.WithNamespace(namespace))
	if source != nil {
		factory.InformerFor(&v1alpha1.RestoreReport{}, func(_ versioned.Interface, resync time.Duration) cache.SharedIndexInformer {
			return cache.NewSharedIndexInformer(source, &v1alpha1.RestoreReport{}, resync, cache.Indexers{})
		})
	}
	kinds := factory.Restore().V1alpha1()
	s := &Store{
		factory: factory,
		tests:   kinds.RestoreTests().Informer(), reports: kinds.RestoreReports().Informer(), policies: kinds.HealthCheckPolicies().Informer(),
	}
	s.current.Store(&View{Kept: lru.New(maxKept)})
	for informer, changes := range map[cache.SharedIndexInformer]*atomic.Int64{s.tests: &s.testChanges, s.reports: &s.reportChanges, s.policies: &s.policyChanges} {
		note := func(old, row any) {
			changes.Add(1)
			tell(told(old), told(row))
		}
		handler, err := informer.AddEventHandler(cache.ResourceEventHandlerDetailedFuncs{
			AddFunc: func(row any, first bool) {
				if first { // nobody watches yet
					changes.Add(1)
					return
				}
				note(nil, row)
			},
			UpdateFunc: func(old, row any) {
				if !reflect.DeepEqual(old, row) {
					note(old, row)
				}
			},
			DeleteFunc: func(old any) {
				if lost, ok := old.(cache.DeletedFinalStateUnknown); ok {
					old = lost.Obj
				}
				note(old, nil)
			},
		})
		if err != nil {
			return nil, err
		}
		s.handlers = append(s.handlers, handler)
		err = informer.SetWatchErrorHandlerWithContext(func(ctx context.Context, r *cache.Reflector, err error) {
			heard(err)
			cache.DefaultWatchErrorHandler(ctx, r, err)
		})
		if err != nil {
			return nil, err
		}
	}
	return s, nil
}

// told returns a row, nil for one of which no list tells.
func told(row any) any {
	if _, hidden := row.(*nothing); hidden {
		return nil
	}
	return row
}

// Run keeps the rows up to date until ctx ends.
func (s *Store) Run(ctx context.Context) {
	s.factory.Start(ctx.Done())
	<-ctx.Done()
	s.factory.Shutdown()
}

// Ready tells whether all rows are there.
func (s *Store) Ready() bool {
	for _, handler := range s.handlers {
		if !handler.HasSynced() {
			return false
		}
	}
	return true
}

// View returns the rows, with every change that was told before the call. What has changed is put in order anew, once for all who ask.
func (s *Store) View() *View {
	if v := s.current.Load(); s.tells(v) {
		return v
	}
	s.making.Lock()
	defer s.making.Unlock()
	before := s.current.Load()
	if s.tells(before) { // somebody else has made it meanwhile
		return before
	}
	v := *before
	v.Kept = lru.New(maxKept)
	// Changes are counted before the rows are read: what changes meanwhile has them read again.
	if n := s.testChanges.Load(); n != v.testChanges {
		v.testChanges = n
		v.setTests(s.tests.GetStore().List())
	}
	if n := s.reportChanges.Load(); n != v.reportChanges {
		v.reportChanges = n
		v.setReports(s.reports.GetStore().List())
	}
	if n := s.policyChanges.Load(); n != v.policyChanges {
		v.policyChanges = n
		v.setPolicies(s.policies.GetStore().List())
	}
	s.current.Store(&v)
	return &v
}

// tells tells whether a view has all changes that there were.
func (s *Store) tells(v *View) bool {
	return v.testChanges == s.testChanges.Load() && v.reportChanges == s.reportChanges.Load() && v.policyChanges == s.policyChanges.Load()
}
