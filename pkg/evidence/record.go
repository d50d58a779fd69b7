package evidence

import (
	"encoding/json"
	"fmt"
	"time"

	utiljson "k8s.io/apimachinery/pkg/util/json"

	"github.com/kymaros/kymaros/pkg/apis/restore/v1alpha1"
)

// Record is what the chain knows of a report.
type Record struct {
	Namespace, Name, Test, RunID string
	// Verdict is the digest of the report, Hygiene that of what cleanup wrote; empty if it has not.
	Verdict, Hygiene v1alpha1.Digest
	// Evidence without its envelope; nil in reports of versions that had no chain.
	Evidence *v1alpha1.Evidence
	Envelope *v1alpha1.Envelope
	// Signature is what Keys made of the envelope.
	Signature Signature
	Started   time.Time
	Result    v1alpha1.Result
}

// Sequence is 0 in reports of versions that had no chain.
func (r *Record) Sequence() int64 {
	if r.Evidence == nil {
		return 0
	}
	return r.Evidence.Sequence
}

// Digest of the record.
func (r *Record) Digest() v1alpha1.Digest { return link(r.Verdict, r.Hygiene) }

// Of returns the record of a report as the API server stores it.
func Of(report map[string]any) (Record, error) {
	r, _, err := OfVerdict(report)
	return r, err
}

// OfVerdict is Of, and returns the bytes too that the digest of the verdict is of, see Verdict.
func OfVerdict(report map[string]any) (r Record, verdict []byte, err error) {
	if verdict, err = Verdict(report); err != nil {
		return Record{}, nil, err
	}
	r, err = of(report, sum(verdict))
	return r, verdict, err
}

func of(report map[string]any, verdict v1alpha1.Digest) (Record, error) {
	r := Record{Verdict: verdict}
	if h := report["hygiene"]; h != nil {
		var err error
		if r.Hygiene, err = DigestOf(h); err != nil {
			return Record{}, fmt.Errorf("hygiene%w", err)
		}
	}
	// Of the fields of the chain alone, so that what a later version adds elsewhere hinders nobody.
	body, err := json.Marshal(map[string]any{
		"metadata": some(report["metadata"], "namespace", "name"), "spec": some(report["spec"], "testRef", "runID"),
		"status": some(report["status"], "startedAt", "result", "evidence"),
	})
	if err != nil {
		return Record{}, err
	}
	var known struct {
		Metadata struct{ Namespace, Name string }
		Spec     v1alpha1.RestoreReportSpec
		Status   struct {
			StartedAt time.Time          `json:"startedAt"`
			Result    v1alpha1.Result    `json:"result"`
			Evidence  *v1alpha1.Evidence `json:"evidence"`
		}
	}
	if err := json.Unmarshal(body, &known); err != nil {
		return Record{}, fmt.Errorf("report %v: %w", report["metadata"], err)
	}
	r.Namespace, r.Name, r.Test, r.RunID = known.Metadata.Namespace, known.Metadata.Name, known.Spec.TestRef, known.Spec.RunID
	r.Started, r.Result = known.Status.StartedAt, known.Status.Result
	if r.Evidence = known.Status.Evidence; r.Evidence != nil {
		r.Envelope, r.Evidence.Envelope = r.Evidence.Envelope, nil
	}
	return r, nil
}

// some returns those fields of an object.
func some(object any, names ...string) any {
	all, ok := object.(map[string]any)
	if !ok {
		return object
	}
	few := make(map[string]any, len(names))
	for _, name := range names {
		few[name] = all[name]
	}
	return few
}

// OfReport returns the record of a report that this version wrote, or as the API server answered: nothing is in it that our types do
// not have.
func OfReport(report *v1alpha1.RestoreReport) (Record, error) {
	typed := report.DeepCopy()
	typed.APIVersion, typed.Kind = v1alpha1.GroupVersion.String(), "RestoreReport"
	typed.ManagedFields = nil
	body, err := json.Marshal(typed)
	if err != nil {
		return Record{}, err
	}
	var stored map[string]any
	if err := utiljson.Unmarshal(body, &stored); err != nil {
		return Record{}, err
	}
	return Of(stored)
}

// Head is the newest record of a chain, as somebody keeps it.
type Head struct {
	// Sequence is 0 if there is none.
	Sequence int64
	// Digest of the verdict, or as much of it as somebody has kept.
	Digest v1alpha1.Digest
	// Hygiene of some record, nil if not known.
	Hygiene *v1alpha1.HygieneDigest
}

// HeadOf returns the head that stands in the status of a test.
func HeadOf(rt *v1alpha1.RestoreTest) Head {
	var h Head
	if last := rt.Status.LastRun; last != nil {
		h.Sequence, h.Digest = last.Sequence, last.Digest
	}
	if cleanup := rt.Status.Cleanup; cleanup != nil {
		h.Hygiene = cleanup.Hygiene
	}
	return h
}
