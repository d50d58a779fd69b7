package notify

import (
	"fmt"
	"time"

	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/kymaros/kymaros/pkg/apis/restore/v1alpha1"
	"github.com/kymaros/kymaros/pkg/conditions"
)

const (
	// fresh is how old a run may be of which nobody was ever told: whoever names the first channel of a test hears of its last run,
	// but not of one from before Kymaros had notifications.
	fresh = 24 * time.Hour
	// settle is how long a verdict waits for the end of the cleanup, so that what was leaked is in the same message.
	settle = 2 * time.Minute
	// defaultPoints is by how many points a score may fall if spec.notifications does not say.
	defaultPoints = 10
)

// occasion is something to tell. Its messages have ids that begin with id.
type occasion struct {
	id string
	// bad are the events for onFailure, the most severe first.
	bad []v1alpha1.NotificationEvent
	// verified: the run passed.
	verified bool
	facts    v1alpha1.NotificationFacts
}

// well tells whether there is nothing to complain of any more.
func (o *occasion) well() bool { return o.verified && len(o.bad) == 0 }

// occasions returns what there is to tell of a test that was not told yet, notes in told that it now is, and when to look again; 0: when
// something changes.
func occasions(s *seen, told *v1alpha1.NotificationsStatus) (found []occasion, again time.Duration) {
	overdue, wait := overdue(s, told)
	verdict, later := verdict(s, told)
	if verdict != nil {
		if overdue != nil && !verdict.verified { // one message says it all
			verdict.bad, overdue = append(verdict.bad, v1alpha1.NotifyNotVerified), nil
		}
		bySeverity(verdict.bad)
		found = append(found, *verdict)
	}
	for _, o := range []*occasion{leak(s, told), lastGood(s, told), overdue} {
		if o != nil {
			found = append(found, *o)
		}
	}
	return found, sooner(wait, later)
}

// recent tells whether what happened then is worth telling. Of a test that was looked at before, it always is: after a silence, or a time
// in which nobody sent anything, what was not told is news.
func (s *seen) recent(then time.Time) bool {
	return s.rt.Status.Notifications != nil || s.now.Sub(then) < fresh
}

// verdict is the one of the last run that is not of a search.
func verdict(s *seen, told *v1alpha1.NotificationsStatus) (*occasion, time.Duration) {
	status, last := &s.rt.Status, s.rt.Status.LastRun
	if last == nil || last.RunID == told.RunID || status.LastRunAt == nil {
		return nil, 0
	}
	current := status.Run != nil && status.Run.ID == last.RunID
	if age := s.now.Sub(status.LastRunAt.Time); current && !conditions.Is(s.rt, v1alpha1.ConditionCleanedUp, metav1.ConditionTrue) && age < settle {
		return nil, settle - age
	}
	worth := s.recent(status.LastRunAt.Time)
	told.RunID = last.RunID
	o := &occasion{id: last.RunID, verified: status.LastResult == v1alpha1.ResultPass, facts: factsOf(s.rt)}
	switch status.LastResult {
	case v1alpha1.ResultFail:
		o.bad = append(o.bad, v1alpha1.NotifyFailed)
	case v1alpha1.ResultPartial, v1alpha1.ResultInconclusive:
		o.bad = append(o.bad, v1alpha1.NotifyPartial)
	case v1alpha1.ResultPass:
		told.LastGood = ""
	}
	if score, before := status.LastScore, last.PreviousScore; score != nil && before != nil && *before-*score > s.points {
		o.bad = append(o.bad, v1alpha1.NotifyRegressed)
	}
	sla := s.rt.Spec.SLA
	if current {
		sla = status.Run.Spec.SLA
	}
	if sla != nil && sla.AlertOnExceed && last.RTO != nil && last.RTO.Parts != nil && !last.RTO.WithinSLA {
		o.bad = append(o.bad, v1alpha1.NotifyRTOExceeded)
	}
	if current && leaks(s.rt) {
		o.bad, told.LeakedRunID = append(o.bad, v1alpha1.NotifyLeaked), last.RunID
	}
	if !worth {
		return nil, 0
	}
	return o, 0
}

