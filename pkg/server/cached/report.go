package cached

import (
	"cmp"
	"time"

	"github.com/kymaros/kymaros/pkg/apis/restore/v1alpha1"
	"github.com/kymaros/kymaros/pkg/controller"
	"github.com/kymaros/kymaros/pkg/server/times"
)

// Report is what lists tell of a RestoreReport.
type Report struct {
	Key
	created, started, Completed time.Time
	Test, runID                 string
	Result                      v1alpha1.Result
	Score                       int32
	reason, Message             string
	trigger                     v1alpha1.Trigger
	Measured, target            time.Duration
	withinSLA                   bool
	backup                      string
	backupAge                   v1alpha1.Duration
	backupStarted               time.Time
	levels                      levelItems
	hygiene                     v1alpha1.HygieneStatus
	shows                       string // see evidenceOf
}

// toReportRow leaves out a report that has no verdict yet, and one that the controller did not write: it is no evidence.
func toReportRow(r *v1alpha1.RestoreReport) any {
	if r.Status == nil || !controller.WroteReport(r) {
		return &nothing{keyOf(r)}
	}
	return ReportOf(r)
}

// ReportOf returns the row of a report, which has a verdict.
func ReportOf(r *v1alpha1.RestoreReport) *Report {
	s := r.Status
	level := func(l v1alpha1.LevelResult) levelItem { return levelItem{same(l.Status), l.Points, l.Max} }
	levels := s.ValidationLevels
	row := &Report{
		Key: keyOf(r), created: r.CreationTimestamp.Time, started: s.StartedAt.Time, Completed: s.CompletedAt.Time,
		Test: same(r.Spec.TestRef), runID: r.Spec.RunID, Result: same(s.Result), Score: s.Score, reason: same(s.Reason), Message: s.Message,
		trigger: same(s.Trigger), Measured: s.RTO.Measured.Or(0), target: s.RTO.Target.Or(0), withinSLA: s.RTO.WithinSLA,
		shows: evidenceOf(s), backup: same(s.Backup.Name), backupAge: s.Backup.Age, backupStarted: times.Of(s.Backup.StartedAt),
		levels: levelItems{
			level(levels.RestoreIntegrity), level(levels.Completeness), level(levels.PodStartup), level(levels.InternalHealth),
			level(levels.CrossNamespaceDeps), level(levels.RTOCompliance),
		},
	}
	if r.Hygiene != nil {
		row.hygiene = same(r.Hygiene.Status)
	}
	return row
}

// ReportItem is a RestoreReport in a list: in the shape of the object, with what lists tell of it. The rest is at the address of
// the report.
type ReportItem struct {
	Metadata itemMeta                   `json:"metadata"`
	Spec     v1alpha1.RestoreReportSpec `json:"spec"`
	Status   itemStatus                 `json:"status"`
	Hygiene  *itemHygiene               `json:"hygiene,omitempty"`
}

type itemMeta struct {
	Name              string `json:"name"`
	Namespace         string `json:"namespace"`
	CreationTimestamp string `json:"creationTimestamp"`
}

type itemStatus struct {
	Score            int32            `json:"score"`
	Result           v1alpha1.Result  `json:"result"`
	Reason           string           `json:"reason,omitempty"`
	Message          string           `json:"message,omitempty"`
	StartedAt        string           `json:"startedAt"`
	CompletedAt      string           `json:"completedAt"`
	Trigger          v1alpha1.Trigger `json:"trigger,omitempty"`
	RTO              itemRTO          `json:"rto"`
	Backup           itemBackup       `json:"backup"`
	ValidationLevels levelItems       `json:"validationLevels"`
}

type itemRTO struct {
	Measured  v1alpha1.Duration `json:"measured"`
	Target    v1alpha1.Duration `json:"target,omitempty"`
	WithinSLA bool              `json:"withinSLA"`
}

type itemBackup struct {
	Name      string            `json:"name"`
	Age       v1alpha1.Duration `json:"age"`
	StartedAt string            `json:"startedAt,omitempty"`
}

// levelItem is one part of a score.
type levelItem struct {
	Status v1alpha1.LevelStatus `json:"status"`
	Points int32                `json:"points"`
	Max    int32                `json:"max"`
}

type levelItems struct {
	RestoreIntegrity   levelItem `json:"restoreIntegrity"`
	Completeness       levelItem `json:"completeness"`
	PodStartup         levelItem `json:"podStartup"`
	InternalHealth     levelItem `json:"internalHealth"`
	CrossNamespaceDeps levelItem `json:"crossNamespaceDeps"`
	RTOCompliance      levelItem `json:"rtoCompliance"`
}

type itemHygiene struct {
	Status v1alpha1.HygieneStatus `json:"status"`
}

// Item returns what lists and streams tell of the report.
func (row *Report) Item() ReportItem {
	item := ReportItem{
		Metadata: itemMeta{row.Name, row.Namespace, times.Stamp(row.created)},
		Spec:     v1alpha1.RestoreReportSpec{TestRef: row.Test, RunID: row.runID},
		Status: itemStatus{
			Score: row.Score, Result: row.Result, Reason: row.reason, Message: row.Message,
			StartedAt: times.Stamp(row.started), CompletedAt: times.Stamp(row.Completed), Trigger: row.trigger,
			RTO:              itemRTO{Measured: v1alpha1.Of(row.Measured), WithinSLA: row.withinSLA},
			Backup:           itemBackup{row.backup, row.backupAge, times.Stamp(row.backupStarted)},
			ValidationLevels: row.levels,
		},
	}
	if row.target > 0 {
		item.Status.RTO.Target = v1alpha1.Of(row.target)
	}
	if row.hygiene != "" {
		item.Hygiene = &itemHygiene{row.hygiene}
	}
	return item
}

// NewestFirst orders reports by when they were completed.
func NewestFirst(a, b *Report) int {
	return cmp.Or(b.Completed.Compare(a.Completed), a.Compare(&b.Key))
}

// Scored tells whether the score of a report says something: an inconclusive run has none.
func (row *Report) Scored() bool { return row.Result != v1alpha1.ResultInconclusive }
