package docs

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"k8s.io/apimachinery/pkg/util/sets"

	"github.com/kymaros/kymaros/pkg/velero"
)

// README tells of the versions that the test clusters are built of, and of no other.
func TestTheVersionsThatAreTestedAreTold(t *testing.T) {
	install := section(t, read(t, "README.md"), "Install")
	rows := regexp.MustCompile(`(?m)^\| (\d[^|]*) \| ([^|]*) \|[^|]*\|[^|]*\|$`).FindAllStringSubmatch(install, -1)
	if len(rows) < 3 {
		t.Fatalf("README has %d rows of versions", len(rows))
	}
	ofKubernetes, ofVelero := sets.New[string](), sets.New[string]()
	for _, row := range rows {
		ofKubernetes = ofKubernetes.Union(found(`(\d+\.\d+\.\d+)`, row[1]))
		ofVelero = ofVelero.Union(found(`(\d+\.\d+\.\d+)`, row[2]))
	}
	kubernetes := modules(t, "k8s*", `k8s\.io/kubernetes v(\S+)`)
	differ(t, "versions of Velero", ofVelero, modules(t, "velero*", `github\.com/vmware-tanzu/velero v(\S+)`))
	if usual := modules(t, "k8s", `k8s\.io/kubernetes v(\S+)`); !ofKubernetes.IsSuperset(usual) || !kubernetes.IsSuperset(ofKubernetes) {
		t.Errorf("Kubernetes on nodes: told %q, the usual is %q, of %q", sets.List(ofKubernetes), sets.List(usual), sets.List(kubernetes))
	}
	minors := sets.List(found(`v(\d+\.\d+)\.`, "v"+strings.Join(sets.List(modules(t, "k8s-*", `k8s\.io/kubernetes v(\S+)`)), " v")))
	for _, sentence := range []string{
		"Kubernetes " + minors[0] + " or newer, Velero " + velero.Oldest + " or newer", "each minor from " + minors[0] + " to " + minors[len(minors)-1] + ": `make test-versions`",
	} {
		if !strings.Contains(install, sentence) {
			t.Errorf("README does not say %q", sentence)
		}
	}
}

// modules returns what the modules of the test clusters of such a name are of.
func modules(t *testing.T, name, pattern string) sets.Set[string] {
	t.Helper()
	files, err := filepath.Glob(root + "/test/cluster/mods/" + name + "/go.mod")
	if err != nil || len(files) == 0 {
		t.Fatalf("no module %s: %v", name, err)
	}
	all := sets.New[string]()
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		all = all.Union(found(pattern, string(text)))
	}
	return all
}
