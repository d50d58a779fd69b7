package netpol

import (
	"net/netip"
	"reflect"
	"slices"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/intstr"
)

const podCIDR = "10.244.0.0/16"

// allows is what the node does with the first packet of a connection under rs.
func (rs Ruleset) allows(src, dst, protocol string, port int32) bool {
	for _, address := range []string{src, dst} {
		if inside(podCIDR, address) && !slices.Contains(rs.Known, address) {
			return false
		}
	}
	if chain, ok := rs.Egress[src]; ok && !chainAllows(rs.Chains[chain], dst, src, protocol, port) {
		return false
	}
	if chain, ok := rs.Ingress[dst]; ok && !chainAllows(rs.Chains[chain], src, dst, protocol, port) {
		return false
	}
	return true
}

func chainAllows(rules []Rule, peer, self, protocol string, port int32) bool {
	return slices.ContainsFunc(rules, func(r Rule) bool {
		in := func(set []string, address string) bool {
			return slices.ContainsFunc(set, func(s string) bool { return s == address || inside(s, address) })
		}
		return (len(r.Peers) == 0 || in(r.Peers, peer)) && !in(r.Except, peer) && (len(r.Self) == 0 || in(r.Self, self)) &&
			(r.Protocol == "" || r.Protocol == protocol) && (r.First == 0 || r.First <= port && port <= r.Last)
	})
}

func inside(cidr, address string) bool {
	p, err := netip.ParsePrefix(cidr)
	return err == nil && p.Contains(netip.MustParseAddr(address))
}

// The pods of all tests. "web" listens on a port named http whose number is not the same in each.
const (
	shopWeb   = "10.244.0.1" // namespace shop, app=web, http=8080
	shopWeb2  = "10.244.0.2" // namespace shop, app=web, http=9090
	shopDB    = "10.244.0.3" // namespace shop, app=db
	otherWeb  = "10.244.0.4" // namespace other, app=web, http=8080
	stranger  = "10.244.0.9" // no pod
	elsewhere = "192.0.2.7"  // not a pod's address
)

func pod(namespace, name, address, app string, http int32) *corev1.Pod {
	p := &corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: name, UID: types.UID(namespace + name), Labels: map[string]string{"app": app}},
		Status:     corev1.PodStatus{PodIPs: []corev1.PodIP{{IP: address}}, Phase: corev1.PodRunning},
	}
	if http != 0 {
		p.Spec.Containers = []corev1.Container{{Ports: []corev1.ContainerPort{{Name: "http", ContainerPort: http}}}}
	}
	return p
}

func objects(policies ...networkingv1.NetworkPolicySpec) Objects {
	o := Objects{
		Pods: []*corev1.Pod{
			pod("shop", "web", shopWeb, "web", 8080), pod("shop", "web2", shopWeb2, "web", 9090),
			pod("shop", "db", shopDB, "db", 0), pod("other", "web", otherWeb, "web", 8080),
		},
		Namespaces: []*corev1.Namespace{
			{ObjectMeta: metav1.ObjectMeta{Name: "shop", Labels: map[string]string{"team": "a"}}},
			{ObjectMeta: metav1.ObjectMeta{Name: "other", Labels: map[string]string{"team": "b"}}},
		},
	}
	for i, spec := range policies {
		o.Policies = append(o.Policies, &networkingv1.NetworkPolicy{
			ObjectMeta: metav1.ObjectMeta{Namespace: "shop", Name: string(rune('a' + i))}, Spec: spec})
	}
	return o
}

func app(names ...string) *metav1.LabelSelector {
	return &metav1.LabelSelector{MatchExpressions: []metav1.LabelSelectorRequirement{{Key: "app", Operator: metav1.LabelSelectorOpIn, Values: names}}}
}

func team(name string) *metav1.LabelSelector {
	return &metav1.LabelSelector{MatchLabels: map[string]string{"team": name}}
}

