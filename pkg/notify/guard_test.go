package notify

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"sync/atomic"
	"testing"

	"golang.org/x/net/dns/dnsmessage"
)

func TestOnlyPublicAddressesAreReached(t *testing.T) {
	allowed := prefixes("10.1.0.0/16", "fd00:1::/64")
	for address, want := range map[string]error{
		"1.1.1.1": nil, "172.15.0.1": nil, "172.32.0.1": nil, "100.128.0.1": nil, "192.0.1.1": nil, "2606:4700::1111": nil, "::ffff:1.1.1.1": nil,
		"64:ff9b::101:101": nil, "2002:101:101::1": nil, "198.17.0.1": nil, "198.20.0.1": nil, "223.255.255.255": nil, "2001:200::1": nil, "3fff:1000::1": nil,

		"127.0.0.1": errPrivate, "127.8.8.8": errPrivate, "0.0.0.0": errPrivate, "10.0.0.1": errPrivate, "172.16.0.1": errPrivate, "172.31.255.255": errPrivate,
		"192.168.1.1": errPrivate, "169.254.169.254": errPrivate, "100.64.0.1": errPrivate, "100.100.100.200": errPrivate, "192.0.0.192": errPrivate,
		"168.63.129.16": errPrivate, "224.0.0.1": errPrivate, "239.1.1.1": errPrivate, "255.255.255.255": errPrivate, "240.0.0.1": errPrivate,
		"192.0.2.1": errPrivate, "198.18.0.1": errPrivate, "198.19.255.255": errPrivate, "192.88.99.1": errPrivate, "198.51.100.1": errPrivate, "203.0.113.1": errPrivate,
		"100.127.255.255": errPrivate, "0.1.2.3": errPrivate, "10.255.255.255": errPrivate, "2001:1ff::1": errPrivate,
		"::1": errPrivate, "::": errPrivate, "fe80::1": errPrivate, "fe80::1%eth0": errPrivate, "fc00::1": errPrivate, "fd00:ec2::254": errPrivate, "ff02::1": errPrivate,
		"fec0::1": errPrivate, "2001:db8::1": errPrivate, "2001::1": errPrivate, "3fff::1": errPrivate, "5f00::1": errPrivate,
		"::ffff:127.0.0.1": errPrivate, "::ffff:10.0.0.1": errPrivate, "::ffff:169.254.169.254": errPrivate, "::127.0.0.1": errPrivate, "::a00:1": errPrivate,
		"64:ff9b::7f00:1": errPrivate, "64:ff9b::a9fe:a9fe": errPrivate, "64:ff9b:1::1": errPrivate, "2002:7f00:1::1": errPrivate, "2002:a00:1::": errPrivate,

		"10.1.2.3": nil, "::ffff:10.1.2.3": nil, "64:ff9b::a01:203": nil, "fd00:1::5": nil, "10.2.0.1": errPrivate, "fd00:2::5": errPrivate,
	} {
		if err := (guard{allowed: allowed}).check(netip.MustParseAddr(address)); !errors.Is(err, want) {
			t.Errorf("%s: got %v, want %v", address, err, want)
		}
	}
	for address, want := range map[string]error{"1.1.1.1": errPlaintext, "10.0.0.1": errPlaintext, "10.1.2.3": nil} {
		if err := (guard{allowed: allowed, allowedOnly: true}).check(netip.MustParseAddr(address)); !errors.Is(err, want) {
			t.Errorf("plain HTTP to %s: got %v, want %v", address, err, want)
		}
	}
}

// resolve is a DNS server that gives each question for an IPv4 address the next answer, false: there is no such name.
func resolve(next func() (netip.Addr, bool)) *net.Resolver {
	answer := func(question []byte) []byte {
		var q dnsmessage.Message
		if err := q.Unpack(question); err != nil {
			return nil
		}
		q.Response = true
		q.Additionals = nil
		if q.Questions[0].Type == dnsmessage.TypeA {
			if address, ok := next(); ok {
				q.Answers = []dnsmessage.Resource{{
					Header: dnsmessage.ResourceHeader{Name: q.Questions[0].Name, Class: dnsmessage.ClassINET},
					Body:   &dnsmessage.AResource{A: address.As4()},
				}}
			} else {
				q.RCode = dnsmessage.RCodeNameError
			}
		}
		packed, _ := q.Pack()
		return packed
	}
	return &net.Resolver{PreferGo: true, Dial: func(context.Context, string, string) (net.Conn, error) {
		ours, theirs := net.Pipe()
		go func() {
			defer func() { _ = theirs.Close() }()
			// A pipe is no packet connection, so the resolver speaks as over TCP.
			var size [2]byte
			for {
				if _, err := io.ReadFull(theirs, size[:]); err != nil {
					return
				}
				question := make([]byte, int(size[0])<<8|int(size[1]))
				if _, err := io.ReadFull(theirs, question); err != nil {
					return
				}
				a := answer(question)
				if _, err := theirs.Write(append([]byte{byte(len(a) >> 8), byte(len(a))}, a...)); err != nil {
					return
				}
			}
		}()
		return ours, nil
	}}
}

