package build

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
)

// ControlPlaneOf builds what is missing of a control plane and returns the directory that holds its programs. minor is a Kubernetes such
// as 1.30: that of ControlPlane or one of mods/k8s-*, in the patch that go.mod there requires. Empty means that of ControlPlane.
func ControlPlaneOf(ctx context.Context, minor string) (string, error) {
	if minor == "" || minor == minorOf(KubernetesVersion) {
		return Programs(ctx, ControlPlane())
	}
	m, err := otherKubernetes(minor)
	if err != nil {
		return "", err
	}
	// All of them go with the usual etcd: it is no part of Kubernetes.
	return Extra(ctx, m, etcd())
}

// otherKubernetes is the module of one of mods/k8s-*.
func otherKubernetes(minor string) (Module, error) {
	module, err := another("Kubernetes", "k8s-", minor, minorOf(KubernetesVersion))
	if err != nil {
		return Module{}, err
	}
	version, err := requiredKubernetes(module)
	if err != nil {
		return Module{}, err
	}
	return kubernetesOf(module, version, controlPlane...), nil
}

// requirement is the line of go.mod that says which Kubernetes it is.
var requirement = regexp.MustCompile(`(?m)^(?:require|\t) ?k8s\.io/kubernetes (v[0-9.]+)$`)

// requiredKubernetes is the version that a module requires, such as v1.30.14.
func requiredKubernetes(module string) (string, error) {
	mods, err := modsDir()
	if err != nil {
		return "", err
	}
	file := filepath.Join(mods, module, "go.mod")
	text, err := os.ReadFile(file)
	if err != nil {
		return "", err
	}
	found := requirement.FindSubmatch(text)
	if found == nil {
		return "", fmt.Errorf("%s does not require k8s.io/kubernetes", file)
	}
	return string(found[1]), nil
}

// minorOf is 1.36 for v1.36.3.
func minorOf(version string) string {
	minor := strings.TrimPrefix(version, "v")
	return minor[:strings.LastIndex(minor, ".")]
}