func port(protocol corev1.Protocol, p intstr.IntOrString, end int32) networkingv1.NetworkPolicyPort {
	np := networkingv1.NetworkPolicyPort{Protocol: &protocol, Port: &p}
	if end != 0 {
		np.EndPort = &end
	}
	return np
}

// ingress is a policy for the pods of the apps, egress likewise.
func ingress(subject *metav1.LabelSelector, rules ...networkingv1.NetworkPolicyIngressRule) networkingv1.NetworkPolicySpec {
	return networkingv1.NetworkPolicySpec{PodSelector: *subject, Ingress: rules, PolicyTypes: []networkingv1.PolicyType{networkingv1.PolicyTypeIngress}}
}

func egress(subject *metav1.LabelSelector, rules ...networkingv1.NetworkPolicyEgressRule) networkingv1.NetworkPolicySpec {
	return networkingv1.NetworkPolicySpec{PodSelector: *subject, Egress: rules, PolicyTypes: []networkingv1.PolicyType{networkingv1.PolicyTypeEgress}}
}

func from(peers ...networkingv1.NetworkPolicyPeer) networkingv1.NetworkPolicyIngressRule {
	return networkingv1.NetworkPolicyIngressRule{From: peers}
}

func to(peers ...networkingv1.NetworkPolicyPeer) networkingv1.NetworkPolicyEgressRule {
	return networkingv1.NetworkPolicyEgressRule{To: peers}
}

