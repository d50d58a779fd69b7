package metrics

import (
	"github.com/prometheus/client_golang/prometheus"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/kymaros/kymaros/pkg/apis/restore/v1alpha1"
	"github.com/kymaros/kymaros/pkg/line"
)

// gauge is told of a test, unless ok is false.
type gauge struct {
	desc  *prometheus.Desc
	value func(*v1alpha1.RestoreTest) (value float64, ok bool)
}

func of(name, help string, value func(*v1alpha1.RestoreTest) (float64, bool)) gauge {
	return gauge{described(name, help, perTest...), value}
}

func described(name, help string, labels ...string) *prometheus.Desc {
	return prometheus.NewDesc(subsystem+"_"+name, help, labels, nil)
}

// gauges have one series a test. "The last run" is the last that ended, of those that are not of a search.
var gauges = []gauge{
	of("score", "Score of the last run, 0 to 100. Absent after an inconclusive one.", func(rt *v1alpha1.RestoreTest) (float64, bool) {
		return number(rt.Status.LastScore)
	}),
	of("previous_score", "Score of the last run before the last one that has a score.", func(rt *v1alpha1.RestoreTest) (float64, bool) {
		return number(last(rt).PreviousScore)
	}),
	of("result_streak", "Number of runs in a row that had the result of the last one.", func(rt *v1alpha1.RestoreTest) (float64, bool) {
		return some(float64(last(rt).Streak))
	}),
	of("rto_seconds", "Recovery time of the last run: from the start of the restore until all checks passed. Absent if it did not recover.", func(rt *v1alpha1.RestoreTest) (float64, bool) {
		return length(measured(rt).Measured)
	}),
	of("rto_target_seconds", "Recovery time that the test allows, spec.sla.maxRTO. Absent without one.", func(rt *v1alpha1.RestoreTest) (float64, bool) {
		if rt.Spec.SLA == nil {
			return 0, false
		}
		return length(rt.Spec.SLA.MaxRTO)
	}),
	of("line_wait_seconds", "How long the last run waited in the line, from being due to its turn.", func(rt *v1alpha1.RestoreTest) (float64, bool) {
		return last(rt).LineWait.Or(0).Seconds(), rt.Status.LastRun != nil
	}),
	of("backup_age_seconds", "Age of the backup when the last run restored it. Absent if it restored none.", func(rt *v1alpha1.RestoreTest) (float64, bool) {
		return length(last(rt).BackupAge)
	}),
	of("completeness_ratio", "Objects that came back in the last run, of those that the backup must contain, 0 to 1. Absent if they were not compared.", func(rt *v1alpha1.RestoreTest) (float64, bool) {
		count := last(rt).Completeness
		if count == nil || count.Expected == 0 {
			return 0, false
		}
		return float64(count.Found) / float64(count.Expected), true
	}),
	of("evidence_sequence", "Number of the newest report in the chain of the test's reports. It never goes down: if it does, reports were lost.", func(rt *v1alpha1.RestoreTest) (float64, bool) {
		return some(float64(last(rt).Sequence))
	}),
	of("leaked_objects", "Number of objects that the current or last run left behind.", func(rt *v1alpha1.RestoreTest) (float64, bool) {
		if rt.Status.Cleanup == nil {
			return 0, true
		}
		return float64(len(rt.Status.Cleanup.Leaked)), true
	}),
	of("test_created_timestamp_seconds", "When the test was created, in Unix seconds.", func(rt *v1alpha1.RestoreTest) (float64, bool) {
		return moment(&rt.CreationTimestamp)
	}),
	of("last_run_timestamp_seconds", "When the last run ended, in Unix seconds.", func(rt *v1alpha1.RestoreTest) (float64, bool) {
		return moment(rt.Status.LastRunAt)
	}),
	of("last_verified_timestamp_seconds", "When the last run began that passed, in Unix seconds.", func(rt *v1alpha1.RestoreTest) (float64, bool) {
		if at := last(rt).PassedAt; at != nil || rt.Status.LastVerified == nil {
			return moment(at)
		}
		return moment(&rt.Status.LastVerified.Time) // of a test that has not run since there is PassedAt
	}),
	of("last_verified_backup_timestamp_seconds", "When the newest backup began that passed, in Unix seconds.", func(rt *v1alpha1.RestoreTest) (float64, bool) {
		if rt.Status.LastVerified == nil {
			return 0, false
		}
		return moment(rt.Status.LastVerified.BackupTime)
	}),
	of("last_good_backup_timestamp_seconds", "When the newest backup began that restores, in Unix seconds, as the last search after a failed run has found; 0 if it found none. Absent without a search.", lastGood),
	of("next_run_timestamp_seconds", "When the clock starts the next run, in Unix seconds.", func(rt *v1alpha1.RestoreTest) (float64, bool) {
		return moment(rt.Status.NextRunAt)
	}),
	of("starting_deadline_seconds", "How late a run by the clock may start, spec.schedule.startingDeadlineSeconds.", func(rt *v1alpha1.RestoreTest) (float64, bool) {
		return line.StartingDeadline(&rt.Spec.Schedule).Seconds(), true
	}),
	of("waiting_since_timestamp_seconds", "Since when a run is due that waits for its turn, in Unix seconds. Absent if none does.", func(rt *v1alpha1.RestoreTest) (float64, bool) {
		if !line.Waits(rt) {
			return 0, false
		}
		return moment(&rt.Status.Run.ScheduledTime)
	}),
	of("suspended", "Whether the clock starts no runs because of spec.suspend, 1 or 0.", func(rt *v1alpha1.RestoreTest) (float64, bool) {
		return is(rt.Spec.Suspend), true
	}),
	of("scheduled", "Condition Scheduled: 1 while the test has a next run or one under way, 0 while no run can start.", func(rt *v1alpha1.RestoreTest) (float64, bool) {
		c := meta.FindStatusCondition(rt.Status.Conditions, v1alpha1.ConditionScheduled)
		if c == nil || c.Status == metav1.ConditionUnknown {
			return 0, false
		}
		return is(c.Status == metav1.ConditionTrue), true
	}),
	of("notified", "Condition Notified: 0 while somebody could not be told who is to be, 1 while everybody was. Absent without channels, in a silence, and while something is being sent.", func(rt *v1alpha1.RestoreTest) (float64, bool) {
		c := meta.FindStatusCondition(rt.Status.Conditions, v1alpha1.ConditionNotified)
		if c == nil || c.Status == metav1.ConditionUnknown {
			return 0, false
		}
		return is(c.Status == metav1.ConditionTrue), true
	}),
}

// last is empty before the first run.
func last(rt *v1alpha1.RestoreTest) v1alpha1.LastRun {
	if rt.Status.LastRun == nil {
		return v1alpha1.LastRun{}
	}
	return *rt.Status.LastRun
}

func measured(rt *v1alpha1.RestoreTest) v1alpha1.RTO {
	if rto := last(rt).RTO; rto != nil {
		return *rto
	}
	return v1alpha1.RTO{}
}

func lastGood(rt *v1alpha1.RestoreTest) (float64, bool) {
	s := rt.Status.Search
	switch {
	case s != nil && s.State == v1alpha1.SearchNotFound:
		return 0, true
	case s != nil && s.State == v1alpha1.SearchFound && s.LastGood != nil:
		return moment(s.LastGood.BackupTime)
	}
	return 0, false
}

func number(n *int32) (float64, bool) {
	if n == nil {
		return 0, false
	}
	return float64(*n), true
}

func some(f float64) (float64, bool) { return f, f > 0 }

func length(d v1alpha1.Duration) (float64, bool) {
	return some(d.Or(0).Seconds())
}

func moment(t *metav1.Time) (float64, bool) {
	if t.IsZero() {
		return 0, false
	}
	return float64(t.Unix()), true
}
