package netpol

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"maps"
	"net/netip"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/util/intstr"
)

// Objects are all that the rules depend on.
type Objects struct {
	Pods       []*corev1.Pod
	Namespaces []*corev1.Namespace
	Policies   []*networkingv1.NetworkPolicy
}

// Compile turns objects into what the node whose pods are in podCIDR has to enforce in the IP family of that: what those may send and
// get. The node at the other end of a connection sees to its own.
func Compile(podCIDR string, objects Objects) Ruleset {
	w := newWorld(netip.MustParsePrefix(podCIDR), objects)
	rs := Ruleset{
		PodCIDR: podCIDR,
		Known:   slices.DeleteFunc(slices.Sorted(maps.Keys(w.owner)), func(address string) bool { return !w.onNode(address) }),
		Chains:  map[string][]Rule{},
	}
	rs.Ingress = w.isolate(rs.Chains, networkingv1.PolicyTypeIngress)
	rs.Egress = w.isolate(rs.Chains, networkingv1.PolicyTypeEgress)
	return rs
}

// world is objects, indexed.
type world struct {
	// node holds the addresses of the pods for which policies are compiled. There are no addresses but those of its IP family.
	node netip.Prefix
	// owner is the pod that has an address.
	owner map[string]*corev1.Pod
	// labels are those of a namespace.
	labels   map[string]labels.Set
	policies []*networkingv1.NetworkPolicy
}

func newWorld(node netip.Prefix, objects Objects) world {
	w := world{node: node, owner: map[string]*corev1.Pod{}, labels: map[string]labels.Set{}, policies: slices.Clone(objects.Policies)}
	for _, ns := range objects.Namespaces {
		w.labels[ns.Name] = ns.Labels
	}
	slices.SortFunc(w.policies, func(a, b *networkingv1.NetworkPolicy) int {
		return cmp.Or(cmp.Compare(a.Namespace, b.Namespace), cmp.Compare(a.Name, b.Name))
	})
	for _, pod := range objects.Pods {
		address := w.addressOf(pod)
		if address == "" {
			continue
		}
		// A pod on the host network has the node's address; an ended one has given its address back.
		if pod.Spec.HostNetwork || pod.Status.Phase == corev1.PodSucceeded || pod.Status.Phase == corev1.PodFailed {
			continue
		}
		if other := w.owner[address]; other == nil || supersedes(pod, other) {
			w.owner[address] = pod
		}
	}
	return w
}

// addressOf returns the address of a pod in the IP family, or nothing.
func (w world) addressOf(pod *corev1.Pod) string {
	for _, at := range pod.Status.PodIPs {
		if ip, err := netip.ParseAddr(at.IP); err == nil && w.inFamily(ip) {
			return at.IP
		}
	}
	return ""
}

func (w world) inFamily(ip netip.Addr) bool { return ip.Is4() == w.node.Addr().Is4() }

// onNode reports whether it is the address of a pod on the node.
func (w world) onNode(address string) bool {
	ip, err := netip.ParseAddr(address)
	return err == nil && w.node.Contains(ip)
}

// supersedes reports whether pod, rather than other, has the address that both claim: a deleted pod is
// in the API a little longer than its address is its own.
func supersedes(pod, other *corev1.Pod) bool {
	if (pod.DeletionTimestamp == nil) != (other.DeletionTimestamp == nil) {
		return pod.DeletionTimestamp == nil
	}
	if !pod.CreationTimestamp.Equal(&other.CreationTimestamp) {
		return other.CreationTimestamp.Before(&pod.CreationTimestamp)
	}
	return pod.UID > other.UID
}

