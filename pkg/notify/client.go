package notify

import (
	"crypto/tls"
	"net"
	"net/http"
	"net/netip"
	"net/url"
)

// clients are the three ways to a receiver.
type clients struct {
	direct, plain, proxied *http.Client

	guard guard
	proxy func(*url.URL) (*url.URL, error)
}

// newClients returns them; resolver and trust are nil for those of the system.
func newClients(o Options, resolver *net.Resolver, trust *tls.Config) *clients {
	client := func(dialer *net.Dialer, proxy func(*http.Request) (*url.URL, error)) *http.Client {
		dialer.Timeout, dialer.KeepAlive, dialer.Resolver = o.Timeout, -1, resolver
		tlsConfig := trust.Clone()
		if tlsConfig == nil {
			tlsConfig = &tls.Config{}
		}
		tlsConfig.MinVersion = tls.VersionTLS12
		return &http.Client{
			Transport: &http.Transport{
				DialContext: dialer.DialContext, Proxy: proxy, TLSClientConfig: tlsConfig, TLSHandshakeTimeout: o.Timeout,
				DisableCompression: true, MaxResponseHeaderBytes: 64 << 10,
				// A kept connection would lead where its name pointed before, and be retried when it breaks.
				DisableKeepAlives: true,
			},
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		}
	}
	public := guard{allowed: o.AllowPrivate}
	c := &clients{
		direct: client(&net.Dialer{Control: public.control}, nil),
		plain:  client(&net.Dialer{Control: guard{allowed: o.AllowPrivate, allowedOnly: true}.control}, nil),
		guard:  public,
		proxy:  o.Proxy,
	}
	if o.Proxy != nil {
		c.proxied = client(&net.Dialer{}, func(r *http.Request) (*url.URL, error) { return o.Proxy(r.URL) })
	}
	return c
}

// of returns the client for an address.
func (c *clients) of(u *url.URL) (*http.Client, error) {
	if u.Scheme != "https" {
		return c.plain, nil
	}
	if c.proxy == nil {
		return c.direct, nil
	}
	proxy, err := c.proxy(u)
	if err != nil || proxy == nil {
		return c.direct, err
	}
	if a, err := netip.ParseAddr(u.Hostname()); err == nil {
		if err := c.guard.check(a); err != nil {
			return nil, err
		}
	}
	return c.proxied, nil
}
