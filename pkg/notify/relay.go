package notify

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/mail"
	"net/smtp"
	"net/textproto"
	"os"
	"slices"
	"strings"
	"time"
)

// Relay is the SMTP server that takes all mail. It may have any address.
type Relay struct {
	// Address is host:port. Port 465 speaks TLS from the start, others STARTTLS.
	Address string
	// Plaintext sends without TLS, and then without a login, if the relay does not offer STARTTLS.
	Plaintext bool
	// CAFile holds certificates, PEM, that the relay's is signed by; "": those of the system.
	CAFile string
	// From is the sender, for example "Kymaros <kymaros@example.org>".
	From string
	// UserFile and PasswordFile hold the login; "": none. They are read whenever a mail is sent.
	UserFile, PasswordFile string
	// Domains are those that mail may be sent to; empty: any.
	Domains []string
}

type relay struct {
	Relay
	host, port string
	from       *mail.Address
	trust      *x509.CertPool
}

const theRelay = "the mail relay"

func newRelay(o Relay) (*relay, error) {
	r := &relay{Relay: o}
	var err error
	if r.host, r.port, err = net.SplitHostPort(o.Address); err != nil || r.host == "" {
		return nil, fmt.Errorf("the address of the mail relay, %q, is not host:port", o.Address)
	}
	if r.from, err = mail.ParseAddress(o.From); err != nil {
		return nil, fmt.Errorf("the sender of mail, %q, is no address such as kymaros@example.org: %w", o.From, err)
	}
	if (o.UserFile == "") != (o.PasswordFile == "") {
		return nil, errors.New("the login at the mail relay needs both a file with the user and one with the password")
	}
	if o.CAFile != "" {
		pem, err := os.ReadFile(o.CAFile)
		if err != nil {
			return nil, fmt.Errorf("reading the certificates of the mail relay: %w", err)
		}
		r.trust = x509.NewCertPool()
		if !r.trust.AppendCertsFromPEM(pem) {
			return nil, fmt.Errorf("%s holds no certificate in PEM", o.CAFile)
		}
	}
	return r, nil
}

// recipients returns those of a channel.
func (r *relay) recipients(c *Channel) ([]*mail.Address, error) {
	if len(c.To) == 0 {
		return nil, misconfigured("the channel names no recipient")
	}
	var all []*mail.Address
	for _, to := range c.To {
		a, err := mail.ParseAddress(to)
		// What SMTP would have to quote, net/smtp does not: it could end the address, and add to the command.
		if err != nil || strings.ContainsAny(strings.TrimSuffix(a.Address, "@"+domainOf(a)), "\"<>()[],;:@\\ \t") || strings.ContainsAny(domainOf(a), "[]") {
			return nil, misconfigured("a recipient is no address such as ops@example.org")
		}
		if len(r.Domains) > 0 && !slices.ContainsFunc(r.Domains, func(d string) bool { return strings.EqualFold(d, domainOf(a)) }) {
			return nil, misconfigured("a recipient is of a domain that mail may not be sent to: an administrator may allow it")
		}
		all = append(all, a)
	}
	return all, nil
}

// send hands the relay one mail. Whoever it will never take is left out, and told of in the error once the others have their mail.
func (r *relay) send(ctx context.Context, c *Channel, m *Message, now time.Time, timeout time.Duration) error {
	to, err := r.recipients(c)
	if err != nil {
		return err
	}
	client, err := r.connect(ctx)
	if err == nil {
		defer func() { _ = client.Close() }()
		err = r.deliver(client, to, compose(r.from, to, m, now))
	}
	if err != nil && errors.Is(ctx.Err(), context.Canceled) {
		err = ctx.Err()
	}
	return refused(err, timeout)
}

func (r *relay) connect(ctx context.Context) (*smtp.Client, error) {
	config := &tls.Config{ServerName: r.host, RootCAs: r.trust, MinVersion: tls.VersionTLS12}
	conn, err := (&net.Dialer{}).DialContext(ctx, "tcp", r.Address)
	if err != nil {
		return nil, err
	}
	// What waits on the connection gives up when the context ends, early or late.
	context.AfterFunc(ctx, func() { _ = conn.SetDeadline(time.Unix(1, 0)) })
	if r.port == "465" {
		conn = tls.Client(conn, config)
	}
	client, err := smtp.NewClient(conn, r.host)
	if err != nil {
		_ = conn.Close()
		return nil, err
	}
	if err := r.greet(client, config); err != nil {
		_ = client.Close()
		return nil, err
	}
	return client, nil
}

func (r *relay) greet(client *smtp.Client, config *tls.Config) error {
	// Some relays refuse whoever says to be localhost.
	if err := client.Hello(domainOf(r.from)); err != nil {
		return err
	}
	_, secure := client.TLSConnectionState()
	if offered, _ := client.Extension("STARTTLS"); offered && !secure {
		if err := client.StartTLS(config); err != nil {
			return err
		}
		secure = true
	}
	switch {
	case !secure && !r.Plaintext:
		return &SendError{text: "the mail relay offers no TLS: an administrator may allow it to do without"}
	case !secure, r.UserFile == "":
		return nil
	}
	user, err := os.ReadFile(r.UserFile)
	if err != nil {
		return errLogin
	}
	password, err := os.ReadFile(r.PasswordFile)
	if err != nil {
		return errLogin
	}
	if err := client.Auth(smtp.PlainAuth("", strings.TrimSpace(string(user)), strings.TrimSpace(string(password)), r.host)); err != nil {
		return errLogin
	}
	return nil
}

// errLogin is no fault of a test, and mended without its doing: it is not permanent.
var errLogin = &SendError{text: "kymaros-notify cannot log in at the mail relay: an administrator checks the files with its user and password"}

func (r *relay) deliver(client *smtp.Client, to []*mail.Address, body []byte) error {
	if err := client.Mail(r.from.Address); err != nil {
		return err
	}
	never := 0
	for _, a := range to {
		err := client.Rcpt(a.Address)
		if status(err) >= 500 {
			never++
			continue
		}
		if err != nil {
			return err
		}
	}
	some := misconfigured("the mail relay refused %d of %d recipients", never, len(to))
	if never == len(to) {
		return some
	}
	w, err := client.Data()
	if err != nil {
		return err
	}
	if _, err := w.Write(body); err != nil {
		return err
	}
	if err := w.Close(); err != nil {
		return err
	}
	_ = client.Quit() // it has the mail
	if never > 0 {
		return some
	}
	return nil
}

// status is the code of an SMTP answer, 0 if an error is none.
func status(err error) int {
	if answer, ok := errors.AsType[*textproto.Error](err); ok {
		return answer.Code
	}
	return 0
}

// refused makes a SendError of an error, nil of nil.
func refused(err error, timeout time.Duration) error {
	var f *SendError
	switch code := status(err); {
	case err == nil:
		return nil
	case errors.As(err, &f):
		return f
	case code >= 500:
		return misconfigured("the mail relay refused the mail with status %d", code)
	case code > 0:
		return &SendError{text: fmt.Sprintf("the mail relay put the mail off with status %d", code)}
	}
	return unanswered(err, theRelay, timeout)
}
