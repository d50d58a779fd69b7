package controls

import (
	"slices"
	"strings"
	"testing"
)

func TestControlsAreFoundByTheirNamesInWhateverCase(t *testing.T) {
	if c := Of("DORA-12-3"); !strings.Contains(c.Clause, "Art. 12(3)") || !strings.Contains(c.Limit, "same cluster") {
		t.Errorf("%+v", c)
	}
	if c := Of("ours-7"); c != (Control{ID: "ours-7"}) {
		t.Errorf("%+v", c)
	}
}

func TestNoControlIsClaimedToBeCompliedWith(t *testing.T) {
	var ids []string
	for _, c := range All {
		ids = append(ids, c.ID)
		if text := strings.ToLower(c.About + c.Limit); strings.Contains(text, "compl") || c.Clause == "" || c.About == "" {
			t.Errorf("%+v", c)
		}
	}
	if !slices.IsSorted(ids) || len(slices.Compact(ids)) != len(All) {
		t.Errorf("%q", ids)
	}
}

func TestInAnotherClusterASegregatedSystemIsShown(t *testing.T) {
	if c := Of("dora-12-3"); c.Elsewhere().Limit == c.Limit || strings.Contains(c.Elsewhere().Limit, "same cluster") {
		t.Errorf("%+v", c.Elsewhere())
	}
	if c := Of("nist-cp-4"); c.Elsewhere() != c {
		t.Errorf("%+v, and it has nothing to do with the cluster", c.Elsewhere())
	}
}
