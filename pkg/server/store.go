package server

import (
	"cmp"
	"context"
	"reflect"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"k8s.io/client-go/tools/cache"
	"k8s.io/utils/lru"

	"github.com/kymaros/kymaros/pkg/apis/restore/v1alpha1"
	"github.com/kymaros/kymaros/pkg/generated/clientset/versioned"
	"github.com/kymaros/kymaros/pkg/generated/informers/externalversions"
)

// store holds a row of every test, report and policy of the cluster.
type store struct {
	factory                  externalversions.SharedInformerFactory
	tests, reports, policies cache.SharedIndexInformer
	handlers                 []cache.ResourceEventHandlerRegistration

	// How often each kind has changed. Tests change often, and reports, which are many, seldom.
	testChanges, reportChanges, policyChanges atomic.Int64
	making                                    sync.Mutex
	current                                   atomic.Pointer[view]
}

// view is all rows at one moment, in order. Nobody changes it.
type view struct {
	// changes of each kind that the rows tell of.
	testChanges, reportChanges, policyChanges int64

	tests    []*testRow   // by namespace and name
	reports  []*reportRow // the newest first
	policies []*policyRow // by namespace and name
	// histories are the reports of each test, the newest first, and of the tests the one that ended last first.
	histories [][]*reportRow
	points    []point // of reports, in their order
	// answers that the same request would get again, by address: see reuse.
	answers *lru.Cache
	// namespaces of each kind, sorted.
	testNamespaces, reportNamespaces, policyNamespaces []string
	reportsNamed                                       map[string][]string // namespaces of the reports of a name
	testsNamed                                         map[string][]string
}

// newStore makes the informers and starts none. They look at one namespace, or at all if it is empty. Reports are read by source, or
// by client without one.
// heard is called with each failure of a watch, tell with each change after the first lists.
func newStore(client versioned.Interface, source cache.ListerWatcher, namespace string, heard func(error), tell func(change)) (*store, error) {
	factory := externalversions.NewSharedInformerFactoryWithOptions(client, 0, externalversions.WithTransform(toRow), externalversions.WithNamespace(namespace))
	if source != nil {
		factory.InformerFor(&v1alpha1.RestoreReport{}, func(_ versioned.Interface, resync time.Duration) cache.SharedIndexInformer {
			return cache.NewSharedIndexInformer(source, &v1alpha1.RestoreReport{}, resync, cache.Indexers{})
		})
	}
	kinds := factory.Restore().V1alpha1()
	s := &store{
		factory: factory,
		tests:   kinds.RestoreTests().Informer(), reports: kinds.RestoreReports().Informer(), policies: kinds.HealthCheckPolicies().Informer(),
	}
	s.current.Store(&view{answers: lru.New(maxAnswers)})
	for informer, changes := range map[cache.SharedIndexInformer]*atomic.Int64{s.tests: &s.testChanges, s.reports: &s.reportChanges, s.policies: &s.policyChanges} {
		note := func(old, row any) {
			changes.Add(1)
			if c, ok := changeOf(old, row); ok {
				tell(c)
			}
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

// run keeps the rows up to date until ctx ends.
func (s *store) run(ctx context.Context) {
	s.factory.Start(ctx.Done())
	<-ctx.Done()
	s.factory.Shutdown()
}

// ready tells whether all rows are there.
func (s *store) ready() bool {
	for _, handler := range s.handlers {
		if !handler.HasSynced() {
			return false
		}
	}
	return true
}

// view returns the rows, with every change that was told before the call. What has changed is put in order anew, once for all who ask.
func (s *store) view() *view {
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
	v.answers = lru.New(maxAnswers)
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
func (s *store) tells(v *view) bool {
	return v.testChanges == s.testChanges.Load() && v.reportChanges == s.reportChanges.Load() && v.policyChanges == s.policyChanges.Load()
}

func (v *view) setTests(objects []any) {
	v.tests = rowsOf[*testRow](objects)
	slices.SortFunc(v.tests, func(a, b *testRow) int { return a.compare(&b.key) })
	v.testNamespaces, v.testsNamed = index(v.tests, func(r *testRow) key { return r.key })
}

func (v *view) setReports(objects []any) {
	v.reports = rowsOf[*reportRow](objects)
	slices.SortFunc(v.reports, newestFirst)
	v.reportNamespaces, v.reportsNamed = index(v.reports, func(r *reportRow) key { return r.key })
	v.histories = histories(v.reports)
	v.points = points(v.reports, v.reportNamespaces)
}

func (v *view) setPolicies(objects []any) {
	v.policies = rowsOf[*policyRow](objects)
	slices.SortFunc(v.policies, func(a, b *policyRow) int { return a.compare(&b.key) })
	v.policyNamespaces, _ = index(v.policies, func(r *policyRow) key { return r.key })
}

func rowsOf[R any](objects []any) []R {
	rows := make([]R, 0, len(objects))
	for _, o := range objects {
		if row, ok := o.(R); ok {
			rows = append(rows, row)
		}
	}
	return rows
}

// index returns the namespaces of rows, sorted, and those of the rows of each name.
func index[R any](rows []R, of func(R) key) (namespaces []string, named map[string][]string) {
	named = make(map[string][]string, len(rows))
	seen := map[string]bool{}
	for _, row := range rows {
		k := of(row)
		named[k.name] = append(named[k.name], k.namespace)
		if !seen[k.namespace] {
			seen[k.namespace] = true
			namespaces = append(namespaces, k.namespace)
		}
	}
	slices.Sort(namespaces)
	return namespaces, named
}

func newestFirst(a, b *reportRow) int {
	return cmp.Or(b.completed.Compare(a.completed), a.compare(&b.key))
}

// scored tells whether the score of a report says something: an inconclusive run has none.
func (row *reportRow) scored() bool { return row.result != v1alpha1.ResultInconclusive }
