package notify

import (
	"bufio"
	"context"
	"crypto/tls"
	"encoding/pem"
	"io"
	"mime"
	"net"
	"net/mail"
	"net/textproto"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"
)

// mailServer is an SMTP server on loopback.
type mailServer struct {
	address, caFile string
	certificate     tls.Certificate
	// plain: it does not offer STARTTLS.
	plain bool
	// fromStart: it speaks TLS from the start, as on port 465.
	fromStart bool
	// old: its TLS is older than may be.
	old bool
	// answers replace those to a command, told by how the command begins.
	answers map[string]string

	mu       sync.Mutex
	commands []string
	mails    []string
}

func serveMail(t *testing.T, m *mailServer) *mailServer {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	m.address = listener.Addr().String()
	m.certificate, _ = certify(t, time.Now().Add(time.Hour))
	m.caFile = filepath.Join(t.TempDir(), "ca.pem")
	if err := os.WriteFile(m.caFile, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: m.certificate.Certificate[0]}), 0o600); err != nil {
		t.Fatal(err)
	}
	var open sync.WaitGroup
	open.Go(func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			open.Go(func() { m.serve(conn) })
		}
	})
	t.Cleanup(func() { _ = listener.Close(); open.Wait() })
	return m
}

func (m *mailServer) serve(conn net.Conn) {
	defer func() { _ = conn.Close() }()
	if m.fromStart {
		conn = tls.Server(conn, &tls.Config{Certificates: []tls.Certificate{m.certificate}})
	}
	in := textproto.NewReader(bufio.NewReader(conn))
	say := func(line string) { _, _ = io.WriteString(conn, line+"\r\n") }
	say("220 ready")
	secure := m.fromStart
	for {
		line, err := in.ReadLine()
		if err != nil {
			return
		}
		m.mu.Lock()
		m.commands = append(m.commands, line)
		m.mu.Unlock()
		answer := ""
		for prefix, a := range m.answers {
			if strings.HasPrefix(line, prefix) {
				answer = a
			}
		}
		switch verb, _, _ := strings.Cut(line, " "); {
		case answer == "hang":
			_, _ = in.ReadLine()
			return
		case answer == "close":
			return
		case answer != "":
			say(answer)
		case verb == "EHLO" && m.plain:
			say("250 mail.example.org")
		case verb == "EHLO" && !secure:
			say("250-mail.example.org\r\n250 STARTTLS")
		case verb == "EHLO":
			say("250-mail.example.org\r\n250 AUTH PLAIN")
		case verb == "STARTTLS":
			say("220 go")
			config := &tls.Config{Certificates: []tls.Certificate{m.certificate}}
			if m.old {
				config.MinVersion, config.MaxVersion = tls.VersionTLS10, tls.VersionTLS11
			}
			conn = tls.Server(conn, config)
			in, secure = textproto.NewReader(bufio.NewReader(conn)), true
		case verb == "AUTH":
			say("235 welcome")
		case verb == "DATA":
			say("354 go on")
			body, err := in.ReadDotBytes()
			if err != nil {
				return
			}
			m.mu.Lock()
			m.mails = append(m.mails, string(body))
			m.mu.Unlock()
			if a := m.answers["."]; a == "close" {
				return
			} else if a != "" {
				say(a)
				continue
			}
			say("250 taken")
		case verb == "QUIT":
			say("221 bye")
			return
		default:
			say("250 ok")
		}
	}
}

func (m *mailServer) heard(prefix string) (all []string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, c := range m.commands {
		if strings.HasPrefix(c, prefix) {
			all = append(all, c)
		}
	}
	return all
}

func (m *mailServer) taken() []string {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.mails
}

func (m *mailServer) sender(t *testing.T, o Relay, timeout time.Duration) *Sender {
	t.Helper()
	o.Address, o.From = m.address, "Kymaros <kymaros@example.org>"
	if o.CAFile == "" {
		o.CAFile = m.caFile
	}
	return newTestSender(t, Options{Relay: &o, Timeout: timeout}, nil)
}

