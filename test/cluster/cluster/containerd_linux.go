package cluster

import (
	"context"
	"fmt"
	"net"
	"strings"

	"github.com/kymaros/kymaros/test/cluster/images"
	"github.com/kymaros/kymaros/test/cluster/proc"
)

func (n node) containerdSocket() string { return n.path("containerd.sock") }

// containerd writes the configuration of the container runtime and of its network, and returns its program.
func (n node) containerd() (proc.Program, error) {
	o, err := n.cluster.options()
	if err != nil {
		return proc.Program{}, err
	}
	var ranges, routes []string
	for _, cidr := range n.podCIDRs(o) {
		ranges = append(ranges, fmt.Sprintf(`[{"subnet":%q}]`, cidr))
	}
	for _, all := range []string{"0.0.0.0/0", "::/0"}[:len(ranges)] {
		routes = append(routes, fmt.Sprintf(`{"dst":%q}`, all))
	}
	files := map[string]string{
		// Whatever registry an image names, it comes from ours.
		"certs.d/_default/hosts.toml": fmt.Sprintf("[host.\"http://%s\"]\n  capabilities = [\"pull\", \"resolve\"]\n", n.cluster.registryAddress()),

		// ptp and not bridge: what one pod sends to another is then routed by the node and passes its packet
		// filter, where NetworkPolicies are enforced.
		"cni/10-kymaros.conflist": fmt.Sprintf(`{"cniVersion":"1.0.0","name":"kymaros","plugins":[
  {"type":"ptp","ipam":{"type":"host-local","dataDir":%q,"ranges":[%s],"routes":[%s]}},
  {"type":"portmap","capabilities":{"portMappings":true}}]}
`, n.path("ipam"), strings.Join(ranges, ","), strings.Join(routes, ",")),

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
`, n.path("containerd", "root"), n.path("containerd", "state"), n.containerdSocket(), n.path("containerd", "opt"), images.Pause, n.path("certs.d"), n.path("cni")),
	}
	if err := n.writeFiles(files); err != nil {
		return proc.Program{}, err
	}
	return proc.Program{
		Name: "containerd",
		Argv: []string{n.cluster.program("containerd"), "--config", n.path("containerd.toml")},
		// It looks for the shim and for runc there.
		Env: []string{"PATH=" + n.cluster.Bin + ":/usr/local/sbin:/usr/sbin:/sbin:/usr/local/bin:/usr/bin:/bin"},
	}, nil
}

// startContainerd starts the container runtime, and waits until it answers: its socket outlives it, so that the file is there
// says nothing, and a kubelet that nobody answers ends.
func (n node) startContainerd(ctx context.Context) error {
	p, err := n.containerd()
	if err != nil {
		return err
	}
	if err := n.start(p); err != nil {
		return err
	}
	return n.until(ctx, p.Name, func(ctx context.Context) error {
		conn, err := (&net.Dialer{}).DialContext(ctx, "unix", n.containerdSocket())
		if err != nil {
			return err
		}
		return conn.Close()
	})
}