func TestPolicies(t *testing.T) {
	everyone := &metav1.LabelSelector{}
	type packet struct {
		src, dst, protocol string
		port               int32
	}
	http := func(src, dst string) packet { return packet{src, dst, "tcp", 8080} }

	tests := map[string]struct {
		policies        []networkingv1.NetworkPolicySpec
		allowed, denied []packet
	}{
		"without policies known pods talk freely and unknown ones not at all": {
			allowed: []packet{http(shopWeb, otherWeb), http(shopWeb, elsewhere), http(elsewhere, shopWeb)},
			denied:  []packet{http(stranger, shopWeb), http(shopWeb, stranger), http(stranger, elsewhere)},
		},
		"deny all ingress leaves egress and other namespaces alone": {
			policies: []networkingv1.NetworkPolicySpec{ingress(everyone)},
			allowed:  []packet{http(shopWeb, otherWeb), http(shopWeb, elsewhere)},
			denied:   []packet{http(otherWeb, shopWeb), http(shopWeb, shopDB), http(elsewhere, shopWeb)},
		},
		"deny all egress leaves ingress alone": {
			policies: []networkingv1.NetworkPolicySpec{egress(everyone)},
			allowed:  []packet{http(otherWeb, shopWeb)},
			denied:   []packet{http(shopWeb, otherWeb), http(shopWeb, shopDB), http(shopWeb, elsewhere)},
		},
		"an empty rule allows everyone": {
			policies: []networkingv1.NetworkPolicySpec{ingress(everyone, networkingv1.NetworkPolicyIngressRule{})},
			allowed:  []packet{http(otherWeb, shopWeb), http(elsewhere, shopWeb), {otherWeb, shopWeb, "udp", 53}},
			denied:   []packet{http(stranger, shopWeb)},
		},
		"without policyTypes ingress is always isolated": {
			policies: []networkingv1.NetworkPolicySpec{{PodSelector: *everyone}},
			allowed:  []packet{http(shopWeb, otherWeb)},
			denied:   []packet{http(otherWeb, shopWeb)},
		},
		"without policyTypes egress is isolated when there are egress rules": {
			policies: []networkingv1.NetworkPolicySpec{{PodSelector: *everyone, Egress: []networkingv1.NetworkPolicyEgressRule{to(networkingv1.NetworkPolicyPeer{PodSelector: app("db")})}}},
			denied:   []packet{http(shopWeb, otherWeb), http(otherWeb, shopWeb)},
		},
		"a policy is about the pods it selects and no others": {
			policies: []networkingv1.NetworkPolicySpec{ingress(app("db"))},
			allowed:  []packet{http(otherWeb, shopWeb)},
			denied:   []packet{http(shopWeb, shopDB)},
		},
		"a pod selector alone means pods of the policy's namespace": {
			policies: []networkingv1.NetworkPolicySpec{ingress(app("db"), from(networkingv1.NetworkPolicyPeer{PodSelector: app("web")}))},
			allowed:  []packet{http(shopWeb, shopDB)},
			denied:   []packet{http(otherWeb, shopDB), http(elsewhere, shopDB)},
		},
		"a namespace selector alone means all pods of the namespaces": {
			policies: []networkingv1.NetworkPolicySpec{ingress(app("db"), from(networkingv1.NetworkPolicyPeer{NamespaceSelector: team("b")}))},
			allowed:  []packet{http(otherWeb, shopDB)},
			denied:   []packet{http(shopWeb, shopDB)},
		},
		"both selectors in one peer must match": {
			policies: []networkingv1.NetworkPolicySpec{ingress(app("db"), from(networkingv1.NetworkPolicyPeer{NamespaceSelector: team("b"), PodSelector: app("db")}))},
			denied:   []packet{http(otherWeb, shopDB), http(shopWeb, shopDB)},
		},
		"two peers are alternatives": {
			policies: []networkingv1.NetworkPolicySpec{ingress(app("db"), from(
				networkingv1.NetworkPolicyPeer{NamespaceSelector: team("b")}, networkingv1.NetworkPolicyPeer{PodSelector: app("web")}))},
			allowed: []packet{http(otherWeb, shopDB), http(shopWeb, shopDB)},
			denied:  []packet{http(elsewhere, shopDB)},
		},
		"NotIn and DoesNotExist count as selectors": {
			policies: []networkingv1.NetworkPolicySpec{ingress(&metav1.LabelSelector{MatchExpressions: []metav1.LabelSelectorRequirement{
				{Key: "app", Operator: metav1.LabelSelectorOpNotIn, Values: []string{"web"}}, {Key: "public", Operator: metav1.LabelSelectorOpDoesNotExist}}})},
			allowed: []packet{http(otherWeb, shopWeb)},
			denied:  []packet{http(otherWeb, shopDB)},
		},
		"peers that match no pod allow no one": {
			policies: []networkingv1.NetworkPolicySpec{ingress(everyone, from(networkingv1.NetworkPolicyPeer{PodSelector: app("nothing")}))},
			denied:   []packet{http(shopWeb, shopDB), http(elsewhere, shopDB)},
		},
		"policies add up": {
			policies: []networkingv1.NetworkPolicySpec{ingress(everyone), ingress(app("db"), from(networkingv1.NetworkPolicyPeer{PodSelector: app("web")}))},
			allowed:  []packet{http(shopWeb, shopDB)},
			denied:   []packet{http(otherWeb, shopDB), http(shopDB, shopWeb)},
		},
		"both sides have to allow a connection": {
			policies: []networkingv1.NetworkPolicySpec{egress(app("web")), ingress(app("db"), networkingv1.NetworkPolicyIngressRule{})},
			allowed:  []packet{http(otherWeb, shopDB)},
			denied:   []packet{http(shopWeb, shopDB)},
		},
		"an ipBlock excludes its exceptions, also when these overlap": {
			policies: []networkingv1.NetworkPolicySpec{egress(app("web"), to(networkingv1.NetworkPolicyPeer{
				IPBlock: &networkingv1.IPBlock{CIDR: "0.0.0.0/0", Except: []string{"10.244.0.3/32", "10.244.0.0/30"}}}))},
			allowed: []packet{http(shopWeb, elsewhere), http(shopWeb, otherWeb)},
			denied:  []packet{http(shopWeb, shopDB), http(shopWeb, shopWeb2)},
		},
		"an ipBlock means only its addresses": {
			policies: []networkingv1.NetworkPolicySpec{egress(app("web"), to(networkingv1.NetworkPolicyPeer{IPBlock: &networkingv1.IPBlock{CIDR: "192.0.2.0/24"}}))},
			allowed:  []packet{http(shopWeb, elsewhere)},
			denied:   []packet{http(shopWeb, "198.51.100.1"), http(shopWeb, shopDB)},
		},
		"an IPv6 block allows no one here": {
			policies: []networkingv1.NetworkPolicySpec{egress(app("web"), to(networkingv1.NetworkPolicyPeer{IPBlock: &networkingv1.IPBlock{CIDR: "::/0"}}))},
			denied:   []packet{http(shopWeb, elsewhere)},
		},
		"a port means that port and protocol": {
			policies: []networkingv1.NetworkPolicySpec{ingress(app("db"), networkingv1.NetworkPolicyIngressRule{
				Ports: []networkingv1.NetworkPolicyPort{port(corev1.ProtocolTCP, intstr.FromInt32(5432), 0)}})},
			allowed: []packet{{shopWeb, shopDB, "tcp", 5432}},
			denied:  []packet{{shopWeb, shopDB, "tcp", 5433}, {shopWeb, shopDB, "udp", 5432}},
		},
		"a port without a protocol is TCP": {
			policies: []networkingv1.NetworkPolicySpec{ingress(app("db"), networkingv1.NetworkPolicyIngressRule{Ports: []networkingv1.NetworkPolicyPort{{}}})},
			allowed:  []packet{{shopWeb, shopDB, "tcp", 1}},
			denied:   []packet{{shopWeb, shopDB, "udp", 1}},
		},
		"endPort makes a range": {
			policies: []networkingv1.NetworkPolicySpec{egress(app("web"), networkingv1.NetworkPolicyEgressRule{
				Ports: []networkingv1.NetworkPolicyPort{port(corev1.ProtocolUDP, intstr.FromInt32(1000), 1010)}})},
			allowed: []packet{{shopWeb, elsewhere, "udp", 1000}, {shopWeb, elsewhere, "udp", 1010}},
			denied:  []packet{{shopWeb, elsewhere, "udp", 999}, {shopWeb, elsewhere, "udp", 1011}, {shopWeb, elsewhere, "tcp", 1005}},
		},
		"a named ingress port has the number that the selected pod gives it": {
			policies: []networkingv1.NetworkPolicySpec{ingress(everyone, networkingv1.NetworkPolicyIngressRule{
				Ports: []networkingv1.NetworkPolicyPort{port(corev1.ProtocolTCP, intstr.FromString("http"), 0)}})},
			allowed: []packet{{otherWeb, shopWeb, "tcp", 8080}, {otherWeb, shopWeb2, "tcp", 9090}},
			denied:  []packet{{otherWeb, shopWeb, "tcp", 9090}, {otherWeb, shopWeb2, "tcp", 8080}, {otherWeb, shopDB, "tcp", 8080}},
		},
		"a named egress port has the number that the peer gives it": {
			policies: []networkingv1.NetworkPolicySpec{egress(app("db"), networkingv1.NetworkPolicyEgressRule{
				To:    []networkingv1.NetworkPolicyPeer{{PodSelector: app("web")}},
				Ports: []networkingv1.NetworkPolicyPort{port(corev1.ProtocolTCP, intstr.FromString("http"), 0)}})},
			allowed: []packet{{shopDB, shopWeb, "tcp", 8080}, {shopDB, shopWeb2, "tcp", 9090}},
			denied:  []packet{{shopDB, shopWeb, "tcp", 9090}, {shopDB, shopWeb2, "tcp", 8080}, {shopDB, otherWeb, "tcp", 8080}},
		},
		"a named port that no pod has allows nothing": {
			policies: []networkingv1.NetworkPolicySpec{egress(app("db"), networkingv1.NetworkPolicyEgressRule{
				Ports: []networkingv1.NetworkPolicyPort{port(corev1.ProtocolTCP, intstr.FromString("ftp"), 0)}})},
			denied: []packet{{shopDB, shopWeb, "tcp", 8080}, {shopDB, elsewhere, "tcp", 21}},
		},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			rs := Compile(podCIDR, objects(tc.policies...))
			for _, p := range tc.allowed {
				if !rs.allows(p.src, p.dst, p.protocol, p.port) {
					t.Errorf("%v is denied, want allowed", p)
				}
			}
			for _, p := range tc.denied {
				if rs.allows(p.src, p.dst, p.protocol, p.port) {
					t.Errorf("%v is allowed, want denied", p)
				}
			}
		})
	}
}

