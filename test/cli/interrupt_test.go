package cli

import (
	"bytes"
	"context"
	"regexp"
	"strings"
	"testing"

	"k8s.io/cli-runtime/pkg/genericiooptions"

	"github.com/kymaros/kymaros/pkg/cli/root"
)

// watcher presses Ctrl-C as soon as they see something.
type watcher struct {
	bytes.Buffer
	press func()
}

func (w *watcher) Write(p []byte) (int, error) {
	defer w.press()
	return w.Buffer.Write(p)
}

func TestInterruptedRunSaysHowToGoOnLooking(t *testing.T) {
	rt := shop(t, "left")
	t.Setenv("KUBECONFIG", kubeconfig)
	ctx, press := context.WithCancel(t.Context())
	out, errOut := &watcher{press: press}, &bytes.Buffer{}
	code := root.Main(ctx, []string{"run", "left", "-n", rt.Namespace, "--wait"}, genericiooptions.IOStreams{In: strings.NewReader(""), Out: out, ErrOut: errOut})
	said := errOut.String()
	how := regexp.MustCompile(`kubectl kymaros (run \S+ -n \S+ --follow)`).FindStringSubmatch(said)
	if code != 3 || how == nil || !strings.Contains(said, "the run goes on") || strings.Contains(out.String(), "VERIFIED") {
		t.Fatalf("exit code %d\n%s%s", code, out, said)
	}
	kymaros(t, append(strings.Fields(how[1]), "--timeout", "3m")...).wants(t, 0, "VERIFIED")
}
