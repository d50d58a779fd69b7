// Package report prints a RestoreReport: for people, for CI systems, and on paper.
package report

import (
	"errors"
	"io"

	"github.com/spf13/cobra"

	"github.com/kymaros/kymaros/pkg/apis/restore/v1alpha1"
	"github.com/kymaros/kymaros/pkg/cli/client"
	"github.com/kymaros/kymaros/pkg/cli/exit"
)

// New returns the verb.
func New(f *client.Factory) *cobra.Command {
	var output client.Output
	var latest string
	cmd := client.Command("report NAME | report --latest TEST", "Show a report: verdict, reasons, and what to do",
		"Shows a RestoreReport by its name, or the newest of a test by the name of that. A report that Kymaros did not write is refused.\n"+exit.Meaning,
		"get and list restorereports in the namespace of the test",
		`  # the newest report of test shop
  kubectl kymaros report shop
  # one report, for the summary of a CI job
  kubectl kymaros report shop-20261126-030000 -o markdown \
    >>"$GITHUB_STEP_SUMMARY"
  # for Jenkins or GitLab, and for paper
  kubectl kymaros report --latest shop -o junit >report.xml
  kubectl kymaros report --latest shop -o html >report.html`)
	output.AddFlags(cmd.Flags(), "table", "markdown", "junit", "html", "name", "jsonpath")
	cmd.Flags().StringVar(&latest, "latest", "", "the newest report of this `TEST`")
	_ = cmd.RegisterFlagCompletionFunc("latest", f.CompleteTests)
	cmd.Args = cobra.MaximumNArgs(1)
	cmd.ValidArgsFunction = f.CompleteReports
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		if err := output.Validate(); err != nil {
			return err
		}
		if (len(args) == 1) == (latest != "") {
			return errors.New("give either the NAME of a report or --latest TEST; `kubectl kymaros history TEST` lists reports")
		}
		clients, err := f.Clients()
		if err != nil {
			return err
		}
		namespace, err := f.Namespace()
		if err != nil {
			return err
		}
		var r *v1alpha1.RestoreReport
		if latest != "" {
			r, err = clients.Latest(cmd.Context(), namespace, latest)
		} else {
			r, err = clients.Report(cmd.Context(), namespace, args[0])
		}
		if err != nil {
			return err
		}
		if err := Print(f, r, output.Format); err != nil {
			return err
		}
		return exit.For(exit.OfResult(r.Status.Result))
	}
	return cmd
}

// Print prints a report that has a status.
func Print(f *client.Factory, r *v1alpha1.RestoreReport, format string) error {
	write := func(text string, err error) error {
		if err != nil {
			return err
		}
		_, err = io.WriteString(f.IOStreams.Out, text)
		return err
	}
	switch format {
	case "", "table":
		o, err := f.Out()
		if err != nil {
			return err
		}
		ViewOf(r).Text(o)
		return nil
	case "markdown":
		return write(ViewOf(r).Markdown(), nil)
	case "html":
		return write(ViewOf(r).HTML(), nil)
	case "junit":
		body, err := JUnit(r)
		return write(string(body), err)
	}
	return f.Objects(format, r)
}
