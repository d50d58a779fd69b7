package cached

import (
	"encoding/json"
	"slices"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/kymaros/kymaros/pkg/apis/restore/v1alpha1"
)

// evidence is what a report shows of namespaces and volumes. Rows hold it as a text: most reports of a test show the same, and share
// it.
type evidence struct {
	Sources []string                `json:"s"`
	Volumes []v1alpha1.VolumeReport `json:"v"`
}

// evidenceOf returns that of a report; empty for one that shows nothing.
func evidenceOf(s *v1alpha1.RestoreReportStatus) string {
	if s.Result == v1alpha1.ResultInconclusive {
		return ""
	}
	var e evidence
	for _, sandbox := range s.Sandboxes {
		e.Sources = append(e.Sources, sandbox.Source)
	}
	for _, v := range s.Volumes {
		e.Volumes = append(e.Volumes, v1alpha1.VolumeReport{Namespace: v.Namespace, Claim: v.Claim, Method: v.Method, SharedWith: v.SharedWith})
	}
	text, err := json.Marshal(e)
	if err != nil { // texts only
		return ""
	}
	return same(string(text))
}

// Proof returns as much of the report as tells what is proven. The error is of a report that shows nothing.
func (row *Report) Proof() (*v1alpha1.RestoreReport, error) {
	var e evidence
	if err := json.Unmarshal([]byte(row.shows), &e); err != nil {
		return nil, err
	}
	s := &v1alpha1.RestoreReportStatus{
		Result: row.Result, Score: row.Score, Reason: row.reason, Trigger: row.trigger, StartedAt: metav1.NewTime(row.started),
		Backup: v1alpha1.Backup{Name: row.backup}, Volumes: e.Volumes,
	}
	if !row.backupStarted.IsZero() {
		s.Backup.StartedAt = new(metav1.NewTime(row.backupStarted))
	}
	for _, source := range e.Sources {
		s.Sandboxes = append(s.Sandboxes, v1alpha1.ReportSandbox{Source: source})
	}
	return &v1alpha1.RestoreReport{
		ObjectMeta: metav1.ObjectMeta{Namespace: row.Namespace, Name: row.Name}, Spec: v1alpha1.RestoreReportSpec{TestRef: row.Test}, Status: s,
	}, nil
}

// Deciding returns those of the reports that can decide what is proven, which are few. Proof counts from some time of its backup on:
// of the runs of a test that showed the same and ended alike, one whose backup is no newer than that of a later run decides nothing.
func Deciding(rows []*Report) []*Report {
	type class struct {
		Key
		shows  string
		result v1alpha1.Result
		search bool
	}
	rows = slices.DeleteFunc(slices.Clone(rows), func(row *Report) bool { return row.shows == "" })
	slices.SortStableFunc(rows, func(a, b *Report) int { return b.started.Compare(a.started) })
	newest := map[class]time.Time{}
	return slices.DeleteFunc(rows, func(row *Report) bool {
		c := class{Key{row.Namespace, row.Test}, row.shows, row.Result, row.trigger == v1alpha1.TriggerSearch}
		best, known := newest[c]
		if known && (best.IsZero() || !row.backupStarted.IsZero() && !row.backupStarted.After(best)) {
			return true
		}
		newest[c] = row.backupStarted
		return false
	})
}
