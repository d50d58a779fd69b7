package export

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/kymaros/kymaros/pkg/apis/restore/v1alpha1"
	"github.com/kymaros/kymaros/pkg/cli/report"
	"github.com/kymaros/kymaros/pkg/cli/show"
	"github.com/kymaros/kymaros/pkg/cli/stored"
	"github.com/kymaros/kymaros/pkg/cli/term"
	"github.com/kymaros/kymaros/pkg/cron"
)

// maxDue bounds the runs of one test that were due, and maxExceptions what the page lists.
const maxDue, maxExceptions = 10000, 500

// due are runs that the clock was to start.
type due []dueRun

type dueRun struct {
	key    stored.Key
	at     time.Time
	report *row
	// gap says why there is no report, as far as is known.
	gap string
}

// population returns the runs that the schedules of the tests, as they are now, asked for between the first and the last report that
// there is, within the period.
func (w *writer) population(tests []*v1alpha1.RestoreTest) (all due) {
	byTest := map[stored.Key][]*row{}
	for i := range w.rows {
		byTest[w.rows[i].key] = append(byTest[w.rows[i].key], &w.rows[i])
	}
	for _, rt := range tests {
		k := stored.Key{Namespace: rt.Namespace, Test: rt.Name}
		rows := byTest[k]
		schedule, err := cron.Parse(rt.Spec.Schedule.Cron, rt.Spec.Schedule.Timezone)
		if err != nil || len(rows) == 0 { // a condition of the test tells of the first
			continue
		}
		slices.SortFunc(rows, func(a, b *row) int { return cmp.Compare(a.run, b.run) })
		from, to := ranAt(rows[0]).Add(-time.Second), ranAt(rows[len(rows)-1])
		if w.period.since.After(from) {
			from = w.period.since.Add(-time.Second)
		}
		if !w.period.until.IsZero() && w.period.until.Before(to) {
			to = w.period.until.Add(-time.Second)
		}
		next := 0
		for at, n := schedule.Next(from), 0; !at.IsZero() && !at.After(to) && n < maxDue; n++ {
			after := schedule.Next(at)
			d := dueRun{key: k, at: at.UTC()}
			for ; next < len(rows) && (after.IsZero() || ranAt(rows[next]).Before(after)); next++ {
				if d.report == nil && !ranAt(rows[next]).Before(at) {
					d.report = rows[next]
				}
			}
			if d.report == nil {
				d.gap = "not known: the schedule or spec.suspend was another, no controller was there, or the run before was still under way"
				if rt.Spec.Suspend {
					d.gap = "spec.suspend is set now"
				}
			}
			all = append(all, d)
			at = after
		}
	}
	return all
}

// ranAt is when a run came into the line, as its id tells, else when it began.
func ranAt(r *row) time.Time {
	const id = "20060102-150405"
	if len(r.run) > len(id) {
		if at, err := time.Parse(id, r.run[:len(id)]); err == nil {
			return at
		}
	}
	return r.started
}

func (d due) csv() []byte {
	rows := make([][]string, 0, len(d))
	for _, run := range d {
		name, result := "", ""
		if run.report != nil {
			name, result = run.report.name, string(run.report.result)
		}
		rows = append(rows, []string{run.key.Namespace, run.key.Test, run.at.Format(stamp), name, result, run.gap})
	}
	return table([]string{"namespace", "test", "due", "report", "result", "gap"}, rows)
}

// count is how the runs of a test ended.
type count struct {
	runs, passed, due, gaps int
	last                    time.Time
}

