package app

import (
	"bytes"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/spf13/pflag"

	"github.com/kymaros/kymaros/cmd/internal/process"
	"github.com/kymaros/kymaros/pkg/canary"
)

func TestOptionsNameTheFlagThatIsWrong(t *testing.T) {
	for want, args := range map[string][]string{
		"":                      {"--role=fenced", "--node=n", "--record=192.0.2.1:443,[fd00::1]:80"},
		"--role":                {"--role=bird", "--node=n"},
		"--node":                {"--role=target"},
		"--listen":              {"--role=target", "--node=n", "--listen=9440"},
		"--health-bind-address": {"--role=target", "--node=n", "--health-bind-address="},
		"--record":              {"--role=target", "--node=n", "--record=192.0.2.1"},
		"--target":              {"--role=gate", "--target=10.0.0.2:9440"},
	} {
		options := NewOptions()
		fs := pflag.NewFlagSet("test", pflag.ContinueOnError)
		options.AddFlags(fs)
		if err := fs.Parse(args); err != nil {
			t.Fatal(err)
		}
		err := options.Validate()
		if (err == nil) != (want == "") || err != nil && !strings.Contains(err.Error(), want) {
			t.Errorf("%v: got %v, want an error that names %q", args, err, want)
		}
	}
}

func TestABirthTellsWhatItSawInTheMessageOfItsContainer(t *testing.T) {
	file := filepath.Join(t.TempDir(), "message")
	args := []string{"--role=birth", "--node=n", "--addresses=testdata/absent.json", "--message=" + file}
	if err := Main(t.Context(), args, &bytes.Buffer{}); err != nil {
		t.Fatalf("a birth that knows no target holds its pod up: %v", err)
	}
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if b, err := canary.ParseBirth(string(text)); err != nil || b != (canary.Birth{}) {
		t.Errorf("%s, %v", text, err)
	}
}

func TestAGateNeedsNoNode(t *testing.T) {
	o := NewOptions()
	if o.Role, o.Node, o.Target = "gate", "", "fd00::2"; o.Validate() != nil {
		t.Error(o.Validate())
	}
}

func TestTheGuideNeedsNoNode(t *testing.T) {
	o := NewOptions()
	if o.Role = roleGuide; o.Validate() != nil {
		t.Error(o.Validate())
	}
}

func TestTheNodeAndTheAPIServerAreDialledAndNotRequired(t *testing.T) {
	t.Setenv("NODE_IP", "fd00::7")
	t.Setenv("NODE_NAME", "n")
	t.Setenv("KUBERNETES_SERVICE_HOST", "10.0.0.1")
	t.Setenv("KUBERNETES_SERVICE_PORT", "443")
	o := NewOptions()
	if o.Node != "n" || !slices.Contains(o.Record, "[fd00::7]:10250") || !slices.Contains(o.Record, "10.0.0.1:443") {
		t.Errorf("options %+v", o)
	}
	if err := o.Validate(); err == nil || strings.Contains(err.Error(), "--record") {
		t.Errorf("the defaults: %v", err)
	}
}

func TestTheGuideIsReadyWhenTheAddressesAreWritten(t *testing.T) {
	all := false
	ask := func(path string) int {
		w := httptest.NewRecorder()
		process.NewHealth(written(func() bool { return all })).Handler().ServeHTTP(w, httptest.NewRequest(http.MethodGet, path, nil))
		return w.Code
	}
	if alive, ready := ask("/livez"), ask("/readyz"); alive != http.StatusOK || ready != http.StatusServiceUnavailable {
		t.Errorf("before: /livez answers %d, /readyz %d", alive, ready)
	}
	all = true
	if got := ask("/readyz"); got != http.StatusOK {
		t.Errorf("after: /readyz answers %d", got)
	}
}

func TestMainRefusesWhatItDoesNotKnow(t *testing.T) {
	for _, args := range [][]string{{"--no-such-flag"}, {"run"}} {
		if err := Main(t.Context(), args, &bytes.Buffer{}); err == nil || !strings.Contains(err.Error(), args[0]) {
			t.Errorf("%v: got %v", args, err)
		}
	}
	var out bytes.Buffer
	if err := Main(t.Context(), []string{"--version"}, &out); err != nil || !strings.HasPrefix(out.String(), "v") {
		t.Errorf("--version printed %q, %v", out.String(), err)
	}
}

func TestWithoutAddressesThereIsNothingToProve(t *testing.T) {
	// It begins, and ends when it has waited in vain.
	args := []string{"--role=fenced", "--node=n", "--listen=127.0.0.1:0", "--health-bind-address=127.0.0.1:0", "--addresses=testdata/absent.json"}
	if err := Main(t.Context(), args, &bytes.Buffer{}); err == nil || !strings.Contains(err.Error(), "no addresses of targets") {
		t.Errorf("got %v", err)
	}
}
