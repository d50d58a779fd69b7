package score

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/kymaros/kymaros/pkg/apis/restore/v1alpha1"
)

// perfect is a run in which everything is as it should be.
func perfect() Evidence {
	return Evidence{
		Restore:      Restore{Outcome: Restored},
		Completeness: Count{Found: 40, Expected: 40},
		Pods:         Pods{Ready: 3, Total: 3, Counted: true},
		Checks: Checks{Asked: true, All: true, Results: []v1alpha1.CheckStatus{
			{Name: "rows", Status: v1alpha1.CheckPass}, {Name: "web", Status: v1alpha1.CheckPass},
		}},
		Dependencies: Count{Found: 2, Expected: 2},
		RTO:          RTO{Started: true, Recovered: true, Measured: 10 * time.Minute, Target: 15 * time.Minute},
	}
}

func TestJudge(t *testing.T) {
	tests := map[string]struct {
		change func(*Evidence)
		score  int32
		result v1alpha1.Result
		reason string
		caps   []string
		// says are parts of the message.
		says []string
	}{
		"everything as it should be is full marks": {
			change: func(*Evidence) {}, score: 100, result: v1alpha1.ResultPass, reason: v1alpha1.ReasonPassed,
		},
		"levels that do not apply leave the score": {
			change: func(e *Evidence) {
				e.Dependencies, e.RTO.Target, e.Completeness = Count{}, 0, Count{Detail: "nobody knows"}
			},
			score: 100, result: v1alpha1.ResultPass, reason: v1alpha1.ReasonPassed,
		},
		"one missing object takes the pass away, and is said": {
			change: func(e *Evidence) { e.Completeness.Found = 39 },
			score:  89, result: v1alpha1.ResultPartial, reason: v1alpha1.ReasonObjectsMissing, says: []string{"1 of 40 objects did not come back"},
			caps: []string{"1 of 40 objects did not come back"},
		},
		"the share of a level that does not apply is not given to another by rounding": {
			// 25+20+20+12 of 85: 90.59
			change: func(e *Evidence) {
				e.Dependencies, e.RTO.Target = Count{}, 0
				e.Completeness.Found = 24
			},
			score: 89, result: v1alpha1.ResultPartial, reason: v1alpha1.ReasonObjectsMissing, caps: []string{"16 of 40 objects did not come back"},
		},
		"an object that could act beside production takes the pass away, by name": {
			change: func(e *Evidence) { e.SideEffects.Left = []string{"shop: Service/web: LoadBalancer"} },
			score:  75, result: v1alpha1.ResultPartial, reason: v1alpha1.ReasonNotNeutralised, says: []string{"shop: Service/web: LoadBalancer", "20-modifiers"},
			caps: []string{"objects came back that could act beside production: shop: Service/web: LoadBalancer"},
		},
		"so does not having looked": {
			change: func(e *Evidence) { e.SideEffects.Unknown = "no rights" },
			score:  89, result: v1alpha1.ResultPartial, reason: v1alpha1.ReasonNotNeutralised, says: []string{"no rights"},
			caps: []string{"whether restored objects could act beside production is not known: no rights"},
		},
		"many missing objects take the pass away": {
			change: func(e *Evidence) { e.Completeness.Found = 10 },
			score:  85, result: v1alpha1.ResultPartial, reason: v1alpha1.ReasonObjectsMissing, says: []string{"30 of 40 objects", "status.completeness.missing"},
			caps: []string{"30 of 40 objects did not come back"},
		},
		"completeness that could not be read earns nothing and keeps its max": {
			change: func(e *Evidence) { e.Completeness = Count{Unknown: "secrets is forbidden"} },
			score:  80, result: v1alpha1.ResultPartial, reason: v1alpha1.ReasonNotTested, says: []string{"secrets is forbidden"},
		},
		"a partly failed restore never passes": {
			change: func(e *Evidence) { e.Restore = Restore{Outcome: PartlyRestored, Errors: 2} },
			score:  87, result: v1alpha1.ResultPartial, reason: v1alpha1.ReasonPartiallyFailed,
			caps: []string{"Velero restored only part of the backup (2 errors, 0 warnings)"},
		},
		"a backup that is itself partial never passes": {
			change: func(e *Evidence) { e.Restore.PartialBackup = true },
			score:  87, result: v1alpha1.ResultPartial, reason: v1alpha1.ReasonBackupPartiallyFailed,
			caps: []string{"the backup is PartiallyFailed: it does not hold everything"},
		},
		"without a health check no run passes": {
			change: func(e *Evidence) { e.Checks = Checks{All: true} },
			score:  80, result: v1alpha1.ResultPartial, reason: v1alpha1.ReasonNotChecked,
			caps: []string{"no health check: nothing shows that the application works"}, says: []string{"policyRef"},
		},
		"an empty policy is no health check": {
			change: func(e *Evidence) { e.Checks = Checks{Asked: true, All: true} },
			score:  80, result: v1alpha1.ResultPartial, reason: v1alpha1.ReasonNotChecked,
			caps: []string{"no health check: nothing shows that the application works"},
		},
		"a volume in use without a data source caps a score of 100": {
			change: func(e *Evidence) { e.Volumes.Unproven = []string{"shop: data (pod/db-0)"} },
			score:  89, result: v1alpha1.ResultPartial, reason: v1alpha1.ReasonVolumeUnproven,
			caps: []string{"volumes came back without a data source: shop: data (pod/db-0)"},
		},
		"volumes that could not be looked up cap as empty ones do": {
			change: func(e *Evidence) { e.Volumes.Unknown = "forbidden" },
			score:  89, result: v1alpha1.ResultPartial, reason: v1alpha1.ReasonNotTested,
			caps: []string{"where the data of the volumes came from is not known: forbidden"},
		},
		"what the sandbox refused caps, and comes before the errors that Velero counts for it": {
			change: func(e *Evidence) {
				e.Blocked = []string{"shop: Deployment/web: exceeded quota"}
				e.Restore = Restore{Outcome: PartlyRestored, Errors: 1}
				e.RTO.Recovered = false
			},
			score: 82, result: v1alpha1.ResultPartial, reason: v1alpha1.ReasonBlockedBySandboxPolicy,
			caps: []string{"Velero restored only part of the backup (1 errors, 0 warnings)", "the sandbox blocked: shop: Deployment/web: exceeded quota (raise sandbox.resourceQuota)"},
			says: []string{"shop: Deployment/web", "nothing about the backup", "sandbox.resourceQuota"},
		},
		"what the sandbox refused keeps a run without other trouble from failing, however little could be tested": {
			change: func(e *Evidence) {
				e.Blocked, e.Pods = []string{"shop: Deployment/web: exceeded quota"}, Pods{Counted: true}
				e.Restore = Restore{Outcome: PartlyRestored, Errors: 1}
				e.RTO.Recovered = false
				e.Checks.Results = []v1alpha1.CheckStatus{{Name: "web", Status: v1alpha1.CheckSkip}}
			},
			score: 70, result: v1alpha1.ResultPartial, reason: v1alpha1.ReasonBlockedBySandboxPolicy,
			caps: []string{
				"Velero restored only part of the backup (1 errors, 0 warnings)", "checks that were not run: web",
				"the sandbox blocked: shop: Deployment/web: exceeded quota (raise sandbox.resourceQuota)",
			},
		},
		"what the sandbox refused excuses nothing else": {
			change: func(e *Evidence) {
				e.Blocked, e.Pods = []string{"shop: Deployment/web: exceeded quota"}, Pods{Counted: true}
				e.Completeness.Found, e.RTO.Recovered = 10, false
			},
			score: 60, result: v1alpha1.ResultFail, reason: v1alpha1.ReasonObjectsMissing,
			caps: []string{"30 of 40 objects did not come back", "the sandbox blocked: shop: Deployment/web: exceeded quota (raise sandbox.resourceQuota)"},
		},
		"objects that are missing because the sandbox refused them are its doing": {
			change: func(e *Evidence) {
				e.Blocked, e.RTO.Recovered = []string{"shop: Deployment/web: claim data is missing"}, false
				e.Completeness.Found, e.Completeness.Refused = 39, 1
				e.Restore = Restore{Outcome: PartlyRestored, Errors: 2}
			},
			score: 81, result: v1alpha1.ResultPartial, reason: v1alpha1.ReasonBlockedBySandboxPolicy,
			caps: []string{
				"1 of 40 objects did not come back", "Velero restored only part of the backup (2 errors, 0 warnings)", "the sandbox blocked: shop: Deployment/web: claim data is missing (raise sandbox.resourceQuota, and the controller's flag --max-sandbox-cpu or --max-sandbox-memory where it allows no more, or remove the LimitRange that something else puts into sandboxes)",
			},
		},
		"pods that are not ready beside what had to make room are not held against the backup": {
			change: func(e *Evidence) {
				e.Blocked, e.RTO.Recovered = []string{"shop: Pod/web-1: had to make room: PreemptionByScheduler"}, false
				e.Pods = Pods{Total: 1, Counted: true, Excused: true}
				e.Checks.Results = []v1alpha1.CheckStatus{{Name: "rows", Status: v1alpha1.CheckUnknown}}
			},
			score: 70, result: v1alpha1.ResultPartial, reason: v1alpha1.ReasonBlockedBySandboxPolicy,
			caps: []string{
				"1 of 1 pods are not ready", "checks that could not tell: rows", "the sandbox blocked: shop: Pod/web-1: had to make room: PreemptionByScheduler (copies come last: production, or a node that is drained or out of memory, took their place; run again when there is room)",
			},
		},
		"a failed check decides, and what was refused is said": {
			change: func(e *Evidence) {
				e.Blocked, e.RTO.Recovered = []string{"shop: Deployment/web: exceeded quota"}, false
				e.Checks.Results[0].Status = v1alpha1.CheckFail
				e.Ended = Cause{Reason: v1alpha1.ReasonCheckFailed, Message: "1 of 2 checks failed"}
			},
			score: 69, result: v1alpha1.ResultFail, reason: v1alpha1.ReasonCheckFailed,
			caps: []string{"failed checks: rows", "the sandbox blocked: shop: Deployment/web: exceeded quota (raise sandbox.resourceQuota)"},
			says: []string{"Failed checks: rows; the sandbox blocked"},
		},
		"changed guards cap, and come before other findings": {
			change: func(e *Evidence) {
				e.Violations = []string{"kymaros-deny-all deleted"}
				e.Volumes.Unproven = []string{"shop: data (pod/db-0)"}
			},
			score: 89, result: v1alpha1.ResultPartial, reason: v1alpha1.ReasonGuardsViolated,
			caps: []string{
				"the guards of the sandbox were changed during the run: kymaros-deny-all deleted",
				"volumes came back without a data source: shop: data (pod/db-0)",
			},
		},
		"what failed after somebody changed the sandbox is not held against the backup": {
			change: func(e *Evidence) {
				e.Violations, e.Completeness.Found = []string{"Namespace sbx was deleted during the run"}, 0
				e.Pods.Ready, e.Restore.Outcome, e.Restore.Errors = 0, PartlyRestored, 1
				e.Checks.Results[0].Status = v1alpha1.CheckFail
				e.Ended = Cause{Reason: v1alpha1.ReasonCheckFailed, Message: "1 of 2 checks failed"}
			},
			score: 70, result: v1alpha1.ResultPartial, reason: v1alpha1.ReasonGuardsViolated,
			caps: []string{
				"3 of 3 pods are not ready", "40 of 40 objects did not come back",
				"Velero restored only part of the backup (1 errors, 0 warnings)", "failed checks: rows",
				"the guards of the sandbox were changed during the run: Namespace sbx was deleted during the run",
			},
			says: []string{"was deleted during the run", "Failed checks: rows"},
		},
		"what is known of the backup itself is, whatever somebody did": {
			change: func(e *Evidence) {
				e.Violations = []string{"Namespace sbx was deleted during the run"}
				e.Ended = Cause{Reason: v1alpha1.ReasonBackupNotFound, Message: "there is none"}
			},
			score: 69, result: v1alpha1.ResultFail, reason: v1alpha1.ReasonBackupNotFound,
			caps: []string{"the guards of the sandbox were changed during the run: Namespace sbx was deleted during the run"},
		},
		"a namespace of which nothing came back caps": {
			change: func(e *Evidence) { e.Empty = []string{"db"} },
			score:  89, result: v1alpha1.ResultPartial, reason: v1alpha1.ReasonNothingRestored,
			caps: []string{"nothing came back of source namespace db"}, says: []string{"mistyped"},
		},
		"a skipped check earns nothing and caps": {
			change: func(e *Evidence) { e.Checks.Results[1].Status = v1alpha1.CheckSkip },
			score:  89, result: v1alpha1.ResultPartial, reason: v1alpha1.ReasonCheckSkipped, caps: []string{"checks that were not run: web"},
		},
		"a recovery that takes longer than the SLA allows is no pass": {
			change: func(e *Evidence) { e.RTO.Measured = 20 * time.Minute },
			score:  89, result: v1alpha1.ResultPartial, reason: v1alpha1.ReasonRTOExceeded, says: []string{"20m0s, longer than sla.maxRTO 15m0s"},
			caps: []string{"recovery took 20m0s, longer than sla.maxRTO 15m0s"},
		},
		"uncovered dependencies lose their points only": {
			change: func(e *Evidence) { e.Dependencies.Found = 0 },
			score:  90, result: v1alpha1.ResultPass, reason: v1alpha1.ReasonPassed, says: []string{"2 of 2 references"},
		},
		"and as many without an SLA": {
			change: func(e *Evidence) { e.Dependencies.Found, e.RTO.Target = 0, 0 },
			score:  90, result: v1alpha1.ResultPass, reason: v1alpha1.ReasonPassed, says: []string{"2 of 2 references"},
		},
		"a run without any process of the application is no pass": {
			change: func(e *Evidence) { e.Pods = Pods{Counted: true} },
			score:  89, result: v1alpha1.ResultPartial, reason: v1alpha1.ReasonNothingRan, says: []string{"not one process", "while the application runs"},
			caps: []string{"no workload that came back asks for a pod: not one process of the application was seen"},
		},
		"what could not be read makes a run inconclusive, and costs no points": {
			change: func(e *Evidence) {
				e.Completeness, e.Unread = Count{}, []string{"secrets in namespace shop: etcd has a bad moment"}
			},
			score: 0, result: v1alpha1.ResultInconclusive, reason: v1alpha1.ReasonNotRead, says: []string{"secrets in namespace shop: etcd has a bad moment"},
		},
		"but a fault of the backup that was seen all the same counts": {
			change: func(e *Evidence) {
				e.Completeness, e.Unread = Count{}, []string{"secrets in namespace shop: etcd has a bad moment"}
				e.Volumes.Unproven = []string{"shop: data (pod/db-0)"}
			},
			score: 89, result: v1alpha1.ResultPartial, reason: v1alpha1.ReasonVolumeUnproven, says: []string{"etcd has a bad moment"},
			caps: []string{"volumes came back without a data source: shop: data (pod/db-0)"},
		},
		"a failed check counts whatever could not be read": {
			change: func(e *Evidence) {
				e.Completeness, e.Unread = Count{}, []string{"secrets in namespace shop: etcd has a bad moment"}
				e.Checks.Results[0].Status = v1alpha1.CheckFail
			},
			score: 69, result: v1alpha1.ResultFail, reason: v1alpha1.ReasonCheckFailed, caps: []string{"failed checks: rows"},
		},
		"a failed check beside what the sandbox refused does not say that the backup does not restore": {
			change: func(e *Evidence) {
				e.Checks.Results[0].Status = v1alpha1.CheckFail
				e.Blocked = []string{"shop: Deployment/web: exceeded quota"}
			},
			score: 69, result: v1alpha1.ResultFail, reason: v1alpha1.ReasonCheckFailed, says: []string{"the sandbox may be the cause", "sandbox.resourceQuota"},
			caps: []string{"failed checks: rows", "the sandbox blocked: shop: Deployment/web: exceeded quota (raise sandbox.resourceQuota)"},
		},
		"a check that failed beside data that the test itself left out makes no failure": {
			change: func(e *Evidence) {
				e.Checks.Results[0].Status = v1alpha1.CheckFail
				e.Volumes.NotShown = []string{"shop: orders (pod/web-0): its data is tied to pod a-import of a Job"}
			},
			score: 89, result: v1alpha1.ResultPartial, reason: v1alpha1.ReasonVolumeNotShown, says: []string{"Failed checks: rows", "a-import", "nothing about the backup"},
			caps: []string{"failed checks: rows", "volumes that a real restore may fill, and the test did not: shop: orders (pod/web-0): its data is tied to pod a-import of a Job"},
		},
		"but not beside pods that are not ready": {
			change: func(e *Evidence) {
				e.Checks.Results[0].Status = v1alpha1.CheckFail
				e.Pods.Ready = 2
				e.Volumes.NotShown = []string{"shop: orders"}
			},
			score: 69, result: v1alpha1.ResultFail, reason: v1alpha1.ReasonCheckFailed,
			caps: []string{"1 of 3 pods are not ready", "failed checks: rows", "volumes that a real restore may fill, and the test did not: shop: orders"},
		},
		"a check that could not tell is no pass": {
			change: func(e *Evidence) { e.Checks.Results[0].Status = v1alpha1.CheckUnknown },
			score:  89, result: v1alpha1.ResultPartial, reason: v1alpha1.ReasonCheckUnknown, caps: []string{"checks that could not tell: rows"},
		},
		"a run that ends with it is inconclusive": {
			change: func(e *Evidence) {
				e.Checks.Results[0].Status = v1alpha1.CheckUnknown
				e.Ended = Cause{Reason: v1alpha1.ReasonCheckUnknown, Message: "1 of 2 checks could not tell"}
			},
			score: 0, result: v1alpha1.ResultInconclusive, reason: v1alpha1.ReasonCheckUnknown, caps: []string{"checks that could not tell: rows"},
		},
		"what does not keep running fails": {
			change: func(e *Evidence) {
				e.Ended = Cause{Reason: v1alpha1.ReasonUnstable, Message: "container worker of worker-0 ended"}
				e.RTO.Recovered = false
			},
			score: 69, result: v1alpha1.ResultFail, reason: v1alpha1.ReasonUnstable, says: []string{"Container worker of worker-0 ended."},
		},
		"a backup that is older than the test allows is no pass": {
			change: func(e *Evidence) { e.Backup = Backup{Age: 50 * time.Hour, MaxAge: 26 * time.Hour} },
			score:  89, result: v1alpha1.ResultPartial, reason: v1alpha1.ReasonBackupTooOld, says: []string{"50h0m0s old"},
			caps: []string{"the backup was 50h0m0s old, more than backupSource.maxBackupAge 26h0m0s"},
		},
		"newer backups that failed are said": {
			change: func(e *Evidence) { e.Backup.NewerFailed = 24 },
			score:  100, result: v1alpha1.ResultPass, reason: v1alpha1.ReasonPassed, says: []string{"24 newer backups failed"},
		},
		"what was changed by the sandbox makes no failure, however many points it costs": {
			change: func(e *Evidence) {
				e.SideEffects.Left = []string{"shop: Service/web: LoadBalancer"}
				e.Dependencies.Found = 0
			},
			score: 70, result: v1alpha1.ResultPartial, reason: v1alpha1.ReasonNotNeutralised,
			caps: []string{"objects came back that could act beside production: shop: Service/web: LoadBalancer"},
		},
		"a failed check fails the run however good the rest, and is named": {
			change: func(e *Evidence) {
				e.Checks.Results[0].Status = v1alpha1.CheckFail
				e.Ended = Cause{Reason: v1alpha1.ReasonCheckFailed, Message: "1 of 2 checks failed"}
				e.RTO.Recovered = false
			},
			score: 69, result: v1alpha1.ResultFail, reason: v1alpha1.ReasonCheckFailed,
			caps: []string{"failed checks: rows"}, says: []string{"Failed checks: rows."},
		},
		"a failed check fails the run even if the condition says that all passed": {
			change: func(e *Evidence) { e.Checks.Results[0].Status = v1alpha1.CheckFail },
			score:  69, result: v1alpha1.ResultFail, reason: v1alpha1.ReasonCheckFailed, caps: []string{"failed checks: rows"},
		},
		"pods that are not ready fail the run": {
			change: func(e *Evidence) {
				e.Pods.Ready = 2
				e.Ended = Cause{Reason: v1alpha1.ReasonCheckFailed, Message: "pods"}
				e.RTO.Recovered = false
			},
			score: 69, result: v1alpha1.ResultFail, reason: v1alpha1.ReasonCheckFailed,
			caps: []string{"1 of 3 pods are not ready"}, says: []string{"1 of 3 pods are not ready"},
		},
		"a sandbox that could not be made says nothing about the backup": {
			change: func(e *Evidence) {
				*e = Evidence{
					Ended:        Cause{Reason: v1alpha1.ReasonNameTaken, Message: "namespace x exists"},
					Completeness: Count{Unknown: "ended"}, Dependencies: Count{Unknown: "ended"}, Checks: Checks{Asked: true},
				}
			},
			score: 0, result: v1alpha1.ResultInconclusive, reason: v1alpha1.ReasonNameTaken, says: []string{"Namespace x exists.", "another sandboxName"},
		},
		"a deadline keeps what was earned, in the band of a failure, and names the checks that failed until then": {
			change: func(e *Evidence) {
				e.Ended = Cause{Reason: v1alpha1.ReasonDeadlineExceeded, Message: "The deadline passed"}
				e.Checks.All, e.RTO.Recovered = false, false
				e.Checks.Results = []v1alpha1.CheckStatus{{Name: "rows", Status: v1alpha1.CheckFail}}
			},
			score: 69, result: v1alpha1.ResultFail, reason: v1alpha1.ReasonDeadlineExceeded,
			caps: []string{"failed checks: rows"}, says: []string{"The deadline passed. Until then failed: rows. See status.rto.parts"},
		},
		"a score below 70 fails": {
			change: func(e *Evidence) {
				e.Completeness.Found, e.Dependencies.Found, e.RTO.Measured = 0, 0, time.Hour
			},
			score: 65, result: v1alpha1.ResultFail, reason: v1alpha1.ReasonObjectsMissing,
			caps: []string{"40 of 40 objects did not come back", "recovery took 1h0m0s, longer than sla.maxRTO 15m0s"},
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			e := perfect()
			test.change(&e)
			got := Judge(e)
			if got.Score != test.score || got.Result != test.result || got.Reason != test.reason {
				t.Errorf("got %d %s %s, want %d %s %s (%s)", got.Score, got.Result, got.Reason, test.score, test.result, test.reason, got.Message)
			}
			if diff := cmp.Diff(test.caps, got.Caps); diff != "" {
				t.Errorf("caps (-want +got):\n%s", diff)
			}
			if got.Message == "" || !strings.HasSuffix(got.Message, ".") {
				t.Errorf("message is no sentence: %q", got.Message)
			}
			for _, s := range test.says {
				if !strings.Contains(got.Message, s) {
					t.Errorf("message %q does not say %q", got.Message, s)
				}
			}
			if !slices.IsSorted(got.Caps) {
				t.Errorf("caps are not sorted: %q", got.Caps)
			}
		})
	}
}

