package cron

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/robfig/cron/v3"
)

// zones change their clocks, or not, in every way that is known of these years.
var zones = []string{
	"UTC", "Europe/Brussels", "Europe/London", "Europe/Dublin", "Europe/Lisbon", "Europe/Chisinau", "Atlantic/Azores", "Antarctica/Troll",
	"America/New_York", "America/Los_Angeles", "America/St_Johns", "America/Havana", "America/Nuuk", "America/Santiago", "America/Asuncion", "America/Sao_Paulo",
	"Africa/Cairo", "Africa/Casablanca", "Asia/Beirut", "Asia/Jerusalem", "Asia/Gaza", "Asia/Kolkata", "Asia/Kathmandu",
	"Australia/Sydney", "Australia/Lord_Howe", "Pacific/Auckland", "Pacific/Chatham", "Pacific/Norfolk", "Pacific/Easter", "Pacific/Kiritimati",
}

var (
	from = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	to   = time.Date(2028, 1, 1, 0, 0, 0, 0, time.UTC)
)

// changes returns when the clock of the zone is set, from the first of these years to the last.
func changes(zone *time.Location) []time.Time {
	var all []time.Time
	for _, at := from.In(zone).ZoneBounds(); !at.IsZero() && at.Before(to); _, at = at.ZoneBounds() {
		all = append(all, at)
	}
	return all
}

func location(t *testing.T, name string) *time.Location {
	t.Helper()
	zone, err := time.LoadLocation(name)
	if err != nil {
		t.Fatal(err)
	}
	return zone
}

func TestAJobOfADayRunsOnceEachDay(t *testing.T) {
	for _, name := range zones {
		zone := location(t, name)
		set := changes(zone)
		for _, expression := range []string{"0 0 * * *", "1 0 * * *", "30 0 * * *", "59 0 * * *", "0 1 * * *", "45 1 * * *", "0 2 * * *", "15 2 * * *", "30 2 * * *", "59 2 * * *",
			"0 3 * * *", "30 3 * * *", "0 12 * * *", "0 22 * * *", "30 22 * * *", "0 23 * * *", "30 23 * * *", "59 23 * * *"} {
			s := parse(t, expression, name)
			day := shown(from.In(zone)).Truncate(24*time.Hour).AddDate(0, 0, 1)
			at := s.Next(when(day, from.In(zone)).Add(-time.Second))
			for ; at.Before(to); at, day = s.Next(at), day.AddDate(0, 0, 1) {
				ran := shown(at)
				if !ran.Truncate(24*time.Hour).Equal(day) && slices.ContainsFunc(set, at.Equal) {
					ran = shown(at.Add(-time.Second)) // the clock skipped the rest of the day, of which this is the end
				}
				if !ran.Truncate(24 * time.Hour).Equal(day) {
					t.Fatalf("%s in %s: on %s it runs at %v", expression, name, day.Format(time.DateOnly), at)
				}
			}
		}
	}
}

func TestIntervalsFollowRealTime(t *testing.T) {
	for _, name := range zones {
		for expression, want := range map[string]time.Duration{"*/15 * * * *": 15 * time.Minute, "*/30 * * * *": 30 * time.Minute, "* * * * *": time.Minute, "0 * * * *": time.Hour} {
			if name == "Australia/Lord_Howe" && want == time.Hour {
				continue // a full hour comes after 90 minutes there, twice a year
			}
			s := parse(t, expression, name)
			for _, set := range append(changes(location(t, name)), from) {
				at := s.Next(set.Add(-3 * time.Hour))
				for at.Before(set.Add(3 * time.Hour)) {
					next := s.Next(at)
					if next.Sub(at) != want {
						t.Fatalf("%s in %s: after %v comes %v", expression, name, at, next)
					}
					at = next
				}
			}
		}
	}
}

// TestNextAsByWatchingTheClock compares with somebody who looks at the clock every minute.
func TestNextAsByWatchingTheClock(t *testing.T) {
	expressions := []string{"* * * * *", "*/7 * * * *", "0 * * * *", "30 0-23 * * *", "0 * * * 0", "*/15 * * * 6", "30 2 * * *", "*/15 2 * * *", "* 1-2 * * *",
		"0 */2 * * *", "30 */3 * * *", "0 0 * * 0", "30 0 * * 1", "0 3 * * 4", "30 23 * * 6", "59 23 * * *", "0 0 1 * *", "5 4 29 3 0"}
	nights := 0
	for _, name := range zones {
		zone := location(t, name)
		for _, set := range changes(zone) {
			nights++
			start, end := set.Add(-30*time.Hour).Truncate(time.Minute), set.Add(30*time.Hour)
			for _, expression := range expressions {
				s := parse(t, expression, name)
				comes := func(wall time.Time) bool { return names(s.cron.(*cron.SpecSchedule), wall) }
				everyHour := slices.Contains([]string{"*", "0-23"}, field(expression, 1))
				var want []time.Time
				latest := shown(start.Add(-time.Minute).In(zone)) // the latest time that the clock has ever shown
				for at := start; at.Before(end); at = at.Add(time.Minute) {
					wall := shown(at.In(zone))
					due := everyHour && comes(wall)
					if !everyHour {
						for ; latest.Before(wall); latest = latest.Add(time.Minute) {
							due = comes(latest.Add(time.Minute)) || due // those skipped too
						}
					}
					if due {
						want = append(want, at)
					}
				}
				var got []time.Time
				for at := s.Next(start.Add(-time.Second)); at.Before(end); at = s.Next(at) {
					got = append(got, at)
				}
				if !slices.EqualFunc(got, want, time.Time.Equal) {
					t.Errorf("%s in %s around %v:\n got %v\nwant %v", expression, name, set, got, want)
				}
			}
		}
	}
	if nights < 50 {
		t.Errorf("clocks were changed in %d nights only", nights)
	}
}

// names tells whether the fields name what the clock shows.
func names(fields *cron.SpecSchedule, wall time.Time) bool {
	has := func(field uint64, value int) bool { return field&(1<<value) != 0 }
	const star = 63
	dom, dow := has(fields.Dom, wall.Day()), has(fields.Dow, int(wall.Weekday()))
	day := dom || dow
	if has(fields.Dom, star) || has(fields.Dow, star) {
		day = dom && dow
	}
	return day && has(fields.Month, int(wall.Month())) && has(fields.Hour, wall.Hour()) && has(fields.Minute, wall.Minute())
}

// field returns the n-th field of an expression.
func field(expression string, n int) string {
	return strings.Fields(expression)[n]
}
