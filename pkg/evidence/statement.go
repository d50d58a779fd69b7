package evidence

import (
	"encoding/json"
	"fmt"
	"strings"

	"github.com/kymaros/kymaros/pkg/apis/restore/v1alpha1"
)

const (
	// StatementType is that of in-toto.
	StatementType = "https://in-toto.io/Statement/v1"
	// PredicateType is ours: what is stated of a report.
	PredicateType = "https://kymaros.io/restore-report/v1"
)

// Statement is what is signed about a report (in-toto, version 1).
type Statement struct {
	Type string `json:"_type"`
	// Subject is the report, by the digest of its verdict, and the backup, by that of the list of what it holds, if it is known.
	Subject       []Subject `json:"subject"`
	PredicateType string    `json:"predicateType"`
	Predicate     Predicate `json:"predicate"`
}

// Subject names what a statement is about.
type Subject struct {
	Name        string            `json:"name"`
	Digest      map[string]string `json:"digest"`
	Annotations map[string]string `json:"annotations,omitempty"`
}

// Predicate says of a report what one wants to know of it without it. The report itself is in the subject by its digest.
type Predicate struct {
	ClusterUID  string        `json:"clusterUID,omitempty"`
	Test        string        `json:"test"`
	TestUID     string        `json:"testUID,omitempty"`
	RunID       string        `json:"runID,omitempty"`
	Sequence    int64         `json:"sequence"`
	Previous    string        `json:"previous,omitempty"`
	Result      string        `json:"result"`
	Reason      string        `json:"reason,omitempty"`
	Score       int32         `json:"score"`
	StartedAt   string        `json:"startedAt"`
	CompletedAt string        `json:"completedAt"`
	Backup      BackupSubject `json:"backup"`
}

// BackupSubject is the backup that was restored.
type BackupSubject struct {
	Name      string `json:"name,omitempty"`
	UID       string `json:"uid,omitempty"`
	StartedAt string `json:"startedAt,omitempty"`
	// Objects is the digest of the list of what it holds.
	Objects string `json:"objects,omitempty"`
}

const layout = "2006-01-02T15:04:05Z"

func bare(d v1alpha1.Digest) map[string]string {
	return map[string]string{"sha256": strings.TrimPrefix(string(d), "sha256:")}
}

// statementOf returns what is signed about a report whose verdict has that digest.
func statementOf(report *v1alpha1.RestoreReport, verdict v1alpha1.Digest) Statement {
	s, e := report.Status, report.Status.Evidence
	backup := BackupSubject{Name: s.Backup.Name, UID: string(e.Backup.UID), Objects: string(e.Backup.ObjectsDigest)}
	if s.Backup.StartedAt != nil {
		backup.StartedAt = s.Backup.StartedAt.UTC().Format(layout)
	}
	subjects := []Subject{{Name: report.Namespace + "/" + report.Name, Digest: bare(verdict)}}
	if e.Backup.ObjectsDigest != "" {
		of := map[string]string{}
		for name, value := range map[string]string{"uid": backup.UID, "startedAt": backup.StartedAt} {
			if value != "" {
				of[name] = value
			}
		}
		subjects = append(subjects, Subject{Name: "backup " + backup.Name, Digest: bare(e.Backup.ObjectsDigest), Annotations: of})
	}
	return Statement{Type: StatementType, PredicateType: PredicateType, Subject: subjects, Predicate: Predicate{
		ClusterUID: string(e.Cluster.UID), Test: report.Spec.TestRef, TestUID: string(e.Test.UID), RunID: report.Spec.RunID,
		Sequence: e.Sequence, Previous: string(e.Previous), Result: string(s.Result), Reason: s.Reason, Score: s.Score,
		StartedAt: s.StartedAt.UTC().Format(layout), CompletedAt: s.CompletedAt.UTC().Format(layout), Backup: backup,
	}}
}

// about tells whether the statement is about a record.
func (s *Statement) about(r *Record) bool {
	return len(s.Subject) > 0 && s.Subject[0].Name == r.Namespace+"/"+r.Name && s.Subject[0].Digest["sha256"] == bare(r.Verdict)["sha256"]
}

// Sign signs a report whose status is complete: it sets the key, and the envelope.
func (s *Signer) Sign(report *v1alpha1.RestoreReport) error {
	e := report.Status.Evidence
	e.KeyID, e.NotSigned, e.Envelope = s.ID, "", nil
	record, err := OfReport(report)
	if err != nil {
		return fmt.Errorf("sign: %w", err)
	}
	body, err := json.Marshal(statementOf(report, record.Verdict))
	if err != nil {
		return err
	}
	e.Envelope, err = s.sign(body)
	return err
}
