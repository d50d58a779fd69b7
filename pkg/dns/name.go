package dns

import (
	"slices"
	"strings"
)

// name is what a query asks for. A namespace that is empty is that of the client.
type name struct {
	// port and protocol are of a question for a port: _port._protocol.service. Both are empty in any other.
	port, protocol string
	// host is one pod of a headless Service; empty for all of it.
	host      string
	service   string
	namespace string
}

// meanings returns what the name of a query may mean, the likeliest first. domain is that of the cluster, without dots
// around it. Pods have svc.<domain> as their only search domain, so that one label before it is a Service of their own
// namespace. Everything that a cluster's DNS would find by its longer list of search domains is found as it is written:
// web, web.shop, web.shop.svc, web.shop.svc.cluster.local.
func meanings(query, domain string) []name {
	labels := strings.Split(strings.ToLower(strings.TrimSuffix(query, ".")), ".")
	if slices.Contains(labels, "") {
		return nil
	}
	qualified := false
	if end := strings.Split(domain, "."); len(labels) > len(end) && slices.Equal(labels[len(labels)-len(end):], end) {
		labels, qualified = labels[:len(labels)-len(end)], true
	}
	switch last := len(labels) - 1; {
	case last > 0 && labels[last] == "svc" && (qualified || last > 1):
		labels = labels[:last]
	case qualified:
		return nil // nothing but Services is known of the cluster
	}
	var n name
	if len(labels) > 2 && strings.HasPrefix(labels[0], "_") && strings.HasPrefix(labels[1], "_") {
		n.port, n.protocol = labels[0][1:], labels[1][1:]
		labels = labels[2:]
	}
	switch len(labels) {
	case 1:
		n.service = labels[0]
		return []name{n}
	case 2:
		n.service, n.namespace = labels[0], labels[1]
		if n.port != "" {
			return []name{n}
		}
		// db-0.db is how the pods of a StatefulSet call each other.
		return []name{n, {host: labels[0], service: labels[1]}}
	case 3:
		if n.port != "" {
			return nil
		}
		return []name{{host: labels[0], service: labels[1], namespace: labels[2]}}
	}
	return nil
}
