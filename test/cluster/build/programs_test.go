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
		if m.Name == CSI().Name || strings.HasPrefix(m.Name, "velero-") || strings.HasPrefix(m.Name, "k8s-") {
			t.Errorf("every cluster builds %s", m.Name)
		}
	}
}
