package app

import (
	"bytes"
	"slices"
	"strings"
	"testing"

	"github.com/spf13/pflag"
)

func TestOptionsNameTheFlagThatIsWrong(t *testing.T) {
	for want, args := range map[string][]string{
		"":                      {"--role=fenced", "--node=n", "--record=192.0.2.1:443,[fd00::1]:80"},
		"--role":                {"--role=bird", "--node=n"},
		"--node":                {"--role=target"},
		"--listen":              {"--role=target", "--node=n", "--listen=9440"},
		"--health-bind-address": {"--role=target", "--node=n", "--health-bind-address="},
		"--record":              {"--role=target", "--node=n", "--record=192.0.2.1"},
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

func TestTheNodeIsDialledAndNotRequired(t *testing.T) {
	t.Setenv("NODE_IP", "fd00::7")
	t.Setenv("NODE_NAME", "n")
	if o := NewOptions(); o.Node != "n" || !slices.Contains(o.Record, "[fd00::7]:10250") {
		t.Errorf("options %+v", o)
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
	// Without the address of the targets there is nothing to prove.
	if err := Main(t.Context(), []string{"--role=fenced", "--node=n"}, &out); err == nil || !strings.Contains(err.Error(), "CANARY_TARGET") {
		t.Errorf("a canary without targets: %v", err)
	}
}
