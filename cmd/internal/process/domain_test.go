package process

import "testing"

func TestTheDomainOfTheClusterIsThatOfTheSearchList(t *testing.T) {
	for name, c := range map[string]struct{ file, want string }{
		"the usual":                     {"search kymaros-system.svc.cluster.local svc.cluster.local cluster.local\nnameserver 10.96.0.10\n", "cluster.local"},
		"another":                       {"nameserver 10.96.0.10\nsearch kymaros-system.svc.k8s.example svc.k8s.example k8s.example lan\noptions ndots:5\n", "k8s.example"},
		"with tabs, dots and capitals":  {"search\tkymaros-system.svc.K8s.example. svc.K8s.example. K8s.example.", "k8s.example"},
		"the last list counts":          {"search svc.old.example\nsearch a.svc.k8s.example svc.k8s.example\n", "k8s.example"},
		"a machine that is no pod":      {"search lan\nnameserver 192.0.2.1\n", "cluster.local"},
		"no list":                       {"nameserver 10.96.0.10\n", "cluster.local"},
		"what can be no domain":         {"search svc. svc._x svc.k8s.example", "k8s.example"},
		"a comment is no list":          {"# search svc.k8s.example\n", "cluster.local"},
		"nothing":                       {"", "cluster.local"},
		"a list without that of svc.":   {"search kymaros-system.svc.k8s.example k8s.example\n", "cluster.local"},
		"a list after which none is so": {"search svc.k8s.example\nsearch lan\n", "cluster.local"},
	} {
		t.Run(name, func(t *testing.T) {
			if got := domainOf(c.file); got != c.want {
				t.Errorf("got %s, want %s", got, c.want)
			}
		})
	}
}
