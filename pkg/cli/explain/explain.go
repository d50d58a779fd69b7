// Package explain says of a reason what it means and what to do.
package explain

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/kymaros/kymaros/pkg/cli/client"
	"github.com/kymaros/kymaros/pkg/cli/term"
	"github.com/kymaros/kymaros/pkg/outcome"
)

// Entry is what is known of a reason.
type Entry struct {
	Reason  string        `json:"reason"`
	Class   outcome.Class `json:"class"`
	Meaning string        `json:"meaning"`
	Remedy  string        `json:"remedy,omitempty"`
}

// classes say what a class means for the backup.
var classes = map[outcome.Class]string{
	outcome.Passed:       "the backup was restored into an application that works",
	outcome.Backup:       "the backup is bad, or part of it is",
	outcome.Sandbox:      "part of the backup could not be shown, because of the test or the sandbox; it says nothing about the backup",
	outcome.Inconclusive: "nothing was learnt about the backup",
	outcome.Pending:      "it tells how far a run is; no run ends with it",
}

// Of returns the entry for a reason, however its letters are written.
func Of(reason string) (Entry, error) {
	for known, meaning := range meanings {
		if strings.EqualFold(known, reason) {
			o := outcome.Of(known)
			return Entry{known, o.Class, meaning, o.Remedy}, nil
		}
	}
	text := fmt.Sprintf("there is no reason %q; `kubectl kymaros explain` lists all", reason)
	if near := nearest(reason); near != "" {
		text = fmt.Sprintf("there is no reason %q; did you mean %s? `kubectl kymaros explain` lists all", reason, near)
	}
	return Entry{}, fmt.Errorf("%s", text)
}

// nearest returns a reason that begins or ends as the one that was written.
func nearest(reason string) string {
	lower := strings.ToLower(reason)
	for _, known := range slices.Sorted(maps.Keys(meanings)) {
		k := strings.ToLower(known)
		if len(lower) > 3 && (strings.Contains(k, lower) || strings.Contains(lower, k)) {
			return known
		}
	}
	return ""
}

// All returns all entries, by reason.
func All() (all []Entry) {
	for _, reason := range slices.Sorted(maps.Keys(meanings)) {
		o := outcome.Of(reason)
		all = append(all, Entry{reason, o.Class, meanings[reason], o.Remedy})
	}
	return all
}

// New returns the verb.
func New(f *client.Factory) *cobra.Command {
	var output client.Output
	cmd := client.Command("explain [REASON]", "Say what a reason means, and what to do",
		"Says of a reason of a condition or report what it means, what it says about the backup, and what to do. Without one it lists all.",
		"none, it asks no cluster",
		"  kubectl kymaros explain VolumeUnproven")
	output.AddFlags(cmd.Flags())
	cmd.Args = cobra.MaximumNArgs(1)
	cmd.ValidArgsFunction = func(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
		return slices.Sorted(maps.Keys(meanings)), cobra.ShellCompDirectiveNoFileComp
	}
	cmd.RunE = func(_ *cobra.Command, args []string) error {
		if err := output.Validate(); err != nil {
			return err
		}
		if len(args) == 0 {
			return list(f, output)
		}
		e, err := Of(args[0])
		if err != nil {
			return err
		}
		if output.Format != "" {
			return f.Data(output.Format, e)
		}
		o, err := f.Out()
		if err != nil {
			return err
		}
		o.Line(term.Bold, "%s", e.Reason)
		o.Text(term.Plain, "  ", "%s", e.Meaning)
		o.Text(style(e.Class), "  ", "%s: %s.", e.Class, classes[e.Class])
		if e.Remedy != "" {
			o.Text(term.Plain, "  → ", "%s", e.Remedy)
		}
		return nil
	}
	return cmd
}

func list(f *client.Factory, output client.Output) error {
	if output.Format != "" {
		return f.Data(output.Format, All())
	}
	o, err := f.Out()
	if err != nil {
		return err
	}
	rows := make([][]term.Cell, 0, len(meanings))
	for _, e := range All() {
		rows = append(rows, []term.Cell{term.C(e.Reason), term.C(string(e.Class), style(e.Class)), term.C(e.Meaning)})
	}
	o.Table([]term.Column{{Header: "REASON"}, {Header: "SAYS OF THE BACKUP"}, {Header: "MEANING", Flex: true, Wrap: true}}, rows)
	return nil
}

func style(c outcome.Class) term.Style {
	switch c {
	case outcome.Passed:
		return term.Green
	case outcome.Backup:
		return term.Red
	case outcome.Sandbox, outcome.Inconclusive:
		return term.Yellow
	case outcome.Pending:
	}
	return term.Dim
}
