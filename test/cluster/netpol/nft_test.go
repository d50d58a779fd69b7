package netpol

import (
	"context"
	"strings"
	"testing"

	networkingv1 "k8s.io/api/networking/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/knftables"
)

func TestRuleSyntax(t *testing.T) {
	tests := map[string]struct {
		rule    Rule
		ingress bool
		want    string
	}{
		"everything":              {want: "return"},
		"one peer from inside":    {rule: Rule{Peers: []string{"10.0.0.1"}}, want: "ip daddr 10.0.0.1 return"},
		"one peer from outside":   {rule: Rule{Peers: []string{"10.0.0.1"}}, ingress: true, want: "ip saddr 10.0.0.1 return"},
		"many peers":              {rule: Rule{Peers: []string{"10.0.0.1", "10.0.0.2"}}, want: "ip daddr { 10.0.0.1, 10.0.0.2 } return"},
		"exceptions":              {rule: Rule{Except: []string{"10.0.0.0/8", "192.0.2.0/24"}}, want: "ip daddr != { 10.0.0.0/8, 192.0.2.0/24 } return"},
		"named port of one pod":   {rule: Rule{Self: []string{"10.0.0.1"}, Protocol: "tcp", First: 80, Last: 80}, ingress: true, want: "ip daddr 10.0.0.1 tcp dport 80 return"},
		"all ports of a protocol": {rule: Rule{Protocol: "sctp"}, want: "meta l4proto sctp return"},
		"port range":              {rule: Rule{Protocol: "udp", First: 1, Last: 9}, want: "udp dport 1-9 return"},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			if got := tc.rule.nft("ip", tc.ingress); got != tc.want {
				t.Errorf("got  %q\nwant %q", got, tc.want)
			}
		})
	}
}

func TestWriteReplacesTheWholeTable(t *testing.T) {
	nft := knftables.NewFake(knftables.IPv4Family, Table)
	run := func(rs Ruleset) {
		t.Helper()
		tx := nft.NewTransaction()
		Write(tx, rs)
		if err := nft.Run(context.Background(), tx); err != nil {
			t.Fatal(err)
		}
	}
	run(Compile(podCIDR, objects(ingress(&metav1.LabelSelector{}), networkingv1.NetworkPolicySpec{PodSelector: *app("db")})))
	dump := nft.Dump()
	for _, want := range []string{
		"add rule ip kymaros-netpol forward ip saddr 10.244.0.0/16 ip saddr != @known counter drop",
		"add rule ip kymaros-netpol forward ip daddr 10.244.0.0/16 ip daddr != @known counter drop",
		"add element ip kymaros-netpol known { " + otherWeb + " }",
		"add element ip kymaros-netpol self { " + otherWeb + " . " + otherWeb + " }",
		"add element ip kymaros-netpol ingress { " + shopWeb + " : jump ingress-",
	} {
		if !strings.Contains(dump, want) {
			t.Errorf("missing: %s", want)
		}
	}
	run(Ruleset{PodCIDR: podCIDR})
	if dump := nft.Dump(); strings.Contains(dump, "add element") || strings.Contains(dump, "chain ip kymaros-netpol ingress-") {
		t.Errorf("left from before:\n%s", dump)
	}
}

func TestRulesAreInTheOrderThatMakesThemSafe(t *testing.T) {
	nft := knftables.NewFake(knftables.IPv4Family, Table)
	tx := nft.NewTransaction()
	Write(tx, Compile(podCIDR, objects(ingress(&metav1.LabelSelector{}, from(networkingv1.NetworkPolicyPeer{NamespaceSelector: team("b")})))))
	if err := nft.Run(context.Background(), tx); err != nil {
		t.Fatal(err)
	}
	dump := nft.Dump()
	at := -1
	for _, rule := range []string{"ct state established", "saddr != @known", "daddr != @known", "@self accept", "vmap @egress", "vmap @ingress"} {
		i := strings.Index(dump, rule)
		if i <= at {
			t.Errorf("%q is missing or too early in\n%s", rule, dump)
		}
		at = i
	}
	if allow, drop := strings.Index(dump, "return"), strings.LastIndex(dump, "counter drop"); allow == -1 || drop < allow {
		t.Errorf("a chain does not end with a drop:\n%s", dump)
	}
}

func TestRulesOfIPv6(t *testing.T) {
	nft := knftables.NewFake(knftables.IPv6Family, Table)
	tx := nft.NewTransaction()
	Write(tx, Ruleset{
		PodCIDR: "fd00::/64", Known: []string{"fd00::1"}, Ingress: map[string]string{"fd00::1": "ingress-x"},
		Chains: map[string][]Rule{"ingress-x": {{Peers: []string{"fd00::2"}, Protocol: "tcp", First: 80, Last: 80}}},
	})
	if err := nft.Run(context.Background(), tx); err != nil {
		t.Fatal(err)
	}
	dump := nft.Dump()
	for _, want := range []string{
		"add set ip6 kymaros-netpol known { type ipv6_addr ; }",
		"add rule ip6 kymaros-netpol forward ip6 saddr fd00::/64 ip6 saddr != @known counter drop",
		"add rule ip6 kymaros-netpol ingress-x ip6 saddr fd00::2 tcp dport 80 return",
		"add element ip6 kymaros-netpol ingress { fd00::1 : jump ingress-x }",
	} {
		if !strings.Contains(dump, want) {
			t.Errorf("missing: %s in\n%s", want, dump)
		}
	}
}
