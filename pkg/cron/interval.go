package cron

import (
	"time"

	"github.com/robfig/cron/v3"
)

const day = 24 * time.Hour

// Longest returns the longest time between two times of the schedule, for which one that is kept can leave nothing new: from Friday
// to Monday of one for workdays. Changes of clocks are not counted. It is 0 if the expression never comes, or once in a lifetime.
func (s Schedule) Longest() time.Duration {
	spec, ok := s.cron.(*cron.SpecSchedule)
	if !ok {
		return s.cron.Next(time.Time{}).Sub(time.Time{})
	}
	_, longest, first, last := daily(spec)
	if days := apart(spec); days > 0 {
		return max(longest, days-(last-first))
	}
	return 0
}

// daily returns the shortest and the longest time between two times of one day, 24 hours and 0 if there is but one; and the first and
// the last of them, from midnight on.
func daily(spec *cron.SpecSchedule) (shortest, longest, first, last time.Duration) {
	shortest, first = day, -1
	for at := time.Duration(0); at < day; at += time.Minute {
		hour, minute := uint(at/time.Hour), uint(at%time.Hour/time.Minute)
		if spec.Hour&(1<<hour) == 0 || spec.Minute&(1<<minute) == 0 {
			continue
		}
		if first < 0 {
			first = at
		} else {
			shortest, longest = min(shortest, at-last), max(longest, at-last)
		}
		last = at
	}
	return shortest, longest, first, last
}

// apart returns the longest time from a day of the schedule to the next one; 0 if there are not two in the years of a leap year and
// the next.
func apart(spec *cron.SpecSchedule) time.Duration {
	midnights := *spec
	midnights.Second, midnights.Minute, midnights.Hour = 1, 1, 1
	var longest time.Duration
	begin := time.Date(2023, time.December, 31, 0, 0, 0, 0, time.UTC)
	enough := begin.AddDate(2, 0, 0) // in that time every other schedule has shown itself
	last := midnights.Next(begin)
	for !last.IsZero() {
		next := midnights.Next(last)
		if next.IsZero() {
			break
		}
		longest = max(longest, next.Sub(last))
		if next.After(enough) {
			break
		}
		last = next
	}
	return longest
}
