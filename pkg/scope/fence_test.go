package scope

import (
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/kymaros/kymaros/manifests"
)

var quoted = regexp.MustCompile(`'([a-z0-9.]+)'`)

// TestTheFenceAllowsTheKindsThatAreRestored holds the list against the two policies of the fence that have it: one for what a
// Restore says, the other for what lands in a sandbox.
func TestTheFenceAllowsTheKindsThatAreRestored(t *testing.T) {
	fence, err := manifests.Fence()
	if err != nil {
		t.Fatal(err)
	}
	var want []string
	for _, k := range kinds {
		want = append(want, k.resource)
	}
	slices.Sort(want)
	found := 0
	for document := range strings.SplitSeq(string(fence), "\n---\n") {
		_, rest, ok := strings.Cut(document, "\n  - name: kinds\n")
		if !ok {
			continue
		}
		found++
		expression, _, _ := strings.Cut(rest, "]")
		var got []string
		for _, name := range quoted.FindAllStringSubmatch(expression, -1) {
			got = append(got, name[1])
		}
		slices.Sort(got)
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("kinds of policy %d (-want +got):\n%s", found, diff)
		}
	}
	if found != 2 {
		t.Errorf("%d policies have a list of kinds, want kymaros-restores and kymaros-restored", found)
	}
}
