package server

import (
	"slices"

	"github.com/kymaros/kymaros/pkg/apis/restore/v1alpha1"
	"github.com/kymaros/kymaros/pkg/line"
	"github.com/kymaros/kymaros/pkg/server/cached"
	"github.com/kymaros/kymaros/pkg/server/caller"
	"github.com/kymaros/kymaros/pkg/server/query"
	"github.com/kymaros/kymaros/pkg/server/times"
)

// waitingLine is the line of runs that wait for their turn, its head first.
type waitingLine struct {
	Items []waitingRun `json:"items"`
	// Complete: the caller may list all tests, so positions are those of the whole line. Else they are among the runs that the
	// caller may see, and more may be before them.
	Complete bool `json:"complete"`
}

type waitingRun struct {
	Position      int              `json:"position"`
	Name          string           `json:"name"`
	Namespace     string           `json:"namespace"`
	RunID         string           `json:"runID"`
	Trigger       v1alpha1.Trigger `json:"trigger"`
	ScheduledTime string           `json:"scheduledTime"`
}

func (s *Server) line(r *request) (any, error) {
	seen, err := s.scope(r, tests, r.view.TestNamespaces)
	if err != nil {
		return nil, err
	}
	answer := waitingLine{Items: []waitingRun{}}
	if r.Text("namespace") == "" {
		if answer.Complete, err = s.authz.May(r.Context(), r.caller, caller.Right{Verb: "list", Resource: tests}); err != nil {
			return nil, err
		}
	}
	var all []*v1alpha1.RestoreTest
	for _, t := range r.view.Tests {
		if seen[t.Namespace] && t.Waiting != nil {
			all = append(all, t.Waiting)
		}
	}
	for i, rt := range line.Of(all) {
		run := rt.Status.Run
		answer.Items = append(answer.Items, waitingRun{i + 1, rt.Name, rt.Namespace, run.ID, run.Trigger, times.Stamp(run.ScheduledTime.Time)})
	}
	return answer, nil
}

// history answers with the reports of one test, also after it was deleted: reports outlive it.
func (s *Server) history(r *request) (any, error) {
	name := r.PathValue("name")
	if err := query.CheckName("name", name); err != nil {
		return nil, err
	}
	p, err := r.Page("newest", query.DefaultLimit)
	if err != nil {
		return nil, err
	}
	histories, err := s.visibleHistories(r)
	if err != nil {
		return nil, err
	}
	var rows []*cached.Report
	for _, h := range histories {
		if h[0].Test == name {
			rows = append(rows, h...)
		}
	}
	slices.SortFunc(rows, cached.NewestFirst) // tests of that name may be in several namespaces
	return r.pageOfReports(p, rows), nil
}
