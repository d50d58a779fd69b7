package dns

import (
	"cmp"
	"net/netip"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
)

// sandbox is what is known of one sandbox.
type sandbox struct {
	// name of its namespace, and of the source namespace that it stands for.
	name, source string
	// service returns nil if there is none of that name.
	service func(name string) *corev1.Service
	// slices of the endpoints of a Service.
	slices func(service string) []*discoveryv1.EndpointSlice
}

// scope is what one client may see: the sandboxes of its run.
type scope struct {
	run   string
	own   *sandbox
	group []*sandbox
}

// answer to a query.
type answer struct {
	// exists tells whether there is such a name: without addresses it has none of the kind that was asked for.
	exists    bool
	addresses []netip.Addr
	ports     []port
}

// port of a Service at the host that is named.
type port struct {
	number uint16
	host   string
}

// resolve returns what a query's name means in a scope.
func (s scope) resolve(query, domain string) answer {
	for _, n := range meanings(query, domain) {
		at := s.find(n.namespace)
		if at == nil {
			continue
		}
		if a := at.answer(n, domain); a.exists {
			return a
		}
	}
	return answer{}
}

// find returns the sandbox that stands for a source namespace. Its own name means it too: that is what its pods find as the
// name of their host.
func (s scope) find(namespace string) *sandbox {
	if namespace == "" {
		return s.own
	}
	for _, is := range []func(*sandbox) bool{
		func(b *sandbox) bool { return b.source == namespace },
		func(b *sandbox) bool { return b.name == namespace },
	} {
		if i := slices.IndexFunc(s.group, is); i >= 0 {
			return s.group[i]
		}
	}
	return nil
}

func (b *sandbox) answer(n name, domain string) answer {
	service := b.service(n.service)
	// An alias would lead out of the sandbox.
	if service == nil || service.Spec.Type == corev1.ServiceTypeExternalName {
		return answer{}
	}
	fqdn := n.service + "." + cmp.Or(n.namespace, b.source) + ".svc." + domain + "."
	if service.Spec.ClusterIP != corev1.ClusterIPNone {
		if n.host != "" {
			return answer{}
		}
		a := answer{exists: n.port == "", addresses: parse(service.Spec.ClusterIPs)}
		for _, p := range service.Spec.Ports {
			if n.port != "" && p.Name == n.port && strings.EqualFold(string(p.Protocol), n.protocol) {
				a = answer{exists: true, ports: []port{{number: uint16(p.Port), host: fqdn}}}
			}
		}
		return a
	}

	a := answer{exists: n.host == "" && n.port == ""}
	for _, slice := range b.slices(n.service) {
		for i := range slice.Endpoints {
			endpoint := &slice.Endpoints[i]
			if !endpointReady(endpoint) && !service.Spec.PublishNotReadyAddresses {
				continue
			}
			for _, address := range parse(endpoint.Addresses) {
				host := hostOf(endpoint, address)
				if n.host != "" && n.host != host {
					continue
				}
				if n.port == "" {
					a.exists = true
					a.addresses = append(a.addresses, address)
					continue
				}
				for _, p := range slice.Ports {
					if p.Name != nil && *p.Name == n.port && p.Port != nil && p.Protocol != nil && strings.EqualFold(string(*p.Protocol), n.protocol) {
						a.exists = true
						a.ports = append(a.ports, port{number: uint16(*p.Port), host: host + "." + fqdn})
					}
				}
			}
		}
	}
	// The same endpoint may stand in two slices for a moment.
	slices.SortFunc(a.addresses, netip.Addr.Compare)
	a.addresses = slices.Compact(a.addresses)
	slices.SortFunc(a.ports, func(a, b port) int { return cmp.Or(cmp.Compare(a.host, b.host), cmp.Compare(a.number, b.number)) })
	a.ports = slices.Compact(a.ports)
	return a
}

func endpointReady(e *discoveryv1.Endpoint) bool {
	return e.Conditions.Ready == nil || *e.Conditions.Ready
}

// hostOf is the first label of an endpoint's name: its hostname if it has one, else its address.
func hostOf(e *discoveryv1.Endpoint, address netip.Addr) string {
	if e.Hostname != nil && *e.Hostname != "" {
		return *e.Hostname
	}
	return strings.NewReplacer(".", "-", ":", "-").Replace(address.String())
}

func parse(texts []string) []netip.Addr {
	var all []netip.Addr
	for _, text := range texts {
		if address, err := netip.ParseAddr(text); err == nil {
			all = append(all, address)
		}
	}
	return all
}
