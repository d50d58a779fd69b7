// Package doctor looks at everything that a restore test needs, and says of each fault what to do. What it looks at and what it thinks
// of that are apart.
package doctor

import (
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/kymaros/kymaros/pkg/cli/client"
	"github.com/kymaros/kymaros/pkg/cli/exit"
	"github.com/kymaros/kymaros/pkg/cli/term"
)

// New returns the verb.
func New(f *client.Factory) *cobra.Command {
	var output client.Output
	var quiet bool
	cmd := client.Command("doctor", "Find what keeps tests from running, and say how to repair it",
		`Looks at the cluster, Kymaros, its fence and canaries, Velero, and every test, and says of each fault what to do. It changes nothing.
Exit codes: 0 nothing is broken, though there may be warnings; 2 something is; 3 something could not be looked at.`,
		"list nodes, pods, namespaces, storageclasses, customresourcedefinitions, validatingadmissionpolicies and their bindings, restoretests and healthcheckpolicies; get priorityclasses and restorereports; get deployments, daemonsets, configmaps and leases in the namespaces of Kymaros, its canaries and Velero, and list what is Velero's there; get the Secret of the API's certificate, if there is one; what you may not see is said, and not judged",
		`  kubectl kymaros doctor
  kubectl kymaros doctor -o json | jq '.[] | select(.state=="failed")'`)
	output.AddFlags(cmd.Flags())
	cmd.Flags().BoolVarP(&quiet, "quiet", "q", false, "only what is not well")
	cmd.Args = cobra.NoArgs
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		if err := output.Validate(); err != nil {
			return err
		}
		clients, err := f.Clients()
		if err != nil {
			return err
		}
		seen, err := gather(cmd.Context(), f, clients)
		if err != nil {
			return err
		}
		all := Check(seen)
		if output.Format != "" {
			err = f.Data(output.Format, all)
		} else {
			err = print(f, all, quiet)
		}
		if err != nil {
			return err
		}
		return exit.For(Code(all))
	}
	return cmd
}

var signs = map[State]term.Cell{
	OK: term.C("√", term.Green), Warning: term.C("‼", term.Yellow), Failed: term.C("×", term.Red), Unknown: term.C("?", term.Yellow),
}

func print(f *client.Factory, all []Result, quiet bool) error {
	o, err := f.Out()
	if err != nil {
		return err
	}
	count := map[State]int{}
	for _, r := range all {
		count[r.State]++
	}
	for _, category := range categories(all) {
		headed := false
		for _, r := range all {
			if r.Category != category || quiet && r.State == OK {
				continue
			}
			if !headed {
				o.Line(term.Bold, "%s", category)
				headed = true
			}
			sign := signs[r.State]
			style := sign.Style
			if r.State == OK {
				style = term.Plain
			}
			o.Text(style, o.Paint(sign.Style, sign.Text)+" ", "%s", r.Text)
			if r.Fix != "" {
				o.Text(term.Plain, "    fix: ", "%s", r.Fix)
			}
		}
	}
	var parts []string
	for _, s := range []struct {
		state State
		word  string
	}{{Failed, "failed"}, {Warning, "warnings"}, {Unknown, "could not be looked at"}, {OK, "well"}} {
		if count[s.state] > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", count[s.state], s.word))
		}
	}
	o.Blank()
	o.Line(term.Bold, "%s", strings.Join(parts, ", "))
	return nil
}

// categories in the order in which they first come.
func categories(all []Result) (names []string) {
	seen := map[string]bool{}
	for _, r := range all {
		if !seen[r.Category] {
			seen[r.Category] = true
			names = append(names, r.Category)
		}
	}
	return names
}
