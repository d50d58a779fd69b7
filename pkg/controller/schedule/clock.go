package schedule

import (
	"errors"
	"fmt"
	"hash/fnv"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/kymaros/kymaros/pkg/apis/restore/v1alpha1"
	"github.com/kymaros/kymaros/pkg/bounds"
	"github.com/kymaros/kymaros/pkg/cron"
	"github.com/kymaros/kymaros/pkg/line"
)

// agenda is what the clock says of a test at a moment.
type agenda struct {
	schedule cron.Schedule
	// planned is what status.nextRunAt holds, if that has come; due is the last time since then. Both are zero if none has come.
	planned, due time.Time
	// next is the first time to come.
	next time.Time
}

// consult asks the clock. That a time has come is known from status.nextRunAt alone: whatever the clock would have started
// before, under another spec or while the test was suspended, is not made up for.
func consult(rt *v1alpha1.RestoreTest, most bounds.Bounds, now time.Time) (a agenda, reason string, err error) {
	if err := errors.Join(validate(&rt.Spec), most.Exceeded(&rt.Spec)); err != nil {
		return agenda{}, v1alpha1.ReasonInvalidSpec, err
	}
	schedule, err := cron.Parse(rt.Spec.Schedule.Cron, rt.Spec.Schedule.Timezone)
	if err != nil {
		return agenda{}, v1alpha1.ReasonInvalidSchedule, err
	}
	a = agenda{schedule: schedule.Delayed(jitter(rt, schedule))}
	if a.next = a.schedule.Next(now); a.next.IsZero() {
		return agenda{}, v1alpha1.ReasonInvalidSchedule,
			fmt.Errorf("spec.schedule.cron: %q never comes: there is no such day within five years; correct day and month", rt.Spec.Schedule.Cron)
	}
	// A time that the schedule does not have is of one that was edited since.
	if planned := rt.Status.NextRunAt; !rt.Spec.Suspend && planned != nil && a.schedule.Has(planned.Time) {
		if a.due, _ = a.schedule.Passed(planned.Time, now); !a.due.IsZero() {
			a.planned = planned.Time
		}
	}
	return a, "", nil
}

// missed returns the times until then at which no run was started, together with those that status tells of already.
func (a agenda) missed(status *v1alpha1.RestoreTestStatus, until time.Time) *v1alpha1.MissedRuns {
	var last time.Time
	var count int
	if !a.planned.IsZero() {
		last, count = a.schedule.Passed(a.planned, until)
	}
	if !missedTurn(status) {
		if count == 0 {
			return nil
		}
		return &v1alpha1.MissedRuns{Count: int32(count), Last: metav1.NewTime(last.UTC())}
	}
	all := *status.MissedRuns
	if count > 0 {
		all.Count, all.Last = min(all.Count+int32(count), cron.Many+1), metav1.NewTime(last.UTC())
	}
	return &all
}

// missedTurn tells whether the last of the missed runs has not been made up for by another.
func missedTurn(status *v1alpha1.RestoreTestStatus) bool {
	return status.MissedRuns != nil && (status.Run == nil || !status.Run.MissedTime.IsZero() || status.MissedRuns.Last.After(status.Run.ScheduledTime.Time))
}

// startable tells whether a run that was due then may still start.
func startable(schedule *v1alpha1.Schedule, due, now time.Time) bool {
	return now.Sub(due) <= line.StartingDeadline(schedule)
}

// jitter returns by how much the runs of a test start later: always the same, less than its spec allows and than lies between
// two of them.
func jitter(rt *v1alpha1.RestoreTest, schedule cron.Schedule) time.Duration {
	most := rt.Spec.Schedule.Jitter.Or(0)
	if most < time.Second {
		return 0
	}
	most = min(most, schedule.Interval())
	hash := fnv.New64a()
	_, _ = hash.Write([]byte(rt.UID)) // which is another in each cluster that restores the same backups
	return time.Duration(hash.Sum64()%uint64(most/time.Second)) * time.Second
}

// runsOnCreate tells whether a test that has never run starts at once.
func runsOnCreate(rt *v1alpha1.RestoreTest) bool {
	return rt.Spec.Schedule.RunOnCreate == nil || *rt.Spec.Schedule.RunOnCreate
}
