package controller

import (
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/kymaros/kymaros/pkg/apis/restore/v1alpha1"
)

func TestWroteReport(t *testing.T) {
	const (
		ours   = "kymaros-report"
		meta   = `{"f:metadata":{"f:labels":{".":{},"f:kymaros.io/run":{}}}}`
		spec   = `{"f:metadata":{"f:labels":{".":{},"f:kymaros.io/run":{}}},"f:spec":{".":{},"f:runID":{},"f:testRef":{}}}`
		status = `{"f:status":{".":{},"f:score":{}}}`
		left   = `{"f:hygiene":{".":{},"f:status":{}}}`
	)
	by := func(manager, subresource, fields string) metav1.ManagedFieldsEntry {
		return metav1.ManagedFieldsEntry{
			Manager: manager, Operation: metav1.ManagedFieldsOperationUpdate, Subresource: subresource, FieldsV1: metav1.NewFieldsV1(fields),
		}
	}
	applied := func(manager, fields string) metav1.ManagedFieldsEntry {
		return metav1.ManagedFieldsEntry{Manager: manager, Operation: metav1.ManagedFieldsOperationApply, FieldsV1: metav1.NewFieldsV1(fields)}
	}
	type entries = []metav1.ManagedFieldsEntry
	for name, c := range map[string]struct {
		judged  bool // it has a status
		entries entries
		want    bool
	}{
		"one that was made and not judged yet is ours": {false, entries{by(ours, "", spec)}, true},
		"one that was judged is ours":                  {true, entries{by(ours, "", spec), by(ours, "status", status)}, true},
		"what cleanup adds changes nothing":            {true, entries{by(ours, "", spec), by(ours, "status", status), by("kymaros-cleanup", "", left)}, true},
		"a label of somebody else changes nothing":     {true, entries{by(ours, "", spec), by(ours, "status", status), by("kubectl-label", "", meta)}, true},
		"labels that somebody applies change nothing":  {true, entries{by(ours, "", spec), by(ours, "status", status), applied("kubectl", meta)}, true},
		"an entry that names nothing changes nothing":  {true, entries{by(ours, "", spec), by(ours, "status", status), {Manager: "x"}}, true},
		"one that somebody made is not":                {false, entries{by("kubectl-create", "", spec)}, false},
		"one that somebody made and judged is not":     {true, entries{by("kubectl-create", "", spec), by("kubectl-edit", "status", status)}, false},
		"one that somebody made and we judged is not":  {true, entries{by("kubectl-create", "", spec), by(ours, "status", status)}, false},
		"one that somebody else judged is not":         {true, entries{by(ours, "", spec), by("kubectl-edit", "status", status)}, false},
		"one that somebody else judged too is not":     {true, entries{by(ours, "", spec), by(ours, "status", status), by("kubectl-edit", "status", status)}, false},
		"one whose spec somebody else has too is not":  {true, entries{by(ours, "", spec), by(ours, "status", status), applied("argocd", spec)}, false},
		"one of another of our controllers is not":     {false, entries{by("kymaros-cleanup", "", spec)}, false},
		"one that was applied in our name is not":      {false, entries{applied(ours, spec)}, false},
		"one whose judge is not known is not":          {true, entries{by(ours, "", spec)}, false},
		"one of which nothing is noted is not":         {false, nil, false},
		"one of which only labels are ours is not":     {false, entries{by(ours, "", meta)}, false},
		"one whose note cannot be read is not":         {false, entries{by(ours, "", spec), by("x", "", "?")}, false},
	} {
		t.Run(name, func(t *testing.T) {
			r := &v1alpha1.RestoreReport{ObjectMeta: metav1.ObjectMeta{ManagedFields: c.entries}}
			if c.judged {
				r.Status = &v1alpha1.RestoreReportStatus{}
			}
			if got := WroteReport(r); got != c.want {
				t.Errorf("got %v, want %v", got, c.want)
			}
		})
	}
}