// isolate returns the chain of every address of the node that policies isolate in one direction, and adds these
// chains to chains. Pods with the same policies share a chain.
func (w world) isolate(chains map[string][]Rule, direction networkingv1.PolicyType) map[string]string {
	members := map[string][]string{} // addresses by chain
	policies := map[string][]*networkingv1.NetworkPolicy{}
	chainOf := map[string]string{}
	for address, pod := range w.owner {
		selecting := w.selecting(pod, direction)
		if len(selecting) == 0 || !w.onNode(address) {
			continue
		}
		name := chainName(direction, selecting)
		policies[name] = selecting
		members[name] = append(members[name], address)
		chainOf[address] = name
	}
	for name, ps := range policies {
		slices.Sort(members[name])
		chains[name] = []Rule{}
		for _, p := range ps {
			chains[name] = append(chains[name], w.rules(p, direction, members[name])...)
		}
	}
	return chainOf
}

// selecting returns the policies that isolate pod in direction, in the order of their names.
func (w world) selecting(pod *corev1.Pod, direction networkingv1.PolicyType) []*networkingv1.NetworkPolicy {
	var all []*networkingv1.NetworkPolicy
	for _, p := range w.policies {
		if p.Namespace != pod.Namespace || !applies(p, direction) {
			continue
		}
		// A selector that cannot be read isolates too much rather than too little.
		s, err := metav1.LabelSelectorAsSelector(&p.Spec.PodSelector)
		if err != nil || s.Matches(labels.Set(pod.Labels)) {
			all = append(all, p)
		}
	}
	return all
}

// applies reports whether p isolates in direction. Without policyTypes that is ingress always, and
// egress if there are egress rules.
func applies(p *networkingv1.NetworkPolicy, direction networkingv1.PolicyType) bool {
	if len(p.Spec.PolicyTypes) > 0 {
		return slices.Contains(p.Spec.PolicyTypes, direction)
	}
	return direction == networkingv1.PolicyTypeIngress || len(p.Spec.Egress) > 0
}

// rules returns what p allows in direction for the pods with the addresses self.
func (w world) rules(p *networkingv1.NetworkPolicy, direction networkingv1.PolicyType, self []string) []Rule {
	var rules []Rule
	if direction == networkingv1.PolicyTypeIngress {
		for _, r := range p.Spec.Ingress {
			for _, peers := range w.peers(p.Namespace, r.From) {
				rules = append(rules, w.withPorts(peers, r.Ports, self, func(rule *Rule, at []string) { rule.Self = at })...)
			}
		}
		return rules
	}
	for _, r := range p.Spec.Egress {
		for _, peers := range w.peers(p.Namespace, r.To) {
			// The named ports of an egress rule are those of the pods it allows to connect to.
			to := peers.Peers
			if to == nil {
				to = slices.Sorted(maps.Keys(w.owner))
			}
			rules = append(rules, w.withPorts(peers, r.Ports, to, func(rule *Rule, at []string) { rule.Peers = at })...)
		}
	}
	return rules
}

// peers turns the from or to of a rule into Rules without ports: one for each ipBlock and one for all pods.
// No peers at all is everyone; peers that no pod matches are no one, and yield no Rule.
func (w world) peers(namespace string, from []networkingv1.NetworkPolicyPeer) []Rule {
	if len(from) == 0 {
		return []Rule{{}}
	}
	var rules []Rule
	var addresses []string
	for _, peer := range from {
		if peer.IPBlock != nil {
			if r, ok := w.block(peer.IPBlock); ok {
				rules = append(rules, r)
			}
			continue
		}
		for address, pod := range w.owner {
			if w.matches(namespace, peer, pod) {
				addresses = append(addresses, address)
			}
		}
	}
	if len(addresses) > 0 {
		slices.Sort(addresses)
		rules = append(rules, Rule{Peers: slices.Compact(addresses)})
	}
	return rules
}

// matches reports whether pod is meant by a peer of a policy in namespace.
func (w world) matches(namespace string, peer networkingv1.NetworkPolicyPeer, pod *corev1.Pod) bool {
	if peer.NamespaceSelector == nil && pod.Namespace != namespace {
		return false
	}
	if peer.NamespaceSelector != nil && !selects(peer.NamespaceSelector, w.labels[pod.Namespace]) {
		return false
	}
	return peer.PodSelector == nil || selects(peer.PodSelector, pod.Labels)
}

