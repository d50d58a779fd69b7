// Package controlplane knows how etcd, kube-apiserver and kube-controller-manager are set up and started,
// alone (run.go) or as part of a cluster with a node.
package controlplane

import (
	_ "embed"
	"fmt"
	"os"
	"path/filepath"

	"github.com/kymaros/kymaros/test/cluster/pki"
	"github.com/kymaros/kymaros/test/cluster/proc"
)

// auditPolicy is what the API server logs.
//
//go:embed audit-policy.yaml
var auditPolicy []byte

// admission is the configuration of admission plugins, for a level of Pod Security.
const admission = `apiVersion: apiserver.config.k8s.io/v1
kind: AdmissionConfiguration
plugins:
- name: PodSecurity
  configuration:
    apiVersion: pod-security.admission.config.k8s.io/v1
    kind: PodSecurityConfiguration
    defaults: {enforce: %s, enforce-version: latest}
    exemptions: {namespaces: [kube-system, local-path-storage]}
`

const (
	// ServiceCIDR holds the addresses of Services.
	ServiceCIDR = "10.96.0.0/16"
	// APIServiceIP is the first of them, that of "kubernetes".
	APIServiceIP = "10.96.0.1"
	// PodCIDR holds the addresses of pods.
	PodCIDR = "10.244.0.0/16"
	// ServiceCIDR6 holds the addresses of Services in a second IP family.
	ServiceCIDR6 = "fd00:10:96::/112"
	// PodCIDR6 holds those of pods.
	PodCIDR6 = "fd00:10:244::/48"
)

// Plane describes one control plane. Its keys, configuration and data are in Dir.
type Plane struct {
	// Bin holds the programs.
	Bin string
	// Dir must exist.
	Dir string
	// EtcdPort, EtcdPeerPort, APIPort and ManagerPort are loopback ports.
	EtcdPort, EtcdPeerPort, APIPort, ManagerPort int
	// NodeIP is the address under which pods and the kubelet reach the API server; empty if there is no node.
	NodeIP string
	// Controllers is kube-controller-manager's --controllers.
	Controllers string
	// AuditLog is the file that the API server writes requests to; empty for none.
	AuditLog string
	// PodSecurity is the level that namespaces without labels enforce; empty for none.
	PodSecurity string
	// DualStack gives pods and Services addresses of IPv6 too.
	DualStack bool
}

// cidrs returns one, or with two IP families both as flags take them.
func (p Plane) cidrs(first, second string) string {
	if p.DualStack {
		return first + "," + second
	}
	return first
}

// Path is a file or directory of the control plane.
func (p Plane) Path(elements ...string) string {
	return filepath.Join(append([]string{p.Dir}, elements...)...)
}

// Server is the URL of the API server on the loopback device.
func (p Plane) Server() string { return fmt.Sprintf("https://127.0.0.1:%d", p.APIPort) }

// NodeServer is its URL for nodes, if there are any.
func (p Plane) NodeServer() string { return fmt.Sprintf("https://%s:%d", p.NodeIP, p.APIPort) }

// EtcdURL is where etcd answers.
func (p Plane) EtcdURL() string { return fmt.Sprintf("http://127.0.0.1:%d", p.EtcdPort) }

// AdminKubeconfig is the file of a member of system:masters.
func (p Plane) AdminKubeconfig() string { return p.Path("admin.conf") }

// Prepare writes keys, certificates, kubeconfigs and the audit policy.
func (p Plane) Prepare() (*pki.Authority, error) {
	ca, err := pki.NewAuthority(p.Path("pki"))
	if err != nil {
		return nil, err
	}
	if err := ca.ServiceAccountKeys(); err != nil {
		return nil, err
	}
	hosts := []string{"127.0.0.1", APIServiceIP, "localhost", "kubernetes", "kubernetes.default", "kubernetes.default.svc"}
	if p.NodeIP != "" {
		hosts = append(hosts, p.NodeIP)
	}
	if _, _, err := ca.Issue("apiserver", "kube-apiserver", "", hosts...); err != nil {
		return nil, err
	}
	if _, _, err := ca.Issue("kubelet-client", "kube-apiserver-kubelet-client", "system:masters"); err != nil {
		return nil, err
	}
	if err := ca.Kubeconfig(p.AdminKubeconfig(), p.Server(), "kymaros-test-admin", "system:masters"); err != nil {
		return nil, err
	}
	if err := ca.Kubeconfig(p.Path("controller-manager.conf"), p.Server(), "system:kube-controller-manager", ""); err != nil {
		return nil, err
	}
	if p.PodSecurity != "" {
		if err := os.WriteFile(p.Path("admission.yaml"), fmt.Appendf(nil, admission, p.PodSecurity), 0o644); err != nil {
			return nil, err
		}
	}
	return ca, os.WriteFile(p.Path("audit-policy.yaml"), auditPolicy, 0o644)
}