func TestWhatOnlyCostsPointsIsNamed(t *testing.T) {
	e := perfect()
	e.Pods.Ready, e.Dependencies.Found, e.NotCompared, e.Backup.NewerFailed = 2, 0, "Secrets", 1
	var got []string
	for _, f := range look(e) {
		got = append(got, f.reason)
	}
	want := []string{v1alpha1.ReasonPodsNotReady, v1alpha1.ReasonDependenciesNotCovered, v1alpha1.ReasonNewerBackupsFailed, v1alpha1.ReasonNotCompared}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestLevels(t *testing.T) {
	type level = v1alpha1.LevelResult
	tests := map[string]struct {
		got, want level
	}{
		"a restore that was not reached is not tested": {
			restoreIntegrity(Restore{}, SideEffects{}),
			level{Status: v1alpha1.LevelNotTested, Max: 25, Detail: "the run ended before"},
		},
		"a restore that failed fails": {
			restoreIntegrity(Restore{Outcome: RestoreFailed, Detail: "Failed: disk full"}, SideEffects{}),
			level{Status: v1alpha1.LevelFail, Max: 25, Detail: "Failed: disk full"},
		},
		"a completed restore with errors is partial": {
			restoreIntegrity(Restore{Outcome: Restored, Errors: 1}, SideEffects{}),
			level{Status: v1alpha1.LevelPartial, Points: 12, Max: 25, Detail: "1 errors, 0 warnings"},
		},
		"a restored object that could act fails the restore": {
			restoreIntegrity(Restore{Outcome: Restored}, SideEffects{Left: []string{"shop: Service/web: LoadBalancer"}}),
			level{Status: v1alpha1.LevelFail, Max: 25, Detail: "0 errors, 0 warnings; not neutralised: shop: Service/web: LoadBalancer"},
		},
		"workloads without pods do not count": {
			podStartup(Pods{Counted: true}, nil, nil),
			level{Status: v1alpha1.LevelNotTested, Detail: "no workload came back that asks for pods"},
		},
		"pods that were never counted earn nothing": {
			podStartup(Pods{}, nil, nil),
			level{Status: v1alpha1.LevelNotTested, Max: 20, Detail: "the run ended before"},
		},
		"pods that the sandbox refused earn nothing, and do not leave the score": {
			podStartup(Pods{Counted: true}, []string{"shop: Deployment/web: exceeded quota"}, nil),
			level{
				Status: v1alpha1.LevelNotTested, Max: 20, Detail: "no pod could be tested; 1 workloads or pods blocked by the sandbox",
				NotTested: []string{"shop: Deployment/web: exceeded quota"},
			},
		},
		"pods that are not counted are named and cost nothing": {
			podStartup(Pods{Ready: 1, Total: 1}, nil, []string{"shop: Pod/web-2: of a rollout that is stuck"}),
			level{Status: v1alpha1.LevelPass, Points: 20, Max: 20, Detail: "1 of 1 pods ready", NotTested: []string{"shop: Pod/web-2: of a rollout that is stuck"}},
		},
		"some pods ready is partial": {
			podStartup(Pods{Ready: 2, Total: 3}, nil, nil),
			level{Status: v1alpha1.LevelPartial, Points: 13, Max: 20, Detail: "2 of 3 pods ready"},
		},
		"no pod ready fails": {
			podStartup(Pods{Total: 3}, nil, nil),
			level{Status: v1alpha1.LevelFail, Max: 20, Detail: "0 of 3 pods ready"},
		},
		"checks that have no verdict yet make the share unknown": {
			internalHealth(Checks{Asked: true, Results: []v1alpha1.CheckStatus{{Name: "a", Status: v1alpha1.CheckPass}}}),
			level{Status: v1alpha1.LevelNotTested, Max: 20, Detail: "the run ended before all checks had a verdict", Tested: []string{"a"}},
		},
		"failed and skipped checks are told apart": {
			internalHealth(Checks{Asked: true, All: true, Results: []v1alpha1.CheckStatus{
				{Name: "a", Status: v1alpha1.CheckPass}, {Name: "b", Status: v1alpha1.CheckFail}, {Name: "c", Status: v1alpha1.CheckSkip},
			}}),
			level{
				Status: v1alpha1.LevelPartial, Points: 6, Max: 20, Detail: "1 of 3 checks passed; failed: b",
				Tested: []string{"a", "b"}, NotTested: []string{"c"},
			},
		},
		"only skipped checks are not tested": {
			internalHealth(Checks{Asked: true, All: true, Results: []v1alpha1.CheckStatus{{Name: "c", Status: v1alpha1.CheckSkip}}}),
			level{Status: v1alpha1.LevelNotTested, Max: 20, Detail: "no check was run", NotTested: []string{"c"}},
		},
		"without an SLA the RTO does not count": {
			rtoCompliance(RTO{Started: true, Recovered: true, Measured: time.Hour}),
			level{Status: v1alpha1.LevelNotTested, Detail: "the test has no sla.maxRTO"},
		},
		"an RTO that never began is not tested": {
			rtoCompliance(RTO{Target: time.Minute}),
			level{Status: v1alpha1.LevelNotTested, Max: 5, Detail: "the run ended before"},
		},
		"no recovery fails the RTO": {
			rtoCompliance(RTO{Started: true, Target: time.Minute}),
			level{Status: v1alpha1.LevelFail, Max: 5, Detail: "the application did not recover"},
		},
		"exactly the target is within it": {
			rtoCompliance(RTO{Started: true, Recovered: true, Measured: time.Minute, Target: time.Minute}),
			level{Status: v1alpha1.LevelPass, Points: 5, Max: 5, Detail: "1m0s, within 1m0s"},
		},
		"volumes out of snapshots may come later than measured, with or without an SLA": {
			rtoCompliance(RTO{Started: true, Recovered: true, Measured: time.Minute, Lazy: []string{"shop: data", "shop: logs"}}),
			level{Status: v1alpha1.LevelNotTested, Detail: "the test has no sla.maxRTO", NotTested: []string{
				"how long all data of volumes out of snapshots takes to come (shop: data, shop: logs): where storage loads it when it is read first, a real recovery takes longer than the 1m0s measured; an exec check with readsVolumes measures it",
			}},
		},
		"without recovery nothing is said of what comes after it": {
			rtoCompliance(RTO{Started: true, Target: time.Minute, Lazy: []string{"shop: data"}}),
			level{Status: v1alpha1.LevelFail, Max: 5, Detail: "the application did not recover"},
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			if diff := cmp.Diff(test.want, test.got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func TestListNamesNoMoreThanAReaderTakesIn(t *testing.T) {
	got := list([]string{"a", "b", "c", "d", "e", "f", "g"})
	if want := "a, b, c, d, e, and 2 more"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}
