// Package coverage tells of every namespace and volume of a cluster whether it is in a backup, with its data, and when a restore last
// proved that, by which report. What no report shows counts as not proven. It is pure: no client, no clock.
package coverage
