package report

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/sets"

	"github.com/kymaros/kymaros/pkg/apis/restore/v1alpha1"
	"github.com/kymaros/kymaros/pkg/completeness"
	"github.com/kymaros/kymaros/pkg/dependencies"
	"github.com/kymaros/kymaros/pkg/look"
	"github.com/kymaros/kymaros/pkg/sideeffects"
	"github.com/kymaros/kymaros/pkg/volumes"
)

// looked is a look at a sandbox in which everything came back.
func looked() seen {
	one := completeness.Names{}
	one.Add(completeness.Secret, "db")
	inventory := volumes.NewInventory(sandbox)
	inventory.Add(volume())
	return seen{
		backup:   backup(),
		complete: completeness.Seen{Namespaces: []completeness.Namespace{{Source: "shop", Want: one, Have: one}}},
		effects:  sideeffects.Seen{Back: sets.New("shop")},
		volumes: volumes.Look{
			Inventory: inventory, Backup: volumes.BackupOf(backup()), Began: runStart,
			Claims:    []volumes.Claim{{Source: "shop", Namespace: sandbox, Name: "data-db-0", Bound: true, Volume: "pv-1"}},
			Mounts:    []volumes.Mount{{Namespace: sandbox, Pod: "db-0", Volume: "data", Claim: "data-db-0"}},
			Transfers: []volumes.Transfer{volumes.TransferOf(transferred())},
		},
	}
}

