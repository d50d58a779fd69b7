package build

import (
	"slices"
	"strings"
	"testing"
)

func TestAnotherVeleroSaysThatItIs(t *testing.T) {
	usual, older := velero("velero", VeleroVersion), velero("velero-1.18.2", "v1.18.2")
	if flags := strings.Join(older.Flags, " "); older.Name != "velero-1.18.2" || !strings.HasSuffix(flags, "buildinfo.Version=v1.18.2") {
		t.Errorf("got %+v", older)
	}
	if !slices.Equal(usual.Packages, older.Packages) || slices.Equal(usual.Flags, older.Flags) {
		t.Errorf("%+v and %+v", usual, older)
	}
}

func TestNoClusterBuildsWhatFewNeed(t *testing.T) {
	for _, m := range append(ControlPlane(), Node()...) {
		if m.Name == CSI().Name || strings.HasPrefix(m.Name, "helm-") || strings.HasPrefix(m.Name, "velero-") || strings.HasPrefix(m.Name, "k8s-") {
			t.Errorf("every cluster builds %s", m.Name)
		}
	}
}

func TestThereIsAModuleForEachHelm(t *testing.T) {
	for _, major := range []string{"3", "4"} {
		if m, err := Helm(major); err != nil || m.Packages[0] != "helm.sh/helm/v"+major+"/cmd/helm" {
			t.Errorf("Helm %s: %+v, %v", major, m, err)
		}
	}
	if _, err := Helm("2"); err == nil || !strings.Contains(err.Error(), "want one of 3, 4") {
		t.Errorf("Helm 2: %v", err)
	}
}
