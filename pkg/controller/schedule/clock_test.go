package schedule

import (
	"fmt"
	"strings"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/kymaros/kymaros/pkg/apis/restore/v1alpha1"
	"github.com/kymaros/kymaros/pkg/bounds"
)

func missed(count int32, last time.Time) edit {
	return func(rt *v1alpha1.RestoreTest) {
		rt.Status.MissedRuns = &v1alpha1.MissedRuns{Count: count, Last: metav1.NewTime(last)}
	}
}

// due says that the run that the test has was due at that time.
func dueAt(at time.Time) edit {
	return func(rt *v1alpha1.RestoreTest) { rt.Status.Run.ScheduledTime = metav1.NewTime(at) }
}

func TestWhatWasMissed(t *testing.T) {
	at := func(day, hour int) time.Time { return time.Date(2026, 3, day, hour, 0, 0, 0, time.UTC) }
	weekly := scheduled(func(s *v1alpha1.Schedule) { s.Cron = "0 3 * * 0" })
	deadline := func(seconds int64) edit {
		return scheduled(func(s *v1alpha1.Schedule) { s.StartingDeadlineSeconds = &seconds })
	}
	const anHour, nineHours = 3600, 9 * 3600
	for name, c := range map[string]struct {
		rt      *v1alpha1.RestoreTest
		starts  v1alpha1.Trigger
		due     time.Time
		next    time.Time
		reason  string
		count   int32
		last    time.Time
		message string
	}{
		"nothing": {
			test(ran(at(9, 3), true), planned(at(10, 3))), v1alpha1.TriggerCron, at(10, 3), at(11, 3), v1alpha1.ReasonRunStarted, 0, time.Time{}, "is due by",
		},
		"one, and there is time to make up for it": {
			test(ran(at(8, 3), true), planned(at(9, 3))), v1alpha1.TriggerCron, at(10, 3), at(11, 3), v1alpha1.ReasonRunStarted, 1, at(9, 3),
			"; 1 run before it did not start, the last at 2026-03-09T03:00:00Z",
		},
		"by longer than a day": {
			test(weekly, ran(at(1, 3), true), planned(at(8, 3))), "", time.Time{}, at(15, 3), v1alpha1.ReasonMissedTurn, 1, at(8, 3),
			"next run at 2026-03-15T03:00:00Z (cron \"0 3 * * 0\", timezone UTC); 1 run did not start, the last was due at 2026-03-08T03:00:00Z and could not start within 24h0m0s",
		},
		"by longer than the test allows": {
			test(deadline(anHour), ran(at(3, 3), true), planned(at(4, 3))), "", time.Time{}, at(11, 3), v1alpha1.ReasonMissedTurn, 7, at(10, 3),
			"within 1h0m0s (spec.schedule.startingDeadlineSeconds): see that the controller and Velero run, and ask for a run with the annotation kymaros.io/run-requested",
		},
		"by as long as the test allows": {
			test(deadline(nineHours), ran(at(3, 3), true), planned(at(4, 3))), v1alpha1.TriggerCron, at(10, 3), at(11, 3), v1alpha1.ReasonRunStarted, 6, at(9, 3), "6 runs before it",
		},
		"a year of minutes": {
			test(withCron("* * * * *"), ran(now.AddDate(-1, 0, 0), true), planned(now.AddDate(-1, 0, 0).Add(time.Minute))),
			v1alpha1.TriggerCron, now, now.Add(time.Minute), v1alpha1.ReasonRunStarted, 101, now.Add(-time.Minute), "; more than 100 runs before it did not start",
		},
		"that stays told until the next run": {
			test(weekly, ran(at(1, 3), true), dueAt(at(1, 3)), planned(at(15, 3)), missed(1, at(8, 3))), "", time.Time{}, at(15, 3), v1alpha1.ReasonMissedTurn, 1, at(8, 3), "; 1 run did not start",
		},
		"that is counted on": {
			test(deadline(anHour), ran(at(3, 3), true), dueAt(at(3, 3)), planned(at(9, 3)), missed(5, at(8, 3))), "", time.Time{}, at(11, 3), v1alpha1.ReasonMissedTurn, 7, at(10, 3), "; 7 runs did not start",
		},
		"that is counted on to a hundred": {
			test(deadline(anHour), ran(at(3, 3), true), dueAt(at(3, 3)), planned(at(9, 3)), missed(100, at(8, 3))), "", time.Time{}, at(11, 3), v1alpha1.ReasonMissedTurn, 101, at(10, 3), "; more than 100 runs did not start",
		},
		"that a run on time tells": {
			test(ran(at(8, 3), true), dueAt(at(8, 3)), planned(at(10, 3)), missed(1, at(9, 3))), v1alpha1.TriggerCron, at(10, 3), at(11, 3), v1alpha1.ReasonRunStarted, 1, at(9, 3), "; 1 run before it",
		},
		"that a run on request tells": {
			test(weekly, ran(at(1, 3), true), dueAt(at(1, 3)), planned(at(15, 3)), missed(1, at(8, 3)), requested("x")), v1alpha1.TriggerRequested, now, at(15, 3), v1alpha1.ReasonRunStarted, 1, at(8, 3), "; 1 run before it",
		},
		"before the last run is no news after it": {
			test(ran(at(10, 3), true), dueAt(at(10, 3)), planned(at(11, 3)), missed(1, at(9, 3))), "", time.Time{}, at(11, 3), v1alpha1.ReasonNextRunPlanned, 1, at(9, 3), "next run at",
		},
		"before the last run is forgotten with the next": {
			test(ran(at(9, 3), true), dueAt(at(9, 3)), planned(at(10, 3)), missed(1, at(8, 3))), v1alpha1.TriggerCron, at(10, 3), at(11, 3), v1alpha1.ReasonRunStarted, 0, time.Time{}, "is due by",
		},
		"while a run was on is made up for": {
			test(withCron("0 * * * *"), ran(at(10, 9), true), dueAt(at(10, 9)), planned(at(10, 10))), v1alpha1.TriggerCron, at(10, 12), at(10, 13), v1alpha1.ReasonRunStarted, 2, at(10, 11), "; 2 runs before it",
		},
		"while a run is on waits for it": {
			test(withCron("0 * * * *"), ran(at(10, 9), false), planned(at(10, 10))), "", time.Time{}, at(10, 10), v1alpha1.ReasonRunStarted, 0, time.Time{}, "run old started",
		},
		"while a run is on, and the test is suspended now, is not": {
			test(withCron("0 * * * *"), ran(at(10, 9), false), planned(at(10, 10)), suspended), "", time.Time{}, time.Time{}, v1alpha1.ReasonRunStarted, 0, time.Time{}, "run old started",
		},
		"under another cron is not": {
			test(withCron("0 4 * * *"), ran(at(9, 3), true), planned(at(10, 3))), "", time.Time{}, at(11, 4), v1alpha1.ReasonNextRunPlanned, 0, time.Time{}, "next run at",
		},
		"under another cron, while a run is on, is not": {
			test(withCron("0 4 * * *"), ran(at(9, 3), false), planned(at(10, 3))), "", time.Time{}, at(11, 4), v1alpha1.ReasonRunStarted, 0, time.Time{}, "run old started",
		},
		"in another time zone is not": {
			test(scheduled(func(s *v1alpha1.Schedule) { s.Timezone = "Europe/Brussels" }), ran(at(9, 3), true), planned(at(10, 3))), "", time.Time{}, at(11, 2), v1alpha1.ReasonNextRunPlanned, 0, time.Time{}, "next run at",
		},
		"while the test was suspended is not": {
			test(ran(at(3, 3), true)), "", time.Time{}, at(11, 3), v1alpha1.ReasonNextRunPlanned, 0, time.Time{}, "next run at",
		},
		"of an interval": {
			test(withCron("@every 5h"), ran(at(10, 1), true), planned(at(10, 6))), v1alpha1.TriggerCron, at(10, 11), at(10, 17), v1alpha1.ReasonRunStarted, 1, at(10, 6), "; 1 run before it",
		},
	} {
		t.Run(name, func(t *testing.T) {
			p := decide(c.rt, bounds.Bounds{}, now)
			turn := p.status.Phase == v1alpha1.PhaseQueued
			if turn { // there is nobody else in the line
				c.rt.Status.Run, c.rt.Status.NextRunAt, c.rt.Status.MissedRuns = p.status.Run, p.status.NextRunAt, p.status.MissedRuns
				p = begin(c.rt, bounds.Bounds{}, now)
			}
			var starts v1alpha1.Trigger
			var due, next, last time.Time
			var count int32
			if p.status.NextRunAt != nil {
				next = p.status.NextRunAt.Time
			}
			if turn {
				starts, due = p.status.Run.Trigger, p.status.Run.ScheduledTime.Time
			}
			if m := p.status.MissedRuns; m != nil {
				count, last = m.Count, m.Last.Time
			}
			if starts != c.starts || !due.Equal(c.due) || !next.Equal(c.next) || p.condition.Reason != c.reason || p.condition.Status != metav1.ConditionTrue {
				t.Errorf("starts %q, due %v, next %v, reason %s", starts, due, next, p.condition.Reason)
			}
			if count != c.count || !last.Equal(c.last) {
				t.Errorf("%d missed, the last at %v", count, last)
			}
			if !strings.Contains(p.condition.Message, c.message) || count == 0 && strings.Contains(p.condition.Message, "did not start") {
				t.Errorf("message %q", p.condition.Message)
			}
			if turn {
				return
			}
			// What was decided is decided again, in the same words.
			c.rt.Status.NextRunAt, c.rt.Status.MissedRuns, c.rt.Status.Run = p.status.NextRunAt, p.status.MissedRuns, p.status.Run
			if again := decide(c.rt, bounds.Bounds{}, now); again.status.Run != p.status.Run || again.condition != p.condition || !again.status.NextRunAt.Equal(p.status.NextRunAt) {
				t.Errorf("and then %+v", again.condition)
			}
		})
	}
}

