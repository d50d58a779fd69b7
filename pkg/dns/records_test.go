package dns

import (
	"fmt"
	"net/netip"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

func clusterIP(name string, ips ...string) *corev1.Service {
	return &corev1.Service{
		ObjectMeta: metav1.ObjectMeta{Name: name},
		Spec: corev1.ServiceSpec{ClusterIP: ips[0], ClusterIPs: ips, Ports: []corev1.ServicePort{
			{Name: "http", Port: 80, Protocol: corev1.ProtocolTCP}, {Name: "dns", Port: 53, Protocol: corev1.ProtocolUDP},
		}},
	}
}

func headless(name string, edits ...func(*corev1.Service)) *corev1.Service {
	s := &corev1.Service{ObjectMeta: metav1.ObjectMeta{Name: name}, Spec: corev1.ServiceSpec{ClusterIP: "None", ClusterIPs: []string{"None"}}}
	for _, e := range edits {
		e(s)
	}
	return s
}

func endpoint(hostname, ip string, ready bool) discoveryv1.Endpoint {
	e := discoveryv1.Endpoint{Addresses: []string{ip}, Conditions: discoveryv1.EndpointConditions{Ready: &ready}}
	if hostname != "" {
		e.Hostname = &hostname
	}
	return e
}

func slice(service string, endpoints ...discoveryv1.Endpoint) *discoveryv1.EndpointSlice {
	tcp := corev1.ProtocolTCP
	return &discoveryv1.EndpointSlice{
		ObjectMeta: metav1.ObjectMeta{Name: service + "-1", Labels: map[string]string{discoveryv1.LabelServiceName: service}},
		Endpoints:  endpoints,
		Ports:      []discoveryv1.EndpointPort{{Name: new("pg"), Port: new(int32(5432)), Protocol: &tcp}},
	}
}

// box returns a sandbox with what it holds.
func box(name, source string, objects ...any) *sandbox {
	services, endpoints := map[string]*corev1.Service{}, map[string][]*discoveryv1.EndpointSlice{}
	for _, o := range objects {
		switch o := o.(type) {
		case *corev1.Service:
			services[o.Name] = o
		case *discoveryv1.EndpointSlice:
			of := o.Labels[discoveryv1.LabelServiceName]
			endpoints[of] = append(endpoints[of], o)
		}
	}
	return &sandbox{
		name: name, source: source,
		service: func(name string) *corev1.Service { return services[name] },
		slices:  func(service string) []*discoveryv1.EndpointSlice { return endpoints[service] },
	}
}

func TestResolve(t *testing.T) {
	shop := box("sbx-shop", "shop",
		clusterIP("web", "10.96.0.1"), clusterIP("dual", "10.96.0.2", "fd00::2"),
		headless("cache"), slice("cache", endpoint("", "10.0.0.9", true)),
		&corev1.Service{ObjectMeta: metav1.ObjectMeta{Name: "alias"}, Spec: corev1.ServiceSpec{Type: corev1.ServiceTypeExternalName, ExternalName: "db.example.com"}},
	)
	data := box("sbx-data", "data",
		clusterIP("web", "10.96.1.1"),
		headless("db"), slice("db", endpoint("db-0", "10.0.1.1", true), endpoint("db-1", "10.0.1.2", false)),
		headless("all", func(s *corev1.Service) { s.Spec.PublishNotReadyAddresses = true }), slice("all", endpoint("a-0", "10.0.1.3", false)),
		headless("none"),
	)
	found := func(ips ...string) answer { return answer{exists: true, addresses: parse(ips)} }
	ports := func(all ...port) answer { return answer{exists: true, ports: all} }
	nothing := answer{}
	for from, queries := range map[*sandbox]map[string]answer{
		shop: {
			// Its own Services, in each way they can be written.
			"web.":                       found("10.96.0.1"),
			"web.svc.cluster.local.":     found("10.96.0.1"),
			"WEB.Shop.svc.":              found("10.96.0.1"),
			"web.shop.":                  found("10.96.0.1"),
			"web.sbx-shop.svc":           found("10.96.0.1"),
			"dual.shop.svc":              found("10.96.0.2", "fd00::2"),
			"cache.shop.svc":             found("10.0.0.9"),
			"10-0-0-9.cache.shop.svc":    found("10.0.0.9"),
			"_http._tcp.web.shop.svc.":   ports(port{80, "web.shop.svc.cluster.local."}),
			"_dns._udp.web.":             ports(port{53, "web.shop.svc.cluster.local."}),
			"_http._udp.web.shop.svc.":   nothing,
			"_pg._tcp.db.data.svc":       ports(port{5432, "db-0.db.data.svc.cluster.local."}),
			"web.svc.cluster.local.svc.": nothing,
			// Those of another sandbox of the run.
			"web.data":                      found("10.96.1.1"),
			"web.data.svc.cluster.local.":   found("10.96.1.1"),
			"db.data.svc":                   found("10.0.1.1"),
			"db-0.db.data.svc":              found("10.0.1.1"),
			"db-0.db.data":                  found("10.0.1.1"),
			"db-1.db.data.svc":              nothing, // not ready
			"all.data.svc":                  found("10.0.1.3"),
			"none.data.svc":                 found(),
			"db-0.web.data.svc":             nothing, // not headless
			"db-0.db.svc.cluster.local":     nothing, // there is no db here
			"web.other.svc.cluster.local.":  nothing,
			"kubernetes.default.svc":        nothing,
			"alias":                         nothing,
			"alias.shop.svc.cluster.local.": nothing,
			// The rest of the world.
			"example.com.":                       nothing,
			"example.com.svc.cluster.local.":     nothing,
			"web.data.svc.example.com.":          nothing,
			"web.data.example.com.":              nothing,
			"cluster.local.":                     nothing,
			"svc.cluster.local.":                 nothing,
			"10-0-0-9.shop.pod.cluster.local.":   nothing,
			"web.svc.":                           nothing, // nor in production
			"web.data.cluster.local.":            nothing,
			"a.b.c.web.data.svc.cluster.local.":  nothing,
			".":                                  nothing,
			"..":                                 nothing,
			"_http._tcp.x.web.data.svc.":         nothing,
			"web.data.svc.svc.cluster.local.":    nothing,
			"web.data.svc.cluster.local.other.x": nothing,
		},
		data: {
			"db-0.db":                   found("10.0.1.1"),
			"db-0.db.svc.cluster.local": found("10.0.1.1"),
			"web":                       found("10.96.1.1"),
			"web.shop.svc":              found("10.96.0.1"),
		},
	} {
		for query, want := range queries {
			t.Run(fmt.Sprintf("%s from %s", query, from.source), func(t *testing.T) {
				got := scope{own: from, group: []*sandbox{shop, data}}.resolve(query, "cluster.local")
				if diff := cmp.Diff(want, got, cmp.AllowUnexported(answer{}, port{}), cmpopts.EquateComparable(netip.Addr{}), cmpopts.EquateEmpty()); diff != "" {
					t.Errorf("(-want +got):\n%s", diff)
				}
			})
		}
	}
}

func TestASourceHasPrecedenceOverASandboxOfItsName(t *testing.T) {
	odd, data := box("data", "shop", clusterIP("web", "10.96.0.1")), box("sbx", "data", clusterIP("web", "10.96.1.1"))
	got := scope{own: odd, group: []*sandbox{odd, data}}.resolve("web.data.svc", "cluster.local")
	if len(got.addresses) != 1 || got.addresses[0].String() != "10.96.1.1" {
		t.Errorf("web.data.svc is %v: the namespace that the application means is the source", got.addresses)
	}
}