func TestBuildOfAPass(t *testing.T) {
	rt := test()
	got := build(rt, decide(rt, runStart), looked(), at(24).Time)
	want := v1alpha1.RestoreReportStatus{
		Score: 100, Result: v1alpha1.ResultPass, Reason: v1alpha1.ReasonPassed,
		Message:   "1 of 1 objects came back, 1 of 1 pods are ready, 1 of 1 checks passed.",
		StartedAt: at(0), CompletedAt: at(24), Trigger: v1alpha1.TriggerCron,
		RTO: v1alpha1.RTO{
			Measured: "20s", Target: "1m", WithinSLA: true,
			Parts: &v1alpha1.RTOParts{Queue: "2s", Restore: "10s", VolumeData: "7s", Pods: "7s", Checks: "3s"},
		},
		Backup:           v1alpha1.Backup{Name: "nightly", Age: "1h0m3s", StartedAt: point(-3600)},
		Restore:          &v1alpha1.RestoreResult{Name: "kymaros-shop-" + runID, Phase: "Completed", Warnings: 1},
		Sandboxes:        []v1alpha1.ReportSandbox{{Source: "shop", Name: sandbox}},
		NetworkIsolation: v1alpha1.IsolationStrict,
		Velero:           &v1alpha1.VeleroServer{Version: "1.18.3"},
		Checks:           []v1alpha1.CheckStatus{{Name: "rows", Status: v1alpha1.CheckPass, Duration: "20ms"}},
		Completeness: v1alpha1.Completeness{
			Deployments: "0/0", StatefulSets: "0/0", Services: "0/0", Secrets: "1/1", ConfigMaps: "0/0", PVCs: "0/0",
		},
		ValidationLevels: v1alpha1.ValidationLevels{
			RestoreIntegrity: v1alpha1.LevelResult{Status: v1alpha1.LevelPass, Points: 25, Max: 25, Detail: "0 errors, 1 warnings"},
			Completeness:     v1alpha1.LevelResult{Status: v1alpha1.LevelPass, Points: 20, Max: 20, Detail: "1 of 1 objects came back", NotTested: []string{secretsByList}},
			PodStartup:       v1alpha1.LevelResult{Status: v1alpha1.LevelPass, Points: 20, Max: 20, Detail: "1 of 1 pods ready"},
			InternalHealth:   v1alpha1.LevelResult{Status: v1alpha1.LevelPass, Points: 20, Max: 20, Detail: "1 of 1 checks passed", Tested: []string{"rows"}},
			CrossNamespaceDeps: v1alpha1.LevelResult{
				Status: v1alpha1.LevelNotTested,
				Detail: "not applicable: no reference to another namespace in environment, arguments, ConfigMaps, Secrets or Services",
			},
			RTOCompliance: v1alpha1.LevelResult{Status: v1alpha1.LevelPass, Points: 5, Max: 5, Detail: "20s, within 1m0s"},
		},
		SideEffects: &v1alpha1.SideEffects{},
		Volumes: []v1alpha1.VolumeReport{{
			Namespace: "shop", Claim: "data-db-0", Method: v1alpha1.VolumeFileSystemBackup, Volume: "pv-1", Bytes: 4096, Duration: "7s", MountedBy: "pod/db-0",
		}},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestBuild(t *testing.T) {
	type change = func(*v1alpha1.RestoreTest)
	tests := map[string]struct {
		change []change
		seen   func(*seen)
		check  func(*testing.T, v1alpha1.RestoreReportStatus)
	}{
		"a failed check fails the run, which then has no recovery time": {
			change: []change{condition(v1alpha1.ConditionHealthChecked, metav1.ConditionFalse, v1alpha1.ReasonCheckFailed), func(rt *v1alpha1.RestoreTest) {
				rt.Status.Health.Checks[0].Status = v1alpha1.CheckFail
			}},
			check: func(t *testing.T, r v1alpha1.RestoreReportStatus) {
				equal(t, "result", r.Result, v1alpha1.ResultFail)
				equal(t, "reason", r.Reason, v1alpha1.ReasonCheckFailed)
				equal(t, "caps", r.Caps, []string{"failed checks: rows"})
				equal(t, "measured", r.RTO.Measured, "0s")
				equal(t, "within", r.RTO.WithinSLA, false)
				equal(t, "level", r.ValidationLevels.RTOCompliance.Status, v1alpha1.LevelFail)
			},
		},
		"pods that the sandbox refused make the run partial, and their own reason": {
			change: []change{
				condition(v1alpha1.ConditionRestored, metav1.ConditionFalse, v1alpha1.ReasonPartiallyFailed),
				condition(v1alpha1.ConditionHealthChecked, metav1.ConditionFalse, v1alpha1.ReasonBlockedBySandboxPolicy),
				func(rt *v1alpha1.RestoreTest) { rt.Status.Health.Blocked = []string{"shop: Deployment/web: too much"} },
			},
			seen: func(s *seen) {
				s.blocked.Pods = []string{"shop: Pod/agent: host network", "shop: Deployment/web: too much"}
			},
			check: func(t *testing.T, r v1alpha1.RestoreReportStatus) {
				equal(t, "result", r.Result, v1alpha1.ResultPartial)
				equal(t, "reason", r.Reason, v1alpha1.ReasonBlockedBySandboxPolicy)
				equal(t, "caps", r.Caps, []string{
					"Velero restored only part of the backup (0 errors, 1 warnings)",
					"the sandbox blocked: shop: Deployment/web: too much, shop: Pod/agent: host network (raise sandbox.resourceQuota, and the controller's flag --max-sandbox-cpu or --max-sandbox-memory where it allows no more, or remove the LimitRange that something else puts into sandboxes)",
				})
				equal(t, "pods", r.ValidationLevels.PodStartup, v1alpha1.LevelResult{
					Status: v1alpha1.LevelPass, Points: 20, Max: 20, Detail: "1 of 1 pods ready; 2 workloads or pods blocked by the sandbox",
					NotTested: []string{"shop: Deployment/web: too much", "shop: Pod/agent: host network"},
				})
				equal(t, "measured", r.RTO.Measured, "0s")
			},
		},
		"a leak that canaries saw while the restore waited is told, and not what they saw before": {
			change: []change{condition(v1alpha1.ConditionRestored, metav1.ConditionFalse, v1alpha1.ReasonIsolationNotEnforced), func(rt *v1alpha1.RestoreTest) {
				rt.Status.Sandbox.Isolation = v1alpha1.IsolationProven
				rt.Status.Restore, rt.Status.Health = &v1alpha1.RestoreStatus{RunID: runID}, &v1alpha1.HealthStatus{RunID: runID}
				condition(v1alpha1.ConditionHealthChecked, metav1.ConditionUnknown, v1alpha1.ReasonWaiting)(rt)
			}},
			check: func(t *testing.T, r v1alpha1.RestoreReportStatus) {
				equal(t, "result", r.Result, v1alpha1.ResultInconclusive)
				equal(t, "score", r.Score, int32(0))
				equal(t, "reason", r.Reason, v1alpha1.ReasonIsolationNotEnforced)
				equal(t, "proof", r.IsolationProof, v1alpha1.IsolationNotEnforced)
			},
		},
		"a proof that was not there any more is told too": {
			change: []change{condition(v1alpha1.ConditionRestored, metav1.ConditionFalse, v1alpha1.ReasonIsolationUnproven), func(rt *v1alpha1.RestoreTest) {
				rt.Status.Sandbox.Isolation = v1alpha1.IsolationProven
			}},
			check: func(t *testing.T, r v1alpha1.RestoreReportStatus) {
				equal(t, "proof", r.IsolationProof, v1alpha1.IsolationUnproven)
			},
		},
		"a proof that held is that of the sandbox": {
			change: []change{func(rt *v1alpha1.RestoreTest) { rt.Status.Sandbox.Isolation = v1alpha1.IsolationProven }},
			check: func(t *testing.T, r v1alpha1.RestoreReportStatus) {
				equal(t, "proof", r.IsolationProof, v1alpha1.IsolationProven)
			},
		},
		"a sandbox that could not be made scores 0 and speaks of no restore": {
			change: []change{condition(v1alpha1.ConditionSandboxReady, metav1.ConditionFalse, v1alpha1.ReasonRejected), func(rt *v1alpha1.RestoreTest) {
				rt.Status.Restore, rt.Status.Health = &v1alpha1.RestoreStatus{RunID: runID}, &v1alpha1.HealthStatus{RunID: runID}
				condition(v1alpha1.ConditionRestored, metav1.ConditionUnknown, v1alpha1.ReasonWaiting)(rt)
				condition(v1alpha1.ConditionHealthChecked, metav1.ConditionUnknown, v1alpha1.ReasonWaiting)(rt)
			}},
			check: func(t *testing.T, r v1alpha1.RestoreReportStatus) {
				equal(t, "score", r.Score, int32(0))
				equal(t, "reason", r.Reason, v1alpha1.ReasonRejected)
				equal(t, "restore", r.Restore, (*v1alpha1.RestoreResult)(nil))
				equal(t, "parts", r.RTO.Parts, (*v1alpha1.RTOParts)(nil))
				equal(t, "age", r.Backup.Age, "0s")
				equal(t, "completeness", r.Completeness, v1alpha1.Completeness{})
				equal(t, "volumes", len(r.Volumes), 0)
			},
		},
		"numbers of the last run do not get into this one": {
			change: []change{func(rt *v1alpha1.RestoreTest) {
				rt.Status.Restore.RunID, rt.Status.Health.RunID = "last", "last"
				condition(v1alpha1.ConditionSandboxReady, metav1.ConditionFalse, v1alpha1.ReasonRejected)(rt)
			}},
			check: func(t *testing.T, r v1alpha1.RestoreReportStatus) {
				equal(t, "backup", r.Backup, v1alpha1.Backup{Age: "0s"})
				equal(t, "checks", len(r.Checks), 0)
				equal(t, "score", r.Score, int32(0))
			},
		},
		"without SLA a recovery is within it": {
			change: []change{func(rt *v1alpha1.RestoreTest) { rt.Status.Run.Spec.SLA = nil }},
			check: func(t *testing.T, r v1alpha1.RestoreReportStatus) {
				equal(t, "rto", r.RTO.WithinSLA, true)
				equal(t, "target", r.RTO.Target, "")
				equal(t, "max", r.ValidationLevels.RTOCompliance.Max, int32(0))
				equal(t, "score", r.Score, int32(100))
			},
		},
		"a volume in use without proof of its data takes the pass": {
			seen: func(s *seen) { s.volumes.Transfers = nil },
			check: func(t *testing.T, r v1alpha1.RestoreReportStatus) {
				equal(t, "result", r.Result, v1alpha1.ResultPartial)
				equal(t, "caps", r.Caps, []string{"volumes came back without a data source: shop: data-db-0 (pod/db-0): no data of this volume is in the backup: " +
					"it has no snapshot, and annotation backup.velero.io/backup-volumes of pod db-0 does not name it"})
				equal(t, "method", r.Volumes[0].Method, v1alpha1.VolumeNotInBackup)
			},
		},
		"a volume that another PersistentVolume shares takes the pass, whatever was written into it": {
			seen: func(s *seen) {
				other := volume()
				other.Name, other.Spec.ClaimRef = "of-production", nil
				s.volumes.Inventory.Add(other)
			},
			check: func(t *testing.T, r v1alpha1.RestoreReportStatus) {
				equal(t, "reason", r.Reason, "VolumeUnproven")
				equal(t, "shared", r.Volumes[0].SharedWith, []string{"of-production"})
			},
		},
		"native snapshots in the backup are named as the cause of an empty volume": {
			seen: func(s *seen) {
				s.backup.Status.VolumeSnapshotsCompleted = 1
				s.volumes.Transfers, s.volumes.Backup = nil, volumes.BackupOf(s.backup)
			},
			check: func(t *testing.T, r v1alpha1.RestoreReportStatus) {
				equal(t, "method", r.Volumes[0].Method, v1alpha1.VolumeNotRestored)
				equal(t, "reason", r.Reason, "VolumeNotShown")
				if !strings.Contains(r.Volumes[0].Message, "native volume snapshots, which are not restored beside production") {
					t.Errorf("message %q", r.Volumes[0].Message)
				}
			},
		},
		"volumes that could not be read are not called empty": {
			seen: func(s *seen) { s.unread.Cannot(look.Volumes, "could not be read: x") },
			check: func(t *testing.T, r v1alpha1.RestoreReportStatus) {
				equal(t, "result", r.Result, v1alpha1.ResultPartial)
				equal(t, "caps", r.Caps, []string{"where the data of the volumes came from is not known: could not be read: x"})
				equal(t, "volumes", len(r.Volumes), 0)
			},
		},
		"objects that could not be read are not counted as missing": {
			seen: func(s *seen) { s.unread.Cannot(look.Completeness, "could not be read: x") },
			check: func(t *testing.T, r v1alpha1.RestoreReportStatus) {
				equal(t, "level", r.ValidationLevels.Completeness,
					v1alpha1.LevelResult{Status: v1alpha1.LevelNotTested, Max: 20, Detail: "could not be read: x"})
				equal(t, "completeness", r.Completeness, v1alpha1.Completeness{})
				equal(t, "result", r.Result, v1alpha1.ResultPartial)
			},
		},
		"volumes that a fault kept from being read make the run inconclusive": {
			seen: func(s *seen) {
				s.unread.Cannot(look.Volumes, "could not be read: x")
				_ = s.unread.Failed("persistentvolumes", errors.New("x"), look.Volumes)
			},
			check: func(t *testing.T, r v1alpha1.RestoreReportStatus) {
				equal(t, "result", r.Result, v1alpha1.ResultInconclusive)
				equal(t, "reason", r.Reason, v1alpha1.ReasonNotRead)
				equal(t, "volumes", len(r.Volumes), 0)
			},
		},
		"objects that a fault kept from being read cost no points": {
			seen: func(s *seen) {
				s.unread.Cannot(look.Completeness, "could not be read: x")
				_ = s.unread.Failed("services in namespace shop", errors.New("x"), look.Completeness)
			},
			check: func(t *testing.T, r v1alpha1.RestoreReportStatus) {
				equal(t, "level", r.ValidationLevels.Completeness, v1alpha1.LevelResult{Status: v1alpha1.LevelNotTested, Detail: "could not be read: x"})
				equal(t, "result", r.Result, v1alpha1.ResultInconclusive)
			},
		},
		"a source namespace that is gone costs nothing without the list of the backup, and is said": {
			seen: func(s *seen) { s.complete, s.notListed = completeness.Seen{Gone: []string{"shop"}}, "no answer" },
			check: func(t *testing.T, r v1alpha1.RestoreReportStatus) {
				equal(t, "level", r.ValidationLevels.Completeness, v1alpha1.LevelResult{
					Status: v1alpha1.LevelNotTested, Detail: "not applicable: no source namespace exists here, and there is no list of the backup to compare with",
					NotTested: []string{"namespace shop does not exist here: nothing to compare with, and the list of the backup could not be read: no answer"},
				})
				equal(t, "result", r.Result, v1alpha1.ResultPass)
			},
		},
		"a source namespace that is gone is compared with the list of the backup": {
			seen: func(s *seen) {
				s.complete.Gone = []string{"shop"}
				s.complete.Namespaces = []completeness.Namespace{{Source: "shop", Listed: true,
					Want: completeness.Names{completeness.Service: sets.New("web", "db")}, Have: completeness.Names{completeness.Service: sets.New("web")}}}
			},
			check: func(t *testing.T, r v1alpha1.RestoreReportStatus) {
				level := r.ValidationLevels.Completeness
				equal(t, "detail", level.Detail, "1 of 2 objects came back")
				equal(t, "tested", level.Tested, []string{"namespace shop does not exist here: what came back was compared with the names that the backup holds"})
				equal(t, "not tested", len(level.NotTested), 0)
				equal(t, "missing", r.Completeness.Missing, []string{"shop: Service/db"})
				equal(t, "result", r.Result == v1alpha1.ResultPass, false)
			},
		},
		"a partly failed restore never passes, and keeps Velero's counts": {
			change: []change{condition(v1alpha1.ConditionRestored, metav1.ConditionFalse, v1alpha1.ReasonPartiallyFailed), func(rt *v1alpha1.RestoreTest) {
				rt.Status.Restore.Phase, rt.Status.Restore.Errors = "PartiallyFailed", 3
			}},
			check: func(t *testing.T, r v1alpha1.RestoreReportStatus) {
				equal(t, "result", r.Result, v1alpha1.ResultPartial)
				equal(t, "reason", r.Reason, v1alpha1.ReasonPartiallyFailed)
				equal(t, "errors", r.Restore.Errors, int32(3))
				equal(t, "level", r.ValidationLevels.RestoreIntegrity.Points, int32(12))
			},
		},
		"a partial backup is said": {
			change: []change{func(rt *v1alpha1.RestoreTest) { rt.Status.Restore.BackupPhase = "PartiallyFailed" }},
			seen:   func(s *seen) { s.backup, s.volumes.Backup = nil, volumes.BackupOf(nil) }, // it has expired meanwhile
			check: func(t *testing.T, r v1alpha1.RestoreReportStatus) {
				equal(t, "result", r.Result, v1alpha1.ResultPartial)
				equal(t, "reason", r.Reason, "BackupPartiallyFailed")
			},
		},
		"guards that were changed take the pass": {
			change: []change{func(rt *v1alpha1.RestoreTest) { rt.Status.Sandbox.Violations = []string{"quota deleted"} }},
			check: func(t *testing.T, r v1alpha1.RestoreReportStatus) {
				equal(t, "result", r.Result, v1alpha1.ResultPartial)
				equal(t, "reason", r.Reason, "GuardsViolated")
			},
		},
		"a reference to a namespace outside of the run earns nothing": {
			seen: func(s *seen) {
				refs := []dependencies.Reference{{From: "shop", Service: "x", Namespace: "other", Host: "x.other.svc", Place: "p"}}
				s.refers = dependencies.Cover(refs, nil, v1alpha1.IsolationStrict)
			},
			check: func(t *testing.T, r v1alpha1.RestoreReportStatus) {
				equal(t, "level", r.ValidationLevels.CrossNamespaceDeps, v1alpha1.LevelResult{
					Status: v1alpha1.LevelFail, Max: 10, Detail: "0 of 1 references to other namespaces are covered",
					NotTested: []string{"shop → x.other.svc (p): not part of this test"},
				})
			},
		},
		"clocks that disagree never make a negative duration": {
			change: []change{func(rt *v1alpha1.RestoreTest) { rt.Status.Health.PodsReadyTime = point(12) }},
			check:  func(t *testing.T, r v1alpha1.RestoreReportStatus) { equal(t, "pods", r.RTO.Parts.Pods, "0s") },
		},
		"a deleted test keeps what the restore earned, and shows nothing about the backup": {
			change: []change{deleted},
			check: func(t *testing.T, r v1alpha1.RestoreReportStatus) {
				equal(t, "reason", r.Reason, v1alpha1.ReasonTestDeleted)
				equal(t, "result", r.Result, v1alpha1.ResultInconclusive)
				equal(t, "volumes", len(r.Volumes), 0)
				equal(t, "level", r.ValidationLevels.Completeness.Max, int32(20))
			},
		},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			rt, s := test(tc.change...), looked()
			if tc.seen != nil {
				tc.seen(&s)
			}
			tc.check(t, build(rt, decide(rt, runStart), s, at(24).Time))
		})
	}
}

func equal[T any](t *testing.T, what string, got, want T) {
	t.Helper()
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("%s (-want +got):\n%s", what, diff)
	}
}
