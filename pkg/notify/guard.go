package notify

import (
	"errors"
	"net/netip"
	"slices"
	"syscall"
)

var (
	errPrivate   = errors.New("the address is not public")
	errPlaintext = errors.New("the address is not one that plain HTTP is allowed to")
)

// special are the addresses among those of the Internet that lead elsewhere, by the registries of IANA for special purposes, and what
// clouds have put among them. All of IPv6 but 2000::/3 is special.
var special = prefixes(
	"0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12", "192.0.0.0/24", "192.0.2.0/24",
	"192.88.99.0/24", "192.168.0.0/16", "198.18.0.0/15", "198.51.100.0/24", "203.0.113.0/24", "224.0.0.0/4", "240.0.0.0/4",
	"168.63.129.16/32", // Azure's host agent, which gives configuration to whoever asks from a machine
	"2001::/23", "2001:db8::/32", "3fff::/20",
)

var (
	global     = netip.MustParsePrefix("2000::/3")
	nat64      = netip.MustParsePrefix("64:ff9b::/96")
	sixToFour  = netip.MustParsePrefix("2002::/16")
	compatible = netip.MustParsePrefix("::/96")
)

func prefixes(all ...string) []netip.Prefix {
	parsed := make([]netip.Prefix, 0, len(all))
	for _, p := range all {
		parsed = append(parsed, netip.MustParsePrefix(p))
	}
	return parsed
}

// guard says which addresses may be connected to.
type guard struct {
	allowed []netip.Prefix
	// allowedOnly refuses public addresses too.
	allowedOnly bool
}

// control is that of a net.Dialer, which calls it with what a name resolved to: nobody resolves it again before the connection is made.
func (g guard) control(_, address string, _ syscall.RawConn) error {
	ap, err := netip.ParseAddrPort(address)
	if err != nil {
		return errPrivate
	}
	return g.check(ap.Addr())
}

func (g guard) check(a netip.Addr) error {
	a = reached(a)
	in := func(p netip.Prefix) bool { return p.Contains(a) }
	switch {
	case slices.ContainsFunc(g.allowed, in):
		return nil
	case g.allowedOnly:
		return errPlaintext
	case a.Is6() && !global.Contains(a), slices.ContainsFunc(special, in):
		return errPrivate
	}
	return nil
}

// reached returns the IPv4 address that an IPv6 address leads to, if it is of a kind that does.
func reached(a netip.Addr) netip.Addr {
	a = a.Unmap().WithZone("")
	b := a.As16()
	switch {
	case a.Is4():
	case nat64.Contains(a), compatible.Contains(a) && a != netip.IPv6Loopback():
		return netip.AddrFrom4([4]byte(b[12:]))
	case sixToFour.Contains(a):
		return netip.AddrFrom4([4]byte(b[2:6]))
	}
	return a
}
