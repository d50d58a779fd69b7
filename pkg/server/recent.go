package server

import (
	"slices"
	"time"

	"github.com/kymaros/kymaros/pkg/apis/restore/v1alpha1"
	"github.com/kymaros/kymaros/pkg/server/cached"
)

// recentRuns of a test are told of.
const recentRuns = 10

// recentItem is how the last runs of a test ended.
type recentItem struct {
	Namespace string `json:"namespace"`
	Name      string `json:"name"`
	// Results of the last runs, the oldest first.
	Results []v1alpha1.Result `json:"results"`
	// DayAgo is the result that counted 24 hours ago; empty if there was none.
	DayAgo v1alpha1.Result `json:"dayAgo"`
	// Report is the newest.
	Report string `json:"report"`
}

// recent tells of each test that has reports how its last runs ended, in one answer: lists show that beside every test.
func (s *Server) recent(r *request) (any, error) {
	histories, err := s.visibleHistories(r)
	if err != nil {
		return nil, err
	}
	yesterday := s.now().Add(-24 * time.Hour)
	all := make([]*recentItem, 0, len(histories))
	for _, h := range histories {
		item := &recentItem{Namespace: h[0].Namespace, Name: h[0].Test, Report: h[0].Name}
		for _, row := range h[:min(len(h), recentRuns)] {
			item.Results = append(item.Results, row.Result)
		}
		slices.Reverse(item.Results)
		if i := slices.IndexFunc(h, func(row *cached.Report) bool { return row.Completed.Before(yesterday) }); i >= 0 {
			item.DayAgo = h[i].Result
		}
		all = append(all, item)
	}
	return all, nil
}