func TestAFirstRun(t *testing.T) {
	at := func(day, hour int) time.Time { return time.Date(2026, 3, day, hour, 0, 0, 0, time.UTC) }
	create := func(runs bool) edit { return scheduled(func(s *v1alpha1.Schedule) { s.RunOnCreate = &runs }) }
	for name, c := range map[string]struct {
		rt     *v1alpha1.RestoreTest
		starts v1alpha1.Trigger
		next   time.Time
	}{
		"starts at once":      {test(create(true)), v1alpha1.TriggerCreated, at(11, 3)},
		"waits for the clock": {test(create(false)), "", at(11, 3)},
		"comes by the clock":  {test(create(false), planned(at(10, 3))), v1alpha1.TriggerCron, at(11, 3)},
		"comes on request":    {test(create(false), requested("x")), v1alpha1.TriggerRequested, at(11, 3)},
	} {
		t.Run(name, func(t *testing.T) {
			p := decide(c.rt, bounds.Bounds{}, now)
			var starts v1alpha1.Trigger
			if p.status.Run != nil {
				starts = p.status.Run.Trigger
			}
			if starts != c.starts || !p.status.NextRunAt.Time.Equal(c.next) {
				t.Errorf("starts %q, next %v", starts, p.status.NextRunAt)
			}
			if starts == "" && (p.status.Phase != v1alpha1.PhaseIdle || p.condition.Reason != v1alpha1.ReasonNextRunPlanned || p.again != c.next.Sub(now)) {
				t.Errorf("plan %+v", p)
			}
		})
	}
}

