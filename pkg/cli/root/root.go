// Package root puts the verbs of kubectl kymaros together.
package root

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/cobra"
	"k8s.io/cli-runtime/pkg/genericiooptions"

	"github.com/kymaros/kymaros/pkg/cli/cleanup"
	"github.com/kymaros/kymaros/pkg/cli/client"
	"github.com/kymaros/kymaros/pkg/cli/comparing"
	"github.com/kymaros/kymaros/pkg/cli/completion"
	"github.com/kymaros/kymaros/pkg/cli/covering"
	"github.com/kymaros/kymaros/pkg/cli/doctor"
	"github.com/kymaros/kymaros/pkg/cli/exit"
	"github.com/kymaros/kymaros/pkg/cli/explain"
	"github.com/kymaros/kymaros/pkg/cli/export"
	"github.com/kymaros/kymaros/pkg/cli/gate"
	"github.com/kymaros/kymaros/pkg/cli/get"
	"github.com/kymaros/kymaros/pkg/cli/history"
	"github.com/kymaros/kymaros/pkg/cli/initiate"
	"github.com/kymaros/kymaros/pkg/cli/lastgood"
	"github.com/kymaros/kymaros/pkg/cli/report"
	"github.com/kymaros/kymaros/pkg/cli/run"
	"github.com/kymaros/kymaros/pkg/cli/serve"
	"github.com/kymaros/kymaros/pkg/cli/validate"
	"github.com/kymaros/kymaros/pkg/cli/verify"
	"github.com/kymaros/kymaros/pkg/cli/versions"
)

// name is how users call it.
const name = "kubectl kymaros"

// New returns the command with all verbs.
func New(f *client.Factory) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "kubectl-kymaros VERB",
		Short: "Do your backups restore?",
		Long: "Run, read and diagnose the restore tests of Kymaros, with your own rights. It needs nothing but the Kubernetes API.\n\n" +
			exit.Meaning,
		Annotations:           map[string]string{cobra.CommandDisplayNameAnnotation: name},
		DisableFlagsInUseLine: true,
		SilenceErrors:         true,
		SilenceUsage:          true,
		Args:                  cobra.NoArgs,
		RunE:                  func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.SetOut(f.IOStreams.Out)
	cmd.SetErr(f.IOStreams.ErrOut)
	cmd.SetIn(f.IOStreams.In)
	f.AddFlags(cmd.PersistentFlags())
	cmd.CompletionOptions.DisableDefaultCmd = true
	for _, group := range []struct {
		id, title string
		verbs     []*cobra.Command
	}{
		{"read", "Read:", []*cobra.Command{get.New(f), report.New(f), history.New(f), comparing.New(f), lastgood.New(f), covering.New(f), gate.New(f), serve.New(f)}},
		{"prove", "Prove:", []*cobra.Command{verify.New(f), export.New(f)}},
		{"act", "Act:", []*cobra.Command{run.New(f), cleanup.New(f)}},
		{"look", "Prepare and diagnose:", []*cobra.Command{initiate.New(f), validate.New(f), doctor.New(f), explain.New(f)}},
		{"other", "Other:", []*cobra.Command{versions.New(f), completion.New(f)}},
	} {
		cmd.AddGroup(&cobra.Group{ID: group.id, Title: group.title})
		for _, verb := range group.verbs {
			verb.GroupID = group.id
			cmd.AddCommand(verb)
		}
	}
	cmd.SetHelpCommandGroupID("other")
	setHelp(cmd, f)
	return cmd
}

// Main runs the command, and returns its exit code. Whatever goes wrong, and nobody mapped, could not tell.
func Main(ctx context.Context, args []string, streams genericiooptions.IOStreams) (code exit.Code) {
	return MainOf(ctx, client.New(streams), args)
}

// MainOf is Main with a factory.
func MainOf(ctx context.Context, f *client.Factory, args []string) (code exit.Code) {
	defer func() {
		if r := recover(); r != nil { // Go would end with 2, which is a verdict
			_, _ = fmt.Fprintf(f.IOStreams.ErrOut, "error: this is a fault of kubectl kymaros: %v\n", r)
			code = exit.Unknown
		}
	}()
	cmd := New(f) //nolint:contextcheck // cobra hands it on
	cmd.SetArgs(args)
	executed, err := cmd.ExecuteContextC(ctx)
	if err == nil || exit.Silent(err) {
		return exit.Of(err)
	}
	if errors.Is(err, context.Canceled) {
		err = errors.New("interrupted")
	}
	text := client.Explain(err).Error()
	if isUsage(err) {
		text += fmt.Sprintf("\n  see `%s --help`", executed.CommandPath())
	}
	_, _ = fmt.Fprintf(f.IOStreams.ErrOut, "error: %s\n", text)
	return exit.Of(err)
}

// isUsage tells whether err is about how the command was called: cobra's errors have no type.
func isUsage(err error) bool {
	for _, begin := range []string{"unknown command", "unknown flag", "unknown shorthand flag", "accepts ", "requires at least", "flag needs an argument", "invalid argument"} {
		if strings.HasPrefix(err.Error(), begin) {
			return true
		}
	}
	return false
}
