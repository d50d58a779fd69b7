package app

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/spf13/pflag"
)

func TestOptionsNameTheFlagThatIsWrong(t *testing.T) {
	if err := NewOptions().Validate(); err != nil {
		t.Fatalf("the defaults are refused: %v", err)
	}
	for args, want := range map[string]string{
		"--bind-address=8443":                                           "--bind-address",
		"--health-bind-address=nine":                                    "--health-bind-address",
		"--kube-api-qps=0":                                              "--kube-api-qps",
		"--kube-api-burst=0":                                            "--kube-api-burst",
		"--insecure-http":                                               "--insecure-http",
		"--insecure-http --bind-address=0.0.0.0:8080":                   "--insecure-http",
		"--insecure-http --bind-address=[::]:8080":                      "--insecure-http",
		"--insecure-http --bind-address=10.0.0.1:8080":                  "--insecure-http",
		"--insecure-http --bind-address=localhost:8080":                 "--insecure-http",
		"--insecure-http --bind-address=127.0.0.1:80 --tls-directory=x": "--insecure-http",
		"--insecure-http --bind-address=127.0.0.1:8080":                 "",
		"--insecure-http --bind-address=[::1]:8080":                     "",
	} {
		options := NewOptions()
		fs := pflag.NewFlagSet("test", pflag.ContinueOnError)
		options.AddFlags(fs)
		if err := fs.Parse(strings.Fields(args)); err != nil {
			t.Fatal(err)
		}
		if err := options.Validate(); (err == nil) != (want == "") || err != nil && !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got %v, want an error that names %q", args, err, want)
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

// stub is an API that answers as a test wants.
type stub struct {
	http.HandlerFunc
	ready atomic.Bool
	ended chan struct{} // closed when Run returns
}

func (s *stub) Run(ctx context.Context) {
	<-ctx.Done()
	close(s.ended)
}

func (s *stub) Ready() bool { return s.ready.Load() }

func (s *stub) Close() {}

// start serves a, and returns its addresses, how to end it and what that came to.
func start(t *testing.T, a *stub, change func(*Options)) (address, health string, end context.CancelFunc, result chan error) {
	t.Helper()
	a.ended = make(chan struct{})
	options := NewOptions()
	options.BindAddress, options.HealthAddress = free(t), free(t)
	change(options)
	ctx, end := context.WithCancel(t.Context())
	result = make(chan error, 1)
	go func() { result <- serve(ctx, options, a) }()
	await(t, func() error { return dial(options.BindAddress) })
	await(t, func() error { return dial(options.HealthAddress) })
	return options.BindAddress, options.HealthAddress, end, result
}

func free(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

func dial(address string) error {
	conn, err := net.DialTimeout("tcp", address, time.Second)
	if err == nil {
		conn.Close()
	}
	return err
}

// await tries until it works, at most ten seconds.
func await(t *testing.T, try func() error) {
	t.Helper()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	var err error
	for range 500 {
		if err = try(); err == nil {
			return
		}
		<-tick.C
	}
	t.Fatal(err)
}

var anyCertificate = &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: true}, DisableKeepAlives: true, ForceAttemptHTTP2: true}}