func TestARequestDuringARunIsKeptForWhenItIsOver(t *testing.T) {
	began := func(rt *v1alpha1.RestoreTest) { rt.Status.Run.Request = "x" }
	for name, c := range map[string]struct {
		request string
		edits   []edit
		want    bool
	}{
		"one that the run answers":  {"x", []edit{began}, false},
		"one that came after it":    {"y", []edit{began}, true},
		"one during a run by clock": {"x", nil, true},
		"none":                      {"", []edit{began}, false},
	} {
		t.Run(name, func(t *testing.T) {
			start := now.Add(-time.Minute)
			p := decide(test(append([]edit{ran(start, false), requested(c.request)}, c.edits...)...), bounds.Bounds{}, now)
			if joins(p) || strings.Contains(p.condition.Message, "another one is asked for") != c.want {
				t.Errorf("starts %v: %q", joins(p), p.condition.Message)
			}
			p = decide(test(append([]edit{ran(start, true), requested(c.request)}, c.edits...)...), bounds.Bounds{}, now)
			if joins(p) != c.want || joins(p) && (p.status.Run.Request != c.request || p.status.Run.Trigger != v1alpha1.TriggerRequested) {
				t.Errorf("when the run is over: %+v", p.status.Run)
			}
		})
	}
}

func TestJitter(t *testing.T) {
	spread := func(cron string, jitter v1alpha1.Duration, uid string) *v1alpha1.RestoreTest {
		return test(withCron(cron), ran(now, true), scheduled(func(s *v1alpha1.Schedule) { s.Jitter = jitter }),
			func(rt *v1alpha1.RestoreTest) { rt.UID = types.UID(uid) })
	}
	for name, c := range map[string]struct {
		cron   string
		jitter v1alpha1.Duration
		less   time.Duration // than this
		least  int           // different ones among 200 tests
	}{
		"half an hour of a night":      {"0 3 * * *", "30m", 30 * time.Minute, 150},
		"more than lies between two":   {"*/10 * * * *", "24h", 10 * time.Minute, 150},
		"more than a day":              {"0 3 * * 0", "168h", 24 * time.Hour, 150},
		"two seconds":                  {"0 3 * * *", "2500ms", 3 * time.Second, 2},
		"none":                         {"0 3 * * *", "0s", time.Second, 1},
		"less than a clock can tell":   {"0 3 * * *", "999ms", time.Second, 1},
		"none where it is not written": {"0 3 * * *", "", time.Second, 1},
	} {
		t.Run(name, func(t *testing.T) {
			seen := map[time.Duration]bool{}
			var without time.Time
			for i := range 200 {
				uid := fmt.Sprintf("6c1f%04x-0d7e-4a5b-9c53-2f0a9be41d7%x", i*7919%65536, i%16)
				without = decide(spread(c.cron, "", uid), bounds.Bounds{}, now).status.NextRunAt.Time
				p := decide(spread(c.cron, c.jitter, uid), bounds.Bounds{}, without.Add(-time.Second))
				by := p.status.NextRunAt.Sub(without)
				if by < 0 || by >= c.less {
					t.Fatalf("later by %v", by)
				}
				if again := decide(spread(c.cron, c.jitter, uid), bounds.Bounds{}, without.Add(-time.Second)); !again.status.NextRunAt.Equal(p.status.NextRunAt) {
					t.Fatalf("once by %v, once at %v", by, again.status.NextRunAt)
				}
				if by > 0 && !strings.Contains(p.condition.Message, ", later by "+by.String()+")") {
					t.Fatalf("message %q", p.condition.Message)
				}
				seen[by] = true
			}
			if len(seen) < c.least {
				t.Errorf("200 tests start at %d different times", len(seen))
			}
		})
	}
	// A run starts when the time with its jitter has come, and not before.
	rt := spread("0 3 * * *", "30m", "uid")
	next := decide(rt, bounds.Bounds{}, now).status.NextRunAt.Time
	rt.Status.NextRunAt = &metav1.Time{Time: next}
	if p := decide(rt, bounds.Bounds{}, next.Add(-time.Second)); joins(p) || p.again != time.Second {
		t.Errorf("a second before it is due: %+v", p)
	}
	if p := decide(rt, bounds.Bounds{}, next); !joins(p) || !p.status.Run.ScheduledTime.Time.Equal(next) || p.status.NextRunAt.Sub(next) != 24*time.Hour {
		t.Errorf("when it is due: %+v", p)
	}
}

