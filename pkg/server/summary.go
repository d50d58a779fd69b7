package server

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/kymaros/kymaros/pkg/apis/restore/v1alpha1"
	"github.com/kymaros/kymaros/pkg/server/cached"
	"github.com/kymaros/kymaros/pkg/server/query"
	"github.com/kymaros/kymaros/pkg/server/times"
)

// summary is all that the caller may see in some numbers. Averages are of the latest report of each test.
type summary struct {
	// AverageScore of the latest reports that have a score; 0 if none has.
	AverageScore float64 `json:"averageScore"`
	TotalTests   int     `json:"totalTests"`
	// TestsLastNight, TotalFailures and TotalPartial are of the reports of the last 24 hours.
	TestsLastNight int `json:"testsLastNight"`
	TotalFailures  int `json:"totalFailures"`
	TotalPartial   int `json:"totalPartial"`
	// TotalInconclusive runs of the last 24 hours have shown nothing about a backup.
	TotalInconclusive int `json:"totalInconclusive"`
	// AverageRTO as "15m 30s"; empty if no application recovered.
	AverageRTO        string `json:"averageRTO"`
	NamespacesCovered int    `json:"namespacesCovered"`
}

func (s *Server) summary(r *request) (any, error) {
	seen, err := s.scope(r, tests, r.view.TestNamespaces)
	if err != nil {
		return nil, err
	}
	histories, err := s.visibleHistories(r)
	if err != nil {
		return nil, err
	}
	since := s.now().Add(-24 * time.Hour)
	lastNight, err := s.visiblePoints(r, since)
	if err != nil {
		return nil, err
	}
	var sum summary
	sources := map[string]bool{}
	for _, t := range r.view.Tests {
		if seen[t.Namespace] {
			sum.TotalTests++
			for _, ns := range t.Sources {
				sources[ns] = true
			}
		}
	}
	sum.NamespacesCovered = len(sources)
	var score, scored int
	var rto time.Duration
	var recovered int
	for _, h := range histories {
		row := h[0]
		if row.Scored() {
			score += int(row.Score)
			scored++
		}
		if row.Measured > 0 && row.Measured < 24*time.Hour {
			rto += row.Measured
			recovered++
		}
	}
	if scored > 0 {
		sum.AverageScore = float64(score) / float64(scored)
	}
	if recovered > 0 {
		sum.AverageRTO = times.Span(rto / time.Duration(recovered))
	}
	for _, p := range lastNight {
		sum.TestsLastNight++
		switch p.Result {
		case v1alpha1.ResultFail:
			sum.TotalFailures++
		case v1alpha1.ResultPartial:
			sum.TotalPartial++
		case v1alpha1.ResultInconclusive:
			sum.TotalInconclusive++
		case v1alpha1.ResultPass:
		}
	}
	return sum, nil
}

// day is the reports of one day, in UTC.
type day struct {
	Date string `json:"date"`
	// Score is the average of those that have one; null if none has.
	Score    *float64 `json:"score"`
	Tests    int      `json:"tests"`
	Failures int      `json:"failures"`
	// Partial and Inconclusive count those of Tests that ended so.
	Partial      int `json:"partial"`
	Inconclusive int `json:"inconclusive"`
}

// daily tells of the days that have reports, the oldest first.
func (s *Server) daily(r *request) (any, error) {
	days, err := r.Number("days", 7, 365)
	if err != nil {
		return nil, err
	}
	points, err := s.visiblePoints(r, s.now().AddDate(0, 0, -days))
	if err != nil {
		return nil, err
	}
	all := []day{}
	var current int64 // in days since 1970
	var score, scored int
	end := func() {
		if scored > 0 {
			average := float64(score) / float64(scored)
			all[len(all)-1].Score = &average
		}
		score, scored = 0, 0
	}
	for _, p := range points { // the newest first, so a day comes in one piece
		if number := p.Completed / (24 * 60 * 60); len(all) == 0 || number != current {
			end()
			current = number
			all = append(all, day{Date: time.Unix(p.Completed, 0).UTC().Format(time.DateOnly)})
		}
		today := &all[len(all)-1]
		today.Tests++
		if p.Result != v1alpha1.ResultInconclusive {
			score += int(p.Score)
			scored++
		}
		switch p.Result {
		case v1alpha1.ResultFail:
			today.Failures++
		case v1alpha1.ResultPartial:
			today.Partial++
		case v1alpha1.ResultInconclusive:
			today.Inconclusive++
		case v1alpha1.ResultPass:
		}
	}
	end()
	slices.Reverse(all)
	return all, nil
}

