package root

import (
	"bytes"
	"strings"
	"testing"

	"github.com/spf13/cobra"
	"k8s.io/cli-runtime/pkg/genericiooptions"

	"github.com/kymaros/kymaros/pkg/cli/client"
	"github.com/kymaros/kymaros/pkg/cli/term"
)

func TestHelpOfEachVerbFitsATerminalAndSaysHowToCallIt(t *testing.T) {
	f := client.New(genericiooptions.IOStreams{})
	root := New(f)
	root.InitDefaultHelpCmd()
	for _, cmd := range append(root.Commands(), root) {
		var b bytes.Buffer
		cmd.InitDefaultHelpFlag()
		_, _ = b.WriteString(reflow(cmd.Long, 80) + "\n\n")
		usage(&b, cmd, 80)
		for line := range strings.Lines(b.String()) {
			if line = strings.TrimRight(line, "\n"); term.Cells(line) > 80 || line != strings.TrimRight(line, " ") {
				t.Errorf("%s: %d columns: %q", cmd.Name(), term.Cells(line), line)
			}
		}
		if cmd.Name() == "help" { // cobra's
			continue
		}
		if cmd.GroupID == "" && cmd != root || cmd.Short == "" || strings.HasSuffix(cmd.Short, ".") || len(cmd.Short) > 72 {
			t.Errorf("%s: group %q, %q", cmd.Name(), cmd.GroupID, cmd.Short)
		}
		if cmd != root {
			examples(t, root, cmd)
		}
	}
}

// examples fails t unless a verb has some, and each names a verb and flags that there are.
func examples(t *testing.T, root, cmd *cobra.Command) {
	t.Helper()
	found := false
	for line := range strings.Lines(strings.ReplaceAll(cmd.Example, "\\\n", " ")) {
		_, call, ok := strings.Cut(line, "kubectl kymaros ")
		if !ok {
			continue
		}
		words := strings.Fields(strings.FieldsFunc(call, func(r rune) bool { return strings.ContainsRune("|>&", r) })[0])
		if verb, _, err := root.Find(words); err != nil || verb != cmd {
			t.Errorf("%s: example %q is of another verb: %v", cmd.Name(), line, err)
		}
		if err := cmd.ParseFlags(words[1:]); err != nil {
			t.Errorf("%s: example %q: %v", cmd.Name(), line, err)
		}
		if err := cmd.ValidateArgs(cmd.Flags().Args()); err != nil {
			t.Errorf("%s: example %q: %v", cmd.Name(), line, err)
		}
		found = true
	}
	if !found {
		t.Errorf("%s has no example", cmd.Name())
	}
}
