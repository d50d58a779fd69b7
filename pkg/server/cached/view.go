package cached

import (
	"iter"
	"slices"

	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/utils/lru"

	"github.com/kymaros/kymaros/pkg/apis/restore/v1alpha1"
)

// maxKept of what readers make is kept with a view.
const maxKept = 32

// View is all rows at one moment, in order. Nobody changes it.
type View struct {
	// changes of each kind that the rows tell of.
	testChanges, reportChanges, policyChanges int64

	Tests    []*Test   // by namespace and name
	Reports  []*Report // the newest first
	Policies []*Policy // by namespace and name
	// Histories are the reports of each test, the newest first, and of the tests the one that ended last first.
	Histories [][]*Report
	Points    []Point // of reports, in their order
	// Kept is whatever readers make of these rows, and want to have as long as they are all that there is.
	Kept *lru.Cache
	// Namespaces of each kind, sorted.
	TestNamespaces, ReportNamespaces, PolicyNamespaces []string
	ReportsNamed                                       map[string][]string // namespaces of the reports of a name
	TestsNamed                                         map[string][]string
}

// ViewOf returns what a store has of objects after its first lists. The error is of an object of another kind.
func ViewOf(objects iter.Seq[runtime.Object]) (*View, error) {
	var rows []any
	for o := range objects {
		row, err := toRow(o)
		if err != nil {
			return nil, err
		}
		rows = append(rows, row)
	}
	v := &View{Kept: lru.New(maxKept)}
	v.setTests(rows)
	v.setReports(rows)
	v.setPolicies(rows)
	return v, nil
}

func (v *View) setTests(objects []any) {
	v.Tests = rowsOf[*Test](objects)
	slices.SortFunc(v.Tests, func(a, b *Test) int { return a.Compare(&b.Key) })
	v.TestNamespaces, v.TestsNamed = index(v.Tests, func(r *Test) Key { return r.Key })
}

func (v *View) setReports(objects []any) {
	v.Reports = rowsOf[*Report](objects)
	slices.SortFunc(v.Reports, NewestFirst)
	v.ReportNamespaces, v.ReportsNamed = index(v.Reports, func(r *Report) Key { return r.Key })
	v.Histories = histories(v.Reports)
	v.Points = points(v.Reports, v.ReportNamespaces)
}

func (v *View) setPolicies(objects []any) {
	v.Policies = rowsOf[*Policy](objects)
	slices.SortFunc(v.Policies, func(a, b *Policy) int { return a.Compare(&b.Key) })
	v.PolicyNamespaces, _ = index(v.Policies, func(r *Policy) Key { return r.Key })
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
func index[R any](rows []R, of func(R) Key) (namespaces []string, named map[string][]string) {
	named = make(map[string][]string, len(rows))
	seen := map[string]bool{}
	for _, row := range rows {
		k := of(row)
		named[k.Name] = append(named[k.Name], k.Namespace)
		if !seen[k.Namespace] {
			seen[k.Namespace] = true
			namespaces = append(namespaces, k.Namespace)
		}
	}
	slices.Sort(namespaces)
	return namespaces, named
}

// histories splits reports, of which the newest come first, by their tests.
func histories(reports []*Report) [][]*Report {
	var all [][]*Report
	at := map[Key]int{}
	for _, r := range reports {
		of := Key{r.Namespace, r.Test}
		i, known := at[of]
		if !known {
			i = len(all)
			at[of] = i
			all = append(all, nil)
		}
		all[i] = append(all[i], r)
	}
	return all
}

// Point is what statistics want of a report. They lie side by side in memory: to look at the rows of 30,000 reports takes
// milliseconds.
type Point struct {
	Completed int64 // seconds since 1970
	Namespace int32 // its place in View.ReportNamespaces
	Score     int32
	Result    v1alpha1.Result
}

// points returns those of reports, in their order. namespaces are all that there are, sorted.
func points(reports []*Report, namespaces []string) []Point {
	all := make([]Point, len(reports))
	for i, r := range reports {
		place, _ := slices.BinarySearch(namespaces, r.Namespace)
		all[i] = Point{r.Completed.Unix(), int32(place), r.Score, r.Result} //nolint:gosec // there are not so many namespaces
	}
	return all
}
