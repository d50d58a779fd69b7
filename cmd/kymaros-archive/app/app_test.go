package app

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/spf13/pflag"
)

func TestOptionsNameTheFlagThatIsWrong(t *testing.T) {
	const bucket = "--s3-bucket=evidence --s3-endpoint=https://s3.example.org "
	for args, want := range map[string]string{
		"":                       "--directory",
		"--directory=/archive":   "",
		bucket:                   "",
		bucket + "--directory=/": "--directory",
		"--s3-bucket=evidence":   "--s3-endpoint",
		"--s3-bucket=evidence --s3-endpoint=s3.example.org":            "--s3-endpoint",
		"--s3-bucket=evidence --s3-endpoint=https://s3.example.org/ev": "--s3-endpoint",
		bucket + "--s3-region=":                                        "--s3-region",
		bucket + "--s3-secret-key-file=":                               "--s3-secret-key-file",
		bucket + "--s3-lock-mode=compliance":                           "--s3-lock-mode",
		bucket + "--s3-lock-mode=COMPLIANCE":                           "--s3-lock-days",
		bucket + "--s3-lock-days=7":                                    "--s3-lock-days",
		bucket + "--s3-lock-mode=GOVERNANCE --s3-lock-days=1827":       "",
		"--directory=/archive --kube-api-qps=0":                        "--kube-api-qps",
		"--directory=/archive --kube-api-burst=0":                      "--kube-api-burst",
		"--directory=/archive --health-bind-address=nine":              "--health-bind-address",
		"--directory=/archive --metrics-bind-address=1.2.3":            "--metrics-bind-address",
	} {
		options := NewOptions()
		fs := pflag.NewFlagSet("test", pflag.ContinueOnError)
		options.AddFlags(fs)
		if err := fs.Parse(strings.Fields(args)); err != nil {
			t.Fatal(err)
		}
		if err := options.Validate(); (err == nil) != (want == "") || err != nil && !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got %v, want an error that names %s", args, err, want)
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

func TestACertificateThatIsNoneIsRefused(t *testing.T) {
	options := NewOptions()
	options.Bucket.Bucket, options.Bucket.Endpoint = "evidence", "https://s3.example.org"
	if _, err := options.sink(); err != nil {
		t.Errorf("without: %v", err)
	}
	options.Bucket.CAFile = filepath.Join(t.TempDir(), "ca.crt")
	if err := os.WriteFile(options.Bucket.CAFile, []byte("none"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := options.sink(); err == nil || !strings.Contains(err.Error(), "no certificate") {
		t.Errorf("got %v", err)
	}
}
