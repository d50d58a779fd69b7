package build

// Module is one Go module under mods and the programs that are built from it.
// Each has its own go.mod because their requirements contradict each other.
type Module struct {
	// Name is the module's directory under mods.
	Name string
	// Packages are the main packages; each program is named after the last element of its path.
	Packages []string
	// As names the program where the path's last element does not (etcd lives in ".../server/v3").
	As string
	// Flags are further arguments of go build.
	Flags []string
	// Static turns cgo off, for programs that run in images without a C library.
	Static bool
}

// KubernetesVersion and VeleroVersion are what the programs report; mods/*/go.mod decides what they are.
const (
	KubernetesVersion = "v1.36.3"
	VeleroVersion     = "v1.18.3"
	AWSPluginVersion  = "v1.14.3"
)

// kubernetes stamps the version that clients see at /version. Without it the API server calls
// itself v0.0.0-master and components refuse to talk to one another over version skew.
func kubernetes(programs ...string) Module {
	const pkg = "k8s.io/component-base/version."
	m := Module{Name: "k8s", Flags: []string{"-ldflags",
		"-X " + pkg + "gitVersion=" + KubernetesVersion + " -X " + pkg + "gitMajor=1 -X " + pkg + "gitMinor=36"}}
	for _, p := range programs {
		m.Packages = append(m.Packages, "k8s.io/kubernetes/cmd/"+p)
	}
	return m
}

// ControlPlane is what integration tests need: no node, so no root.
func ControlPlane() []Module {
	return []Module{
		kubernetes("kube-apiserver", "kube-controller-manager", "kubectl"),
		{Name: "etcd", Packages: []string{"go.etcd.io/etcd/server/v3"}, As: "etcd"},
	}
}

// Node is everything else that a cluster with a node, an object store and Velero needs.
func Node() []Module {
	const velero, aws, ctrd = "github.com/vmware-tanzu/velero/cmd/", "github.com/vmware-tanzu/velero-plugin-for-aws/",
		"github.com/containerd/containerd/v2/cmd/"
	return []Module{
		kubernetes("kube-scheduler", "kubelet", "kube-proxy"),
		{Name: "containerd", Packages: []string{ctrd + "containerd", ctrd + "containerd-shim-runc-v2", ctrd + "ctr"},
			Flags: []string{"-tags", "no_btrfs no_devmapper no_zfs"}, Static: true},
		{Name: "crane", Packages: []string{"github.com/google/go-containerregistry/cmd/crane"}},
		{Name: "s3", Packages: []string{"github.com/versity/versitygw/cmd/versitygw"}},
		{Name: "velero", Packages: []string{velero + "velero", velero + "velero-helper", velero + "velero-restore-helper",
			aws + "velero-plugin-for-aws", aws + "hack/cp-plugin"},
			Flags:  []string{"-ldflags", "-X github.com/vmware-tanzu/velero/pkg/buildinfo.Version=" + VeleroVersion},
			Static: true},
		{Name: "localpath", Packages: []string{"github.com/rancher/local-path-provisioner"}, Static: true},
	}
}
