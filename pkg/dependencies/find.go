// Package dependencies finds what a restored application says about services in other namespaces and outside of the
// cluster. It is pure: no client, no clock. It reads values of environment variables, arguments, ConfigMaps and Secrets,
// and gives back only the host names in them: never a value. Of Secrets it gives back only names of Services; that a value
// names a host elsewhere is told, but not which.
package dependencies

import (
	"cmp"
	"regexp"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
)

// Reference is one place that names a host in another namespace.
type Reference struct {
	// From is the source namespace in whose sandbox the place is.
	From string
	// Service and Namespace of the host; both empty if it is outside of the cluster.
	Service, Namespace string
	// Host as it is written; empty for one outside of the cluster that a Secret names.
	Host string
	// Place is "Kind/name key".
	Place string
	// Unsure: it counts only if there is such a Service. What looks like a host in a Secret may be something else.
	Unsure bool
}

var (
	// qualified matches service.namespace.svc, and whatever domain follows.
	qualified = regexp.MustCompile(`(?i)([a-z0-9][-a-z0-9]{0,62})\.([a-z0-9][-a-z0-9]{0,62})\.svc((?:\.[a-z0-9][-a-z0-9]{0,62}){0,8})\.?(?:$|[^-.a-z0-9])`)
	// short matches service.namespace:port, with whatever stands before.
	short = regexp.MustCompile(`(?i)([a-z0-9][-a-z0-9]{0,62})\.([a-z0-9][-a-z0-9]{0,62}):[0-9]`)
)

// Finder finds references.
type Finder struct {
	// Sources are the source namespaces of the run. The short form service.namespace:port counts only for these: any
	// other could as well be a host on the internet.
	Sources []string
	// Domain of the cluster, which any Service may have behind its name; so it may cluster.local, where the backup is of another cluster.
	Domain string
}

// Text returns the references in a value that stands at place in the sandbox for from.
func (f Finder) Text(from, place, text string) []Reference {
	var found []Reference
	add := func(service, namespace, host string) {
		service, namespace = strings.ToLower(service), strings.ToLower(namespace)
		// The API server is in every cluster and in no backup.
		if namespace == from || namespace == "default" && service == "kubernetes" {
			return
		}
		found = append(found, Reference{From: from, Service: service, Namespace: namespace, Host: strings.ToLower(host), Place: place})
	}
	for _, m := range qualified.FindAllStringSubmatch(text, -1) {
		domain := strings.ToLower(m[3])
		if domain == "" || domain == "."+f.Domain || domain == ".cluster.local" || slices.Contains(f.Sources, strings.ToLower(m[2])) {
			add(m[1], m[2], m[1]+"."+m[2]+".svc"+m[3])
		}
	}
	for _, m := range short.FindAllStringSubmatchIndex(text, -1) {
		service, namespace := text[m[2]:m[3]], text[m[4]:m[5]]
		// The end of a longer name, as in db.shop.svc:5432 or www.data.shop:80, is no short form.
		if (m[0] == 0 || text[m[0]-1] != '.') && slices.Contains(f.Sources, strings.ToLower(namespace)) {
			add(service, namespace, service+"."+namespace)
		}
	}
	return unique(found)
}

// value returns the references in a value, and the hosts outside of the cluster that it names.
func (f Finder) value(from, place, key, text string) []Reference {
	found := append(f.Text(from, place, text), f.short(from, place, key, text)...)
	for _, host := range f.external(key, text) {
		found = append(found, Reference{From: from, Host: host, Place: place})
	}
	return found
}

// PodSpec returns the references in the environment and the arguments of all containers of owner, "Kind/name".
func (f Finder) PodSpec(from, owner string, spec *corev1.PodSpec) []Reference {
	var found []Reference
	for _, c := range slices.Concat(spec.InitContainers, spec.Containers) {
		for _, e := range c.Env {
			found = append(found, f.value(from, owner+" env "+e.Name, e.Name, e.Value)...)
		}
		for _, arg := range slices.Concat(c.Command, c.Args) {
			found = append(found, f.value(from, owner+" args of "+c.Name, "", arg)...)
		}
	}
	return unique(found)
}

// ConfigMap returns the references in the values of a ConfigMap.
func (f Finder) ConfigMap(from string, cm *corev1.ConfigMap) []Reference {
	var found []Reference
	for key, value := range cm.Data {
		found = append(found, f.value(from, "ConfigMap/"+cm.Name+" "+key, key, value)...)
	}
	return unique(found)
}

// credentials are Secrets in which hosts are no dependencies of the application: registries, certificates and the like.
var credentials = []corev1.SecretType{
	corev1.SecretTypeServiceAccountToken, corev1.SecretTypeDockercfg, corev1.SecretTypeDockerConfigJson, corev1.SecretTypeTLS, "helm.sh/release.v1",
}

// Secret returns the references in the values of a Secret, without anything of the values but names of Services.
func (f Finder) Secret(from string, s *corev1.Secret) []Reference {
	if slices.Contains(credentials, s.Type) {
		return nil
	}
	var found []Reference
	for key, value := range s.Data {
		place := "Secret/" + s.Name + " " + key
		for _, r := range f.Text(from, place, string(value)) {
			qualified := strings.HasPrefix(r.Host, r.Service+"."+r.Namespace+".svc")
			r.Unsure, r.Host = !qualified, r.Service+"."+r.Namespace
			if qualified {
				r.Host += ".svc" // the domain after it could be anything
			}
			found = append(found, r)
		}
		if len(f.external(key, string(value))) > 0 {
			found = append(found, Reference{From: from, Place: place})
		}
	}
	return unique(found)
}

// Service returns the reference that a Service of type ExternalName is.
func (f Finder) Service(from string, s *corev1.Service) []Reference {
	if s.Spec.Type != corev1.ServiceTypeExternalName {
		return nil
	}
	place := "Service/" + s.Name + " externalName"
	host := strings.ToLower(strings.TrimSuffix(s.Spec.ExternalName, "."))
	if m := qualified.FindStringSubmatch(host); m != nil {
		return f.Text(from, place, host)
	}
	return []Reference{{From: from, Host: host, Place: place}}
}

func unique(all []Reference) []Reference {
	slices.SortFunc(all, compare)
	return slices.Compact(all)
}

func compare(a, b Reference) int {
	return cmp.Or(cmp.Compare(a.From, b.From), cmp.Compare(a.Host, b.Host), cmp.Compare(a.Place, b.Place))
}
