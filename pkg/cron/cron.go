// Package cron tells when a cron expression comes in a time zone, also on days on which clocks are changed. It is pure.
//
// Expressions are read by robfig/cron, as Kubernetes reads those of CronJobs. Its Next is asked in UTC only: in a zone it passes
// over what a clock skips, comes twice to what a clock repeats and, where midnight is missing, may go on in a day that the
// expression excludes.
package cron

import (
	"fmt"
	"sort"
	"strings"
	"time"

	"github.com/robfig/cron/v3"
)

// Many is how many times Passed counts.
const Many = 100

// everyHour are the bits of an hour field that leaves out none, whether it is written *, */1 or 0-23.
const everyHour = 1<<24 - 1

// Schedule is a cron expression in a time zone.
type Schedule struct {
	cron  cron.Schedule // of the wall clock, as if it were UTC
	zone  *time.Location
	delay time.Duration
}

// Parse reads an expression of five fields or a descriptor such as @daily, and an IANA name; "" is UTC. Errors name the field of
// a RestoreTest and the remedy.
func Parse(expression, timezone string) (Schedule, error) {
	written := expression
	switch name, fields := prefix(expression); {
	case name != "" && (fields == "" || strings.Contains(fields, "TZ=")), name != "" && timezone != "" && timezone != name:
		return Schedule{}, fmt.Errorf("spec.schedule.cron: %q begins with a time zone; write that into spec.schedule.timezone, and only the fields here, for example \"0 3 * * *\"", written)
	case name != "":
		expression, timezone = fields, name
	}
	zone, err := time.LoadLocation(timezone)
	if err != nil || strings.EqualFold(timezone, "Local") { // which would be that of the controller's machine
		return Schedule{}, fmt.Errorf("spec.schedule.timezone: %q is no IANA time zone; write for example Europe/Brussels", timezone)
	}
	read, err := cron.ParseStandard(expression)
	if err != nil {
		return Schedule{}, fmt.Errorf("spec.schedule.cron: %q cannot be read (%w); write five fields, for example \"0 3 * * *\", or @daily", expression, err)
	}
	// robfig takes what is too short, or negative, for a second.
	if text, ok := strings.CutPrefix(expression, "@every "); ok {
		if every, err := time.ParseDuration(text); err == nil && every < time.Second {
			return Schedule{}, fmt.Errorf("spec.schedule.cron: %q comes all the time; write a longer one, for example @every 6h", expression)
		}
	}
	return Schedule{cron: read, zone: zone}, nil
}

// prefix takes the zone off an expression that begins with one, as users of robfig/cron write it: CRON_TZ=Europe/Brussels 0 3 * * *.
// robfig would take it instead of timezone, and panic if nothing follows.
func prefix(expression string) (name, fields string) {
	text := strings.TrimSpace(expression)
	zone, ok := strings.CutPrefix(strings.TrimPrefix(text, "CRON_"), "TZ=")
	if !ok {
		return "", expression
	}
	name, fields, _ = strings.Cut(zone, " ")
	if name == "" {
		name = "UTC"
	}
	return name, strings.TrimSpace(fields)
}

// Delayed returns the schedule with each of its times d later, in whole seconds. On one that knows no time of day, such as
// @every 6h, it has no effect.
func (s Schedule) Delayed(d time.Duration) Schedule {
	s.delay = d.Truncate(time.Second)
	return s
}

// Next returns the first time after that moment, to the second. It is zero if the expression never comes: 30 February.
//
// An expression for every hour follows real time: what the clock skips does not come, what it repeats comes again. For any other
// each time of the wall clock comes once: one that is skipped when the gap ends, one that is repeated the first time. That is what
// cron(8) does for jobs that run less often than hourly.
func (s Schedule) Next(after time.Time) time.Time {
	after = after.Add(-s.delay).In(s.zone)
	var next time.Time
	switch spec, ok := s.cron.(*cron.SpecSchedule); {
	case !ok: // @every
		next = s.cron.Next(after)
	case spec.Hour&everyHour == everyHour:
		next = s.inRealTime(after)
	default:
		next = s.byTheClock(after)
	}
	if next.IsZero() {
		return next
	}
	return next.Add(s.delay)
}

func (s Schedule) inRealTime(after time.Time) time.Time {
	wall := shown(after)
	for {
		next := s.cron.Next(wall)
		if next.IsZero() {
			return next
		}
		at := when(next, after)
		_, end := after.ZoneBounds()
		if end.IsZero() || at.Before(end) {
			return at
		}
		after, wall = end, shown(end).Add(-time.Second) // the clock is set, and this moment may be one
	}
}

func (s Schedule) byTheClock(after time.Time) time.Time {
	wall := shown(after)
	for { // more than once only within what the clock skips or repeats: minutes, so an hour of them is 60 rounds
		if wall = s.cron.Next(wall); wall.IsZero() {
			return wall
		}
		if at := first(wall, s.zone); at.After(after) {
			return at
		}
	}
}

// Has tells whether t is one of the schedule's times. Of one that knows no time of day every moment is.
func (s Schedule) Has(t time.Time) bool {
	_, ok := s.cron.(*cron.SpecSchedule)
	return !ok || s.Next(t.Add(-time.Second)).Equal(t)
}

// Passed returns the last time that is not after now, and how many there are from the first on, which is one of them; Many+1 says
// that there are more than Many. The work is bounded whatever lies between. It is zero if the first is yet to come.
func (s Schedule) Passed(first, now time.Time) (last time.Time, count int) {
	for next := first; !next.IsZero() && !next.After(now); next = s.Next(next) {
		if count++; count > Many {
			// Next never goes back, so what lies between need not be visited.
			late := sort.Search(int(now.Sub(next)/time.Second), func(i int) bool {
				after := s.Next(next.Add(time.Duration(i) * time.Second))
				return after.IsZero() || after.After(now)
			})
			if late > 0 {
				next = s.Next(next.Add(time.Duration(late-1) * time.Second))
			}
			return next, count
		}
		last = next
	}
	return last, count
}

// Interval returns the shortest time between two times of the schedule, as far as a day tells; if it has one a day, a day.
func (s Schedule) Interval() time.Duration {
	spec, ok := s.cron.(*cron.SpecSchedule)
	if !ok {
		return s.cron.Next(time.Time{}).Sub(time.Time{})
	}
	shortest, _, first, last := daily(spec)
	return min(shortest, first+day-last)
}
