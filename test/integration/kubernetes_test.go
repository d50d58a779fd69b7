package integration

import (
	"testing"

	"k8s.io/apimachinery/pkg/util/version"
)

// since tells whether the API server is of that version of Kubernetes, such as 1.36, or of a newer one.
func since(t *testing.T, minor string) bool {
	t.Helper()
	info, err := kube.Discovery().ServerVersion()
	if err != nil {
		t.Fatal(err)
	}
	server, err := version.ParseSemantic(info.GitVersion)
	if err != nil {
		t.Fatal(err)
	}
	return server.AtLeast(version.MustParseGeneric(minor))
}
