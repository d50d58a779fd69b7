package notify

import (
	"context"
	"net/netip"
	"net/url"
	"time"
)

// Options are what an administrator decides for all tests.
type Options struct {
	// AllowPrivate are prefixes of private, loopback or link-local addresses that receivers may have; plain HTTP is allowed to
	// these alone. They are those of --notify-allow-cidr, which messages name.
	AllowPrivate []netip.Prefix
	// Proxy names the proxy for an address, nil for none, as http.Transport.Proxy does; nil: no proxy is used. The proxy may have any
	// address. It resolves the names of receivers itself, so it has to refuse addresses that nobody outside may reach.
	Proxy func(*url.URL) (*url.URL, error)
	// Mail is the relay; without it a channel of type email fails.
	Mail *Relay
	// Timeout bounds an attempt in all; 0: ten seconds.
	Timeout time.Duration
}

// Relay is the SMTP server that takes all mail. It may have any address.
type Relay struct {
	// Address is host:port. Port 465 speaks TLS from the start, others STARTTLS.
	Address string
	// Plaintext sends without TLS, and then without a login, where the relay does not offer STARTTLS.
	Plaintext bool
	// CAFile holds the certificates, PEM, that the relay's is signed by; "": those of the system.
	CAFile string
	// From is the sender, for example "Kymaros <kymaros@example.org>".
	From string
	// UserFile and PasswordFile hold the login; "": none. They are read whenever a mail is sent.
	UserFile, PasswordFile string
	// Domains are those that mail may be sent to; empty: any.
	Domains []string
}

// Sender sends messages. It may be used by many goroutines, holds nothing of a message or a Secret between two calls, and never logs.
type Sender struct {
	options Options
	now     func() time.Time
}

// NewSender returns a Sender. The error names the option that is wrong.
func NewSender(o Options) (*Sender, error) {
	if o.Timeout == 0 {
		o.Timeout = 10 * time.Second
	}
	return &Sender{options: o, now: time.Now}, nil
}

// Send tries once to tell a channel, and returns when the receiver has taken the message or a *Failure says why it has not. It does not
// try again: the caller does, with the same Message. Channels of one Message may be told at once.
func (s *Sender) Send(ctx context.Context, c Channel, m Message) error {
	return &Failure{Permanent: true, text: "nobody knows channels of this type"}
}
