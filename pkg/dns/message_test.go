package dns

import (
	"fmt"
	"net/netip"
	"testing"

	"golang.org/x/net/dns/dnsmessage"
)

func asked(t *testing.T, kind dnsmessage.Type, edits ...func(*dnsmessage.Message)) []byte {
	t.Helper()
	m := dnsmessage.Message{
		Header:    dnsmessage.Header{ID: 7, RecursionDesired: true},
		Questions: []dnsmessage.Question{{Name: dnsmessage.MustNewName("Db.Shop.svc."), Type: kind, Class: dnsmessage.ClassINET}},
	}
	for _, e := range edits {
		e(&m)
	}
	packed, err := m.Pack()
	if err != nil {
		t.Fatal(err)
	}
	return packed
}

func extended(size int) func(*dnsmessage.Message) {
	return func(m *dnsmessage.Message) {
		var h dnsmessage.ResourceHeader
		if err := h.SetEDNS0(size, 0, false); err != nil {
			panic(err)
		}
		m.Additionals = append(m.Additionals, dnsmessage.Resource{Header: h, Body: &dnsmessage.OPTResource{}})
	}
}

func TestRead(t *testing.T) {
	for name, c := range map[string]struct {
		message []byte
		rcode   dnsmessage.RCode
		size    int
		none    bool
	}{
		"a plain query":                            {message: asked(t, dnsmessage.TypeA), size: 512},
		"a client that takes more":                 {message: asked(t, dnsmessage.TypeA, extended(800)), size: 800},
		"a client that takes more than is safe":    {message: asked(t, dnsmessage.TypeA, extended(4096)), size: 1232},
		"a client that takes less than all must":   {message: asked(t, dnsmessage.TypeA, extended(10)), size: 512},
		"an answer gets none":                      {message: asked(t, dnsmessage.TypeA, func(m *dnsmessage.Message) { m.Response = true }), none: true},
		"noise gets none":                          {message: []byte("x"), none: true},
		"an update is not for us":                  {message: asked(t, dnsmessage.TypeA, func(m *dnsmessage.Message) { m.OpCode = 5 }), rcode: dnsmessage.RCodeNotImplemented, size: 512},
		"no question":                              {message: asked(t, dnsmessage.TypeA, func(m *dnsmessage.Message) { m.Questions = nil }), rcode: dnsmessage.RCodeFormatError, size: 512},
		"two questions":                            {message: asked(t, dnsmessage.TypeA, func(m *dnsmessage.Message) { m.Questions = append(m.Questions, m.Questions[0]) }), rcode: dnsmessage.RCodeFormatError, size: 512},
		"a query that ends in the midst of a name": {message: asked(t, dnsmessage.TypeA)[:16], rcode: dnsmessage.RCodeFormatError, size: 512},
		"a query that ends in the midst of EDNS":   {message: asked(t, dnsmessage.TypeA, extended(800))[:36], rcode: dnsmessage.RCodeFormatError, size: 512},
	} {
		t.Run(name, func(t *testing.T) {
			q, ok := read(c.message)
			if ok == c.none {
				t.Fatalf("deserves an answer: %v", ok)
			}
			if !c.none && (q.rcode != c.rcode || q.size != c.size || q.id != 7 || !q.recursion) {
				t.Errorf("got %+v, want rcode %v and size %d", q, c.rcode, c.size)
			}
		})
	}
}

func TestReply(t *testing.T) {
	two := answer{exists: true, addresses: parse([]string{"10.0.0.1", "fd00::1"}), ports: []port{{80, "web.shop.svc.cluster.local."}}}
	var many answer
	for i := range 100 {
		many.addresses = append(many.addresses, netip.AddrFrom4([4]byte{10, 0, 0, byte(i)}))
	}
	for name, c := range map[string]struct {
		kind      dnsmessage.Type
		answer    answer
		answers   string
		truncated bool
	}{
		"the addresses of one family":      {dnsmessage.TypeA, two, "[10.0.0.1]", false},
		"those of the other":               {dnsmessage.TypeAAAA, two, "[fd00::1]", false},
		"ports":                            {dnsmessage.TypeSRV, two, "[web.shop.svc.cluster.local.:80]", false},
		"nothing of another kind":          {dnsmessage.TypeMX, two, "[]", false},
		"what does not fit is for TCP":     {dnsmessage.TypeA, many, "", true},
		"many addresses are none of IPv6s": {dnsmessage.TypeAAAA, many, "[]", false},
	} {
		t.Run(name, func(t *testing.T) {
			q, _ := read(asked(t, c.kind, extended(512)))
			packed, err := reply(q, c.answer, dnsmessage.RCodeSuccess, q.size)
			if err != nil || len(packed) > q.size {
				t.Fatalf("%d bytes of %d, %v", len(packed), q.size, err)
			}
			var m dnsmessage.Message
			if err := m.Unpack(packed); err != nil {
				t.Fatal(err)
			}
			if m.ID != 7 || !m.Response || !m.Authoritative || !m.RecursionDesired || m.RecursionAvailable || m.Truncated != c.truncated || len(m.Additionals) != 1 {
				t.Errorf("header %+v, additionals %v", m.Header, m.Additionals)
			}
			if len(m.Questions) != 1 || m.Questions[0].Name.String() != "Db.Shop.svc." {
				t.Errorf("questions %v, want the name as it was written", m.Questions)
			}
			got := []string{}
			for _, a := range m.Answers {
				if a.Header.TTL != ttl || a.Header.Name != m.Questions[0].Name {
					t.Errorf("header %+v", a.Header)
				}
				switch b := a.Body.(type) {
				case *dnsmessage.AResource:
					got = append(got, netip.AddrFrom4(b.A).String())
				case *dnsmessage.AAAAResource:
					got = append(got, netip.AddrFrom16(b.AAAA).String())
				case *dnsmessage.SRVResource:
					got = append(got, fmt.Sprintf("%s:%d", b.Target, b.Port))
				}
			}
			if c.truncated && len(got) == 0 {
				t.Error("no address at all for a client without TCP")
			}
			if !c.truncated && fmt.Sprint(got) != c.answers {
				t.Errorf("answers %v, want %s", got, c.answers)
			}
		})
	}
}

func FuzzRead(f *testing.F) {
	f.Add([]byte("x"))
	f.Fuzz(func(t *testing.T, message []byte) {
		q, ok := read(message)
		if !ok {
			return
		}
		if _, err := reply(q, answer{}, q.rcode, q.size); err != nil {
			t.Errorf("no reply to what was read: %v", err)
		}
		_ = scope{}.resolve(q.question.Name.String(), "cluster.local")
	})
}
