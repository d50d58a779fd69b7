package build

import (
	"strings"
	"testing"
)

func TestAnOlderVeleroIsOneThatIsThere(t *testing.T) {
	m, err := OlderVelero("1.18.2")
	if err != nil {
		t.Fatal(err)
	}
	if flags := strings.Join(m.Flags, " "); m.Name != "velero-1.18.2" || !strings.Contains(flags, "buildinfo.Version=v1.18.2") {
		t.Errorf("got %+v", m)
	}
	for _, version := range []string{"", "1.18", "v1.18.2", "1.18.3", "../velero"} {
		if _, err := OlderVelero(version); err == nil || !strings.Contains(err.Error(), "want one of 1.18.2, or none for "+VeleroVersion) {
			t.Errorf("%q: %v", version, err)
		}
	}
}

func TestWhatFewClustersNeedDoesNotChangeTheProgramsOfAll(t *testing.T) {
	usual, err := BinDir()
	if err != nil {
		t.Fatal(err)
	}
	older, err := OlderVelero("1.18.2")
	if err != nil {
		t.Fatal(err)
	}
	seen := map[string]string{usual: "bin"}
	for _, m := range []Module{CSI(), older} {
		dir, err := dirOf(m.Name, []Module{m})
		if err != nil {
			t.Fatal(err)
		}
		if other, ok := seen[dir]; ok || !strings.Contains(dir, "/"+m.Name+"-") {
			t.Errorf("%s is in %s, like %q", m.Name, dir, other)
		}
		seen[dir] = m.Name
	}
	for _, m := range append(ControlPlane(), Node()...) {
		if m.Name == CSI().Name || m.Name == older.Name {
			t.Errorf("every cluster builds %s", m.Name)
		}
	}
}