func TestANameThatIsBoundAnewLeadsNowhere(t *testing.T) {
	var asked, looked atomic.Int32
	private := httptest.NewTLSServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { asked.Add(1) }))
	defer private.Close()
	_, port, err := net.SplitHostPort(private.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	// The name is public while somebody looks, and leads to the machine itself when it is used.
	resolver := resolve(func() (netip.Addr, bool) {
		if looked.Add(1) == 1 {
			return netip.MustParseAddr("1.1.1.1"), true
		}
		return netip.MustParseAddr("127.0.0.1"), true
	})
	if found, err := resolver.LookupNetIP(t.Context(), "ip4", "rebind.example.org."); err != nil || found[0].String() != "1.1.1.1" {
		t.Fatalf("got %v %v", found, err)
	}
	s, err := newSender(Options{}, resolver, nil)
	if err != nil {
		t.Fatal(err)
	}
	want := SendError{Permanent: true, text: "the address of the receiver is private, loopback or link-local: an administrator may allow it by --notify-allow-cidr"}
	for _, address := range []string{
		"https://rebind.example.org.:" + port, private.URL, "https://localhost:" + port, "https://[::ffff:127.0.0.1]:" + port, "https://0.0.0.0:" + port,
	} {
		if f := failure(t, s, channel(Webhook, address), message()); *f != want {
			t.Errorf("%s: got %+v", address, *f)
		}
	}
	if n := asked.Load(); n > 0 {
		t.Errorf("the private server was asked %d times", n)
	}
}

func TestPlainHTTPIsSpokenOnlyToAllowedAddresses(t *testing.T) {
	r := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	defer r.Close()
	if err := newTestSender(t, Options{}, nil).Send(t.Context(), channel(Webhook, r.URL), message()); err != nil {
		t.Errorf("to an allowed address: %v", err)
	}
	s := newTestSender(t, Options{AllowPrivate: prefixes("10.0.0.0/8")}, nil)
	want := "the receiver is to be reached by plain http:// at an address that --notify-allow-cidr does not allow: use https://"
	for _, address := range []string{r.URL, "http://1.1.1.1"} {
		if f := failure(t, s, channel(Webhook, address), message()); f.Error() != want || !f.Permanent {
			t.Errorf("to %s: %+v", address, f)
		}
	}
}

func TestAProxyIsUsedOnlyIfAnAdministratorNamesIt(t *testing.T) {
	connected := make(chan string, 10)
	proxy := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		connected <- r.Method + " " + r.Host
		w.WriteHeader(http.StatusBadGateway)
	}))
	defer proxy.Close()
	address, err := url.Parse(proxy.URL)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []*http.Client{newTestSender(t, Options{}, nil).clients.direct, newTestSender(t, Options{}, nil).clients.plain} {
		if c.Transport.(*http.Transport).Proxy != nil {
			t.Error("the environment may name a proxy")
		}
	}
	named := func(*url.URL) (*url.URL, error) { return address, nil }
	none := func(*url.URL) (*url.URL, error) { return nil, nil }
	for what, test := range map[string]struct {
		proxy     func(*url.URL) (*url.URL, error)
		url, want string
		connects  bool
	}{
		"no administrator does":                 {nil, "https://kymaros.invalid", "the name of the receiver does not resolve", false},
		"an administrator does":                 {named, "https://kymaros.invalid", "the exchange with the receiver failed", true},
		"an administrator does, but not for it": {none, "https://kymaros.invalid", "the name of the receiver does not resolve", false},
		"a private address is asked for by it":  {named, "https://169.254.169.254", "the address of the receiver is private, loopback or link-local: an administrator may allow it by --notify-allow-cidr", false},
	} {
		s := newTestSender(t, Options{Proxy: test.proxy, AllowPrivate: prefixes("10.0.0.0/8")}, nil)
		if f := failure(t, s, channel(Webhook, test.url), message()); f.Error() != test.want {
			t.Errorf("%s: got %q, want %q", what, f, test.want)
		}
		select {
		case got := <-connected:
			if !test.connects || got != "CONNECT kymaros.invalid:443" {
				t.Errorf("%s: the proxy was asked to %s", what, got)
			}
		default:
			if test.connects {
				t.Errorf("%s: the proxy was not asked", what)
			}
		}
	}
}