func login(t *testing.T) (user, password string) {
	t.Helper()
	dir := t.TempDir()
	user, password = filepath.Join(dir, "user"), filepath.Join(dir, "password")
	for file, content := range map[string]string{user: "kymaros\n", password: "m4ilpassword\n"} {
		if err := os.WriteFile(file, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return user, password
}

func TestAMailArrives(t *testing.T) {
	server := serveMail(t, &mailServer{})
	user, password := login(t)
	s := server.sender(t, Relay{UserFile: user, PasswordFile: password}, 0)
	m := message()
	m.Message = "Zeilen über zwei\nSätze, ✓"
	c := Channel{Type: Email, To: []string{"ops@example.org", `"Jürgen, Ops" <juergen@example.net>`}}
	for range 2 {
		if err := s.Send(t.Context(), c, m); err != nil {
			t.Fatal(err)
		}
	}
	if got := server.heard("RCPT"); len(got) != 4 || !strings.HasPrefix(got[0], "RCPT TO:<ops@example.org>") || !strings.HasPrefix(got[1], "RCPT TO:<juergen@example.net>") {
		t.Errorf("recipients are %q", got)
	}
	if len(server.heard("AUTH PLAIN")) != 2 {
		t.Error("it did not log in")
	}
	if got := server.heard("EHLO"); got[0] != "EHLO example.org" {
		t.Errorf("it greeted with %q", got)
	}
	read := func(i int) (*mail.Message, string) {
		got, err := mail.ReadMessage(strings.NewReader(server.taken()[i]))
		if err != nil {
			t.Fatal(err)
		}
		decoded, err := io.ReadAll(quoted(got.Body))
		if err != nil {
			t.Fatal(err)
		}
		return got, string(decoded)
	}
	first, body := read(0)
	second, _ := read(1)
	subject, err := new(mime.WordDecoder).DecodeHeader(first.Header.Get("Subject"))
	if err != nil || subject != "Restore test team-pay/billing failed, score 61, was 98" {
		t.Errorf("the subject is %q %v", subject, err)
	}
	if id := first.Header.Get("Message-Id"); id == "" || id != second.Header.Get("Message-Id") || !strings.HasSuffix(id, "@example.org>") {
		t.Errorf("ids are %q and %q", id, second.Header.Get("Message-Id"))
	}
	if to, err := first.Header.AddressList("To"); err != nil || len(to) != 2 || to[1].Name != "Jürgen, Ops" {
		t.Errorf("it is to %v %v", to, err)
	}
	for _, want := range []string{"Zeilen über zwei Sätze, ✓", "Look at the restored database.", "Report: billing-20261126-030004 #212 3f9a00000000", m.URL} {
		if !strings.Contains(body, want) {
			t.Errorf("%q is not in\n%s", want, body)
		}
	}
}

func TestAMailSaysWhatItIs(t *testing.T) {
	m, other := message(), message()
	other.ID, other.Event = "20261127-030004-k3f9a1.recovered.2f7c", Recovered
	header := func(m Message, to ...string) mail.Header {
		t.Helper()
		var all []*mail.Address
		for _, a := range to {
			all = append(all, &mail.Address{Address: a})
		}
		got, err := mail.ReadMessage(strings.NewReader(string(compose(&mail.Address{Name: "Kymaros", Address: "kymaros@example.org"}, all, &m, time.Date(2026, 11, 26, 5, 0, 0, 0, time.FixedZone("", 7200))))))
		if err != nil {
			t.Fatal(err)
		}
		return got.Header
	}
	first, second := header(m, "a@example.org", "b@example.org"), header(other, "a@example.org")
	for name, want := range map[string]string{
		"From": `"Kymaros" <kymaros@example.org>`, "To": "<a@example.org>, <b@example.org>", "Date": "Thu, 26 Nov 2026 03:00:00 +0000", "Auto-Submitted": "auto-generated",
		"Mime-Version": "1.0", "Content-Type": "text/plain; charset=utf-8", "Content-Transfer-Encoding": "quoted-printable",
		"Message-Id": "<" + digest(m.ID) + "@example.org>", "References": "<" + digest(m.subject()) + "@example.org>",
	} {
		if got := first.Get(name); got != want {
			t.Errorf("%s is %q, want %q", name, got, want)
		}
	}
	if first.Get("References") != second.Get("References") || first.Get("Message-Id") == second.Get("Message-Id") {
		t.Errorf("two mails of one test are %v and %v", first, second)
	}
}

func TestARelayOnPort465SpeaksTLSFromTheStart(t *testing.T) {
	server := serveMail(t, &mailServer{fromStart: true})
	user, password := login(t)
	s := server.sender(t, Relay{UserFile: user, PasswordFile: password}, 0)
	s.relay.port = "465" // which a test may have no right to listen on
	if err := s.Send(t.Context(), Channel{Type: Email, To: []string{"a@example.org"}}, message()); err != nil {
		t.Fatal(err)
	}
	if len(server.taken()) != 1 || server.heard("STARTTLS") != nil {
		t.Errorf("it said %q", server.heard(""))
	}
	// "\0kymaros\0m4ilpassword", without the line ends of the files.
	if got := server.heard("AUTH"); len(got) != 1 || got[0] != "AUTH PLAIN AGt5bWFyb3MAbTRpbHBhc3N3b3Jk" {
		t.Errorf("it logged in with %q", got)
	}
}

func TestAMailIsBrokenOffWhenItsContextEnds(t *testing.T) {
	server := serveMail(t, &mailServer{answers: map[string]string{"MAIL": "hang"}})
	ctx, cancel := context.WithCancel(t.Context())
	go func() {
		for len(server.heard("MAIL")) == 0 {
			time.Sleep(time.Millisecond)
		}
		cancel()
	}()
	err := server.sender(t, Relay{}, 0).Send(ctx, Channel{Type: Email, To: []string{"a@example.org"}}, message())
	if err == nil || err.Error() != "the attempt was broken off, for kymaros-notify ends" {
		t.Errorf("got %v", err)
	}
}

func TestMailThatIsRefused(t *testing.T) {
	user, password := login(t)
	withLogin := Relay{UserFile: user, PasswordFile: password}
	for what, test := range map[string]struct {
		server  *mailServer
		relay   Relay
		timeout time.Duration
		want    SendError
		mails   int
	}{
		"all recipients are unknown":    {server: &mailServer{answers: map[string]string{"RCPT": "550 leaked"}}, want: SendError{Permanent: true, text: "the mail relay refused 2 of 2 recipients"}},
		"one recipient is unknown":      {server: &mailServer{answers: map[string]string{"RCPT TO:<b@": "550 leaked"}}, want: SendError{Permanent: true, text: "the mail relay refused 1 of 2 recipients"}, mails: 1},
		"one recipient is to wait":      {server: &mailServer{answers: map[string]string{"RCPT TO:<b@": "450 leaked"}}, want: SendError{text: "the mail relay put the mail off with status 450"}},
		"the sender is not liked":       {server: &mailServer{answers: map[string]string{"MAIL": "553 leaked"}}, want: SendError{Permanent: true, text: "the mail relay refused the mail with status 553"}},
		"the content is not liked":      {server: &mailServer{answers: map[string]string{".": "554 leaked"}}, want: SendError{Permanent: true, text: "the mail relay refused the mail with status 554"}, mails: 1},
		"the content is to wait":        {server: &mailServer{answers: map[string]string{".": "421 leaked"}}, want: SendError{text: "the mail relay put the mail off with status 421"}, mails: 1},
		"the relay is busy":             {server: &mailServer{answers: map[string]string{"EHLO": "421 leaked", "HELO": "421 leaked"}}, want: SendError{text: "the mail relay put the mail off with status 421"}},
		"the password is wrong":         {server: &mailServer{answers: map[string]string{"AUTH": "535 leaked"}}, relay: withLogin, want: *errLogin},
		"the password is gone":          {server: &mailServer{}, relay: Relay{UserFile: user, PasswordFile: password + "-"}, want: *errLogin},
		"the relay offers no TLS":       {server: &mailServer{plain: true}, want: SendError{text: "the mail relay offers no TLS: an administrator may allow it to do without"}},
		"the relay's TLS is too old":    {server: &mailServer{old: true}, want: SendError{text: "the mail relay and kymaros-notify agree on no TLS"}},
		"the relay is of somebody else": {server: &mailServer{}, relay: Relay{CAFile: otherCA(t)}, want: SendError{text: "the certificate of the mail relay is of an authority that is not trusted"}},
		"the relay is silent":           {server: &mailServer{answers: map[string]string{"MAIL": "hang"}}, timeout: 200 * time.Millisecond, want: SendError{text: "the mail relay did not answer within 200ms"}},
		"the relay is gone once it has the mail": {server: &mailServer{answers: map[string]string{".": "close"}}, mails: 1,
			want: SendError{text: "the mail relay closed the connection without an answer, so the message may have arrived"}},
	} {
		t.Run(what, func(t *testing.T) {
			t.Parallel()
			server := serveMail(t, test.server)
			s := server.sender(t, test.relay, test.timeout)
			f := failure(t, s, Channel{Type: Email, To: []string{"a@example.org", "b@example.org"}}, message())
			if *f != test.want {
				t.Errorf("got %+v, want %+v", *f, test.want)
			}
			if n := len(server.taken()); n != test.mails {
				t.Errorf("%d mails arrived, want %d", n, test.mails)
			}
		})
	}
}

func otherCA(t *testing.T) string {
	t.Helper()
	return serveMail(t, &mailServer{}).caFile
}

func TestALoginIsNeverSentWithoutTLS(t *testing.T) {
	server := serveMail(t, &mailServer{plain: true})
	user, password := login(t)
	s := server.sender(t, Relay{UserFile: user, PasswordFile: password, Plaintext: true}, 0)
	if err := s.Send(t.Context(), Channel{Type: Email, To: []string{"a@example.org"}}, message()); err != nil {
		t.Fatal(err)
	}
	if got := server.heard("AUTH"); got != nil {
		t.Errorf("it said %q", got)
	}
}

func TestRecipientsThatMayNotBe(t *testing.T) {
	server := serveMail(t, &mailServer{})
	s := server.sender(t, Relay{Domains: []string{"example.org"}}, 0)
	for want, recipients := range map[string][]string{
		"the channel names no recipient": nil,
		"a recipient is no address such as ops@example.org": {
			"ops", "ops@example.org\r\nBcc: all@example.org", "ops@example.org\nRCPT TO:<all@example.org>", "ops@example.org, all@example.org", "<ops@example.org> x", "", `"a> NOTIFY=NEVER"@example.org`, `"a@example.org"@example.com`, "ops@[10.0.0.1]",
		},
		"a recipient is of a domain that mail may not be sent to: an administrator may allow it": {
			"ops@example.com", "ops@example.org.example.com", "ops@sub.example.org",
		},
	} {
		if recipients == nil {
			recipients = []string{"-"}
		}
		for _, to := range recipients {
			c := Channel{Type: Email, To: []string{"ops@EXAMPLE.org", to}}
			if to == "-" {
				c.To = nil
			}
			if f := failure(t, s, c, message()); f.Error() != want || !f.Permanent {
				t.Errorf("%q: got %+v, want %q", to, f, want)
			}
		}
	}
	if got := server.heard(""); got != nil {
		t.Errorf("the relay was told %q", got)
	}
}

func TestNothingThatIsWrittenElsewhereAddsAHeader(t *testing.T) {
	evil := strings.Repeat("ü", 300) + "a\r\nBcc: all@example.org\r\n\r\n.\r\nMAIL FROM:<x@example.org>\u2028Bcc: u\u0085Bcc: v\x00"
	m := Message{ID: evil, Event: Event(evil), Previous: evil, Cluster: Cluster{evil, evil}, Test: Test{evil, evil}, Run: evil, Result: evil, Reason: evil, Message: evil,
		NextStep: evil, Backup: Backup{Name: evil}, Report: Report{Name: evil, Digest: evil}, LastGood: LastGood{Backup: evil, Report: evil}, URL: evil, Also: []Event{Event(evil)}}
	server := serveMail(t, &mailServer{})
	if err := server.sender(t, Relay{}, 0).Send(t.Context(), Channel{Type: Email, To: []string{"a@example.org"}}, m); err != nil {
		t.Fatal(err)
	}
	got, err := mail.ReadMessage(strings.NewReader(server.taken()[0]))
	if err != nil {
		t.Fatal(err)
	}
	if len(got.Header) != 10 || got.Header.Get("Bcc") != "" || len(server.taken()) != 1 || len(server.heard("MAIL")) != 1 {
		t.Errorf("got headers %v, and commands %q", got.Header, server.heard(""))
	}
	for line := range strings.SplitSeq(server.taken()[0], "\n") {
		if len(line) > 998 {
			t.Errorf("a line is %q", line)
		}
	}
}

func TestRelaysThatCannotBe(t *testing.T) {
	good := Relay{Address: "mail.example.org:587", From: "kymaros@example.org"}
	if _, err := NewSender(Options{Relay: &good}); err != nil {
		t.Errorf("a good one: %v", err)
	}
	for want, change := range map[string]func(*Relay){
		`the address of the mail relay, "mail.example.org", is not host:port`: func(r *Relay) { r.Address = "mail.example.org" },
		`the address of the mail relay, ":25", is not host:port`:              func(r *Relay) { r.Address = ":25" },
		`the sender of mail, "kymaros", is no address`:                        func(r *Relay) { r.From = "kymaros" },
		"needs both a file with the user and one with the password":           func(r *Relay) { r.UserFile = "user" },
		"reading the certificates of the mail relay":                          func(r *Relay) { r.CAFile = "/nowhere" },
		"holds no certificate in PEM":                                         func(r *Relay) { r.CAFile = "relay_test.go" },
	} {
		r := good
		change(&r)
		if _, err := NewSender(Options{Relay: &r}); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want %q", err, want)
		}
	}
}
