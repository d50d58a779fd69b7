package cluster

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"strings"

	"github.com/kymaros/kymaros/test/cluster/netns"
	"github.com/kymaros/kymaros/test/cluster/oci"
	"github.com/kymaros/kymaros/test/cluster/progress"
)

// Image makes an image of the files under root, for pods to use as ref from now on. Containers that run
// keep the image they have.
func (c *Cluster) Image(ctx context.Context, ref, root string, config oci.Config) error {
	name, err := oci.ParseRef(ref)
	if err != nil {
		return err
	}
	if _, err := os.Stat(c.upFile()); err != nil {
		return c.notUp()
	}
	image, err := c.registry().Add(name, config, root)
	if err != nil {
		return err
	}
	client := &http.Client{Transport: &http.Transport{DialContext: func(ctx context.Context, network, _ string) (net.Conn, error) {
		return netns.DialContext(ctx, c.first().netns(), network, c.registryAddress())
	}}}
	if err := oci.PushManifest(ctx, client, "http://"+c.registryAddress(), image); err != nil {
		return err
	}
	o, err := c.options()
	if err != nil {
		return err
	}
	for _, n := range c.nodes(o.Nodes) {
		if err := n.forgetImage(ctx, name); err != nil {
			return err
		}
	}
	progress.Printf("image %s", name)
	return nil
}

// forgetImage removes an older image of that name, which a node would keep with pull policy IfNotPresent.
func (n node) forgetImage(ctx context.Context, name oci.Ref) error {
	out, err := exec.CommandContext(ctx, n.cluster.program("ctr"), "--address", n.containerdSocket(), "--namespace", "k8s.io",
		"images", "remove", "--sync", name.String()).CombinedOutput()
	if err != nil && !strings.Contains(string(out), "not found") {
		return fmt.Errorf("%s: %w: %s", n.name(), err, out)
	}
	return nil
}
