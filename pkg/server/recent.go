package server

import (
	"slices"
	"time"

	"github.com/kymaros/kymaros/pkg/apis/restore/v1alpha1"
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
	rows, err := s.visibleReports(r)
	if err != nil {
		return nil, err
	}
	yesterday := s.now().Add(-24 * time.Hour)
	all := []*recentItem{}
	of := map[key]*recentItem{}
	for _, row := range rows { // the newest first
		k := key{row.namespace, row.test}
		item := of[k]
		if item == nil {
			item = &recentItem{Namespace: row.namespace, Name: row.test, Report: row.name}
			of[k] = item
			all = append(all, item)
		}
		if len(item.Results) < recentRuns {
			item.Results = append(item.Results, row.result)
		}
		if item.DayAgo == "" && row.completed.Before(yesterday) {
			item.DayAgo = row.result
		}
	}
	for _, item := range all {
		slices.Reverse(item.Results)
	}
	return all, nil
}
