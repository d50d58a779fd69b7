package notify

import (
	"strings"
	"time"

	"github.com/kymaros/kymaros/pkg/apis/restore/v1alpha1"
	"github.com/kymaros/kymaros/pkg/notify"
	"github.com/kymaros/kymaros/pkg/outcome"
)

// maxMessage bounds the sentences that are kept in status until they are sent, in bytes.
const maxMessage = 512

// factsOf are those of the last run of rt, which must have one.
func factsOf(rt *v1alpha1.RestoreTest) v1alpha1.NotificationFacts {
	status, last := &rt.Status, rt.Status.LastRun
	f := v1alpha1.NotificationFacts{
		RunID: last.RunID, Time: *status.LastRunAt, Result: status.LastResult, Previous: last.Previous,
		Score: status.LastScore, PreviousScore: last.PreviousScore, Reason: last.Reason, Message: short(last.Message),
		BackupName: last.BackupName, BackupAge: last.BackupAge, NotTested: last.NotTested, Report: status.LastReportRef, Streak: last.Streak,
	}
	if last.RTO != nil {
		f.RTOTarget = last.RTO.Target
		if last.RTO.Measured.Or(0) > 0 {
			f.RTO = last.RTO.Measured
		}
	}
	return f
}

// short cuts a text that is too long, between two characters.
func short(text string) string {
	if len(text) <= maxMessage {
		return text
	}
	return strings.ToValidUTF8(text[:maxMessage], "") + "…"
}

// about is what a message tells beside its facts.
type about struct {
	cluster notify.Cluster
	// dashboard is the address of the dashboard, without a slash at the end; empty if it is not known.
	dashboard string
}

// message is what d tells of rt. Sent again it is the same, but for what is known to be good by then.
func (a about) message(rt *v1alpha1.RestoreTest, d *v1alpha1.NotificationDelivery) notify.Message {
	f := d.Facts
	if f == nil { // somebody has edited the status
		f = &v1alpha1.NotificationFacts{Time: d.DecidedAt}
	}
	m := notify.Message{
		ID: d.ID, Event: notify.Event(d.Event), Previous: string(f.Previous), Cluster: a.cluster,
		Test: notify.Test{Namespace: rt.Namespace, Name: rt.Name}, Run: f.RunID, Result: string(f.Result),
		Score: integer(f.Score), PreviousScore: integer(f.PreviousScore), Reason: f.Reason, Message: f.Message,
		Backup: notify.Backup{Name: f.BackupName, AgeSeconds: int64(f.BackupAge.Or(0).Seconds())},
		RTO:    notify.RTO{Seconds: seconds(f.RTO), TargetSeconds: seconds(f.RTOTarget)}, NotTested: int(f.NotTested),
		Report: notify.Report{Name: f.Report}, Consecutive: int(f.Streak), Time: f.Time.Time,
	}
	// The head of the chain of reports leaves the cluster with the message, while it is that of this report: a search has reports of its own.
	if last, run := rt.Status.LastRun, rt.Status.Run; last != nil && run != nil && run.ID == f.RunID && f.Report != "" && f.Report == rt.Status.LastReportRef {
		m.Report.Sequence, m.Report.Digest = last.Sequence, string(last.Digest)
	}
	for _, e := range d.Also {
		m.Also = append(m.Also, notify.Event(e))
	}
	if f.Reason != "" && outcome.Known(f.Reason) {
		m.NextStep = outcome.Of(f.Reason).Remedy
	}
	if good := rt.Status.LastVerified; good != nil {
		m.LastGood = notify.LastGood{Backup: good.BackupName, Time: good.Time.Time, Report: good.Report}
	}
	switch {
	case a.dashboard == "":
	case f.Report != "":
		m.URL = a.dashboard + "/reports/" + rt.Namespace + "/" + f.Report
	default:
		m.URL = a.dashboard + "/tests/" + rt.Namespace + "/" + rt.Name
	}
	return m
}

func integer(n *int32) *int {
	if n == nil {
		return nil
	}
	i := int(*n)
	return &i
}

func seconds(d v1alpha1.Duration) *int64 {
	length := d.Or(0)
	if length <= 0 {
		return nil
	}
	s := int64(length / time.Second)
	return &s
}
