// Package controls names clauses of regulations and standards for which a report may be evidence. Which of them a report is evidence
// for its test's owner says, with annotation kymaros.io/controls; that it complies with any of them nobody says here. It is pure.
package controls

import "strings"

// Control is a clause.
type Control struct {
	// ID is how the annotation names it.
	ID string
	// Clause is how an auditor does; empty for one that only the owner of the test knows.
	Clause string
	// About is what it asks for that a restore test is evidence of.
	About string
	// Limit is what a report of Kymaros does not show of that; empty if there is nothing to add.
	Limit string
}

const sameCluster = "the restore ran in a sandbox of the same cluster: it shows that the backup restores, not that a segregated system does"

const otherCluster = "the restore ran in a sandbox of another cluster: it shows that the backup restores there, not that the application serves from there"

// All are the clauses that are known, in the order of their IDs.
var All = []Control{
	{"dora-12-2", "DORA, Regulation (EU) 2022/2554, Art. 12(2)", "backup systems can be activated; backup, restoration and recovery procedures are tested periodically", sameCluster},
	{"dora-12-3", "DORA, Regulation (EU) 2022/2554, Art. 12(3)", "backup data is restored with systems segregated from the source", sameCluster},
	{"dora-12-6", "DORA, Regulation (EU) 2022/2554, Art. 12(6)", "recovery time and recovery point objectives of a function", "the time is that of the sandbox, with its own resources and without traffic"},
	{"hipaa-164-308-a-7-ii-d", "HIPAA, 45 CFR 164.308(a)(7)(ii)(D)", "contingency plans are tested and revised periodically", "the revision is yours"},
	{"iso27001-a-5-30", "ISO/IEC 27001:2022, A.5.30", "ICT readiness for business continuity is tested", ""},
	{"iso27001-a-8-13", "ISO/IEC 27001:2022, A.8.13", "backup copies are tested regularly", ""},
	{"nis2-annex-4-2", "NIS2, Implementing Regulation (EU) 2024/2690, Annex 4.2", "backups and their restoration are tested at planned intervals", sameCluster},
	{"nist-cp-4", "NIST SP 800-53, CP-4", "the contingency plan is tested, and the results are reviewed", "the review is yours"},
	{"nist-cp-4-3", "NIST SP 800-53, CP-4(3)", "contingency plan testing is automated", ""},
	{"nist-cp-9-1", "NIST SP 800-53, CP-9(1)", "backup information is tested for media reliability and information integrity", ""},
	{"nist-cp-9-2", "NIST SP 800-53, CP-9(2)", "a sample of backup information is used to restore selected functions", ""},
	{"soc2-a1-2", "SOC 2, A1.2", "backup processes and recovery infrastructure are operated and monitored", sameCluster},
	{"soc2-a1-3", "SOC 2, A1.3", "recovery plan procedures are tested", ""},
}

// Of returns the control of that name, in whatever case. One that is not known is whatever its owner knows it to be.
func Of(id string) Control {
	for _, c := range All {
		if strings.EqualFold(c.ID, id) {
			return c
		}
	}
	return Control{ID: id}
}

// Elsewhere is c for a backup that was restored in another cluster than it was made in.
func (c Control) Elsewhere() Control {
	if c.Limit == sameCluster {
		c.Limit = otherCluster
	}
	return c
}
