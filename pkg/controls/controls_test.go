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

// Those that auditors ask for most are known, and where a sandbox of the same cluster is not what the clause means, that is said.
func TestTheClausesThatAuditorsAskForAreKnown(t *testing.T) {
	for id, clause := range map[string]string{
		"dora-12-2": "Art. 12(2)", "dora-12-3": "Art. 12(3)", "dora-12-6": "Art. 12(6)", "iso27001-a-8-13": "ISO/IEC 27001:2022, A.8.13",
		"iso27001-a-5-30": "ISO/IEC 27001:2022, A.5.30", "soc2-a1-2": "SOC 2, A1.2", "soc2-a1-3": "SOC 2, A1.3", "nist-cp-4": "NIST SP 800-53, CP-4",
		"nist-cp-4-3": "CP-4(3)", "nist-cp-9-1": "CP-9(1)", "nist-cp-9-2": "CP-9(2)", "hipaa-164-308-a-7-ii-d": "164.308(a)(7)(ii)(D)", "nis2-annex-4-2": "2024/2690, Annex 4.2",
	} {
		c := Of(id)
		if !strings.HasSuffix(c.Clause, clause) {
			t.Errorf("%s: %+v", id, c)
		}
		if id == "dora-12-3" && c.Limit != sameCluster {
			t.Errorf("%s does not say that the cluster is the same: %+v", id, c)
		}
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
