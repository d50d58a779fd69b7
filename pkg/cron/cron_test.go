package cron

import (
	"strings"
	"testing"
	"time"
	_ "time/tzdata" // the same zones on every machine

	"github.com/google/go-cmp/cmp"
)

func parse(t testing.TB, expression, timezone string) Schedule {
	t.Helper()
	s, err := Parse(expression, timezone)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestNextOnDaysOnWhichClocksAreChanged(t *testing.T) {
	const layout = "Mon 02 Jan 15:04 -0700"
	for name, c := range map[string]struct {
		cron, zone, after string
		want              []string
	}{
		"what the clock skips in spring comes when the gap ends": {
			"30 2 * * *", "Europe/Brussels", "2026-03-28T00:00:00Z",
			[]string{"Sat 28 Mar 02:30 +0100", "Sun 29 Mar 03:00 +0200", "Mon 30 Mar 02:30 +0200"},
		},
		"what the clock repeats in autumn comes the first time": {
			"30 2 * * *", "Europe/Brussels", "2026-10-24T00:00:00Z",
			[]string{"Sat 24 Oct 02:30 +0200", "Sun 25 Oct 02:30 +0200", "Mon 26 Oct 02:30 +0100"},
		},
		"somebody who asks when it is repeated waits for the next day": {
			"30 2 * * *", "Europe/Brussels", "2026-10-25T01:10:00Z", []string{"Mon 26 Oct 02:30 +0100"},
		},
		"several that are skipped come together": {
			"*/15 2 * * *", "Europe/Brussels", "2026-03-28T01:30:00Z",
			[]string{"Sat 28 Mar 02:45 +0100", "Sun 29 Mar 03:00 +0200", "Mon 30 Mar 02:00 +0200"},
		},
		"one that is skipped comes with one that is due then": {
			"0 2,3 * * *", "Europe/Brussels", "2026-03-28T01:30:00Z",
			[]string{"Sat 28 Mar 03:00 +0100", "Sun 29 Mar 03:00 +0200", "Mon 30 Mar 02:00 +0200"},
		},
		"quarters of an hour follow real time in spring": {
			"*/15 * * * *", "Europe/Brussels", "2026-03-29T00:30:00Z",
			[]string{"Sun 29 Mar 01:45 +0100", "Sun 29 Mar 03:00 +0200", "Sun 29 Mar 03:15 +0200"},
		},
		"quarters of an hour follow real time in autumn": {
			"*/15 * * * *", "Europe/Brussels", "2026-10-25T00:30:00Z",
			[]string{"Sun 25 Oct 02:45 +0200", "Sun 25 Oct 02:00 +0100", "Sun 25 Oct 02:15 +0100"},
		},
		"every hour comes twice if the clock does": {
			"0 0-23 * * *", "Europe/Brussels", "2026-10-24T23:30:00Z",
			[]string{"Sun 25 Oct 02:00 +0200", "Sun 25 Oct 02:00 +0100", "Sun 25 Oct 03:00 +0100"},
		},
		"every second hour comes once": {
			"30 */2 * * *", "Europe/Brussels", "2026-10-24T22:40:00Z",
			[]string{"Sun 25 Oct 02:30 +0200", "Sun 25 Oct 04:30 +0100"},
		},
		"a missing midnight comes at one o'clock": {
			"@daily", "Africa/Cairo", "2026-04-22T22:00:00Z",
			[]string{"Fri 24 Apr 01:00 +0300", "Sat 25 Apr 00:00 +0300"},
		},
		"a missing midnight does not carry a weekday into the next": {
			"0 3 * * 4", "Africa/Cairo", "2026-04-23T20:30:00Z", []string{"Thu 30 Apr 03:00 +0300"},
		},
		"every hour of a weekday begins after its missing midnight": {
			"0 * * * 5", "Africa/Cairo", "2026-04-23T20:30:00Z", []string{"Fri 24 Apr 01:00 +0300", "Fri 24 Apr 02:00 +0300"},
		},
		"a repeated hour before midnight comes once": {
			"30 23 * * *", "Africa/Cairo", "2026-10-28T22:00:00Z",
			[]string{"Thu 29 Oct 23:30 +0300", "Fri 30 Oct 23:30 +0200"},
		},
		"a repeated hour after midnight comes once": {
			"30 0 * * *", "America/Havana", "2026-10-31T05:00:00Z",
			[]string{"Sun 01 Nov 00:30 -0400", "Mon 02 Nov 00:30 -0500"},
		},
		"a gap until midnight ends at midnight": {
			"30 23 * * *", "America/Nuuk", "2026-03-28T00:00:00Z",
			[]string{"Fri 27 Mar 23:30 -0200", "Sun 29 Mar 00:00 -0100", "Sun 29 Mar 23:30 -0100"},
		},
		"half an hour is skipped": {
			"15 2 * * *", "Australia/Lord_Howe", "2026-10-03T00:00:00Z",
			[]string{"Sun 04 Oct 02:30 +1100", "Mon 05 Oct 02:15 +1100"},
		},
		"half an hour is repeated": {
			"45 1 * * *", "Australia/Lord_Howe", "2026-04-04T00:00:00Z",
			[]string{"Sun 05 Apr 01:45 +1100", "Mon 06 Apr 01:45 +1030"},
		},
		"half past each hour comes again after half an hour": {
			"30 * * * *", "Australia/Lord_Howe", "2026-04-04T14:00:00Z",
			[]string{"Sun 05 Apr 01:30 +1100", "Sun 05 Apr 01:30 +1030", "Sun 05 Apr 02:30 +1030"},
		},
		"in the south clocks go forward in September": {
			"30 2 * * *", "Pacific/Auckland", "2026-09-26T00:00:00Z",
			[]string{"Sun 27 Sep 03:00 +1300", "Mon 28 Sep 02:30 +1300"},
		},
		"a day that was left out comes when the next begins": {
			"30 2 * * *", "Pacific/Apia", "2011-12-29T12:00:00Z",
			[]string{"Thu 29 Dec 02:30 -1000", "Sat 31 Dec 00:00 +1400", "Sat 31 Dec 02:30 +1400"},
		},
		"without a zone it is UTC": {
			"@hourly", "", "2026-03-29T00:30:00Z", []string{"Sun 29 Mar 01:00 +0000", "Sun 29 Mar 02:00 +0000"},
		},
		"@every counts real time": {
			"@every 6h", "Europe/Brussels", "2026-03-28T22:00:00Z", []string{"Sun 29 Mar 06:00 +0200", "Sun 29 Mar 12:00 +0200"},
		},
		"29 February comes in leap years": {
			"0 0 29 2 *", "", "2026-01-01T00:00:00Z", []string{"Tue 29 Feb 00:00 +0000"},
		},
		"a day of the month or of the week will do": {
			"0 3 13 * 5", "", "2026-11-10T00:00:00Z", []string{"Fri 13 Nov 03:00 +0000", "Fri 20 Nov 03:00 +0000"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			s := parse(t, c.cron, c.zone)
			at, err := time.Parse(time.RFC3339, c.after)
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			for range c.want {
				at = s.Next(at)
				got = append(got, at.Format(layout))
			}
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func TestNextIsZeroForADayThatNeverComes(t *testing.T) {
	for _, expression := range []string{"0 0 30 2 *", "* * 31 4,6 *"} {
		if next := parse(t, expression, "Europe/Brussels").Next(time.Now()); !next.IsZero() {
			t.Errorf("%s comes at %v", expression, next)
		}
	}
}

func TestParse(t *testing.T) {
	for name, c := range map[string]struct{ cron, zone, want string }{
		"too few fields":                    {"0 3 *", "", `spec.schedule.cron: "0 3 *" cannot be read`},
		"seconds":                           {"0 0 3 * * *", "", "write five fields"},
		"words":                             {"every night", "", "write five fields"},
		"nothing":                           {"", "", "write five fields"},
		"a zone and no fields":              {"CRON_TZ=Europe/Brussels", "", "write that into spec.schedule.timezone, and only the fields here"},
		"a zone, and no fields, in short":   {"TZ=UTC", "", "write that into spec.schedule.timezone, and only the fields here"},
		"a zone before fields":              {"CRON_TZ=Asia/Tokyo 0 3 * * *", "Europe/Brussels", `spec.schedule.cron: "CRON_TZ=Asia/Tokyo 0 3 * * *" begins with a time zone`},
		"a zone that is none":               {"CRON_TZ=Mars/Base 0 3 * * *", "", "is no IANA time zone"},
		"two zones before the fields":       {"CRON_TZ=Asia/Tokyo TZ=UTC 0 3 * * *", "", "begins with a time zone"},
		"a zone before fields that is none": {"0 3 * * *", "Mars/Base", `spec.schedule.timezone: "Mars/Base" is no IANA time zone; write for example Europe/Brussels`},
		"the zone of the machine":           {"0 3 * * *", "Local", `spec.schedule.timezone: "Local" is no IANA time zone`},
		"a file that is no zone":            {"0 3 * * *", "../../etc/passwd", "is no IANA time zone"},
		"an interval that goes back":        {"@every -1h", "", "write a longer one"},
		"an interval of no time":            {"@every 0s", "", "write a longer one"},
		"an interval that is no duration":   {"@every day", "", "cannot be read"},
		"a descriptor that does not exist":  {"@fortnightly", "", "cannot be read"},
	} {
		t.Run(name, func(t *testing.T) {
			if _, err := Parse(c.cron, c.zone); err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %v, want an error with %q", err, c.want)
			}
		})
	}
}

func TestHas(t *testing.T) {
	brussels := parse(t, "30 2 * * *", "Europe/Brussels")
	for name, c := range map[string]struct {
		schedule Schedule
		at       string
		want     bool
	}{
		"the time itself":               {brussels, "2026-03-28T01:30:00Z", true},
		"a minute later":                {brussels, "2026-03-28T01:31:00Z", false},
		"the end of the gap":            {brussels, "2026-03-29T01:00:00Z", true},
		"the same on the day after":     {brussels, "2026-03-30T01:00:00Z", false},
		"when the clock shows it again": {brussels, "2026-10-25T01:30:00Z", false},
		"the time with its delay":       {brussels.Delayed(time.Minute), "2026-03-28T01:31:00Z", true},
		"the time without its delay":    {brussels.Delayed(time.Minute), "2026-03-28T01:30:00Z", false},
		"any, of an interval":           {parse(t, "@every 6h", ""), "2026-03-28T01:31:17Z", true},
	} {
		t.Run(name, func(t *testing.T) {
			at, err := time.Parse(time.RFC3339, c.at)
			if err != nil {
				t.Fatal(err)
			}
			if got := c.schedule.Has(at); got != c.want {
				t.Errorf("got %v", got)
			}
		})
	}
}

func TestPassed(t *testing.T) {
	at := func(day, hour, minute int) time.Time { return time.Date(2026, 3, day, hour, minute, 0, 0, time.UTC) }
	year := func(month time.Month, day, hour, minute int) time.Time {
		return time.Date(2027, month, day, hour, minute, 0, 0, time.UTC)
	}
	for name, c := range map[string]struct {
		cron       string
		first, now time.Time
		last       time.Time
		count      int
	}{
		"the first is yet to come":             {"0 3 * * *", at(4, 3, 0), at(4, 2, 59), time.Time{}, 0},
		"the first has come":                   {"0 3 * * *", at(4, 3, 0), at(4, 3, 0), at(4, 3, 0), 1},
		"a week":                               {"0 3 * * *", at(4, 3, 0), at(10, 12, 0), at(10, 3, 0), 7},
		"a hundred":                            {"* * * * *", at(4, 3, 0), at(4, 4, 39), at(4, 4, 39), 100},
		"more than a hundred":                  {"* * * * *", at(4, 3, 0), at(4, 4, 40), at(4, 4, 40), 101},
		"a year of minutes":                    {"* * * * *", at(4, 3, 0), year(3, 4, 3, 0), year(3, 4, 3, 0), 101},
		"a year of some minutes of some days":  {"* 3-4 1 2,3 *", at(1, 3, 0), year(3, 31, 3, 0), year(3, 1, 4, 59), 101},
		"a year of intervals":                  {"@every 1s", at(4, 3, 0), year(3, 4, 3, 0), year(3, 4, 3, 0), 101},
		"some intervals":                       {"@every 6h", at(4, 3, 0), at(4, 16, 0), at(4, 15, 0), 3},
		"the hundredth and first is the last":  {"* 3 * * *", at(4, 3, 0), at(5, 23, 0), at(5, 3, 59), 101},
		"no leap year for longer than is seen": {"0 0 29 2 *", time.Date(2096, 2, 29, 0, 0, 0, 0, time.UTC), time.Date(2099, 1, 1, 0, 0, 0, 0, time.UTC), time.Date(2096, 2, 29, 0, 0, 0, 0, time.UTC), 1},
	} {
		t.Run(name, func(t *testing.T) {
			last, count := parse(t, c.cron, "").Passed(c.first, c.now)
			if !last.Equal(c.last) || count != c.count {
				t.Errorf("got %d, the last at %v; want %d, the last at %v", count, last, c.count, c.last)
			}
		})
	}
}

func TestInterval(t *testing.T) {
	for expression, want := range map[string]time.Duration{
		"0 3 * * *":      24 * time.Hour,
		"0 3 * * 1":      24 * time.Hour,
		"0 3,15 * * *":   12 * time.Hour,
		"0 1,23 * * *":   2 * time.Hour,
		"0 * * * *":      time.Hour,
		"*/15 * * * *":   15 * time.Minute,
		"0,50 * * * *":   10 * time.Minute,
		"59,0 3,4 * * *": time.Minute,
		"* * * * *":      time.Minute,
		"@weekly":        24 * time.Hour,
		"@every 90s":     90 * time.Second,
	} {
		if got := parse(t, expression, "Europe/Brussels").Interval(); got != want {
			t.Errorf("%s: %v, want %v", expression, got, want)
		}
	}
}

func TestTheLongestTimeBetweenTwoTimesOfASchedule(t *testing.T) {
	const day = 24 * time.Hour
	for expression, want := range map[string]time.Duration{
		"0 3 * * *":         day,
		"0 3,15 * * *":      12 * time.Hour,
		"0 1,23 * * *":      22 * time.Hour,
		"*/15 * * * *":      15 * time.Minute,
		"0 3 * * 1-5":       3 * day,
		"0 9-17 * * 1-5":    2*day + 16*time.Hour,
		"@weekly":           7 * day,
		"0 0 1 * *":         31 * day,
		"0 0 31 * *":        61 * day,
		"0 0 1 1 *":         366 * day,
		"0 0 1 1-7 *":       184 * day,
		"0 0 29 2 *":        (4*365 + 1) * day,
		"0 3 1 * 1":         7 * day,
		"30 2 * * *":        day,
		"@every 90s":        90 * time.Second,
		"0 0 30 2 *":        0,
		"0 3 1-7,15-21 * *": 11 * day,
	} {
		if got := parse(t, expression, "Europe/Brussels").Longest(); got != want {
			t.Errorf("%s: %v, want %v", expression, got, want)
		}
	}
}

// FuzzParse looks for what robfig does not survive, and for a Next that stands still.
func FuzzParse(f *testing.F) {
	for _, seed := range []string{"0 3 * * *", "CRON_TZ=UTC", "TZ=", "@every 1ns", "* * 30 2 *", "*/0 1-99999999999 ? jan-dec sun", "0-59/9223372036854775807 * * * *"} {
		f.Add(seed, "Europe/Brussels", int64(1_774_746_000))
	}
	f.Fuzz(func(t *testing.T, expression, zone string, seconds int64) {
		s, err := Parse(expression, zone)
		if err != nil {
			return
		}
		const year9999 = 253_000_000_000
		after := time.Unix(seconds%year9999, 0)
		if next := s.Next(after); !next.IsZero() && !next.After(after) {
			t.Errorf("%q in %q: after %v comes %v", expression, zone, after, next)
		}
	})
}

func BenchmarkNext(b *testing.B) {
	night := time.Date(2026, 10, 25, 0, 30, 0, 0, time.UTC) // 02:30 in Brussels, for the first time
	for _, expression := range []string{"30 2 * * *", "* 2 * * *", "*/15 * * * *", "0 0 29 2 *", "0 0 30 2 *"} {
		b.Run(expression, func(b *testing.B) {
			s := parse(b, expression, "Europe/Brussels")
			for b.Loop() {
				s.Next(night)
			}
		})
	}
}

func TestAZoneBeforeTheFieldsIsThatOfTheSchedule(t *testing.T) {
	after := time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC)
	want := time.Date(2026, 3, 1, 18, 0, 0, 0, time.UTC)
	for _, c := range []struct{ expression, timezone string }{
		{"0 3 * * *", "Asia/Tokyo"}, {"CRON_TZ=Asia/Tokyo 0 3 * * *", ""}, {"TZ=Asia/Tokyo 0 3 * * *", ""}, {" \tCRON_TZ=Asia/Tokyo  0 3 * * *", "Asia/Tokyo"},
	} {
		s, err := Parse(c.expression, c.timezone)
		if err != nil {
			t.Errorf("%q in %q: %v", c.expression, c.timezone, err)
			continue
		}
		if next := s.Next(after); !next.Equal(want) {
			t.Errorf("%q in %q comes at %v, want %v", c.expression, c.timezone, next, want)
		}
	}
}
