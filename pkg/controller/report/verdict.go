package report

import (
	"fmt"
	"slices"
	"strings"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/kymaros/kymaros/pkg/apis/restore/v1alpha1"
	chain "github.com/kymaros/kymaros/pkg/evidence"
)

// verdict is how a run ended, and where that is stored.
type verdict struct {
	status *v1alpha1.RestoreReportStatus
	// report is the name of the RestoreReport. It is empty if there can be none: the namespace is terminating, or all its names
	// are taken.
	report      string
	terminating bool
	// foreign are the RestoreReports that say they are of the run, or have a name of its report, and that somebody else wrote.
	foreign []string
	// past are the reports that were there before this one was written, and this one if a former try has.
	past []v1alpha1.RestoreReport
	// head is the number and the digest of the report; empty if there is none.
	head chain.Head
}

func (v *verdict) add(foreign []string) {
	v.foreign = append(v.foreign, foreign...)
	slices.Sort(v.foreign)
	v.foreign = slices.Compact(v.foreign)
}

// condition returns what Reported says.
func (v *verdict) condition(rt *v1alpha1.RestoreTest) metav1.Condition {
	c := metav1.Condition{
		Type: v1alpha1.ConditionReported, Status: metav1.ConditionTrue, Reason: v1alpha1.ReasonReportWritten,
		Message: fmt.Sprintf("%s: report %s", said(v.status), v.report),
	}
	switch {
	case v.terminating:
		c.Reason = v1alpha1.ReasonTestDeleted
		c.Message = fmt.Sprintf("No report: namespace %s is being deleted, so nothing can be stored in it", rt.Namespace)
		return c
	case v.report == "":
		c.Reason = v1alpha1.ReasonReportNotStored
		c.Message = fmt.Sprintf("%s: there is no report, for the names that it may have are taken: %s", said(v.status), strings.Join(reportNames(rt), ", "))
	}
	if len(v.foreign) > 0 {
		c.Message += "; " + v.foreignReports()
	}
	return c
}

// said is the result and, if the run has shown anything, its score.
func said(status *v1alpha1.RestoreReportStatus) string {
	if status.Result == v1alpha1.ResultInconclusive {
		return fmt.Sprintf("%s (%s)", status.Result, status.Reason)
	}
	return fmt.Sprintf("%s, score %d", status.Result, status.Score)
}

// foreignReports names them, and tells what to do.
func (v *verdict) foreignReports() string {
	const shown = 3
	some, more := v.foreign, ""
	if len(some) > shown {
		some, more = some[:shown], fmt.Sprintf(" and %d more", len(some)-shown)
	}
	return fmt.Sprintf("not written by Kymaros, left alone and no evidence: %s%s; find out who made them, and delete them",
		strings.Join(some, ", "), more)
}

// own returns the fields of status that this controller owns: those of the last verdict, until there is a new one.
func own(rt *v1alpha1.RestoreTest, v *verdict) v1alpha1.RestoreTestStatus {
	o := v1alpha1.RestoreTestStatus{
		Report:    &v1alpha1.ReportStatus{RunID: rt.Status.Run.ID},
		LastRunAt: rt.Status.LastRunAt, LastScore: rt.Status.LastScore,
		LastResult: rt.Status.LastResult, LastReportRef: rt.Status.LastReportRef, LastVerified: rt.Status.LastVerified,
		LastRun: rt.Status.LastRun,
	}
	if v != nil && !v.terminating {
		o.Report.Result, o.Report.Name = v.status.Result, v.report
		o.LastVerified = verified(rt, v)
	}
	if v != nil && !v.terminating && !older(rt) {
		o.LastRunAt, o.LastScore = &v.status.CompletedAt, &v.status.Score
		o.LastResult, o.LastReportRef = v.status.Result, v.report
		if v.status.Result == v1alpha1.ResultInconclusive {
			o.LastScore = nil // 0 would be a failure to whoever looks at the score alone
		}
		o.LastRun = lastRun(rt, v.status)
	}
	if v != nil {
		o.LastRun = withHead(o.LastRun, v.head)
	}
	return o
}

// older tells whether the run of rt is of a search, and so of an older backup than the test is about: that one passes is no good
// news of the newest, and that it fails no more bad news.
func older(rt *v1alpha1.RestoreTest) bool { return rt.Status.Run.Trigger == v1alpha1.TriggerSearch }

// verified returns the newest backup of rt that passed: that of v, if it did and the last one is not newer.
func verified(rt *v1alpha1.RestoreTest, v *verdict) *v1alpha1.VerifiedBackup {
	last, backup := rt.Status.LastVerified, v.status.Backup
	if v.status.Result != v1alpha1.ResultPass || last != nil && last.BackupTime != nil && (backup.StartedAt == nil || backup.StartedAt.Before(last.BackupTime)) {
		return last
	}
	return &v1alpha1.VerifiedBackup{
		BackupName: backup.Name, BackupTime: backup.StartedAt, Time: v.status.StartedAt, Report: v.report, Namespaces: sources(rt),
	}
}