// Etcd is the program that must accept connections before the API server starts.
func (p Plane) Etcd() proc.Program {
	client := p.EtcdURL()
	peer := fmt.Sprintf("http://127.0.0.1:%d", p.EtcdPeerPort)
	return proc.Program{Name: "etcd", Argv: []string{filepath.Join(p.Bin, "etcd"),
		"--data-dir=" + p.Path("etcd"),
		"--listen-client-urls=" + client, "--advertise-client-urls=" + client,
		"--listen-peer-urls=" + peer, "--initial-advertise-peer-urls=" + peer, "--initial-cluster=default=" + peer,
		"--unsafe-no-fsync", // nothing here outlives the machine
		"--log-level=warn",
	}}
}

// APIServer is the program that is ready when /readyz says so.
func (p Plane) APIServer() proc.Program {
	argv := []string{filepath.Join(p.Bin, "kube-apiserver"),
		"--etcd-servers=" + p.EtcdURL(),
		fmt.Sprintf("--secure-port=%d", p.APIPort),
		"--tls-cert-file=" + p.Path("pki", "apiserver.crt"), "--tls-private-key-file=" + p.Path("pki", "apiserver.key"),
		"--client-ca-file=" + p.Path("pki", "ca.crt"),
		"--service-account-key-file=" + p.Path("pki", "sa.pub"), "--service-account-signing-key-file=" + p.Path("pki", "sa.key"),
		"--service-account-issuer=https://kubernetes.default.svc",
		"--service-cluster-ip-range=" + p.cidrs(ServiceCIDR, ServiceCIDR6),
		"--authorization-mode=Node,RBAC", "--enable-admission-plugins=NodeRestriction",
		"--allow-privileged",
	}
	if p.NodeIP != "" {
		argv = append(argv, "--bind-address=0.0.0.0", "--advertise-address="+p.NodeIP,
			"--kubelet-client-certificate="+p.Path("pki", "kubelet-client.crt"), "--kubelet-client-key="+p.Path("pki", "kubelet-client.key"),
			"--kubelet-preferred-address-types=InternalIP")
	} else {
		// A loopback address cannot be an endpoint of the kubernetes Service; without pods nobody needs one.
		argv = append(argv, "--bind-address=127.0.0.1", "--advertise-address=127.0.0.1", "--endpoint-reconciler-type=none")
	}
	if p.AuditLog != "" {
		argv = append(argv, "--audit-policy-file="+p.Path("audit-policy.yaml"), "--audit-log-path="+p.AuditLog,
			"--audit-log-maxsize=1024") // MiB; the default rotates away what a test wants to read
	}
	if p.PodSecurity != "" {
		argv = append(argv, "--admission-control-config-file="+p.Path("admission.yaml"))
	}
	return proc.Program{Name: "kube-apiserver", Argv: argv}
}

// ControllerManager waits for the API server by itself.
func (p Plane) ControllerManager() proc.Program {
	conf := p.Path("controller-manager.conf")
	argv := []string{filepath.Join(p.Bin, "kube-controller-manager"),
		"--kubeconfig=" + conf, "--authentication-kubeconfig=" + conf, "--authorization-kubeconfig=" + conf,
		"--service-account-private-key-file=" + p.Path("pki", "sa.key"), "--root-ca-file=" + p.Path("pki", "ca.crt"),
		"--use-service-account-credentials", "--leader-elect=false",
		"--bind-address=127.0.0.1", fmt.Sprintf("--secure-port=%d", p.ManagerPort),
		"--cert-dir=" + p.Path("pki"),
		// Tests end more namespaces at once than a cluster does in a day, and emptying each takes a hundred requests.
		"--kube-api-qps=200", "--kube-api-burst=400",
	}
	if p.Controllers != "" {
		argv = append(argv, "--controllers="+p.Controllers)
	}
	if p.NodeIP != "" {
		argv = append(argv, "--cluster-cidr="+p.cidrs(PodCIDR, PodCIDR6), "--allocate-node-cidrs")
	}
	return proc.Program{Name: "kube-controller-manager", Argv: argv}
}
