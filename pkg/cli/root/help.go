package root

import (
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/kymaros/kymaros/pkg/cli/client"
	"github.com/kymaros/kymaros/pkg/cli/term"
)

// setHelp has help texts end where the terminal does. cobra's own have no end.
func setHelp(cmd *cobra.Command, f *client.Factory) {
	help := cmd.HelpFunc()
	cmd.SetHelpFunc(func(cmd *cobra.Command, args []string) {
		cmd.Long = reflow(cmd.Long, width(f))
		help(cmd, args)
	})
	cmd.SetUsageFunc(func(cmd *cobra.Command) error {
		usage(cmd.OutOrStderr(), cmd, width(f))
		return nil
	})
}

// width is where help texts end.
func width(f *client.Factory) int {
	const readable = 100
	if o, err := f.Out(); err == nil && o.Width > 0 {
		return min(o.Width, readable)
	}
	return readable
}

// usage writes how a command is called.
func usage(w io.Writer, cmd *cobra.Command, width int) {
	print := func(format string, args ...any) { _, _ = fmt.Fprintf(w, format, args...) }
	print("Usage:\n  %s\n", cmd.UseLine())
	if cmd.HasExample() {
		print("\nExamples:\n%s\n", cmd.Example)
	}
	for _, group := range cmd.Groups() {
		print("\n%s\n", group.Title)
		for _, verb := range cmd.Commands() {
			if verb.GroupID != group.ID {
				continue
			}
			indent := fmt.Sprintf("  %-*s  ", verb.NamePadding(), verb.Name())
			for _, line := range term.Wrap(verb.Short, width-len(indent)) {
				print("%s%s\n", indent, line)
				indent = strings.Repeat(" ", len(indent))
			}
		}
	}
	for _, set := range []struct {
		title string
		flags *pflag.FlagSet
	}{{"Flags", cmd.LocalFlags()}, {"Flags of all verbs", cmd.InheritedFlags()}} {
		if set.flags.HasAvailableFlags() {
			print("\n%s:\n%s", set.title, set.flags.FlagUsagesWrapped(width))
		}
	}
	if cmd.HasAvailableSubCommands() {
		print("\n`%s VERB --help` tells more of a verb.\n", cmd.CommandPath())
	}
}

// reflow breaks lines at that width. A line that ends with no period goes on in the next.
func reflow(text string, width int) string {
	var paragraphs []string
	for line := range strings.SplitSeq(text, "\n") {
		if n := len(paragraphs); n > 0 && line != "" && paragraphs[n-1] != "" && !strings.HasSuffix(paragraphs[n-1], ".") {
			paragraphs[n-1] += " " + line
			continue
		}
		paragraphs = append(paragraphs, line)
	}
	var lines []string
	for _, p := range paragraphs {
		lines = append(lines, term.Wrap(p, width)...)
	}
	return strings.Join(lines, "\n")
}
