package cluster

import (
	"cmp"
	"fmt"
	"strings"

	"github.com/kymaros/kymaros/test/cluster/controlplane"
	"github.com/kymaros/kymaros/test/cluster/proc"
)

func (c *Cluster) scheduler() proc.Program {
	conf := c.path("kube-scheduler.conf")
	return proc.Program{Name: "kube-scheduler", Argv: []string{c.program("kube-scheduler"),
		"--kubeconfig=" + conf, "--authentication-kubeconfig=" + conf, "--authorization-kubeconfig=" + conf,
		"--leader-elect=false", "--bind-address=127.0.0.1", "--cert-dir=" + c.path("pki")}}
}

// proxyName is a program that every node has and that is never stopped alone.
const proxyName = "kube-proxy"

func (n node) proxy() (proc.Program, error) {
	o, err := n.cluster.options()
	pods := []string{controlplane.PodCIDR}
	if o.DualStack {
		pods = append(pods, controlplane.PodCIDR6)
	}
	return proc.Program{Name: proxyName, Argv: []string{n.cluster.program("kube-proxy"),
		"--kubeconfig=" + n.path(proxyConf), "--proxy-mode=nftables", "--cluster-cidr=" + strings.Join(pods, ","),
		"--hostname-override=" + n.name(), "--metrics-bind-address=127.0.0.1:10249",
		// The size of the machine's connection table is not ours to set.
		"--conntrack-max-per-core=0", "--conntrack-min=0"}}, err
}

// kubelet writes the configuration of the kubelet and returns its program.
func (n node) kubelet() (proc.Program, error) {
	o, err := n.cluster.options()
	if err != nil {
		return proc.Program{}, err
	}
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
clusterDomain: %s
failSwapOn: false
enforceNodeAllocatable: [pods]
maxPods: 200
# The disk is not ours alone: another's files must not evict our pods, nor ours lose their images.
evictionHard: {memory.available: 100Mi, nodefs.available: 1%%, imagefs.available: 1%%}
imageGCHighThresholdPercent: 100
resolvConf: /dev/null
serializeImagePulls: false
`, n.cgroup(), n.cluster.path("pki", "ca.crt"), n.cluster.path("pki", n.certificate()+".crt"), n.cluster.path("pki", n.certificate()+".key"),
		"unix://"+n.containerdSocket(), n.path("volume-plugins"), cmp.Or(o.Domain, "cluster.local"))
	return proc.Program{Name: "kubelet", Argv: []string{n.cluster.program("kubelet"),
		"--config=" + n.path("kubelet.yaml"), "--kubeconfig=" + n.path(kubeletConf),
		"--hostname-override=" + n.name(), "--node-ip=" + strings.Join(n.ips(o), ",")}}, n.writeFiles(map[string]string{"kubelet.yaml": config})
}
