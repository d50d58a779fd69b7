package server

import (
	"slices"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/kymaros/kymaros/pkg/apis/restore/v1alpha1"
	"github.com/kymaros/kymaros/pkg/line"
	"github.com/kymaros/kymaros/pkg/server/caller"
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
	seen, err := s.scope(r, tests, r.view.testNamespaces)
	if err != nil {
		return nil, err
	}
	answer := waitingLine{Items: []waitingRun{}}
	if r.text("namespace") == "" {
		if answer.Complete, err = s.authz.May(r.Context(), r.caller, caller.Right{Verb: "list", Resource: tests}); err != nil {
			return nil, err
		}
	}
	var all []*v1alpha1.RestoreTest
	for _, t := range r.view.tests {
		if seen[t.namespace] && t.waiting != nil {
			all = append(all, t.waiting)
		}
	}
	for i, rt := range line.Of(all) {
		run := rt.Status.Run
		answer.Items = append(answer.Items, waitingRun{i + 1, rt.Name, rt.Namespace, run.ID, run.Trigger, stamp(run.ScheduledTime.Time)})
	}
	return answer, nil
}

// waitingOf returns what the order of the line depends on of a test whose run waits; nil if none does.
func waitingOf(rt *v1alpha1.RestoreTest) *v1alpha1.RestoreTest {
	if !line.Waits(rt) {
		return nil
	}
	run := rt.Status.Run
	return &v1alpha1.RestoreTest{
		ObjectMeta: metav1.ObjectMeta{Namespace: rt.Namespace, Name: rt.Name},
		Status: v1alpha1.RestoreTestStatus{
			Run:          &v1alpha1.RunStatus{ID: run.ID, Trigger: run.Trigger, ScheduledTime: run.ScheduledTime},
			LastVerified: rt.Status.LastVerified,
		},
	}
}

// history answers with the reports of one test, also after it was deleted: reports outlive it.
func (s *Server) history(r *request) (any, error) {
	name := r.PathValue("name")
	if err := checkName("name", name); err != nil {
		return nil, err
	}
	p, err := r.page("newest", defaultLimit)
	if err != nil {
		return nil, err
	}
	histories, err := s.visibleHistories(r)
	if err != nil {
		return nil, err
	}
	var rows []*reportRow
	for _, h := range histories {
		if h[0].test == name {
			rows = append(rows, h...)
		}
	}
	slices.SortFunc(rows, newestFirst) // tests of that name may be in several namespaces
	return r.pageOfReports(p, rows), nil
}
