package app

import (
	"bytes"
	"strings"
	"testing"

	"github.com/spf13/pflag"
)

func TestOptionsNameTheFlagThatIsWrong(t *testing.T) {
	if err := NewOptions().Validate(); err != nil {
		t.Fatalf("the defaults are refused: %v", err)
	}
	for arg, want := range map[string]string{
		"--listen=53":                "--listen",
		"--cluster-domain=":          "--cluster-domain",
		"--cluster-domain=a..b":      "--cluster-domain",
		"--health-bind-address=nine": "--health-bind-address",
	} {
		options := NewOptions()
		fs := pflag.NewFlagSet("test", pflag.ContinueOnError)
		options.AddFlags(fs)
		if err := fs.Parse([]string{arg}); err != nil {
			t.Fatal(err)
		}
		if err := options.Validate(); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got %v, want an error that names %s", arg, err, want)
		}
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