// selects is false for a selector that cannot be read: such a peer allows nothing.
func selects(selector *metav1.LabelSelector, set labels.Set) bool {
	s, err := metav1.LabelSelectorAsSelector(selector)
	return err == nil && s.Matches(set)
}

// block turns an ipBlock into a Rule; it is not ok when the block is of another IP family.
func (w world) block(b *networkingv1.IPBlock) (r Rule, ok bool) {
	cidr, err := netip.ParsePrefix(b.CIDR)
	if err != nil || !w.inFamily(cidr.Addr()) {
		return Rule{}, false
	}
	if cidr.Bits() > 0 {
		r.Peers = []string{cidr.Masked().String()}
	}
	var except []netip.Prefix
	for _, e := range b.Except {
		// One that cannot be read would allow too much if it were left out.
		p, err := netip.ParsePrefix(e)
		if err != nil {
			return Rule{}, false
		}
		except = append(except, p.Masked())
	}
	// nft refuses a set in which one interval contains another.
	slices.SortFunc(except, func(a, b netip.Prefix) int { return cmp.Compare(a.Bits(), b.Bits()) })
	var outer []netip.Prefix
	for _, p := range except {
		if !slices.ContainsFunc(outer, func(o netip.Prefix) bool { return o.Overlaps(p) }) {
			outer = append(outer, p)
			r.Except = append(r.Except, p.String())
		}
	}
	slices.Sort(r.Except)
	return r, true
}

// withPorts returns base once for each of ports. A named port has the number that the pods at the addresses
// servers give it; limit confines the rule to those of them that agree on a number.
func (w world) withPorts(base Rule, ports []networkingv1.NetworkPolicyPort, servers []string, limit func(*Rule, []string)) []Rule {
	if len(ports) == 0 {
		return []Rule{base}
	}
	var rules []Rule
	for _, port := range ports {
		rule := base
		protocol := corev1.ProtocolTCP
		if port.Protocol != nil {
			protocol = *port.Protocol
		}
		rule.Protocol = strings.ToLower(string(protocol))
		switch {
		case port.Port == nil:
			rules = append(rules, rule)
		case port.Port.Type == intstr.Int:
			rule.First, rule.Last = port.Port.IntVal, port.Port.IntVal
			if port.EndPort != nil {
				rule.Last = *port.EndPort
			}
			rules = append(rules, rule)
		default:
			numbers := w.named(port.Port.StrVal, protocol, servers)
			for _, number := range slices.Sorted(maps.Keys(numbers)) {
				named := rule
				named.First, named.Last = number, number
				limit(&named, numbers[number])
				rules = append(rules, named)
			}
		}
	}
	return rules
}

// named returns the addresses, among servers, of the pods with a port of that name, by its number.
// Servers may hold CIDRs: no pod is known by one, so they have no named ports.
func (w world) named(name string, protocol corev1.Protocol, servers []string) map[int32][]string {
	found := map[int32][]string{}
	for _, address := range servers {
		pod := w.owner[address]
		if pod == nil {
			continue
		}
		if number, ok := containerPort(pod, name, protocol); ok {
			found[number] = append(found[number], address)
		}
	}
	return found
}

func containerPort(pod *corev1.Pod, name string, protocol corev1.Protocol) (int32, bool) {
	// A sidecar is an init container that keeps running; its ports count.
	for _, containers := range [][]corev1.Container{pod.Spec.Containers, pod.Spec.InitContainers} {
		for _, c := range containers {
			for _, p := range c.Ports {
				if p.Name == name && cmp.Or(p.Protocol, corev1.ProtocolTCP) == protocol {
					return p.ContainerPort, true
				}
			}
		}
	}
	return 0, false
}

// chainName is the same for the same policies in the same direction.
func chainName(direction networkingv1.PolicyType, policies []*networkingv1.NetworkPolicy) string {
	hash := sha256.New()
	for _, p := range policies {
		hash.Write([]byte(p.Namespace + "/" + p.Name + "\n"))
	}
	return strings.ToLower(string(direction)) + "-" + hex.EncodeToString(hash.Sum(nil))[:16]
}