func TestAScheduleThatCannotBe(t *testing.T) {
	for name, c := range map[string]struct {
		edit            edit
		reason, message string
	}{
		"a zone and no fields": {withCron("CRON_TZ=Europe/Brussels"), v1alpha1.ReasonInvalidSchedule, "write that into spec.schedule.timezone"},
		"a zone before fields": {func(rt *v1alpha1.RestoreTest) {
			withCron("TZ=Asia/Tokyo 0 3 * * *")(rt)
			rt.Spec.Schedule.Timezone = "UTC"
		}, v1alpha1.ReasonInvalidSchedule, "write that into spec.schedule.timezone"},
		"a day that never is":   {withCron("0 3 30 2 *"), v1alpha1.ReasonInvalidSchedule, `spec.schedule.cron: "0 3 30 2 *" never comes: there is no such day within five years; correct day and month`},
		"a jitter that is none": {scheduled(func(s *v1alpha1.Schedule) { s.Jitter = "1d" }), v1alpha1.ReasonInvalidSpec, `spec.schedule.jitter: "1d" is not a duration`},
	} {
		t.Run(name, func(t *testing.T) {
			for _, rt := range []*v1alpha1.RestoreTest{test(c.edit), test(c.edit, ran(now, true), planned(now)), test(c.edit, suspended), test(c.edit, requested("x"))} {
				p := decide(rt, bounds.Bounds{}, now)
				if joins(p) || p.status.NextRunAt != nil || p.condition.Status != metav1.ConditionFalse || p.condition.Reason != c.reason || !strings.Contains(p.condition.Message, c.message) {
					t.Errorf("plan %+v", p)
				}
			}
		})
	}
}