// summary is the page about all reports of the period.
func (w *writer) summary(d due) report.View {
	counts, total := map[stored.Key]*count{}, count{}
	proven, tried := map[string]bool{}, map[string]bool{}
	var exceptions [][]term.Cell
	of := func(k stored.Key) *count {
		if counts[k] == nil {
			counts[k] = &count{}
		}
		return counts[k]
	}
	first, last := time.Time{}, time.Time{}
	for _, r := range w.rows {
		c := of(r.key)
		if !w.period.has(r.started) {
			continue
		}
		if first.IsZero() || r.started.Before(first) {
			first = r.started
		}
		if r.started.After(last) {
			last = r.started
		}
		c.runs, total.runs = c.runs+1, total.runs+1
		for _, source := range r.sources {
			tried[source] = true
		}
		if r.result == v1alpha1.ResultPass {
			c.passed, total.passed, c.last = c.passed+1, total.passed+1, r.started
			for _, source := range r.sources {
				proven[source] = true
			}
			continue
		}
		if len(exceptions) < maxExceptions {
			result := show.Result(r.result)
			exceptions = append(exceptions, []term.Cell{
				term.C(show.Moment(r.started)), term.C(r.key.Namespace + "/" + r.key.Test), result, term.C(r.reason), term.C(r.text),
			})
		}
	}
	for _, run := range d {
		c := of(run.key)
		c.due, total.due = c.due+1, total.due+1
		if run.report == nil {
			c.gaps, total.gaps = c.gaps+1, total.gaps+1
		}
	}
	v := report.View{
		Title: "Restore tests: summary of evidence", Footer: "Made from the reports beside this page; VERIFY.txt says how to check them. Times are UTC.",
		Headline: fmt.Sprintf("%d of %d runs verified (%s)", total.passed, total.runs, percent(total.passed, total.runs)),
		Verdict:  term.C("", term.Dim),
	}
	if w.period.since.After(first) && !w.period.since.IsZero() {
		first = w.period.since
	}
	if !w.period.until.IsZero() {
		last = w.period.until
	}
	intact := 0
	for i := range w.results {
		if w.results[i].Intact() {
			intact++
		}
	}
	var unproven []string
	for _, source := range slices.Sorted(maps.Keys(tried)) {
		if !proven[source] {
			unproven = append(unproven, source)
		}
	}
	v.Facts = []report.Fact{
		{Name: "Period", Value: show.Moment(first) + " to " + show.Moment(last)},
		{Name: "Tests", Value: fmt.Sprint(len(counts))},
		{Name: "Chains", Value: fmt.Sprintf("%d of %d intact", intact, len(w.results))},
		{Name: "Namespaces", Value: fmt.Sprintf("%d of %d that were restored were proven to restore", len(proven), len(tried))},
		{Name: "Runs due", Value: fmt.Sprintf("%d, and no report of %d (population.csv)", total.due, total.gaps)},
	}
	if len(unproven) > 0 {
		v.Facts = append(v.Facts, report.Fact{Name: "Never proven", Value: strings.Join(unproven, ", ")})
	}
	var rows [][]term.Cell
	for _, k := range slices.SortedFunc(maps.Keys(counts), func(a, b stored.Key) int {
		return cmp.Or(cmp.Compare(a.Namespace, b.Namespace), cmp.Compare(a.Test, b.Test))
	}) {
		c := counts[k]
		rows = append(rows, []term.Cell{
			term.C(k.Namespace + "/" + k.Test), term.C(fmt.Sprint(c.runs)), term.C(percent(c.passed, c.runs)), term.C(show.Moment(c.last)),
			term.C(fmt.Sprintf("%d/%d", c.due-c.gaps, c.due)), term.C(w.chain(k)),
		})
	}
	v.Sections = append(v.Sections, report.Section{Title: "Tests", Columns: []term.Column{
		{Header: "TEST"}, {Header: "RUNS", Right: true}, {Header: "VERIFIED", Right: true}, {Header: "LAST VERIFIED"}, {Header: "OF DUE", Right: true}, {Header: "CHAIN"},
	}, Rows: rows})
	if len(exceptions) > 0 {
		title := "Exceptions"
		if more := total.runs - total.passed - len(exceptions); more > 0 {
			title = fmt.Sprintf("Exceptions, the first %d of %d (index.csv has all)", len(exceptions), len(exceptions)+more)
		}
		v.Sections = append(v.Sections, report.Section{Title: title, Columns: []term.Column{
			{Header: "WHEN"}, {Header: "TEST"}, {Header: "RESULT"}, {Header: "REASON"}, {Header: "MESSAGE"},
		}, Rows: exceptions})
	}
	return v
}

func (w *writer) chain(k stored.Key) string { return of(w.results, k).String() }

func percent(n, of int) string {
	if of == 0 {
		return show.None
	}
	return fmt.Sprintf("%.1f %%", 100*float64(n)/float64(of))
}