// regression is how far a score may fall before somebody should know.
const regression = 10

// alert is a report of a run that failed, or whose score has fallen.
type alert struct {
	Timestamp string `json:"timestamp"`
	TestName  string `json:"testName"`
	Namespace string `json:"namespace"`
	Score     int32  `json:"score"`
	// PrevScore is that of the last report before it that has a score; 0 if there is none.
	PrevScore int32           `json:"prevScore"`
	Result    v1alpha1.Result `json:"result"`
	Message   string          `json:"message"`
	Report    string          `json:"report"`
}

func (s *Server) alerts(r *request) (any, error) {
	hours, err := r.Number("hours", 48, 24*366)
	if err != nil {
		return nil, err
	}
	p, err := r.Page("newest", query.MaxLimit)
	if err != nil {
		return nil, err
	}
	histories, err := s.visibleHistories(r)
	if err != nil {
		return nil, err
	}
	since := s.now().Add(-time.Duration(hours) * time.Hour)
	previous := map[*cached.Report]int32{}
	var recent []*cached.Report
	for _, h := range histories {
		if h[0].Completed.Before(since) {
			break // all others ended before it
		}
		for i, row := range h {
			if row.Completed.Before(since) {
				break
			}
			recent = append(recent, row)
			if before := slices.IndexFunc(h[i+1:], (*cached.Report).Scored); before >= 0 {
				previous[row] = h[i+1+before].Score
			}
		}
	}
	slices.SortFunc(recent, cached.NewestFirst)
	raised := slices.DeleteFunc(recent, func(row *cached.Report) bool {
		prev, known := previous[row]
		fell := known && row.Scored() && row.Score < prev-regression
		return row.Result != v1alpha1.ResultFail && !fell
	})
	raised, r.next = query.PageOf(p, raised, newestAt)
	all := []alert{}
	for _, row := range raised {
		all = append(all, alertOf(row, previous[row]))
	}
	return all, nil
}

func alertOf(row *cached.Report, prev int32) alert {
	var parts []string
	if row.Result == v1alpha1.ResultFail {
		parts = append(parts, fmt.Sprintf("Test %s failed with score %d", row.Test, row.Score))
	}
	if row.Score < prev-regression {
		parts = append(parts, fmt.Sprintf("score regression from %d to %d", prev, row.Score))
	}
	if row.Message != "" {
		parts = append(parts, row.Message)
	}
	return alert{times.Stamp(row.Completed), row.Test, row.Namespace, row.Score, prev, row.Result, strings.Join(parts, "; "), row.Name}
}

// next is a run to come.
type next struct {
	Name      string `json:"name"`
	Namespace string `json:"namespace"`
	NextRunAt string `json:"nextRunAt"`
	LastScore *int32 `json:"lastScore"`
}

// upcoming tells which tests the clock starts next, the next one first.
func (s *Server) upcoming(r *request) (any, error) {
	p, err := r.Page("nextRunAt", query.MaxLimit)
	if err != nil {
		return nil, err
	}
	seen, err := s.scope(r, tests, r.view.TestNamespaces)
	if err != nil {
		return nil, err
	}
	var rows []*cached.Test
	for _, t := range r.view.Tests {
		if seen[t.Namespace] && t.NextRun.After(s.now()) {
			rows = append(rows, t)
		}
	}
	at := func(t *cached.Test) query.Position { return query.Position{Rank: seconds(t.NextRun), Key: t.Key} }
	slices.SortFunc(rows, func(a, b *cached.Test) int { return at(a).Compare(at(b)) })
	rows, r.next = query.PageOf(p, rows, at)
	all := []next{}
	for _, t := range rows {
		all = append(all, next{t.Name, t.Namespace, times.Stamp(t.NextRun), t.Score})
	}
	return all, nil
}
