package cluster

import (
	"cmp"
	"fmt"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"strconv"

	"github.com/kymaros/kymaros/test/cluster/controlplane"
	"github.com/kymaros/kymaros/test/cluster/netns"
)

// maxNodes is how many nodes a cluster may have.
const maxNodes = 9

// node is a node of a cluster that exists or may exist. Names and addresses are the same in every cluster: nothing outside
// sees them.
type node struct {
	cluster *Cluster
	// number is 1 for the node that has the control plane, the registry and the object store beside it.
	number int
	site
}

func (c *Cluster) node(number int) node {
	n := node{cluster: c, number: number, site: c.site}
	if number > 1 {
		n.Dir = c.path(n.name())
	}
	return n
}

// first is the node that every cluster has.
func (c *Cluster) first() node { return c.node(1) }

// nodes are the first n.
func (c *Cluster) nodes(n int) []node {
	var all []node
	for number := range cmp.Or(n, 1) {
		all = append(all, c.node(number+1))
	}
	return all
}

// remnants are the nodes of which anything is there, whatever the cluster was started with.
func (c *Cluster) remnants() []node {
	var all []node
	for _, n := range c.nodes(maxNodes) {
		if n.exists() {
			all = append(all, n)
		}
	}
	return all
}

// existing returns the node of that number, or an error if the cluster has none.
func (c *Cluster) existing(number int) (node, error) {
	o, err := c.options()
	if err != nil {
		return node{}, err
	}
	if has := len(c.nodes(o.Nodes)); number < 1 || number > has {
		return node{}, fmt.Errorf("node %d: cluster %s has nodes 1 to %d; \"up --nodes\" gives it more", number, c.Name, has)
	}
	return c.node(number), nil
}

func (n node) name() string { return "node" + strconv.Itoa(n.number) }

// ip is the node's address.
func (n node) ip() string { return "198.18.0." + strconv.Itoa(n.number) }

// podCIDR is the part of the pods' addresses that the node uses.
func (n node) podCIDR() string { return fmt.Sprintf("10.244.%d.0/24", n.number-1) }

// ip6 is the node's address in a second IP family, and podCIDR6 the part of the pods' addresses there.
func (n node) ip6() string      { return fmt.Sprintf("fd00:198:18::%d", n.number) }
func (n node) podCIDR6() string { return fmt.Sprintf("fd00:10:244:%d::/64", n.number-1) }

// podCIDRs are those of the IP families that the cluster has.
func (n node) podCIDRs(o Options) []string {
	if o.DualStack {
		return []string{n.podCIDR(), n.podCIDR6()}
	}
	return []string{n.podCIDR()}
}

// ips are the node's addresses.
func (n node) ips(o Options) []string {
	if o.DualStack {
		return []string{n.ip(), n.ip6()}
	}
	return []string{n.ip()}
}

// isolated is the name of the network namespace, and of the top-level cgroup below which all of the node's pods are. No name
// of a cluster has a dot in it.
func (n node) isolated() string {
	name := "kymaros-" + n.cluster.Name
	if n.number > 1 {
		name += "." + n.name()
	}
	return name
}

func (n node) netns() string  { return n.isolated() }
func (n node) cgroup() string { return n.isolated() }

// exists reports whether anything of the node is there.
func (n node) exists() bool {
	if netns.Exists(n.netns()) {
		return true
	}
	if _, err := os.Lstat(n.Dir); err == nil {
		return true
	}
	roots, err := hierarchies()
	if err != nil {
		return false
	}
	for _, root := range roots {
		if _, err := os.Stat(filepath.Join(root, n.cgroup())); err == nil {
			return true
		}
	}
	return false
}

// make makes the namespace and the cgroup of the node, whose directory is there. Further nodes have no network until plug.
func (n node) make() error {
	if err := n.makeCgroup(); err != nil {
		return err
	}
	if n.number == 1 {
		o, err := n.cluster.options()
		if err != nil {
			return err
		}
		var addresses []netip.Prefix
		routes := []netip.Prefix{netip.MustParsePrefix(controlplane.ServiceCIDR)}
		for _, ip := range n.ips(o) {
			a := netip.MustParseAddr(ip)
			addresses = append(addresses, netip.PrefixFrom(a, a.BitLen()))
		}
		if o.DualStack {
			routes = append(routes, netip.MustParsePrefix(controlplane.ServiceCIDR6))
		}
		return netns.Create(n.netns(), addresses, routes)
	}
	if err := netns.Create(n.netns(), nil, nil); err != nil {
		return err
	}
	return netns.Wire(n.cluster.first().netns(), n.netns(), n.name(), n.cluster.first().ip(), n.ip(), n.podCIDR())
}

// plug connects a further node with the first, which forwards what nodes send to each other.
func (n node) plug() error {
	return netns.Plug(n.netns(), n.ip(), n.cluster.first().ip())
}

// unwire cuts that connection, at once.
func (n node) unwire() error { return netns.Unwire(n.cluster.first().netns(), n.name()) }

// registryAddress is where every node gets images.
func (c *Cluster) registryAddress() string {
	return net.JoinHostPort(c.first().ip(), strconv.Itoa(registryPort))
}
