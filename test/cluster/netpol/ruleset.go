// Package netpol enforces networking.k8s.io/v1 NetworkPolicies on the nodes of a test cluster, on each for its own pods.
//
// None of the usual network plugins can be built from a Go module alone, and a test of isolation that
// nothing enforces proves nothing. This one is for tests: only traffic that the node
// forwards (pod to pod, also by way of a Service). Traffic between a pod and the node itself,
// such as probes and port-forward, is never filtered.
//
// policy.go decides (objects to Ruleset), nft.go writes (Ruleset to nftables), agent.go watches.
package netpol

import "strings"

// Ruleset is what the node enforces in one IP family. All slices are sorted and all names derive from the content, so
// that equal inputs give equal Rulesets.
type Ruleset struct {
	// PodCIDR holds the addresses of all pods of the node. Traffic of an address in it that is not in Known is dropped:
	// a pod can send before the API knows its address, and must not be free until then.
	PodCIDR string
	// Known are the addresses of those that the API knows.
	Known []string
	// Ingress and Egress name the chain that decides about new connections to or from an
	// isolated pod's address. A pod that no policy isolates is not in them.
	Ingress, Egress map[string]string
	// Chains are lists of what is allowed, by name. What no rule allows is dropped.
	Chains map[string][]Rule
}

// protocol is how nftables calls the IP family.
func (rs Ruleset) protocol() string {
	if strings.Contains(rs.PodCIDR, ":") {
		return "ip6"
	}
	return "ip"
}

// Rule allows the connections that match all of its fields.
type Rule struct {
	// Peers are addresses or one CIDR of the other side; none means any.
	Peers []string
	// Except are CIDRs of the other side that do not match.
	Except []string
	// Self are the addresses of this side to which the rule is limited, because the named port it is
	// about has that number only there; none means any.
	Self []string
	// Protocol is "tcp", "udp", "sctp", or empty for any.
	Protocol string
	// First and Last are the range of destination ports; 0 means any.
	First, Last int32
}
