package netpol

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"sigs.k8s.io/knftables"
)

// Table is the name of the nftables tables that hold all rules, one in each IP family.
const Table = "kymaros-netpol"

// Write adds to tx what replaces the whole table by rs. nftables applies a transaction at once and
// completely: no packet meets half of it.
func Write(tx *knftables.Transaction, rs Ruleset) {
	tx.Add(&knftables.Table{})
	tx.Delete(&knftables.Table{})
	tx.Add(&knftables.Table{})

	ip := rs.protocol()
	address := map[string]string{"ip": "ipv4_addr", "ip6": "ipv6_addr"}[ip]
	// Chains first: the maps refer to them.
	for _, name := range slices.Sorted(maps.Keys(rs.Chains)) {
		tx.Add(&knftables.Chain{Name: name})
		for _, r := range rs.Chains[name] {
			tx.Add(&knftables.Rule{Chain: name, Rule: r.nft(ip, strings.HasPrefix(name, "ingress"))})
		}
		tx.Add(&knftables.Rule{Chain: name, Rule: "counter drop"})
	}
	tx.Add(&knftables.Set{Name: "known", Type: address})
	tx.Add(&knftables.Set{Name: "self", Type: address + " . " + address})
	for _, known := range rs.Known {
		tx.Add(&knftables.Element{Set: "known", Key: []string{known}})
		tx.Add(&knftables.Element{Set: "self", Key: []string{known, known}})
	}
	for name, chains := range map[string]map[string]string{"ingress": rs.Ingress, "egress": rs.Egress} {
		tx.Add(&knftables.Map{Name: name, Type: address + " : verdict"})
		for _, isolated := range slices.Sorted(maps.Keys(chains)) {
			tx.Add(&knftables.Element{Map: name, Key: []string{isolated}, Value: []string{"jump " + chains[isolated]}})
		}
	}

	tx.Add(&knftables.Chain{
		Name:     "forward",
		Type:     knftables.PtrTo(knftables.FilterType),
		Hook:     knftables.PtrTo(knftables.ForwardHook),
		Priority: knftables.PtrTo(knftables.FilterPriority),
	})
	for _, rule := range []string{
		// Replies to what was allowed are allowed. So is what was open before a policy came.
		"ct state established,related accept",
		ip + " saddr " + rs.PodCIDR + " " + ip + " saddr != @known counter drop",
		ip + " daddr " + rs.PodCIDR + " " + ip + " daddr != @known counter drop",
		// No policy keeps a pod from itself, which it reaches through here by way of a Service.
		ip + " saddr . " + ip + " daddr @self accept",
		// A chain returns what it allows and drops the rest: both sides have to agree.
		ip + " saddr vmap @egress",
		ip + " daddr vmap @ingress",
	} {
		tx.Add(&knftables.Rule{Chain: "forward", Rule: rule})
	}
}

// nft is r in nftables syntax, as part of an ingress or an egress chain. ip is how nftables calls the IP family.
func (r Rule) nft(ip string, ingress bool) string {
	peer, self := ip+" daddr", ip+" saddr"
	if ingress {
		peer, self = self, peer
	}
	var match []string
	if len(r.Peers) > 0 {
		match = append(match, peer+" "+set(r.Peers))
	}
	if len(r.Except) > 0 {
		match = append(match, peer+" != "+set(r.Except))
	}
	if len(r.Self) > 0 {
		match = append(match, self+" "+set(r.Self))
	}
	switch {
	case r.First != r.Last:
		match = append(match, fmt.Sprintf("%s dport %d-%d", r.Protocol, r.First, r.Last))
	case r.First != 0:
		match = append(match, fmt.Sprintf("%s dport %d", r.Protocol, r.First))
	case r.Protocol != "":
		match = append(match, "meta l4proto "+r.Protocol)
	}
	return strings.Join(append(match, "return"), " ")
}

// set is an anonymous nftables set.
func set(elements []string) string {
	if len(elements) == 1 {
		return elements[0]
	}
	return "{ " + strings.Join(elements, ", ") + " }"
}
