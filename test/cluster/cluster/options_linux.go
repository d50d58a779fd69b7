package cluster

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/kymaros/kymaros/test/cluster/build"
	"github.com/kymaros/kymaros/test/cluster/images"
	"github.com/kymaros/kymaros/test/cluster/oci"
)

// Options are what a cluster has that others have not. The file options.json says it to all that start something of the cluster.
type Options struct {
	// CSI is volumes with snapshots, and a Velero that backs them up.
	CSI bool
	// Velero is another version than the usual one, such as 1.18.2; "" is the usual one.
	Velero string
	// Nodes is how many nodes it has; 1 is usual.
	Nodes int
	// Domain is what names of Services end with, if not cluster.local.
	Domain string
	// PodSecurity is the level that namespaces without labels enforce, such as restricted; "" is none.
	PodSecurity string
	// DualStack gives pods and Services addresses of IPv6 too.
	DualStack bool
}

// Check returns why no cluster can be started so.
func (o Options) Check() error {
	if o.Nodes < 1 || o.Nodes > maxNodes {
		return fmt.Errorf("--nodes %d: want 1 to %d", o.Nodes, maxNodes)
	}
	if o.Nodes > 1 && o.CSI {
		return errors.New("--csi with --nodes: the driver keeps its volumes on one node; leave one of the two out")
	}
	if o.Nodes > 1 && o.DualStack {
		return errors.New("--dual-stack with --nodes: nodes are joined by IPv4 alone; leave one of the two out")
	}
	return nil
}

func (o Options) String() string {
	said := "plain"
	if o.CSI {
		said = "with CSI"
	}
	if o.Velero != "" {
		said += ", Velero " + o.Velero
	}
	if o.Nodes > 1 {
		said += fmt.Sprintf(", %d nodes", o.Nodes)
	}
	if o.Domain != "" {
		said += ", domain " + o.Domain
	}
	if o.PodSecurity != "" {
		said += ", Pod Security " + o.PodSecurity
	}
	if o.DualStack {
		said += ", dual stack"
	}
	return said
}

func (c *Cluster) optionsFile() string { return c.path("options.json") }

// options returns those that the cluster was started with.
func (c *Cluster) options() (Options, error) {
	var o Options
	content, err := os.ReadFile(c.optionsFile())
	if err != nil {
		return o, err
	}
	if err := json.Unmarshal(content, &o); err != nil {
		return o, fmt.Errorf("%s: %w", c.optionsFile(), err)
	}
	return o, nil
}

// buildFor builds what is missing of what o asks for.
func buildFor(ctx context.Context, o Options) error {
	if o.CSI {
		if _, err := build.Extra(ctx, build.CSI()); err != nil {
			return err
		}
	}
	if o.Velero == "" {
		return nil
	}
	_, _, err := olderImage(ctx, o.Velero)
	return err
}

// writeFor puts into the directory of the cluster what o asks for and what needs more than the cluster's own network to get.
func (c *Cluster) writeFor(ctx context.Context, o Options) error {
	if o.CSI {
		if err := c.prepareCSI(ctx); err != nil {
			return err
		}
	}
	content, err := json.Marshal(o)
	if err != nil {
		return err
	}
	return os.WriteFile(c.optionsFile(), content, 0o644)
}

// olderVelero is where the programs of that version are.
func olderVelero(ctx context.Context, version string) (bin string, err error) {
	m, err := build.OlderVelero(version)
	if err != nil {
		return "", err
	}
	return build.Extra(ctx, m)
}

func olderImage(ctx context.Context, version string) (oci.Store, []oci.Image, error) {
	bin, err := olderVelero(ctx, version)
	if err != nil {
		return "", nil, err
	}
	return images.MakeVelero(ctx, bin, version)
}

// velero is the program that installs Velero, and the image of its server.
func (c *Cluster) velero(ctx context.Context, o Options) (program, image string, err error) {
	if o.Velero == "" {
		return c.program("velero"), images.Velero, nil
	}
	bin, err := olderVelero(ctx, o.Velero)
	return filepath.Join(bin, "velero"), images.VeleroOf(o.Velero), err
}
