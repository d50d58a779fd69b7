package cluster

import "github.com/kymaros/kymaros/test/cluster/pki"

// credentials makes the certificates and kubeconfigs of the cluster's programs, while the authority's key is there.
func (c *Cluster) credentials(ca *pki.Authority, nodes []node) error {
	if err := ca.Kubeconfig(c.path("kube-scheduler.conf"), c.plane().Server(), "system:kube-scheduler", ""); err != nil {
		return err
	}
	for _, n := range nodes {
		if err := n.credentials(ca); err != nil {
			return err
		}
	}
	return nil
}

// credentials are those of the kubelet, whose name is the node's, of kube-proxy and of the NetworkPolicy agent.
func (n node) credentials(ca *pki.Authority) error {
	user := "system:node:" + n.name()
	if _, _, err := ca.Issue(n.certificate(), user, "system:nodes", "127.0.0.1", n.ip(), n.name()); err != nil {
		return err
	}
	for _, u := range []struct{ file, user, group string }{
		{kubeletConf, user, "system:nodes"},
		{proxyConf, "system:kube-proxy", ""},
		{agentConf, "kymaros-test-netpol-agent", "system:masters"},
	} {
		if err := ca.Kubeconfig(n.path(u.file), n.cluster.plane().NodeServer(), u.user, u.group); err != nil {
			return err
		}
	}
	return nil
}

// certificate is the name of the kubelet's among those that the authority of the cluster has written.
func (n node) certificate() string { return "kubelet-" + n.name() }

const (
	kubeletConf = "kubelet.conf"
	proxyConf   = "kube-proxy.conf"
	agentConf   = "netpol-agent.conf"
)
