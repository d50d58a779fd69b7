// Package completion writes the scripts with which shells complete the command.
package completion

import (
	"fmt"

	"github.com/spf13/cobra"

	"github.com/kymaros/kymaros/pkg/cli/client"
)

// plugin is what kubectl asks to complete `kubectl kymaros`: a program of that name on the PATH.
const plugin = `#!/usr/bin/env sh
# Save it as kubectl_complete-kymaros on the PATH, executable.
exec kubectl kymaros __complete "$@"
`

// words are what the package bash-completion tells scripts of the line. Where it is not installed, they are what blanks part.
const words = `declare -F _get_comp_words_by_ref >/dev/null || _get_comp_words_by_ref() {
    local line=${COMP_LINE:0:COMP_POINT}
    read -ra words <<<"$line"
    [[ $line != *[[:space:]] ]] || words+=("")
    cword=$((${#words[@]} - 1))
    cur=${words[cword]} prev=${words[cword - 1]}
}
`

// New returns the verb.
func New(f *client.Factory) *cobra.Command {
	cmd := client.Command("completion bash|zsh|fish|powershell|kubectl", "Write a completion script for a shell",
		`Writes a script with which a shell completes verbs, flags, and the names of tests and reports. The form kubectl is for who calls the
plugin as "kubectl kymaros": kubectl looks for kubectl_complete-kymaros on the PATH, and does the rest.`, "",
		`  kubectl kymaros completion kubectl >~/bin/kubectl_complete-kymaros
  chmod +x ~/bin/kubectl_complete-kymaros
  source <(kubectl-kymaros completion bash)`)
	cmd.ValidArgs = []string{"bash", "zsh", "fish", "powershell", "kubectl"}
	cmd.Args = cobra.MatchAll(cobra.ExactArgs(1), cobra.OnlyValidArgs)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		switch root := cmd.Root(); args[0] {
		case "bash":
			if _, err := fmt.Fprint(f.IOStreams.Out, words); err != nil {
				return err
			}
			return root.GenBashCompletionV2(f.IOStreams.Out, true)
		case "zsh":
			return root.GenZshCompletion(f.IOStreams.Out)
		case "fish":
			return root.GenFishCompletion(f.IOStreams.Out, true)
		case "powershell":
			return root.GenPowerShellCompletionWithDesc(f.IOStreams.Out)
		}
		_, err := fmt.Fprint(f.IOStreams.Out, plugin)
		return err
	}
	return cmd
}
