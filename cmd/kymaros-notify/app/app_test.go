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
	for args, want := range map[string]string{
		"--namespace=":                                       "--namespace",
		"--service-account=A":                                "--service-account",
		"--dashboard-url=kymaros.example.org":                "--dashboard-url",
		"--dashboard-url=https://kymaros.example.org/":       "",
		"--notify-proxy=proxy:3128":                          "--notify-proxy",
		"--notify-allow-cidr=10.1.2.3":                       "--notify-allow-cidr",
		"--notify-allow-cidr=10.1.2.3/32,fd00::/8":           "",
		"--notify-deadline=30s":                              "--notify-deadline",
		"--smtp-address=relay":                               "--smtp-address",
		"--smtp-address=relay:587":                           "--smtp-from",
		"--smtp-address=relay:587 --smtp-from=k@example.org": "",
		"--kube-api-qps=0":                                   "--kube-api-qps",
		"--kube-api-burst=0":                                 "--kube-api-burst",
		"--health-bind-address=nine":                         "--health-bind-address",
		"--metrics-bind-address=1.2.3":                       "--metrics-bind-address",
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

func TestReceiversAreReachedThroughTheProxyAndMailThroughTheRelay(t *testing.T) {
	options := NewOptions()
	if sending, err := options.sending(); err != nil || sending.Relay != nil || sending.Proxy != nil {
		t.Errorf("without flags: %+v, %v", sending, err)
	}
	options.Proxy, options.Mail.Address, options.AllowCIDRs = "http://proxy:3128", "relay:587", []string{"10.1.2.3/8"}
	sending, err := options.sending()
	if err != nil || sending.Relay == nil || sending.AllowPrivate[0].String() != "10.0.0.0/8" {
		t.Fatalf("got %+v, %v", sending, err)
	}
	if u, err := sending.Proxy(nil); err != nil || u.Host != "proxy:3128" {
		t.Errorf("got %v, %v", u, err)
	}
}
