package integration

import (
	"testing"

	"k8s.io/apimachinery/pkg/util/version"
)

// since skips a test of what came with a version of Kubernetes, such as 1.36, where the API server says that it is an older one.
func since(t *testing.T, minor, what string) {
	t.Helper()
	info, err := kube.Discovery().ServerVersion()
	if err != nil {
		t.Fatal(err)
	}
	server, err := version.ParseSemantic(info.GitVersion)
	if err != nil {
		t.Fatal(err)
	}
	if server.LessThan(version.MustParseGeneric(minor)) {
		t.Skipf("the API server is %s, and Kubernetes has %s since %s", info.GitVersion, what, minor)
	}
}
