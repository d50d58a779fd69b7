package scope

import (
	"fmt"
	"strings"
)

// never are resources, or whole groups, that no flag lets in: they would open the sandbox, or act on production.
var never = map[string]string{
	"networkpolicies.networking.k8s.io": "network policies add up: one more opens the sandbox",
	"cilium.io":                         "network policies add up: one more opens the sandbox",
	"crd.projectcalico.org":             "network policies add up: one more opens the sandbox",
	"projectcalico.org":                 "network policies add up: one more opens the sandbox",
	"policy.networking.k8s.io":          "network policies add up: one more opens the sandbox",
	"crd.antrea.io":                     "network policies add up: one more opens the sandbox",
	"k8s.ovn.org":                       "network policies add up: one more opens the sandbox",
	"networking.k8s.aws":                "network policies add up: one more opens the sandbox",
	"security.istio.io":                 "network policies add up: one more opens the sandbox",
	"networking.istio.io":               "they take production's host names",
	"traefik.io":                        "they take production's host names",
	"traefik.containo.us":               "they take production's host names",
	"projectcontour.io":                 "they take production's host names",
	"route.openshift.io":                "they take production's host names",
	"externaldns.k8s.io":                "they take production's host names",
	"monitoring.coreos.com":             "they have the copy measured and page somebody",
	"operator.victoriametrics.com":      "they have the copy measured and page somebody",
	"endpoints":                         "they hold addresses of production's pods",
	"endpointslices.discovery.k8s.io":   "they hold addresses of production's pods",
	"ingresses.networking.k8s.io":       "they take production's host names",
	"gateway.networking.k8s.io":         "they take production's host names",
	"jobs.batch":                        "they would do their work again",
	"rbac.authorization.k8s.io":         "they give rights to whoever the backup names",
	"admissionregistration.k8s.io":      "they act on the whole cluster",
	"apiextensions.k8s.io":              "they act on the whole cluster",
	"apiregistration.k8s.io":            "they act on the whole cluster",
	"namespaces":                        "sandboxes are made by the controller alone",
	"nodes":                             "they belong to the whole cluster",
	"persistentvolumes":                 "a restored volume can be production's own",
	"resourcequotas":                    "the quota of a sandbox is one of its guards",
	"limitranges":                       "the limits of a sandbox are one of its guards",
	"velero.io":                         "Velero would act on them",
	"restore.kymaros.io":                "a restored test would start runs",
}

// Permit returns an error for a resource that must not be permitted to tests.
func Permit(resource string) error {
	if resource == "*" || resource == "" || strings.ContainsAny(resource, "* ,") || resource != strings.ToLower(resource) {
		return fmt.Errorf("%q: name one resource with its group in lower-case plural, such as certificates.cert-manager.io", resource)
	}
	_, group, _ := strings.Cut(resource, ".")
	for _, name := range []string{resource, group} {
		if why := never[name]; why != "" {
			return fmt.Errorf("%s: never restored: %s", resource, why)
		}
	}
	return nil
}
