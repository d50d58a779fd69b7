package cluster

import (
	"fmt"

	"github.com/kymaros/kymaros/test/cluster/controlplane"
	"github.com/kymaros/kymaros/test/cluster/pki"
	"github.com/kymaros/kymaros/test/cluster/proc"
)

// nodeCredentials makes the certificates and kubeconfigs of the node's components.
func (c *Cluster) nodeCredentials(ca *pki.Authority) error {
	if _, _, err := ca.Issue("kubelet", "system:node:"+NodeName, "system:nodes", "127.0.0.1", NodeIP, NodeName); err != nil {
		return err
	}
	for _, u := range []struct{ file, user, group string }{
		{"kubelet.conf", "system:node:" + NodeName, "system:nodes"},
		{"kube-proxy.conf", "system:kube-proxy", ""},
		{"kube-scheduler.conf", "system:kube-scheduler", ""},
	} {
		if err := ca.Kubeconfig(c.path(u.file), c.plane().Server(), u.user, u.group); err != nil {
			return err
		}
	}
	return nil
}

func (c *Cluster) scheduler() proc.Program {
	conf := c.path("kube-scheduler.conf")
	return proc.Program{Name: "kube-scheduler", Argv: []string{c.program("kube-scheduler"),
		"--kubeconfig=" + conf, "--authentication-kubeconfig=" + conf, "--authorization-kubeconfig=" + conf,
		"--leader-elect=false", "--bind-address=127.0.0.1", "--cert-dir=" + c.path("pki")}}
}

func (c *Cluster) proxy() proc.Program {
	return proc.Program{Name: "kube-proxy", Argv: []string{c.program("kube-proxy"),
		"--kubeconfig=" + c.path("kube-proxy.conf"), "--proxy-mode=nftables", "--cluster-cidr=" + controlplane.PodCIDR,
		"--hostname-override=" + NodeName, "--metrics-bind-address=127.0.0.1:10249",
		// The size of the machine's connection table is not ours to set.
		"--conntrack-max-per-core=0", "--conntrack-min=0"}}
}

// kubelet writes the configuration of the kubelet and returns its program.
func (c *Cluster) kubelet() (proc.Program, error) {
	config := fmt.Sprintf(`apiVersion: kubelet.config.k8s.io/v1beta1
kind: KubeletConfiguration
failCgroupV1: false
cgroupDriver: cgroupfs
cgroupRoot: /%s
authentication: {anonymous: {enabled: false}, webhook: {enabled: true}, x509: {clientCAFile: %q}}
authorization: {mode: Webhook}
tlsCertFile: %q
tlsPrivateKeyFile: %q
containerRuntimeEndpoint: %q
volumePluginDir: %q
clusterDomain: cluster.local
failSwapOn: false
enforceNodeAllocatable: [pods]
maxPods: 200
# The disk is not ours alone: another's files must not evict our pods, nor ours lose their images.
evictionHard: {memory.available: 100Mi, nodefs.available: 1%%, imagefs.available: 1%%}
imageGCHighThresholdPercent: 100
resolvConf: /dev/null
serializeImagePulls: false
`, c.cgroup(), c.path("pki", "ca.crt"), c.path("pki", "kubelet.crt"), c.path("pki", "kubelet.key"),
		"unix://"+c.containerdSocket(), c.path("volume-plugins"))
	return proc.Program{Name: "kubelet", Argv: []string{c.program("kubelet"),
		"--config=" + c.path("kubelet.yaml"), "--kubeconfig=" + c.path("kubelet.conf"),
		"--hostname-override=" + NodeName, "--node-ip=" + NodeIP}}, c.writeFiles(map[string]string{"kubelet.yaml": config})
}