func TestWhoHasAnAddress(t *testing.T) {
	now := metav1.Now()
	edit := func(f func(*corev1.Pod)) *corev1.Pod {
		p := pod("shop", "edited", shopWeb, "web", 0)
		f(p)
		return p
	}
	isolated := objects(ingress(app("old"))) // isolates the label app=old
	tests := map[string]struct {
		pods         []*corev1.Pod
		known        bool
		isolatedByIt bool
	}{
		"a running pod":                    {pods: []*corev1.Pod{edit(func(*corev1.Pod) {})}, known: true},
		"no pod":                           {},
		"a pod on the host network":        {pods: []*corev1.Pod{edit(func(p *corev1.Pod) { p.Spec.HostNetwork = true })}},
		"a pod that has succeeded":         {pods: []*corev1.Pod{edit(func(p *corev1.Pod) { p.Status.Phase = corev1.PodSucceeded })}},
		"a pod that has failed":            {pods: []*corev1.Pod{edit(func(p *corev1.Pod) { p.Status.Phase = corev1.PodFailed })}},
		"a pod that has an IPv6 address":   {pods: []*corev1.Pod{edit(func(p *corev1.Pod) { p.Status.PodIPs[0].IP = "fd00::1" })}},
		"a pod that is being deleted":      {pods: []*corev1.Pod{edit(func(p *corev1.Pod) { p.DeletionTimestamp = &now })}, known: true},
		"the old and the new owner":        {pods: []*corev1.Pod{pod("shop", "old", shopWeb, "old", 0), edit(func(p *corev1.Pod) { p.CreationTimestamp = now })}, known: true},
		"a deleted old owner, created now": {pods: []*corev1.Pod{edit(func(p *corev1.Pod) { p.DeletionTimestamp, p.CreationTimestamp = &now, now }), pod("shop", "old", shopWeb, "old", 0)}, known: true, isolatedByIt: true},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			o := isolated
			o.Pods = tc.pods
			for range 2 { // in either order
				rs := Compile(podCIDR, o)
				if got := slices.Contains(rs.Known, shopWeb); got != tc.known {
					t.Errorf("known = %v, want %v", got, tc.known)
				}
				if _, got := rs.Ingress[shopWeb]; got != tc.isolatedByIt {
					t.Errorf("isolated = %v, want %v", got, tc.isolatedByIt)
				}
				slices.Reverse(o.Pods)
			}
		})
	}
}

