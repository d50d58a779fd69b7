package build

import (
	"slices"
	"strings"
	"testing"
)

func TestAnotherKubernetesSaysThatItIs(t *testing.T) {
	have, err := versionsOf("k8s-")
	if err != nil || !slices.Contains(have, "1.30") { // the oldest that README.md promises
		t.Fatalf("%v: %v", have, err)
	}
	usual := kubernetes(controlPlane...)
	for _, minor := range have {
		m, err := otherKubernetes(minor)
		if err != nil {
			t.Fatal(err)
		}
		flags := strings.Join(m.Flags, " ")
		if !strings.Contains(flags, "gitVersion=v"+minor+".") || !strings.HasSuffix(flags, "gitMinor="+strings.TrimPrefix(minor, "1.")) {
			t.Errorf("Kubernetes %s is built with %s", minor, flags)
		}
		if m.Name == usual.Name || !slices.Equal(m.Packages, usual.Packages) {
			t.Errorf("Kubernetes %s: %+v", minor, m)
		}
	}
}

func TestAKubernetesWithoutAModuleIsRefused(t *testing.T) {
	if _, err := otherKubernetes("1.29"); err == nil || !strings.Contains(err.Error(), "1.30") || !strings.Contains(err.Error(), minorOf(KubernetesVersion)) {
		t.Errorf("got %v", err)
	}
}

func TestTheUsualKubernetesIsWhatItsModuleRequires(t *testing.T) {
	if version, err := requiredKubernetes("k8s"); err != nil || version != KubernetesVersion {
		t.Errorf("%s, %v: the programs are stamped %s", version, err, KubernetesVersion)
	}
}
