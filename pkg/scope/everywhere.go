package scope

import (
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/runtime/schema"
)

// everywhere are objects that the cluster puts into every namespace by itself: of Kubernetes, and of OpenShift.
var everywhere = map[string][]string{
	"ConfigMap":      {"kube-root-ca.crt", "openshift-service-ca.crt"},
	"ServiceAccount": {"default", "builder", "deployer"},
}

// Everywhere tells whether every namespace has an object of that kind and name without anybody's doing. A backup holds it of an
// empty one too.
func Everywhere(kind schema.GroupKind, name string) bool {
	if kind.Group != "" {
		return false
	}
	if kind.Kind != "Secret" {
		return slices.Contains(everywhere[kind.Kind], name)
	}
	return slices.ContainsFunc(everywhere["ServiceAccount"], func(account string) bool {
		return strings.HasPrefix(name, account+"-token-") || strings.HasPrefix(name, account+"-dockercfg-")
	})
}
