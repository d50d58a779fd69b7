package guards

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestEachRoleIsBoundToTheOneWhoNeedsIt(t *testing.T) {
	for mode, want := range map[string]map[string]string{
		"strict": {"kymaros-sandbox-prober": "kymaros-prober", "kymaros-sandbox-restorer": "kymaros-controller"},
		"group": {
			"kymaros-sandbox-prober": "kymaros-prober", "kymaros-sandbox-restorer": "kymaros-controller", "kymaros-sandbox-dns": "kymaros-dns",
		},
	} {
		rt := test()
		if mode == "group" {
			rt = test(group)
		}
		got := map[string]string{}
		for _, b := range Bindings(rt, box, "kymaros-system") {
			if b.Namespace != box.Name || b.RoleRef.Kind != "ClusterRole" || len(b.Subjects) != 1 || b.Subjects[0].Namespace != "kymaros-system" {
				t.Errorf("%s: binding %+v", mode, b)
			}
			got[b.RoleRef.Name] = b.Subjects[0].Name
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s: %s", mode, diff)
		}
	}
}
