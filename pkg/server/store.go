package server

import (
	"cmp"
	"context"
	"slices"
	"sync"
	"sync/atomic"

	"k8s.io/client-go/tools/cache"

	"github.com/kymaros/kymaros/pkg/apis/restore/v1alpha1"
	"github.com/kymaros/kymaros/pkg/generated/clientset/versioned"
	"github.com/kymaros/kymaros/pkg/generated/informers/externalversions"
)

// store holds a row of every test, report and policy of the cluster.
type store struct {
	factory                  externalversions.SharedInformerFactory
	tests, reports, policies cache.SharedIndexInformer
	handlers                 []cache.ResourceEventHandlerRegistration

	changed atomic.Bool // since the view was made
	making  sync.Mutex
	current atomic.Pointer[view]
}

// view is all rows at one moment, in order. Nobody changes it.
type view struct {
	tests    []*testRow   // by namespace and name
	reports  []*reportRow // the newest first
	policies []*policyRow // by namespace and name
	// namespaces of each kind, sorted.
	testNamespaces, reportNamespaces, policyNamespaces []string
	reportsNamed                                       map[string][]string // namespaces of the reports of a name
	testsNamed                                         map[string][]string
}

// newStore makes the informers and starts none.
func newStore(client versioned.Interface) (*store, error) {
	factory := externalversions.NewSharedInformerFactoryWithOptions(client, 0, externalversions.WithTransform(toRow))
	kinds := factory.Restore().V1alpha1()
	s := &store{
		factory: factory,
		tests:   kinds.RestoreTests().Informer(), reports: kinds.RestoreReports().Informer(), policies: kinds.HealthCheckPolicies().Informer(),
	}
	s.current.Store(&view{})
	changed := func() { s.changed.Store(true) }
	for _, informer := range []cache.SharedIndexInformer{s.tests, s.reports, s.policies} {
		handler, err := informer.AddEventHandler(cache.ResourceEventHandlerFuncs{
			AddFunc: func(any) { changed() }, UpdateFunc: func(any, any) { changed() }, DeleteFunc: func(any) { changed() },
		})
		if err != nil {
			return nil, err
		}
		s.handlers = append(s.handlers, handler)
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

// view returns the rows. It is made anew only after something has changed, and once for all who ask.
func (s *store) view() *view {
	if !s.changed.Load() {
		return s.current.Load()
	}
	s.making.Lock()
	defer s.making.Unlock()
	if s.changed.Swap(false) { // before the rows are read: what changes meanwhile has it made again
		s.current.Store(newView(s.tests.GetStore().List(), s.reports.GetStore().List(), s.policies.GetStore().List()))
	}
	return s.current.Load()
}

func newView(tests, reports, policies []any) *view {
	v := &view{tests: rowsOf[*testRow](tests), reports: rowsOf[*reportRow](reports), policies: rowsOf[*policyRow](policies)}
	slices.SortFunc(v.tests, func(a, b *testRow) int { return a.compare(&b.key) })
	slices.SortFunc(v.reports, newestFirst)
	slices.SortFunc(v.policies, func(a, b *policyRow) int { return a.compare(&b.key) })
	v.testNamespaces, v.testsNamed = index(v.tests, func(r *testRow) key { return r.key })
	v.reportNamespaces, v.reportsNamed = index(v.reports, func(r *reportRow) key { return r.key })
	v.policyNamespaces, _ = index(v.policies, func(r *policyRow) key { return r.key })
	return v
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

// latest returns the newest report of each test, of reports of which the newest come first.
func latest(reports []*reportRow) []*reportRow {
	var all []*reportRow
	seen := map[key]bool{}
	for _, r := range reports {
		if of := (key{r.namespace, r.test}); !seen[of] {
			seen[of] = true
			all = append(all, r)
		}
	}
	return all
}

// scored tells whether the score of a report says something: an inconclusive run has none.
func (r *reportRow) scored() bool { return r.result != v1alpha1.ResultInconclusive }
