package notify

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"io"
	"log"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"
)

func TestWhatReceiversDo(t *testing.T) {
	now := time.Date(2026, 11, 26, 3, 0, 0, 0, time.UTC)
	status := func(code int, headers ...string) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) {
			for i := 0; i < len(headers); i += 2 {
				w.Header().Set(headers[i], headers[i+1])
			}
			w.WriteHeader(code)
			_, _ = io.WriteString(w, "leaked by the receiver")
		}
	}
	for what, test := range map[string]struct {
		answer    http.HandlerFunc
		timeout   time.Duration
		text      string // "": it arrives
		permanent bool
		after     time.Duration
	}{
		"it takes the message":                 {answer: status(200)},
		"it takes the message for later":       {answer: status(202)},
		"it has nothing to say":                {answer: status(204)},
		"it answers with endless headers":      {answer: endlessHeader, text: "the exchange with the receiver failed"},
		"it answers with large headers":        {answer: status(200, "X-More", strings.Repeat("x", 128<<10)), text: "the exchange with the receiver failed"},
		"it is slow":                           {answer: silent, timeout: time.Second, text: "the receiver did not answer within 1s"},
		"it is broken":                         {answer: status(500), text: "the receiver answered with status 500"},
		"it rests for as long as it says":      {answer: status(503, "Retry-After", "30"), text: "the receiver answered with status 503", after: 30 * time.Second},
		"it is asked too often":                {answer: status(429, "Retry-After", "120"), text: "the receiver answered with status 429", after: 2 * time.Minute},
		"it is asked too often until a time":   {answer: status(429, "Retry-After", "Thu, 26 Nov 2026 03:05:00 GMT"), text: "the receiver answered with status 429", after: 5 * time.Minute},
		"it is asked too often until one past": {answer: status(429, "Retry-After", "Thu, 26 Nov 2026 02:05:00 GMT"), text: "the receiver answered with status 429"},
		"it wants a year":                      {answer: status(429, "Retry-After", "31536000"), text: "the receiver answered with status 429", after: 24 * time.Hour},
		"it wants less than a second":          {answer: status(429, "Retry-After", "0.25"), text: "the receiver answered with status 429", after: 250 * time.Millisecond},
		"it wants nonsense":                    {answer: status(429, "Retry-After", "NaN"), text: "the receiver answered with status 429"},
		"it waited too long for the request":   {answer: status(408), text: "the receiver answered with status 408"},
		"it may be early":                      {answer: status(425), text: "the receiver answered with status 425"},
		"it knows no such address":             {answer: status(404, "Retry-After", "5"), text: "the receiver answered with status 404: check what the Secret holds", permanent: true},
		"it does not like the message":         {answer: status(400), text: "the receiver answered with status 400: check what the Secret holds", permanent: true},
		"it sends elsewhere to look": {answer: status(303, "Location", "https://127.0.0.1:1/leaked"), permanent: true,
			text: "the receiver answered with status 303, and redirects are not followed: put the address where they end into the Secret"},
		"it sends elsewhere": {answer: status(307, "Location", "https://127.0.0.1:1/leaked"), permanent: true,
			text: "the receiver answered with status 307, and redirects are not followed: put the address where they end into the Secret"},
		"it breaks off after it has read": {answer: reset, text: "the receiver closed the connection without an answer, so the message may have arrived"},
		"it closes after it has read":     {answer: closed, text: "the receiver closed the connection without an answer, so the message may have arrived"},
	} {
		t.Run(what, func(t *testing.T) {
			t.Parallel()
			r := receive(t, test.answer)
			s := r.sender(t, Options{Timeout: test.timeout})
			s.now = func() time.Time { return now }
			if test.text == "" {
				if err := s.Send(t.Context(), channel(Webhook, r.URL), message()); err != nil {
					t.Errorf("got %v", err)
				}
			} else {
				want := SendError{Permanent: test.permanent, RetryAfter: test.after, text: test.text}
				if f := failure(t, s, channel(Webhook, r.URL), message()); *f != want {
					t.Errorf("got %+v, want %+v", *f, want)
				}
			}
			if n := len(r.seen()); n != 1 {
				t.Errorf("the receiver was asked %d times, want once", n)
			}
		})
	}
}

