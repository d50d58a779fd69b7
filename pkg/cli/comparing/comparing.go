// Package comparing prints what differs between two reports.
package comparing

import (
	"fmt"

	"github.com/spf13/cobra"

	"github.com/kymaros/kymaros/pkg/apis/restore/v1alpha1"
	"github.com/kymaros/kymaros/pkg/cli/client"
	"github.com/kymaros/kymaros/pkg/cli/exit"
	"github.com/kymaros/kymaros/pkg/cli/report"
	"github.com/kymaros/kymaros/pkg/cli/show"
	"github.com/kymaros/kymaros/pkg/cli/term"
	"github.com/kymaros/kymaros/pkg/compare"
)

// New returns the verb.
func New(f *client.Factory) *cobra.Command {
	var output client.Output
	cmd := client.Command("compare A B | compare TEST", "Tell what differs between two reports",
		`Tells what is new, gone, worse or slower in report B than in report A; of one TEST, in its newest report than in the one before. Where
the runs did not look at the same, because namespaces, checks, kinds or isolation differ, what follows from that is called incomparable.
Exit codes: 0 nothing is worse, 2 something is, 3 could not tell or cannot be compared.`,
		"get and list restorereports in the namespace of the test",
		`  kubectl kymaros compare shop
  kubectl kymaros compare shop-20261125-030000 shop-20261126-030000`)
	output.AddFlags(cmd.Flags())
	cmd.Args = cobra.RangeArgs(1, 2)
	cmd.ValidArgsFunction = f.CompleteReports
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		if err := output.Validate(); err != nil {
			return err
		}
		clients, err := f.Clients()
		if err != nil {
			return err
		}
		namespace, err := f.Namespace()
		if err != nil {
			return err
		}
		var before, after *v1alpha1.RestoreReport
		if len(args) == 2 {
			if before, err = clients.Report(cmd.Context(), namespace, args[0]); err != nil {
				return err
			}
			if after, err = clients.Report(cmd.Context(), namespace, args[1]); err != nil {
				return err
			}
		} else {
			all, _, err := clients.Reports(cmd.Context(), namespace, args[0])
			if err != nil {
				return err
			}
			if len(all) < 2 {
				return fmt.Errorf("%d reports of test %s are kept in namespace %s, and it takes two to compare: kubectl kymaros run %s -n %s makes one more", len(all), args[0], namespace, args[0], namespace)
			}
			before, after = all[1], all[0]
		}
		return print(f, output, before, after)
	}
	return cmd
}

func print(f *client.Factory, output client.Output, before, after *v1alpha1.RestoreReport) error {
	result := compare.Reports(before, after)
	code := exit.Verified
	switch {
	case result.Regressed():
		code = exit.Doubtful
	case len(result.Incomparable) > 0:
		code = exit.Unknown
	}
	if output.Format != "" {
		if result.Changes == nil {
			result.Changes = []compare.Change{}
		}
		if err := f.Data(output.Format, result); err != nil {
			return err
		}
		return exit.For(code)
	}
	o, err := f.Out()
	if err != nil {
		return err
	}
	var heads [][]term.Cell
	for _, r := range []*v1alpha1.RestoreReport{before, after} {
		heads = append(heads, []term.Cell{term.C(r.Name), term.C(show.Moment(r.Status.StartedAt.Time)), term.C(report.Headline(r.Status), show.Result(r.Status.Result).Style)})
	}
	o.Table([]term.Column{{Flex: true}, {}, {Flex: true, Wrap: true}}, heads)
	o.Blank()
	if len(result.Incomparable) > 0 {
		o.Line(term.Yellow, "Not comparable:")
		for _, why := range result.Incomparable {
			o.Text(term.Yellow, "  ", "%s", why)
		}
		o.Blank()
	}
	if len(result.Changes) == 0 {
		o.Line(term.Green, "✔ nothing differs")
		return exit.For(code)
	}
	columns, rows := Rows(result.Changes)
	o.Table(columns, rows)
	return exit.For(code)
}

var effects = map[compare.Effect]term.Cell{
	compare.Worse: term.C("− worse", term.Red), compare.Better: term.C("+ better", term.Green),
	compare.Incomparable: term.C("? incomparable", term.Yellow), compare.Neutral: term.C("· other", term.Dim),
}

// Rows returns the table of changes.
func Rows(changes []compare.Change) ([]term.Column, [][]term.Cell) {
	columns := []term.Column{{Header: ""}, {Header: "WHAT", Flex: true, Wrap: true}, {Header: "BEFORE", Flex: true, Wrap: true}, {Header: "AFTER", Flex: true, Wrap: true}}
	rows := make([][]term.Cell, 0, len(changes))
	for _, c := range changes {
		what := c.Area
		if c.Name != "" {
			what += " " + c.Name
		}
		before, after := c.Before, c.After
		switch c.Kind {
		case compare.New:
			before = show.None
			if after == "" {
				after = "new"
			}
		case compare.Gone:
			after = "gone"
			if before == "" {
				before = "there"
			}
		case compare.Changed, compare.Slower, compare.Faster:
		}
		rows = append(rows, []term.Cell{effects[c.Effect], term.C(what), term.C(before), term.C(after)})
	}
	return columns, rows
}
