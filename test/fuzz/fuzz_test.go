package fuzz

import (
	"strings"
	"testing"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

var world = World{
	Velero: "velero", System: "kymaros-system", Team: "team", Test: "shop", Backups: []string{"nightly"}, Placed: "placed", Tag: "t",
	Sandboxes: []Sandbox{{"box", "a", "shop"}, {"mate", "a", "db"}, {"other", "b", "shop"}}, Outside: []string{"shop", "kube-system"}, Absent: []string{"gone"},
	Volumes: []string{"v"}, Snapshots: []string{"s"},
}

func TestTheSameSeedMakesTheSameRequests(t *testing.T) {
	a, b, other := New(7, world), New(7, world), New(8, world)
	differ := false
	for i := range 5000 {
		x, y, z := a.Next().String(), b.Next().String(), other.Next().String()
		if x != y {
			t.Fatalf("request %d:\n%s\n%s", i, x, y)
		}
		differ = differ || x != z
	}
	if !differ {
		t.Error("another seed makes the same")
	}
}

// Without changes a Restore is one that the controller could have made, and with them it often is not.
func TestWhatIsWrongWithARestore(t *testing.T) {
	existing := map[string]*Sandbox{"shop": nil, "kube-system": nil}
	for i, s := range world.Sandboxes {
		existing[s.Name] = &world.Sandboxes[i]
	}
	g := New(1, world)
	wrong := map[string]bool{}
	for range 50000 {
		r := g.Restore()
		for _, w := range Wrong(&unstructured.Unstructured{Object: r.Body}, existing) {
			if len(r.What) == 0 {
				t.Fatalf("%s: %s", r, w)
			}
			wrong[w] = true
		}
	}
	for _, want := range []string{
		"which is no sandbox", `which is of run "b", and says that it is of "a"`, "which stands for", "it names no source", "is mapped to nothing", "it names no kinds",
		"it restores netpol", "it restores persistentvolumes", "its modifiers are", "the whole cluster", "it changes what exists", "it runs commands", "it is of no run",
	} {
		found := false
		for w := range wrong {
			found = found || strings.Contains(w, want)
		}
		if !found {
			t.Errorf("of 50,000 Restores of none it is said that %s", want)
		}
	}
}