func endlessHeader(w http.ResponseWriter, _ *http.Request) {
	conn, _, err := http.NewResponseController(w).Hijack()
	if err != nil {
		return
	}
	defer func() { _ = conn.Close() }()
	_, err = io.WriteString(conn, "HTTP/1.1 200 OK\r\n")
	for err == nil {
		_, err = io.WriteString(conn, "X-More: "+strings.Repeat("x", 1<<10)+"\r\n")
	}
}

// silent never answers. To return would be to answer with 200, which can reach a client that is just about to hang up.
func silent(_ http.ResponseWriter, r *http.Request) {
	<-r.Context().Done()
	panic(http.ErrAbortHandler)
}

func reset(w http.ResponseWriter, _ *http.Request) {
	conn, _, err := http.NewResponseController(w).Hijack()
	if err != nil {
		return
	}
	_ = conn.(*tls.Conn).NetConn().(*net.TCPConn).SetLinger(0)
	_ = conn.(*tls.Conn).NetConn().Close()
}

func closed(w http.ResponseWriter, _ *http.Request) {
	conn, _, err := http.NewResponseController(w).Hijack()
	if err == nil {
		_ = conn.Close()
	}
}

func TestAnAnswerIsNotRead(t *testing.T) {
	const all = 64 << 20
	wrote := make(chan int, 1)
	r := receive(t, func(w http.ResponseWriter, _ *http.Request) {
		n := 0
		for n < all {
			if _, err := w.Write(make([]byte, 64<<10)); err != nil {
				break
			}
			n += 64 << 10
		}
		wrote <- n
	})
	if err := r.sender(t, Options{}).Send(t.Context(), channel(Webhook, r.URL), message()); err != nil {
		t.Error(err)
	}
	if n := <-wrote; n == all {
		t.Errorf("%d bytes of an answer were taken", n)
	}
}

func TestAMessageThatIsSentAgainIsTheSame(t *testing.T) {
	answers := []int{500, 502, 200}
	r := receive(t, func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(answers[0])
		answers = answers[1:]
	})
	s := r.sender(t, Options{})
	for i := range 3 {
		err := s.Send(t.Context(), channel(Webhook, r.URL), message())
		if (err == nil) != (i == 2) {
			t.Errorf("attempt %d: %v", i+1, err)
		}
	}
	for _, g := range r.seen() {
		if id := g.header.Get("webhook-id"); id != message().ID || string(g.body) != string(r.seen()[0].body) {
			t.Errorf("got %s %s", id, g.body)
		}
	}
}

func TestEachAttemptHasAConnectionOfItsOwn(t *testing.T) {
	var mu sync.Mutex
	from := map[string]bool{}
	r := receive(t, func(_ http.ResponseWriter, q *http.Request) {
		mu.Lock()
		defer mu.Unlock()
		from[q.RemoteAddr] = true
	})
	s := r.sender(t, Options{})
	for range 2 {
		if err := s.Send(t.Context(), channel(Webhook, r.URL+"/hook?key=k"), message()); err != nil {
			t.Fatal(err)
		}
	}
	if len(from) != 2 {
		t.Errorf("two attempts came by %d connections", len(from))
	}
	for _, g := range r.seen() {
		if g.method != http.MethodPost || g.path != "/hook?key=k" || g.header.Get("User-Agent") != "kymaros-notify" || g.header.Get("Content-Type") != "application/json" || g.header.Get("Accept-Encoding") != "" {
			t.Errorf("got %s %s with %v", g.method, g.path, g.header)
		}
	}
}