// leak is of a run whose verdict was told before it was known what it leaves, or that is of a search.
func leak(s *seen, told *v1alpha1.NotificationsStatus) *occasion {
	if !leaks(s.rt) || told.LeakedRunID == s.rt.Status.Run.ID || unsettled(s.rt, told) {
		return nil
	}
	cleaned := meta.FindStatusCondition(s.rt.Status.Conditions, v1alpha1.ConditionCleanedUp)
	worth := s.recent(cleaned.LastTransitionTime.Time)
	told.LeakedRunID = s.rt.Status.Run.ID
	if !worth {
		return nil
	}
	count := len(s.rt.Status.Cleanup.Leaked)
	first := s.rt.Status.Cleanup.Leaked[0]
	return &occasion{id: told.LeakedRunID, bad: []v1alpha1.NotificationEvent{v1alpha1.NotifyLeaked}, facts: v1alpha1.NotificationFacts{
		RunID: told.LeakedRunID, Time: cleaned.LastTransitionTime, Reason: v1alpha1.ReasonLeaked,
		Message: short(fmt.Sprintf("%d objects of the run are left, the first is %s: %s", count, first.Object, first.Reason)),
	}}
}

// leaks tells whether the run is cleaned up and has left something.
func leaks(rt *v1alpha1.RestoreTest) bool {
	return conditions.Is(rt, v1alpha1.ConditionCleanedUp, metav1.ConditionTrue) && len(rt.Status.Cleanup.Leaked) > 0
}

// unsettled: the verdict of the current run is still to be told, and will tell of the leak.
func unsettled(rt *v1alpha1.RestoreTest, told *v1alpha1.NotificationsStatus) bool {
	last := rt.Status.LastRun
	return last != nil && last.RunID == rt.Status.Run.ID && last.RunID != told.RunID
}

// lastGood is the end of a search that found something else than the last one.
func lastGood(s *seen, told *v1alpha1.NotificationsStatus) *occasion {
	search := s.rt.Status.Search
	if search == nil || search.State == v1alpha1.SearchUnderWay || s.rt.Status.LastResult == v1alpha1.ResultPass {
		return nil // after a pass the search is about to go
	}
	found, ended := "none", s.rt.Status.LastRunAt
	if search.LastGood != nil {
		found = search.LastGood.BackupName
	}
	if ended == nil || found == told.LastGood {
		return nil
	}
	worth := s.recent(ended.Time)
	told.LastGood = found
	if !worth {
		return nil
	}
	facts := v1alpha1.NotificationFacts{RunID: search.RunID, Time: metav1.NewTime(s.now.Truncate(time.Second)), Message: short(search.Message), Reason: v1alpha1.EventNoGoodBackup}
	if search.LastGood != nil {
		facts.Reason, facts.Report = v1alpha1.EventLastGoodFound, search.LastGood.Report
	}
	return &occasion{id: search.RunID, bad: []v1alpha1.NotificationEvent{v1alpha1.NotifyLastGoodChanged}, facts: facts}
}

// overdue: for twice as long as the schedule lets one expect no run has passed. It is the rule of the alert KymarosNotVerified.
func overdue(s *seen, told *v1alpha1.NotificationsStatus) (*occasion, time.Duration) {
	if s.interval <= 0 || s.rt.Spec.Suspend {
		return nil, 0
	}
	since := verifiedAt(s.rt)
	due := since.Add(2 * s.interval)
	if wait := due.Sub(s.now); wait > 0 {
		return nil, wait
	}
	if told.OverdueSince.Equal(&since) {
		return nil, 0
	}
	told.OverdueSince = &since
	return &occasion{
		id:  since.UTC().Format("20060102-150405") + "-" + hash(string(s.rt.UID)),
		bad: []v1alpha1.NotificationEvent{v1alpha1.NotifyNotVerified},
		facts: v1alpha1.NotificationFacts{
			Time: metav1.NewTime(due), Result: s.rt.Status.LastResult, Score: s.rt.Status.LastScore, Report: s.rt.Status.LastReportRef,
			Message: fmt.Sprintf("No run has passed since %s, for twice as long as the schedule says: that the backup can be restored is not known any more",
				since.UTC().Format(time.RFC3339)),
		},
	}, 0
}

// verifiedAt is when the last run began that passed, or when the test was created.
func verifiedAt(rt *v1alpha1.RestoreTest) metav1.Time {
	switch status := &rt.Status; {
	case status.LastRun != nil && status.LastRun.PassedAt != nil:
		return *status.LastRun.PassedAt
	case status.LastVerified != nil:
		return status.LastVerified.Time
	}
	return rt.CreationTimestamp
}

// sooner returns the shorter of two waits, of which 0 is none.
func sooner(a, b time.Duration) time.Duration {
	if a == 0 || b != 0 && b < a {
		return b
	}
	return a
}
