// Package history lists the runs of a test that reports are kept of, with their trend.
package history

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/kymaros/kymaros/pkg/apis/restore/v1alpha1"
	"github.com/kymaros/kymaros/pkg/cli/client"
	"github.com/kymaros/kymaros/pkg/cli/show"
	"github.com/kymaros/kymaros/pkg/cli/term"
	"github.com/kymaros/kymaros/pkg/compare"
)

// New returns the verb.
func New(f *client.Factory) *cobra.Command {
	var output client.Output
	var limit int
	cmd := client.Command("history NAME", "List the runs of a test with their trend",
		"Lists the reports of a test, the newest first. CHANGED names what is worse or better than in the run before, or the reason.\nHow many are kept is historyLimit of the test. The exit code tells nothing of the results: see `kubectl kymaros gate`.",
		"list restorereports in the namespace of the test",
		"  kubectl kymaros history shop --limit 30")
	output.AddFlags(cmd.Flags(), "name", "jsonpath")
	cmd.Flags().IntVar(&limit, "limit", 20, "how many runs; 0 for all")
	cmd.Args = cobra.ExactArgs(1)
	cmd.ValidArgsFunction = f.CompleteTests
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		if err := output.Validate(); err != nil {
			return err
		}
		if limit < 0 {
			return fmt.Errorf("--limit: %d is negative: give how many runs, or 0 for all", limit)
		}
		clients, err := f.Clients()
		if err != nil {
			return err
		}
		namespace, err := f.Namespace()
		if err != nil {
			return err
		}
		reports, foreign, err := clients.Reports(cmd.Context(), namespace, args[0])
		if err != nil {
			return err
		}
		if len(reports) == 0 {
			return fmt.Errorf("no report of a test %s is kept in namespace %s; `kubectl kymaros get -A` lists the tests", args[0], namespace)
		}
		shown := reports
		if limit > 0 && limit < len(reports) {
			shown = reports[:limit]
		}
		if output.Format != "" {
			list := &v1alpha1.RestoreReportList{}
			for _, r := range shown {
				list.Items = append(list.Items, *r)
			}
			return f.Objects(output.Format, list)
		}
		o, err := f.Out()
		if err != nil {
			return err
		}
		columns, rows := Rows(reports, len(shown))
		o.Table(columns, rows)
		for _, line := range Trend(shown) {
			o.Text(term.Dim, "", "%s", line)
		}
		if foreign > 0 {
			o.Text(term.Yellow, "", "%d reports that Kymaros did not write are not listed: they are no evidence", foreign)
		}
		return nil
	}
	return cmd
}

// Rows returns the table of the first n reports, which are the newest.
func Rows(reports []*v1alpha1.RestoreReport, n int) ([]term.Column, [][]term.Cell) {
	columns := []term.Column{
		{Header: "WHEN"}, {Header: "RESULT"}, {Header: "SCORE", Right: true}, {Header: "RTO", Right: true},
		{Header: "BACKUP AGE", Right: true, Spare: true}, {Header: "BACKUP", Flex: true, Spare: true}, {Header: "CHANGED", Flex: true, Wrap: true},
	}
	rows := make([][]term.Cell, 0, n)
	for i, r := range reports[:n] {
		s := r.Status
		changed := ""
		if i+1 < len(reports) {
			changed = Changed(reports[i+1], r)
		}
		if changed == "" && s.Result != v1alpha1.ResultPass {
			changed = s.Reason
		}
		backup := s.Backup.Name
		if backup == "" {
			backup = show.None
		}
		rows = append(rows, []term.Cell{
			term.C(show.Moment(s.StartedAt.Time)), show.Result(s.Result), term.C(show.Score(s)), term.C(show.Duration(s.RTO.Measured)),
			term.C(show.Duration(s.Backup.Age)), term.C(backup), term.C(changed),
		})
	}
	return columns, rows
}

// Changed says in a few words what is worse or better, what matters most first.
func Changed(before, after *v1alpha1.RestoreReport) string {
	var all []string
	for _, c := range compare.Reports(before, after).Changes {
		sign := map[compare.Effect]string{compare.Worse: "−", compare.Better: "+"}[c.Effect]
		if sign == "" || slices.Contains([]string{compare.AreaResult, compare.AreaScore, compare.AreaLevel, compare.AreaCap}, c.Area) {
			continue // the columns beside it say so
		}
		text := sign + c.Area
		if c.Name != "" {
			text += " " + c.Name
		}
		if c.Area == compare.AreaCheck && c.Effect == compare.Worse {
			text += ": " + c.After
		}
		all = append(all, text)
	}
	const most = 3
	if len(all) > most {
		all = append(all[:most], fmt.Sprintf("and %d more", len(all)-most))
	}
	return strings.Join(all, "; ")
}

var bars = []rune("▁▂▃▄▅▆▇█")

// Trend returns bars of scores and recovery times, the oldest left, and how many runs passed.
func Trend(reports []*v1alpha1.RestoreReport) []string {
	var scores, times []float64
	passed := 0
	var recovered []time.Duration
	for _, r := range slices.Backward(reports) {
		if r.Status.Result == v1alpha1.ResultPass {
			passed++
		}
		score := float64(r.Status.Score)
		if r.Status.Result == v1alpha1.ResultInconclusive {
			score = -1
		}
		scores = append(scores, score)
		took := r.Status.RTO.Measured.Or(0)
		if took == 0 {
			times = append(times, -1)
			continue
		}
		times, recovered = append(times, took.Seconds()), append(recovered, took)
	}
	text := fmt.Sprintf("scores %s", bar(scores, 100))
	lines := []string{fmt.Sprintf("%s  verified %d of %d", text, passed, len(reports))}
	if len(recovered) > 0 {
		slices.Sort(recovered)
		lines = append(lines, fmt.Sprintf("RTO    %s  median %s", bar(times, recovered[len(recovered)-1].Seconds()), show.Span(recovered[len(recovered)/2])))
	}
	return lines
}

// bar draws values of 0 to most; one below 0 is not known.
func bar(values []float64, most float64) string {
	var b strings.Builder
	for _, v := range values {
		if v < 0 || most <= 0 {
			b.WriteRune('·')
			continue
		}
		b.WriteRune(bars[min(int(v/most*float64(len(bars))), len(bars)-1)])
	}
	return b.String()
}
