package cluster

import (
	"fmt"
	"os"
	"path/filepath"

	"github.com/kymaros/kymaros/test/cluster/images"
	"github.com/kymaros/kymaros/test/cluster/proc"
)

func (c *Cluster) containerdSocket() string { return c.path("containerd.sock") }

// containerd writes the configuration of the container runtime and of its network, and returns its program.
func (c *Cluster) containerd() (proc.Program, error) {
	files := map[string]string{
		// Whatever registry an image names, it comes from ours.
		"certs.d/_default/hosts.toml": fmt.Sprintf("[host.\"http://%s\"]\n  capabilities = [\"pull\", \"resolve\"]\n", registryAddress),

		// ptp and not bridge: what one pod sends to another is then routed by the node and passes its packet
		// filter, where NetworkPolicies are enforced.
		"cni/10-kymaros.conflist": fmt.Sprintf(`{"cniVersion":"1.0.0","name":"kymaros","plugins":[
  {"type":"ptp","ipam":{"type":"host-local","dataDir":%q,"ranges":[[{"subnet":%q}]],"routes":[{"dst":"0.0.0.0/0"}]}},
  {"type":"portmap","capabilities":{"portMappings":true}}]}
`, c.path("ipam"), NodePodCIDR),

		"containerd.toml": fmt.Sprintf(`version = 3
root = %q
state = %q
[grpc]
  address = %q
[plugins.'io.containerd.internal.v1.opt']
  path = %q
[plugins.'io.containerd.nri.v1.nri']
  disable = true
[plugins.'io.containerd.cri.v1.images']
  snapshotter = "overlayfs"
  [plugins.'io.containerd.cri.v1.images'.pinned_images]
    sandbox = %q
  [plugins.'io.containerd.cri.v1.images'.registry]
    config_path = %q
[plugins.'io.containerd.cri.v1.runtime']
  # The machine may be a container itself, without the right to lower its OOM score.
  restrict_oom_score_adj = true
  netns_mounts_under_state_dir = true
  [plugins.'io.containerd.cri.v1.runtime'.cni]
    bin_dirs = ["/usr/lib/cni"]
    conf_dir = %q
  [plugins.'io.containerd.cri.v1.runtime'.containerd.runtimes.runc]
    runtime_type = "io.containerd.runc.v2"
`, c.path("containerd", "root"), c.path("containerd", "state"), c.containerdSocket(), c.path("containerd", "opt"), images.Pause, c.path("certs.d"), c.path("cni")),
	}
	if err := c.writeFiles(files); err != nil {
		return proc.Program{}, err
	}
	return proc.Program{
		Name: "containerd",
		Argv: []string{c.program("containerd"), "--config", c.path("containerd.toml")},
		// It looks for the shim and for runc there.
		Env: []string{"PATH=" + c.Bin + ":/usr/local/sbin:/usr/sbin:/sbin:/usr/local/bin:/usr/bin:/bin"},
	}, nil
}

// writeFiles writes files, named relative to the cluster's directory.
func (c *Cluster) writeFiles(files map[string]string) error {
	for name, content := range files {
		if err := os.MkdirAll(filepath.Dir(c.path(name)), 0o755); err != nil {
			return err
		}
		if err := os.WriteFile(c.path(name), []byte(content), 0o644); err != nil {
			return err
		}
	}
	return nil
}
