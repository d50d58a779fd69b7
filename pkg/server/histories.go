package server

import (
	"slices"
	"time"

	"github.com/kymaros/kymaros/pkg/apis/restore/v1alpha1"
)

// histories splits reports, of which the newest come first, by their tests.
func histories(reports []*reportRow) [][]*reportRow {
	var all [][]*reportRow
	at := map[key]int{}
	for _, r := range reports {
		of := key{r.namespace, r.test}
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

// point is what statistics want of a report. They lie side by side in memory: to look at the rows of 30,000 reports takes
// milliseconds.
type point struct {
	completed int64 // seconds since 1970
	namespace int32 // its place in view.reportNamespaces
	score     int32
	result    v1alpha1.Result
}

// points returns those of reports, in their order. namespaces are all that there are, sorted.
func points(reports []*reportRow, namespaces []string) []point {
	all := make([]point, len(reports))
	for i, r := range reports {
		place, _ := slices.BinarySearch(namespaces, r.namespace)
		all[i] = point{r.completed.Unix(), int32(place), r.score, r.result} //nolint:gosec // there are not so many namespaces
	}
	return all
}

// visibleReports returns those that the caller may list, the newest first. They are everybody's: nobody changes the slice.
func (s *Server) visibleReports(r *request) ([]*reportRow, error) {
	seen, all, err := s.reportScope(r)
	if err != nil || all {
		return r.view.reports, err
	}
	return kept(r.view.reports, func(row *reportRow) bool { return seen[row.namespace] }), nil
}

// visibleHistories is visibleReports, by test.
func (s *Server) visibleHistories(r *request) ([][]*reportRow, error) {
	seen, all, err := s.reportScope(r)
	if err != nil || all {
		return r.view.histories, err
	}
	return kept(r.view.histories, func(h []*reportRow) bool { return seen[h[0].namespace] }), nil
}

// visiblePoints is visibleReports of those that ended since then.
func (s *Server) visiblePoints(r *request, since time.Time) ([]point, error) {
	seen, all, err := s.reportScope(r)
	if err != nil {
		return nil, err
	}
	newest := r.view.points
	if i := slices.IndexFunc(newest, func(p point) bool { return time.Unix(p.completed, 0).Before(since) }); i >= 0 {
		newest = newest[:i]
	}
	if all {
		return newest, nil
	}
	visible := make([]bool, len(r.view.reportNamespaces))
	for i, ns := range r.view.reportNamespaces {
		visible[i] = seen[ns]
	}
	return kept(newest, func(p point) bool { return visible[p.namespace] }), nil
}

// reportScope returns the namespaces whose reports the caller may list; all: these are all that have any.
func (s *Server) reportScope(r *request) (seen map[string]bool, all bool, err error) {
	seen, err = s.scope(r, reports, r.view.reportNamespaces)
	if err != nil {
		return nil, false, err
	}
	return seen, !slices.ContainsFunc(r.view.reportNamespaces, func(ns string) bool { return !seen[ns] }), nil
}

// kept returns what keep is true of, in a slice of its own.
func kept[T any](all []T, keep func(T) bool) []T {
	var some []T
	for _, one := range all {
		if keep(one) {
			some = append(some, one)
		}
	}
	return some
}
