package cron

import "time"

// A time of the wall clock is written as a time in UTC that shows the same.

// shown returns what the clock shows at t in its zone.
func shown(t time.Time) time.Time {
	_, offset := t.Zone()
	return t.UTC().Add(time.Duration(offset) * time.Second)
}

// when returns the moment at which the clock shows wall, if it is still, or was already, set as at that other moment.
func when(wall, as time.Time) time.Time {
	_, offset := as.Zone()
	return wall.Add(-time.Duration(offset) * time.Second).In(as.Location())
}

// first returns the first moment at which the clock of the zone shows wall and, if it skips that, the moment when the gap ends.
func first(wall time.Time, zone *time.Location) time.Time {
	// Date is right for one of the two ways in which the clock is set around a change, and does not say for which.
	at := time.Date(wall.Year(), wall.Month(), wall.Day(), wall.Hour(), wall.Minute(), wall.Second(), 0, zone)
	start, end := at.ZoneBounds()
	switch face := shown(at); {
	case face.After(wall):
		return start
	case face.Before(wall):
		return end
	case start.IsZero():
		return at
	}
	if earlier := when(wall, start.Add(-1)); earlier.Before(start) {
		return earlier
	}
	return at
}