func TestEqualObjectsInAnotherOrderGiveEqualRules(t *testing.T) {
	specs := []networkingv1.NetworkPolicySpec{
		ingress(&metav1.LabelSelector{}, from(networkingv1.NetworkPolicyPeer{NamespaceSelector: &metav1.LabelSelector{}})),
		egress(app("web"), networkingv1.NetworkPolicyEgressRule{Ports: []networkingv1.NetworkPolicyPort{port(corev1.ProtocolTCP, intstr.FromString("http"), 0)}}),
		ingress(app("db")),
	}
	o := objects(specs...)
	want := Compile(podCIDR, o)
	slices.Reverse(o.Pods)
	slices.Reverse(o.Policies)
	for range 20 { // map order differs from run to run
		if got := Compile(podCIDR, o); !reflect.DeepEqual(got, want) {
			t.Fatalf("got  %+v\nwant %+v", got, want)
		}
	}
}

// A sync of a few hundred pods and policies must stay far below the time the agent is allowed.
func TestCompileIsFastEnough(t *testing.T) {
	var specs []networkingv1.NetworkPolicySpec
	for range 50 {
		specs = append(specs, ingress(&metav1.LabelSelector{}, from(networkingv1.NetworkPolicyPeer{PodSelector: app("web", "db")})))
	}
	o := objects(specs...)
	for i := range 100 {
		o.Pods = append(o.Pods, pod("shop", "extra"+string(rune('a'+i)), netip.AddrFrom4([4]byte{10, 244, 1, byte(i)}).String(), "web", 8080))
	}
	begin := time.Now()
	Compile(podCIDR, o)
	if took := time.Since(begin); took > time.Second {
		t.Errorf("took %v", took)
	}
}

