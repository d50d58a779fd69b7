// Package get lists tests: how each stands, and when it runs next.
package get

import (
	"errors"

	"github.com/spf13/cobra"

	"github.com/kymaros/kymaros/pkg/apis/restore/v1alpha1"
	"github.com/kymaros/kymaros/pkg/cli/client"
	"github.com/kymaros/kymaros/pkg/cli/term"
)

// New returns the verb.
func New(f *client.Factory) *cobra.Command {
	var output client.Output
	var scope client.Scope
	var selector string
	cmd := client.Command("get [NAME...]", "List tests with result, score, last verified backup and next run",
		"Lists RestoreTests. RESULT is that of the last run, VERIFIED how old the newest backup is that passed. The exit code tells\nnothing of the results: see `kubectl kymaros gate`.",
		"list restoretests",
		`  kubectl kymaros get -A
  kubectl kymaros get shop -o yaml
  # what failed?
  kubectl kymaros get -A -o json |
    jq -r '.items[] | select(.status.lastResult=="fail") | .metadata.name'`)
	output.AddFlags(cmd.Flags(), "wide", "name", "jsonpath")
	scope.AddFlags(cmd.Flags())
	cmd.Flags().StringVarP(&selector, "selector", "l", "", "only tests with these labels")
	cmd.ValidArgsFunction = f.CompleteTests
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		if err := output.Validate(); err != nil {
			return err
		}
		if len(args) > 0 && (scope.All || selector != "") {
			return errors.New("names go with one namespace: leave out -A and -l")
		}
		namespace, err := scope.Namespace(f)
		if err != nil {
			return err
		}
		clients, err := f.Clients()
		if err != nil {
			return err
		}
		tests, err := clients.Tests(cmd.Context(), namespace, selector, args...)
		if err != nil {
			return err
		}
		switch {
		case output.Format != "" && output.Format != "wide" && len(args) == 1:
			return f.Objects(output.Format, tests[0])
		case output.Format != "" && output.Format != "wide":
			list := &v1alpha1.RestoreTestList{}
			for _, rt := range tests {
				list.Items = append(list.Items, *rt)
			}
			return f.Objects(output.Format, list)
		}
		o, err := f.Out()
		if err != nil {
			return err
		}
		if len(tests) == 0 {
			where := "in namespace " + namespace + "; -A looks in all"
			if scope.All {
				where = "in this cluster"
			}
			_, err := f.IOStreams.ErrOut.Write([]byte("There is no test " + where + ". `kubectl kymaros init NAMESPACE` writes one.\n"))
			return err
		}
		columns, rows := Rows(tests, f.Now(), scope.All, output.Is("wide"))
		o.Table(columns, rows)
		if worst := sentence(tests); worst != "" {
			o.Text(term.Dim, "", "%s", worst)
		}
		return nil
	}
	return cmd
}
