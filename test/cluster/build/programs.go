package build

import (
	"fmt"
	"path/filepath"
	"slices"
	"strings"
)

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
	KubernetesVersion = "v1.37.2"
	VeleroVersion     = "v1.18.3"
	AWSPluginVersion  = "v1.14.3"
)

// kubernetes stamps the version that clients see at /version. Without it the API server calls
// itself v0.0.0-master and components refuse to talk to one another over version skew.
func kubernetes(programs ...string) Module {
	return kubernetesOf("k8s", KubernetesVersion, programs...)
}

// kubernetesOf is so for a version, such as v1.37.2, which is what module requires.
func kubernetesOf(module, version string, programs ...string) Module {
	const pkg = "k8s.io/component-base/version."
	m := Module{Name: module, Flags: []string{"-ldflags",
		"-X " + pkg + "gitVersion=" + version + " -X " + pkg + "gitMajor=1 -X " + pkg + "gitMinor=" + strings.TrimPrefix(minorOf(version), "1.")}}
	for _, p := range programs {
		m.Packages = append(m.Packages, "k8s.io/kubernetes/cmd/"+p)
	}
	return m
}

// ControlPlane is what integration tests need: no node, so no root.
func ControlPlane() []Module { return []Module{kubernetes(controlPlane...), etcd()} }

// controlPlane are the programs of Kubernetes among them.
var controlPlane = []string{"kube-apiserver", "kube-controller-manager", "kubectl"}

func etcd() Module {
	return Module{Name: "etcd", Packages: []string{"go.etcd.io/etcd/server/v3"}, As: "etcd"}
}

// Node is everything else that a cluster with a node, an object store and Velero needs.
func Node() []Module {
	const aws, ctrd = "github.com/vmware-tanzu/velero-plugin-for-aws/", "github.com/containerd/containerd/v2/cmd/"
	withPlugin := velero("velero", VeleroVersion)
	withPlugin.Packages = append(withPlugin.Packages, aws+"velero-plugin-for-aws", aws+"hack/cp-plugin")
	return []Module{
		kubernetes("kube-scheduler", "kubelet", "kube-proxy"),
		{Name: "containerd", Packages: []string{ctrd + "containerd", ctrd + "containerd-shim-runc-v2", ctrd + "ctr"},
			Flags: []string{"-tags", "no_btrfs no_devmapper no_zfs"}, Static: true},
		{Name: "crane", Packages: []string{"github.com/google/go-containerregistry/cmd/crane"}},
		{Name: "s3", Packages: []string{"github.com/versity/versitygw/cmd/versitygw"}},
		withPlugin,
		{Name: "localpath", Packages: []string{"github.com/rancher/local-path-provisioner"}, Static: true},
	}
}

// CSI is what a cluster needs for volumes with snapshots, besides a driver.
func CSI() Module {
	const sidecars = "github.com/kubernetes-csi/"
	return Module{Name: "csi", Static: true, Packages: []string{sidecars + "external-provisioner/v6/cmd/csi-provisioner",
		sidecars + "external-snapshotter/v8/cmd/csi-snapshotter", sidecars + "external-snapshotter/v8/cmd/snapshot-controller"}}
}

// Helm returns the module of a version of Helm, one of mods/helm-*, such as 4.
func Helm(major string) (Module, error) {
	const prefix = "helm-"
	have, err := versionsOf(prefix)
	if err == nil && !slices.Contains(have, major) {
		err = fmt.Errorf("there is no Helm %q: want one of %s", major, strings.Join(have, ", "))
	}
	// Without a cluster Helm 3 renders for the Kubernetes that it was stamped with, and for 1.20 else; Helm 4 finds it out.
	const kubernetes = "helm.sh/helm/v3/pkg/chartutil.k8sVersion"
	stamp := "-X " + kubernetes + "Major=1 -X " + kubernetes + "Minor=" + strings.TrimPrefix(minorOf(KubernetesVersion), "1.")
	return Module{Name: prefix + major, Packages: []string{"helm.sh/helm/v" + major + "/cmd/helm"}, Static: true, Flags: []string{"-trimpath", "-ldflags", stamp}}, err
}

// OlderVelero returns the module of another version of Velero than that of Node, one of mods/velero-*.
func OlderVelero(version string) (Module, error) {
	module, err := another("Velero", "velero-", version, VeleroVersion)
	if err != nil {
		return Module{}, err
	}
	return velero(module, "v"+version), nil
}

// another returns the name of the module of a further version of what, which begins with prefix. usual is the version that takes none.
func another(what, prefix, version, usual string) (module string, err error) {
	have, err := versionsOf(prefix)
	if err == nil && !slices.Contains(have, version) {
		err = fmt.Errorf("there is no %s %q: want one of %s, or none for %s", what, version, strings.Join(have, ", "), usual)
	}
	return prefix + version, err
}

// versionsOf returns what follows prefix in the names of modules that have it.
func versionsOf(prefix string) ([]string, error) {
	mods, err := modsDir()
	if err != nil {
		return nil, err
	}
	dirs, err := filepath.Glob(filepath.Join(mods, prefix+"*"))
	if err != nil {
		return nil, err
	}
	var have []string
	for _, dir := range dirs {
		have = append(have, strings.TrimPrefix(filepath.Base(dir), prefix))
	}
	return have, nil
}

// velero is a version of Velero, without plugins.
func velero(module, version string) Module {
	const pkg = "github.com/vmware-tanzu/velero/"
	return Module{Name: module, Static: true, Packages: []string{pkg + "cmd/velero", pkg + "cmd/velero-helper", pkg + "cmd/velero-restore-helper"},
		Flags: []string{"-ldflags", "-X " + pkg + "pkg/buildinfo.Version=" + version}}
}
