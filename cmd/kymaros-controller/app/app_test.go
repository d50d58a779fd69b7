package app

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"github.com/spf13/pflag"
)

func TestOptionsNameTheFlagThatIsWrong(t *testing.T) {
	if err := NewOptions().Validate(); err != nil {
		t.Fatalf("the defaults are refused: %v", err)
	}
	for arg, want := range map[string]string{
		"--velero-namespace=Velero":             "--velero-namespace",
		"--leader-elect-namespace=":             "--leader-elect-namespace",
		"--leader-elect-resource-name=A":        "--leader-elect-resource-name",
		"--controllers=":                        "--controllers",
		"--controllers=schedule,scheduler":      `--controllers="scheduler": must be of schedule, sandbox,`,
		"--velero-version=1.18":                 "--velero-version",
		"--cluster-domain=a..b":                 "--cluster-domain",
		"--max-restores=0":                      "--max-restores",
		"--check-workers=-1":                    "--check-workers",
		"--kube-api-qps=0":                      "--kube-api-qps",
		"--kube-api-burst=0":                    "--kube-api-burst",
		"--health-bind-address=nine":            "--health-bind-address",
		"--permitted-resources=pods,jobs.batch": "--permitted-resources: jobs.batch",
		"--isolation-proof=yes":                 "--isolation-proof",
		"--isolation-patience=-1s":              "--isolation-patience",
		"--metrics-bind-address=1.2.3":          "--metrics-bind-address",
		"--max-sandbox-cpu=-1":                  "--max-sandbox-cpu=-1: must not be negative",
		"--max-sandbox-memory=-1Gi":             "--max-sandbox-memory=-1Gi: must not be negative",
		"--max-sandbox-storage=-1Gi":            "--max-sandbox-storage=-1Gi: must not be negative",
		"--max-sandbox-ttl=-1h":                 "--max-sandbox-ttl=-1h0m0s: must not be negative",
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

func TestBoundsOfTests(t *testing.T) {
	options := NewOptions()
	fs := pflag.NewFlagSet("test", pflag.ContinueOnError)
	options.AddFlags(fs)
	if b := options.Bounds; !b.CPU.IsZero() || !b.Memory.IsZero() || !b.Storage.IsZero() || b.TTL != 24*time.Hour {
		t.Errorf("the defaults are %+v", b)
	}
	if err := fs.Parse([]string{"--max-sandbox-cpu=4", "--max-sandbox-memory=8Gi", "--max-sandbox-storage=1Ti", "--max-sandbox-ttl=90m"}); err != nil {
		t.Fatal(err)
	}
	if b := options.Bounds; b.CPU.String() != "4" || b.Memory.String() != "8Gi" || b.Storage.String() != "1Ti" || b.TTL != 90*time.Minute {
		t.Errorf("the flags give %+v", b)
	}
	for _, arg := range []string{"--max-sandbox-memory=lots", "--max-sandbox-ttl=1d"} {
		flag, _, _ := strings.Cut(arg, "=")
		if err := fs.Parse([]string{arg}); err == nil || !strings.Contains(err.Error(), flag) {
			t.Errorf("%s: got %v", arg, err)
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
