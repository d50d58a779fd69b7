// Package controller holds what all controllers share, and the protocol by which they meet. No controller calls or
// imports another: they communicate only through the status of the RestoreTest and through objects found by label. Nor are all in one
// process: who can bring data into a sandbox cannot look into it, and who looks cannot bring (SECURITY.md, two keys).
//
// One condition, one status fragment, one writer, one field manager. Each writer puts the run's id into its fragment in
// the same apply as its condition; a condition counts only for the run whose id stands in its writer's fragment, so nobody
// resets what somebody else wrote. Scheduled and Notified tell of the test as a whole and change at any time; of the others, Unknown is under way (the reason says what it waits for); True and False are decided
// and never changed again in that run. On a new run id every controller first writes Unknown/Waiting.
//
//	controller   process             writes (status.…)                                   acts when
//	schedule     kymaros-controller  phase run nextRunAt missedRuns search · Scheduled   cron due, annotation, creation; the last run is cleaned up; its turn
//	sandbox      kymaros-controller  sandbox sandboxNamespace(s) · SandboxReady          a run that had its turn
//	attest       kymaros-prober      label kymaros.io/guarded of a sandbox, once         SandboxReady waits for it
//	restore      kymaros-controller  restore restoreID(s) · Restored                     SandboxReady=True
//	healthcheck  kymaros-prober      health · HealthChecked                              Restored=True, or False/PartiallyFailed
//	report       kymaros-prober      report last… · Reported                             a False that ends the run, HealthChecked decided, deadline
//	cleanup      kymaros-controller  cleanup · CleanedUp                                 Reported=True, or 10 minutes overdue, test deleted, orphan found
//	notify       kymaros-notify      notifications · Notified                            a run is over, or none has passed for too long
//
// A run that is due waits before anything is made for it: status.run is there, without startTime, and no other controller looks at it.
// The line follows from the status of all tests (package line) and is nowhere kept, so it is the same after a restart. Whose turn it
// is schedule decides, one at a time: as many as Velero may restore at once and --runs-ahead more, while Velero has nothing of
// others to do.
//
// A run works on status.run.spec, the copy of the spec that it began with. Names derive from the run id, so a restart
// repeats nothing. Errors: what may pass by itself is returned and retried; the user's mistake and a verdict become a
// condition; waiting is a watch, or a duration.
package controller
