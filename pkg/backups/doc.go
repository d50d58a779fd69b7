// Package backups says which backup a test restores: the newest that really holds what the test wants, by all that the spec
// of a Backup can leave out. It is pure.
//
// A backup is refused if it cannot be restored, or holds nothing of what is wanted: it is not Completed or PartiallyFailed,
// is being deleted, has expired, counts no item, lacks a source namespace, takes no kind that the test restores, selects by
// labels that nothing wanted has, is older than a source namespace, or lies in a location that is not Available.
//
// Of those that are left the best is taken, in this order: one that holds something of every source namespace, by the list of
// what is in it; one that selects everything by label before one that selects a
// part; the one that leaves out the fewest kinds; one with data of volumes; Completed before PartiallyFailed; the newest. So
// one that leaves out something is used only if the test names it, wants no more than it holds, or there is no other; and
// what it leaves out is said, as is every newer one that was passed over. It never stands in for one that leaves out nothing and
// lies where nothing can be restored from: what does not come back would be laid to the backup.
//
// A test may want another than the newest: one at random, the oldest that was not verified, or while it searches one that
// restores, the next older one. That is chosen among those that hold as much as the best; only when they began differs.
package backups