func TestAnAttemptHasTenSecondsUnlessAnAdministratorSaysOtherwise(t *testing.T) {
	for said, want := range map[time.Duration]time.Duration{0: 10 * time.Second, time.Minute: time.Minute} {
		s, err := NewSender(Options{Timeout: said})
		if err != nil {
			t.Fatal(err)
		}
		if s.options.Timeout != want || s.clients.direct.Transport.(*http.Transport).TLSHandshakeTimeout != want {
			t.Errorf("%s: got %s", said, s.options.Timeout)
		}
	}
}

func TestReceiversThatCannotBeTrusted(t *testing.T) {
	good := receive(t, nil)
	quiet := func(h *httptest.Server) *httptest.Server {
		h.Config.ErrorLog = log.New(io.Discard, "", 0)
		t.Cleanup(h.Close)
		return h
	}
	nobody := http.NotFoundHandler()
	plain := quiet(httptest.NewServer(nobody))
	old := quiet(httptest.NewUnstartedServer(nobody))
	old.TLS = &tls.Config{MaxVersion: tls.VersionTLS11, MinVersion: tls.VersionTLS10}
	old.StartTLS()
	expired := quiet(httptest.NewUnstartedServer(nobody))
	certificate, pool := certify(t, time.Now().Add(-time.Hour))
	expired.TLS = &tls.Config{Certificates: []tls.Certificate{certificate}}
	expired.StartTLS()
	pool.AddCert(good.Certificate())
	trust := &tls.Config{RootCAs: pool}
	gone := httptest.NewTLSServer(nobody)
	gone.Close()
	for what, test := range map[string]struct {
		url, text string
		trust     *tls.Config
	}{
		"an authority that nobody knows":    {good.URL, "the certificate of the receiver is of an authority that is not trusted", &tls.Config{RootCAs: x509.NewCertPool()}},
		"a certificate for another name":    {strings.Replace(good.URL, "127.0.0.1", "localhost", 1), "the certificate of the receiver is for another name", trust},
		"a certificate that has expired":    {expired.URL, "the certificate of the receiver has expired, or is not valid yet", trust},
		"a TLS that is too old":             {old.URL, "the receiver and kymaros-notify agree on no TLS", trust},
		"a server that speaks no TLS":       {strings.Replace(plain.URL, "http:", "https:", 1), "the receiver and kymaros-notify agree on no TLS", trust},
		"a port where nobody listens":       {gone.URL, "the receiver refuses connections", trust},
		"a name that does not exist":        {"https://kymaros.invalid", "the name of the receiver does not resolve", trust},
		"a name that is longer than may be": {"https://" + strings.Repeat("a", 300) + ".invalid", "the name of the receiver does not resolve", trust},
	} {
		t.Run(what, func(t *testing.T) {
			s := newTestSender(t, Options{}, test.trust)
			if f := failure(t, s, channel(Webhook, test.url), message()); *f != (SendError{text: test.text}) {
				t.Errorf("got %+v, want %q", *f, test.text)
			}
		})
	}
}

// certify makes a certificate for 127.0.0.1, and what trusts it.
func certify(t *testing.T, until time.Time) (tls.Certificate, *x509.CertPool) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), NotBefore: until.Add(-24 * time.Hour), NotAfter: until, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign | x509.KeyUsageDigitalSignature,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	parsed, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	pool := x509.NewCertPool()
	pool.AddCert(parsed)
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}, pool
}

func TestAnAttemptIsBrokenOffWhenItsContextEnds(t *testing.T) {
	arrived := make(chan struct{})
	r := receive(t, func(w http.ResponseWriter, q *http.Request) { close(arrived); silent(w, q) })
	ctx, cancel := context.WithCancel(t.Context())
	go func() { <-arrived; cancel() }()
	err := r.sender(t, Options{}).Send(ctx, channel(Webhook, r.URL), message())
	if err == nil || err.Error() != "the attempt was broken off, for kymaros-notify ends" {
		t.Errorf("got %v", err)
	}
}
