package report

import (
	"fmt"
	"strings"

	"github.com/kymaros/kymaros/pkg/apis/restore/v1alpha1"
	"github.com/kymaros/kymaros/pkg/cli/show"
	"github.com/kymaros/kymaros/pkg/cli/term"
	"github.com/kymaros/kymaros/pkg/controls"
	"github.com/kymaros/kymaros/pkg/evidence"
)

// evidenceOf tells how the report can be checked, and what it is evidence for; nothing of one that is in no chain.
func evidenceOf(r *v1alpha1.RestoreReport, record *evidence.Record) (all []Section) {
	e := r.Status.Evidence
	if e == nil {
		return nil
	}
	var rows [][]term.Cell
	add := func(name, value string) {
		if value = strings.TrimSpace(value); value != "" {
			rows = append(rows, []term.Cell{term.C(name), term.C(value)})
		}
	}
	add("Record", fmt.Sprintf("#%d of test %s/%s", e.Sequence, r.Namespace, r.Spec.TestRef))
	if record == nil {
		if own, err := evidence.OfReport(r); err != nil {
			add("Digest", "none: "+err.Error())
		} else {
			record = &own
		}
	}
	if record != nil {
		add("Digest", string(record.Verdict))
	}
	add("Record before", string(e.Previous))
	if e.KeyID != "" && e.Envelope != nil {
		add("Signature", "by key "+e.KeyID+"; `kubectl kymaros verify` checks it")
	} else {
		add("Signature", "not signed: "+e.NotSigned)
	}
	add("Cluster", string(e.Cluster.UID)+"  "+e.Cluster.Kubernetes)
	test := string(e.Test.UID)
	if e.Test.Generation > 0 {
		test += fmt.Sprintf(", generation %d", e.Test.Generation)
	}
	add("Test", test)
	add("Spec", string(e.Test.SpecDigest))
	add("Policy", string(e.Test.PolicyDigest))
	add("Backup", string(e.Backup.UID))
	add("What it holds", string(e.Backup.ObjectsDigest))
	add("Kymaros", e.Kymaros)
	all = append(all, Section{"Evidence", []term.Column{{Header: "WHAT"}, {Header: "VALUE", Flex: true, Wrap: true}}, rows})
	if len(e.Controls) > 0 {
		segregated := r.Status.Segregation != nil && r.Status.Segregation.Cluster == v1alpha1.ClusterOther
		all = append(all, controlsOf(e.Controls, segregated))
	}
	return all
}

// controlsOf tells of the controls that the test's owner names. segregated: the backup was made in another cluster.
func controlsOf(ids []string, segregated bool) Section {
	s := Section{
		Title:   "Evidence for, as the owner of the test says; this claims no compliance",
		Columns: []term.Column{{Header: "CONTROL", Flex: true, Wrap: true}, {Header: "WHAT IT ASKS", Flex: true, Wrap: true}, {Header: "WHAT THIS DOES NOT SHOW", Flex: true, Wrap: true}},
	}
	for _, id := range ids {
		c := controls.Of(id)
		if segregated {
			c = c.Elsewhere()
		}
		clause, about, limit := c.Clause, c.About, c.Limit
		if clause == "" {
			clause, about = id, "known to the owner of the test"
		}
		if limit == "" {
			limit = show.None
		}
		s.Rows = append(s.Rows, []term.Cell{term.C(clause), term.C(about), term.C(limit)})
	}
	return s
}
