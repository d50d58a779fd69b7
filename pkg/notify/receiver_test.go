package notify

import (
	"crypto/tls"
	"crypto/x509"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"sync"
	"testing"
	"time"
)

var loopback = []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8"), netip.MustParsePrefix("::1/128")}

// message is one that has everything.
func message() Message {
	return Message{
		ID: "20261126-030004-k3f9a1.failed.2f7c", Event: Failed, Also: []Event{Regressed, RTOExceeded}, Previous: "pass",
		Cluster: Cluster{ID: "8f1c0f0a-0000-4000-8000-000000000001", Name: "prod-eu-1"}, Test: Test{Namespace: "team-pay", Name: "billing"},
		Run: "20261126-030004-k3f9a1", Result: "fail", Score: new(61), PreviousScore: new(98), Reason: "CheckFailed",
		Message: "Check rows: 812, at least 1,000 expected", NextStep: "Look at the restored database.",
		Backup: Backup{Name: "pay-nightly-20261126", AgeSeconds: 3600}, RTO: RTO{Seconds: new(int64(1372)), TargetSeconds: new(int64(900))}, NotTested: 6,
		Report:   Report{Name: "billing-20261126-030004", Sequence: 212, Digest: "sha256:3f9a00000000000000000000000000000000000000000000000000000000a1b2"},
		LastGood: LastGood{Backup: "pay-nightly-20261125", Time: time.Date(2026, 11, 25, 3, 9, 0, 0, time.UTC), Report: "billing-20261125-030004"},
		URL:      "https://kymaros.example.org/reports/team-pay/billing-20261126-030004?a=1&b=2", Consecutive: 2,
		Time: time.Date(2026, 11, 26, 3, 9, 12, 0, time.UTC),
	}
}

// channel is one of a type whose Secret has everything and leads to an address.
func channel(channelType, address string) Channel {
	return Channel{Type: channelType, Channel: "#backups", To: []string{"ops@example.org"}, Secret: map[string][]byte{
		"url": []byte(address + "\n"), "routing-key": []byte("r0utingkey"), "api-key": []byte("ap1key"), "signing-key": []byte("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"),
		"authorization": []byte("Bearer b3arer"),
	}}
}

// got is what a receiver was sent.
type got struct {
	method, path string
	header       http.Header
	body         []byte
}

// receiver is an HTTPS server on loopback that notes what it is sent.
type receiver struct {
	*httptest.Server
	mu  sync.Mutex
	all []got
}

// receive starts one that answers by a handler, nil: with 200.
func receive(t *testing.T, answer http.HandlerFunc) *receiver {
	t.Helper()
	r := &receiver{}
	r.Server = httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, q *http.Request) {
		body, err := io.ReadAll(q.Body)
		if err != nil {
			t.Errorf("the receiver reads: %v", err)
		}
		r.mu.Lock()
		r.all = append(r.all, got{q.Method, q.URL.RequestURI(), q.Header.Clone(), body})
		r.mu.Unlock()
		if answer != nil {
			answer(w, q)
		}
	}))
	r.Config.ErrorLog = log.New(io.Discard, "", 0)
	r.StartTLS()
	t.Cleanup(r.Close)
	return r
}

func (r *receiver) seen() []got {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.all
}

// sender trusts the certificate of the receiver, and may reach loopback.
func (r *receiver) sender(t *testing.T, o Options) *Sender {
	t.Helper()
	pool := x509.NewCertPool()
	pool.AddCert(r.Certificate())
	return newTestSender(t, o, &tls.Config{RootCAs: pool})
}

// newTestSender may reach loopback unless the options say more. No name exists for it but localhost.
func newTestSender(t *testing.T, o Options, trust *tls.Config) *Sender {
	t.Helper()
	if o.AllowPrivate == nil {
		o.AllowPrivate = loopback
	}
	s, err := newSender(o, resolve(func() (netip.Addr, bool) { return netip.Addr{}, false }), trust)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// failure sends and wants a SendError.
func failure(t *testing.T, s *Sender, c Channel, m Message) *SendError {
	t.Helper()
	err := s.Send(t.Context(), c, m)
	f, ok := err.(*SendError) //nolint:errorlint // Send promises the type itself
	if !ok {
		t.Fatalf("got %T %v, want a failure", err, err)
	}
	return f
}
