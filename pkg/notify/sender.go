package notify

import (
	"context"
	"crypto/tls"
	"net"
	"net/netip"
	"net/url"
	"strings"
	"time"
)

// Options are what an administrator decides for all tests.
type Options struct {
	// AllowPrivate are prefixes of private, loopback or link-local addresses that receivers may have; plain HTTP is allowed to
	// these alone. They are those of --notify-allow-cidr, which messages name.
	AllowPrivate []netip.Prefix
	// Proxy names the proxy for an address, nil for none, as http.Transport.Proxy does; nil: no proxy is used. The proxy may have any
	// address. It resolves the names of receivers itself, so it has to refuse addresses that nobody outside may reach. Plain HTTP
	// uses none.
	Proxy func(*url.URL) (*url.URL, error)
	// Relay takes mail; without it a channel of type email fails.
	Relay *Relay
	// Timeout bounds an attempt in all; 0: ten seconds.
	Timeout time.Duration
}

// Sender sends messages. It may be used by many goroutines, holds nothing of a message or a Secret between two calls, and never logs.
type Sender struct {
	options Options
	clients *clients
	relay   *relay
	now     func() time.Time
}

// NewSender returns a Sender. The error names the option that is wrong.
func NewSender(o Options) (*Sender, error) { return newSender(o, nil, nil) }

// newSender takes a resolver and certificates that are not those of the system.
func newSender(o Options, resolver *net.Resolver, trust *tls.Config) (*Sender, error) {
	if o.Timeout == 0 {
		o.Timeout = 10 * time.Second
	}
	s := &Sender{options: o, clients: newClients(o, resolver, trust), now: time.Now}
	if o.Relay != nil {
		var err error
		if s.relay, err = newRelay(*o.Relay); err != nil {
			return nil, err
		}
	}
	return s, nil
}

// Send tries once to tell a channel, and returns nil when the receiver has taken the message, else a *SendError. It does not try again:
// the caller does, with the same Message. Channels of one Message may be told at once.
func (s *Sender) Send(ctx context.Context, c Channel, m Message) error {
	ctx, cancel := context.WithTimeout(ctx, s.options.Timeout)
	defer cancel()
	var (
		r   *request
		err error
	)
	switch c.Type {
	case Slack:
		r, err = slack(&c, &m)
	case Webhook:
		r, err = webhook(&c, &m, s.now())
	case PagerDuty:
		r, err = pagerDuty(&c, &m)
	case Teams:
		r, err = teams(&c, &m)
	case Opsgenie:
		r, err = opsgenie(&c, &m)
	case Discord:
		r, err = discord(&c, &m)
	case URL:
		r, err = service(&c, &m)
	case Email:
		if s.relay == nil {
			return misconfigured("kymaros-notify has no mail relay: an administrator names one")
		}
		return s.relay.send(ctx, &c, &m, s.now(), s.options.Timeout)
	default:
		return misconfigured("there is no such type of channel: use one of %s", strings.Join(Types(), ", "))
	}
	if err != nil {
		return err
	}
	return s.do(ctx, r)
}