func TestRequestsUnderWayAreAnsweredBeforeItEnds(t *testing.T) {
	arrived, goOn := make(chan struct{}), make(chan struct{})
	a := &stub{HandlerFunc: func(w http.ResponseWriter, _ *http.Request) {
		close(arrived)
		<-goOn
		_, _ = io.WriteString(w, "done")
	}}
	address, health, end, result := start(t, a, func(*Options) {})
	probe := func(path string) int {
		r, err := http.Get("http://" + health + path)
		if err != nil {
			t.Fatal(err)
		}
		r.Body.Close()
		return r.StatusCode
	}
	if got := probe("/readyz"); got != http.StatusServiceUnavailable {
		t.Errorf("/readyz answers %d with empty caches", got)
	}
	a.ready.Store(true)
	if got := probe("/readyz"); got != http.StatusOK {
		t.Errorf("/readyz answers %d with filled caches", got)
	}
	answer := make(chan string, 1)
	go func() {
		r, err := anyCertificate.Get("https://" + address)
		if err != nil {
			answer <- err.Error()
			return
		}
		defer r.Body.Close()
		body, err := io.ReadAll(r.Body)
		answer <- fmt.Sprint(string(body), err)
	}()
	<-arrived
	end()
	await(t, func() error {
		if got := probe("/readyz"); got != http.StatusServiceUnavailable {
			return fmt.Errorf("/readyz answers %d while it ends", got)
		}
		return nil
	})
	if got := probe("/livez"); got != http.StatusOK {
		t.Errorf("/livez answers %d while it ends", got)
	}
	select {
	case <-a.ended:
		t.Error("the rows are gone while a request is under way")
	default:
	}
	close(goOn)
	if got := <-answer; got != "done<nil>" {
		t.Errorf("the request got %q", got)
	}
	if err := <-result; err != nil {
		t.Error(err)
	}
	<-a.ended
	if dial(address) == nil || dial(health) == nil {
		t.Error("it still listens")
	}
}

func TestAnAddressThatIsTakenIsNamed(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	for flag, change := range map[string]func(*Options){
		"--bind-address":        func(o *Options) { o.BindAddress = l.Addr().String() },
		"--health-bind-address": func(o *Options) { o.BindAddress, o.HealthAddress = "127.0.0.1:0", l.Addr().String() },
	} {
		options := NewOptions()
		change(options)
		if err := serve(t.Context(), options, &stub{}); err == nil || !strings.HasPrefix(err.Error(), flag+":") {
			t.Errorf("%s: got %v", flag, err)
		}
	}
}

// TestAClientThatSaysNothingIsLetGo, and meanwhile others are answered.
func TestAClientThatSaysNothingIsLetGo(t *testing.T) {
	a := &stub{HandlerFunc: func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "hello") }}
	address, _, end, result := start(t, a, func(o *Options) {
		o.InsecureHTTP = true
	})
	defer func() { end(); <-result }()
	slow, err := net.Dial("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	defer slow.Close()
	if _, err := io.WriteString(slow, "GET / HTTP/1.1\r\nHost: x\r\n"); err != nil {
		t.Fatal(err)
	}
	r, err := http.Get("http://" + address)
	if err != nil {
		t.Fatal(err)
	}
	r.Body.Close()
	began := time.Now()
	if err := slow.SetReadDeadline(began.Add(9 * time.Second)); err != nil {
		t.Fatal(err)
	}
	text, err := io.ReadAll(slow)
	if errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("after %s it still waits: %q", time.Since(began), text)
	}
	big, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://"+address, nil)
	if err != nil {
		t.Fatal(err)
	}
	big.Header.Set("X-Big", strings.Repeat("x", 64<<10))
	if r, err = http.DefaultClient.Do(big); err != nil {
		t.Fatal(err)
	}
	r.Body.Close()
	if r.StatusCode != http.StatusRequestHeaderFieldsTooLarge {
		t.Errorf("a header of 64 KiB gets %d", r.StatusCode)
	}
}

func TestSoManyConnectionsAndNoMore(t *testing.T) {
	inner, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	l := limit(inner, 2)
	accepted := make(chan net.Conn)
	ended := make(chan error, 1)
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				ended <- err
				return
			}
			accepted <- conn
		}
	}()
	for range 3 {
		conn, err := net.Dial("tcp", inner.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
	}
	first, second := <-accepted, <-accepted
	select {
	case <-accepted:
		t.Error("a third is accepted")
	case <-time.After(100 * time.Millisecond):
	}
	first.Close()
	first.Close() // gives back one place, and not two
	third := <-accepted
	select {
	case <-accepted:
		t.Error("a fourth is accepted")
	case <-time.After(100 * time.Millisecond):
	}
	if err := l.Close(); err != nil {
		t.Error(err)
	}
	if err := <-ended; !errors.Is(err, net.ErrClosed) {
		t.Errorf("at the end: %v", err)
	}
	second.Close()
	third.Close()
}
