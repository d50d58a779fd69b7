package stage

import (
	"bytes"
	"strings"
	"testing"

	"k8s.io/cli-runtime/pkg/genericiooptions"

	"github.com/kymaros/kymaros/pkg/cli/exit"
	plugin "github.com/kymaros/kymaros/pkg/cli/root"
)

// Plugin runs `kubectl kymaros` with the arguments as an administrator, fails t unless it ends with that code, and returns what it prints.
func (c *Cluster) Plugin(t testing.TB, want exit.Code, args ...string) string {
	t.Helper()
	var out, errOut bytes.Buffer
	args = append(args, "--kubeconfig", c.config)
	if code := plugin.Main(t.Context(), args, genericiooptions.IOStreams{In: strings.NewReader(""), Out: &out, ErrOut: &errOut}); code != want {
		t.Fatalf("kubectl kymaros %s: exit code %d, want %d\n%s%s", strings.Join(args, " "), code, want, out.String(), errOut.String())
	}
	return out.String()
}
