package cluster

import (
	"path/filepath"
	"strings"
	"testing"
)

func TestNodesAreApart(t *testing.T) {
	c := &Cluster{Name: "a-1", site: site{"/x/a-1"}}
	seen := map[string]int{}
	for _, n := range c.nodes(maxNodes) {
		if n.number > 1 && filepath.Dir(n.Dir) != c.Dir || n.number == 1 && n.Dir != c.Dir {
			t.Errorf("node %d is in %s", n.number, n.Dir)
		}
		if len(n.name()) > 15 {
			t.Errorf("the kernel takes no device of the name %s", n.name())
		}
		for _, what := range []string{n.name(), n.ip(), n.podCIDR(), n.netns(), n.containerdSocket(), n.certificate()} {
			if other, ok := seen[what]; ok {
				t.Errorf("nodes %d and %d share %s", other, n.number, what)
			}
			seen[what] = n.number
		}
		// What is found by its name must be of no other cluster.
		if name := strings.TrimPrefix(n.isolated(), "kymaros-"); name != c.Name && validName.MatchString(name) {
			t.Errorf("node %d has the namespace of cluster %s", n.number, name)
		}
	}
}

func TestNamesOfTheOnlyNodeAreThoseOfTheCluster(t *testing.T) {
	n := (&Cluster{Name: "kymaros", site: site{"/x/kymaros"}}).first()
	if n.netns() != "kymaros-kymaros" || n.cgroup() != "kymaros-kymaros" || n.ip() != "198.18.0.1" || n.podCIDR() != "10.244.0.0/24" || n.name() != "node1" {
		t.Errorf("%+v: %s %s %s", n, n.netns(), n.ip(), n.podCIDR())
	}
}

func TestOptionsThatCannotBe(t *testing.T) {
	for _, c := range []struct {
		options Options
		remedy  string // "" if they can
	}{
		{Options{Nodes: 1}, ""},
		{Options{Nodes: 9}, ""},
		{Options{Nodes: 1, CSI: true}, ""},
		{Options{Nodes: 3, Velero: "1.18.2"}, ""},
		{Options{}, "want 1 to 9"},
		{Options{Nodes: 10}, "want 1 to 9"},
		{Options{Nodes: 2, CSI: true}, "leave one of the two out"},
	} {
		err := c.options.Check()
		if (err == nil) != (c.remedy == "") || err != nil && !strings.Contains(err.Error(), c.remedy) {
			t.Errorf("%+v: %v, want %q", c.options, err, c.remedy)
		}
	}
}
