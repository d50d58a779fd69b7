package server

import (
	"context"
	"maps"
	"slices"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/kymaros/kymaros/pkg/apis/restore/v1alpha1"
	"github.com/kymaros/kymaros/pkg/controller"
	"github.com/kymaros/kymaros/pkg/server/cached"
	"github.com/kymaros/kymaros/pkg/server/problem"
	"github.com/kymaros/kymaros/pkg/server/query"
)

// reportPage is a page of reports, the newest first. Total counts those that the filters let through.
type reportPage struct {
	Items    []cached.ReportItem `json:"items"`
	Continue string              `json:"continue,omitempty"`
	Total    int                 `json:"total"`
}

func (s *Server) listReports(r *request) (any, error) {
	return s.reused(r, func() (any, error) {
		found, err := s.findReports(r, query.MaxLimit)
		if err != nil {
			return nil, err
		}
		return found.Items, nil
	})
}

func (s *Server) pageOfReports(r *request) (any, error) {
	return s.reused(r, func() (any, error) { return s.findReports(r, query.DefaultLimit) })
}

// reused has lists of reports made once for all who may see them all: they are long, and seldom change.
func (s *Server) reused(r *request, answer func() (any, error)) (any, error) {
	_, all, err := s.reportScope(r)
	if err != nil {
		return nil, err
	}
	if !all || r.Values.Has("days") { // which days these are the clock says
		return answer()
	}
	return r.reuse(answer)
}

func (s *Server) findReports(r *request, limit int) (*reportPage, error) {
	result, err := r.OneOf("result", "pass", "partial", "fail", "inconclusive")
	if err != nil {
		return nil, err
	}
	newest, err := r.Flag("latest")
	if err != nil {
		return nil, err
	}
	days, err := r.Number("days", 0, 3650)
	if err != nil {
		return nil, err
	}
	test := r.Text("test")
	if test != "" {
		if err := query.CheckName("test", test); err != nil {
			return nil, err
		}
	}
	p, err := r.Page("newest", limit)
	if err != nil {
		return nil, err
	}
	rows, err := s.reportRows(r, newest)
	if err != nil {
		return nil, err
	}
	if test != "" || result != "" || days > 0 {
		since := s.now().AddDate(0, 0, -days)
		rows = kept(rows, func(row *cached.Report) bool {
			return (test == "" || row.Test == test) && (result == "" || string(row.Result) == result) && (days == 0 || !row.Completed.Before(since))
		})
	}
	return r.pageOfReports(p, rows), nil
}

// reportRows returns the visible reports, or the newest of each test: before any filter, since the latest report of a test that passed
// last is not the failed one before it.
func (s *Server) reportRows(r *request, newest bool) ([]*cached.Report, error) {
	if !newest {
		return s.visibleReports(r)
	}
	histories, err := s.visibleHistories(r)
	if err != nil {
		return nil, err
	}
	rows := make([]*cached.Report, 0, len(histories))
	for _, h := range histories {
		rows = append(rows, h[0])
	}
	return rows, nil
}

func (r *request) pageOfReports(p query.Page, rows []*cached.Report) *reportPage {
	found := &reportPage{Items: []cached.ReportItem{}, Total: len(rows)}
	rows, r.next = query.PageOf(p, rows, newestAt)
	found.Continue = r.next
	for _, row := range rows {
		found.Items = append(found.Items, row.Item())
	}
	return found
}

func newestAt(row *cached.Report) query.Position {
	return query.Position{Rank: -row.Completed.UnixNano(), Key: row.Key}
}

// getReport answers with a whole RestoreReport but for its logs, which have an address of their own.
func (s *Server) getReport(r *request) (any, error) {
	report, err := s.report(r)
	if err != nil {
		return nil, err
	}
	report.Status.PodLogs, report.Status.Events = nil, nil //nolint:staticcheck // deprecated: should they be there all the same, they do not belong here
	return report, nil
}

// reportLogs are the tails of logs and the events that a report holds, which is none: nothing writes them.
type reportLogs struct {
	PodLogs []v1alpha1.PodLog      `json:"podLogs"` //nolint:staticcheck // deprecated, and what this address is for
	Events  []v1alpha1.ReportEvent `json:"events"`  //nolint:staticcheck // deprecated, and what this address is for
}

func (s *Server) logs(r *request) (any, error) {
	report, err := s.report(r)
	if err != nil {
		return nil, err
	}
	return reportLogs{append([]v1alpha1.PodLog{}, report.Status.PodLogs...), append([]v1alpha1.ReportEvent{}, report.Status.Events...)}, nil //nolint:staticcheck // deprecated, and what this address is for
}

// report gets the report that a path is about from the API server. One without a verdict, or that the controller did not write,
// is none.
func (s *Server) report(r *request) (*v1alpha1.RestoreReport, error) {
	ns, err := s.find(r, reports, "RestoreReport", r.view.ReportsNamed)
	if err != nil {
		return nil, err
	}
	return s.reportOf(r, ns, r.PathValue("name"))
}

func (s *Server) reportOf(r *request, ns, name string) (*v1alpha1.RestoreReport, error) {
	ctx, cancel := liveContext(r)
	defer cancel()
	report, err := s.options.Client.RestoreV1alpha1().RestoreReports(ns).Get(ctx, name, metav1.GetOptions{})
	if err == nil && (report.Status == nil || !controller.WroteReport(report)) || apierrors.IsNotFound(err) {
		return nil, problem.NotFound("RestoreReport", ns, name)
	}
	if err != nil {
		return nil, err
	}
	report.TypeMeta = metav1.TypeMeta{APIVersion: v1alpha1.GroupVersion.String(), Kind: "RestoreReport"}
	report.ObjectMeta = shown(report.ObjectMeta)
	return report, nil
}

// liveTimeout is of one read of the API server.
const liveTimeout = 5 * time.Second

func liveContext(r *request) (context.Context, context.CancelFunc) {
	return context.WithTimeout(r.Context(), liveTimeout)
}

func sorted(set map[string]bool) []string { return slices.Sorted(maps.Keys(set)) }
