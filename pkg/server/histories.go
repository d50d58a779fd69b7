package server

import (
	"slices"
	"time"

	"github.com/kymaros/kymaros/pkg/server/cached"
)

// visibleReports returns those that the caller may list, the newest first. They are everybody's: nobody changes the slice.
func (s *Server) visibleReports(r *request) ([]*cached.Report, error) {
	seen, all, err := s.reportScope(r)
	if err != nil || all {
		return r.view.Reports, err
	}
	return kept(r.view.Reports, func(row *cached.Report) bool { return seen[row.Namespace] }), nil
}

// visibleHistories is visibleReports, by test.
func (s *Server) visibleHistories(r *request) ([][]*cached.Report, error) {
	seen, all, err := s.reportScope(r)
	if err != nil || all {
		return r.view.Histories, err
	}
	return kept(r.view.Histories, func(h []*cached.Report) bool { return seen[h[0].Namespace] }), nil
}

// visiblePoints is visibleReports of those that ended since then.
func (s *Server) visiblePoints(r *request, since time.Time) ([]cached.Point, error) {
	seen, all, err := s.reportScope(r)
	if err != nil {
		return nil, err
	}
	newest := r.view.Points
	if i := slices.IndexFunc(newest, func(p cached.Point) bool { return time.Unix(p.Completed, 0).Before(since) }); i >= 0 {
		newest = newest[:i]
	}
	if all {
		return newest, nil
	}
	visible := make([]bool, len(r.view.ReportNamespaces))
	for i, ns := range r.view.ReportNamespaces {
		visible[i] = seen[ns]
	}
	return kept(newest, func(p cached.Point) bool { return visible[p.Namespace] }), nil
}

// reportScope returns the namespaces whose reports the caller may list; all: these are all that have any.
func (s *Server) reportScope(r *request) (seen map[string]bool, all bool, err error) {
	seen, err = s.scope(r, reports, r.view.ReportNamespaces)
	if err != nil {
		return nil, false, err
	}
	return seen, !slices.ContainsFunc(r.view.ReportNamespaces, func(ns string) bool { return !seen[ns] }), nil
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
