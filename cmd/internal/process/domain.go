package process

import (
	"os"
	"strings"

	"github.com/spf13/pflag"
	"k8s.io/apimachinery/pkg/util/validation"
)

// ClusterDomain returns what names of Services end with, as the kubelet tells the pod; cluster.local if nobody does.
func ClusterDomain() string {
	file, err := os.ReadFile("/etc/resolv.conf")
	if err != nil {
		return usualDomain
	}
	return domainOf(string(file))
}

const usualDomain = "cluster.local"

// domainOf returns the domain of the cluster by the search list of a resolv.conf: NAMESPACE.svc.DOMAIN svc.DOMAIN DOMAIN.
func domainOf(resolvConf string) string {
	domain := usualDomain
	for line := range strings.Lines(resolvConf) {
		words := strings.Fields(line)
		if len(words) == 0 || words[0] != "search" {
			continue
		}
		domain = usualDomain // the last list counts
		for _, name := range words[1:] {
			if found, ok := strings.CutPrefix(strings.TrimSuffix(strings.ToLower(name), "."), "svc."); ok && len(validation.IsDNS1123Subdomain(found)) == 0 {
				domain = found
				break
			}
		}
	}
	return domain
}

// AddClusterDomain adds the flag of the domain of the cluster.
func AddClusterDomain(fs *pflag.FlagSet, domain *string) {
	fs.StringVar(domain, "cluster-domain", *domain, "domain of the cluster: by default what the kubelet tells the pod in /etc/resolv.conf; the same for kymaros-controller, kymaros-prober and kymaros-dns")
}
