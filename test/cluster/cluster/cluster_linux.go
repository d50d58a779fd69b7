// Package cluster starts and ends a Kubernetes cluster with Velero on this machine. It has one node, or several.
//
// Each node has a network namespace, a mount namespace and a cgroup of its own, so that any number of clusters
// coexist with each other and with whatever else runs here. The first node's are those of the control plane, the
// registry and the object store too. up.go runs in the machine's namespaces and start.go in the nodes'; down.go
// removes what both have made.
package cluster

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"

	"github.com/kymaros/kymaros/test/cluster/build"
	"github.com/kymaros/kymaros/test/cluster/controlplane"
	"github.com/kymaros/kymaros/test/cluster/netns"
)

const (
	registryPort = 5000
	s3Port       = 7070
)

// Cluster is a cluster that exists or may exist.
type Cluster struct {
	Name string
	site
	// Bin holds the programs it is started from.
	Bin string
}

var validName = regexp.MustCompile(`^[a-z0-9]([a-z0-9-]{0,18}[a-z0-9])?$`)

// New returns the cluster called name.
func New(name string) (*Cluster, error) {
	if os.Geteuid() != 0 {
		return nil, errors.New("a cluster with a node needs root (sudo -E); integration tests need only control-plane, which does not")
	}
	// It is part of the paths of sockets, which the kernel limits to 107 characters.
	if !validName.MatchString(name) {
		return nil, fmt.Errorf("name %q: want at most 20 lower-case letters, digits and dashes", name)
	}
	cache, err := build.CacheDir()
	if err != nil {
		return nil, err
	}
	bin, err := build.BinDir()
	if err != nil {
		return nil, err
	}
	return &Cluster{Name: name, site: site{filepath.Join(cache, "clusters", name)}, Bin: bin}, nil
}

func (c *Cluster) program(name string) string {
	return filepath.Join(c.Bin, name)
}

// Kubeconfig is the file with which the machine's processes reach the API server.
func (c *Cluster) Kubeconfig() string { return c.path("kubeconfig") }

// AuditLog is the file in which the API server logs requests.
func (c *Cluster) AuditLog() string { return c.path("audit.log") }

// plane is its control plane. In a network namespace of its own every port is free.
func (c *Cluster) plane() controlplane.Plane {
	return controlplane.Plane{Bin: c.Bin, Dir: c.Dir, EtcdPort: 2379, EtcdPeerPort: 2380, APIPort: 6443, ManagerPort: 10257,
		NodeIP: c.first().ip(), AuditLog: c.AuditLog()}
}

// lock keeps two commands from changing the cluster at the same time.
func (c *Cluster) lock() (unlock func(), err error) { return build.Lock(c.Dir + ".lock") }

// Env are the shell lines that make the cluster current.
func (c *Cluster) Env() (string, error) {
	if _, err := os.Stat(c.upFile()); err != nil {
		return "", c.notUp()
	}
	return fmt.Sprintf("export KUBECONFIG=%q\nexport PATH=%q:\"$PATH\"\n", c.Kubeconfig(), c.Bin), nil
}

// Exec replaces the calling process by argv in the network namespace of the first node.
func (c *Cluster) Exec(argv []string) error {
	if !netns.Exists(c.first().netns()) {
		return c.notUp()
	}
	return netns.Exec(c.first().netns(), argv, os.Environ())
}

func (c *Cluster) notUp() error {
	return fmt.Errorf("cluster %s is not up: run \"up --name %s\"", c.Name, c.Name)
}