func TestANodeSeesToItsOwnPodsOnly(t *testing.T) {
	const far = "10.244.1.7"
	o := objects(networkingv1.NetworkPolicySpec{PolicyTypes: []networkingv1.PolicyType{networkingv1.PolicyTypeIngress, networkingv1.PolicyTypeEgress}})
	o.Pods = append(o.Pods, pod("shop", "far", far, "web", 8080))
	for cidr, own := range map[string]string{"10.244.0.0/24": shopWeb, "10.244.1.0/24": far} {
		rs := Compile(cidr, o)
		for _, address := range []string{shopWeb, far} {
			for what, got := range map[string]bool{"ingress": rs.Ingress[address] != "", "egress": rs.Egress[address] != "", "known": slices.Contains(rs.Known, address)} {
				if want := address == own; got != want {
					t.Errorf("node of %s: %s of %s %t, want %t", cidr, what, address, got, want)
				}
			}
		}
	}
}

func TestEachIPFamilyHasItsOwnRules(t *testing.T) {
	const web6, db6, cidr6 = "fd00:10:244::1", "fd00:10:244::3", "fd00:10:244::/64"
	o := objects(networkingv1.NetworkPolicySpec{
		PodSelector: *app("db"), PolicyTypes: []networkingv1.PolicyType{networkingv1.PolicyTypeIngress},
		Ingress: []networkingv1.NetworkPolicyIngressRule{{From: []networkingv1.NetworkPolicyPeer{
			{PodSelector: app("web")}, {IPBlock: &networkingv1.IPBlock{CIDR: "192.0.2.0/24"}}, {IPBlock: &networkingv1.IPBlock{CIDR: "2001:db8::/32", Except: []string{"2001:db8:1::/48"}}},
		}}},
	})
	for _, p := range o.Pods {
		if at := map[string]string{shopWeb: web6, shopDB: db6}[p.Status.PodIPs[0].IP]; at != "" {
			p.Status.PodIPs = append(p.Status.PodIPs, corev1.PodIP{IP: at})
		}
	}
	for cidr, want := range map[string]struct {
		known []string
		rules []Rule
	}{
		podCIDR: {[]string{shopWeb, shopWeb2, shopDB, otherWeb}, []Rule{{Peers: []string{"192.0.2.0/24"}}, {Peers: []string{shopWeb, shopWeb2}}}},
		cidr6:   {[]string{web6, db6}, []Rule{{Peers: []string{"2001:db8::/32"}, Except: []string{"2001:db8:1::/48"}}, {Peers: []string{web6}}}},
	} {
		rs := Compile(cidr, o)
		if !reflect.DeepEqual(rs.Known, want.known) || len(rs.Chains) != 1 || len(rs.Ingress) != 1 || len(rs.Egress) != 0 {
			t.Errorf("%s: %+v", cidr, rs)
		}
		for name, rules := range rs.Chains {
			if !reflect.DeepEqual(rules, want.rules) {
				t.Errorf("%s: %s: %+v, want %+v", cidr, name, rules, want.rules)
			}
		}
	}
}
