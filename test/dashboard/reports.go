package dashboard

import (
	"fmt"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/kymaros/kymaros/pkg/apis/restore/v1alpha1"
)

// report is that of a night, counted back from the last.
func (a *application) report(now time.Time, n int) *v1alpha1.RestoreReport {
	chance := a.chance(n)
	start := night(now, n).Add(time.Duration(chance.IntN(1200)) * time.Second)
	takes := a.takes * time.Duration(80+chance.IntN(45)) / 100
	checks := 4*time.Second + takes/12
	restore := takes * 6 / 10
	at := metav1.NewTime
	r := &v1alpha1.RestoreReport{
		ObjectMeta: metav1.ObjectMeta{
			Namespace: a.namespace, Name: fmt.Sprintf("%s-%s", a.name, start.Format("20060102-150405")), Labels: map[string]string{v1alpha1.LabelReportTest: a.name},
		},
		Spec: v1alpha1.RestoreReportSpec{TestRef: a.name, RunID: fmt.Sprintf("%s-%06x", start.Format("20060102-150405"), chance.IntN(1<<24))},
		Status: &v1alpha1.RestoreReportStatus{
			Score: 98, Result: v1alpha1.ResultPass, Reason: v1alpha1.ReasonPassed, Message: "41 of 41 objects came back, 3 of 3 pods are ready, 3 of 3 checks passed.",
			StartedAt: at(start), CompletedAt: at(start.Add(takes + time.Minute)), Trigger: v1alpha1.TriggerCron,
			RTO: v1alpha1.RTO{Measured: v1alpha1.Of(takes), WithinSLA: true, Parts: &v1alpha1.RTOParts{
				Queue: v1alpha1.Of(time.Duration(chance.IntN(60)) * time.Second), Restore: v1alpha1.Of(restore), Pods: v1alpha1.Of(takes - restore - checks), Checks: v1alpha1.Of(checks),
			}},
			Backup:           v1alpha1.Backup{Name: a.backup(n), Age: v1alpha1.Of(start.Sub(night(now, n).Add(-time.Hour))), StartedAt: new(at(night(now, n).Add(-time.Hour)))},
			Restore:          &v1alpha1.RestoreResult{Name: a.name + "-" + start.Format("20060102"), Phase: "Completed", Warnings: 2},
			NetworkIsolation: v1alpha1.IsolationStrict, IsolationProof: v1alpha1.IsolationProven, Fence: v1alpha1.FenceIntact, Velero: &v1alpha1.VeleroServer{Version: "v1.18.3"},
			Checks: []v1alpha1.CheckStatus{
				{Name: "newest-invoice", Status: v1alpha1.CheckPass, Duration: "388ms", Message: "the output is an integer that is ge 1000"},
				{Name: "api", Status: v1alpha1.CheckPass, Duration: "121ms", Message: "GET /readyz answered 200"},
				{Name: "pods", Status: v1alpha1.CheckPass, Duration: "12ms", Message: "3 of at least 2 pods are ready"},
			},
			Completeness: v1alpha1.Completeness{Deployments: "2/2", StatefulSets: "1/1", Services: "4/4", Secrets: "6/6", ConfigMaps: "9/9", PVCs: fmt.Sprintf("%d/%d", a.volumes, a.volumes)},
			ValidationLevels: v1alpha1.ValidationLevels{
				RestoreIntegrity:   v1alpha1.LevelResult{Status: v1alpha1.LevelPass, Points: 25, Max: 25, Detail: "Completed, 0 errors, 2 warnings"},
				Completeness:       v1alpha1.LevelResult{Status: v1alpha1.LevelPass, Points: 20, Max: 20, Detail: "41 of 41 objects came back"},
				PodStartup:         v1alpha1.LevelResult{Status: v1alpha1.LevelPass, Points: 20, Max: 20, Detail: "3 of 3 pods are ready"},
				InternalHealth:     v1alpha1.LevelResult{Status: v1alpha1.LevelPass, Points: 20, Max: 20, Detail: "3 of 3 checks passed"},
				CrossNamespaceDeps: v1alpha1.LevelResult{Status: v1alpha1.LevelPartial, Points: 8, Max: 10, Detail: "4 of 5 names that its values point to were restored with it", Tested: []string{a.name + ": Service/api", a.name + ": Service/db"}, NotTested: []string{"mail: Service/smtp is in a namespace that is not restored"}},
				RTOCompliance:      v1alpha1.LevelResult{Status: v1alpha1.LevelNotTested, Detail: "no target is set"},
			},
			SideEffects: &v1alpha1.SideEffects{
				Withheld:    []v1alpha1.SideEffect{{Rule: "kind", Kind: "Ingress.networking.k8s.io", Count: 1, Names: []string{a.name + "/web"}, Reason: "would take traffic of production"}, {Rule: "kind", Kind: "Job.batch", Count: 4, Reason: "would do its work a second time"}},
				Neutralised: []v1alpha1.SideEffect{{Rule: "suspend", Kind: "CronJob.batch", Count: 2, Names: []string{a.name + "/mailer", a.name + "/cleanup"}, Reason: "restored suspended"}, {Rule: "loadBalancer", Kind: "Service", Count: 1, Reason: "restored as ClusterIP"}},
				NotTested:   []string{"Ingress web: its host name and certificate", "CronJob mailer: whether it runs", "CronJob cleanup: whether it runs", "Service web: the address of its load balancer"},
			},
		},
		Hygiene: &v1alpha1.Hygiene{Status: v1alpha1.HygieneClean, CleanedAt: at(start.Add(takes + 2*time.Minute + 9*time.Second))},
	}
	s := r.Status
	for _, ns := range a.sources {
		s.Sandboxes = append(s.Sandboxes, v1alpha1.ReportSandbox{Source: ns, Name: fmt.Sprintf("rp-test-%s-%06x", a.name, chance.IntN(1<<24))})
	}
	for i := range a.volumes {
		s.Volumes = append(s.Volumes, v1alpha1.VolumeReport{
			Namespace: a.sources[i%len(a.sources)], Claim: fmt.Sprintf("data-%s-%d", a.name, i), Method: v1alpha1.VolumeFileSystemBackup,
			Bytes: int64(1+i)<<30 + chance.Int64N(1<<28), Duration: v1alpha1.Of(restore * 8 / 10), MountedBy: fmt.Sprintf("Pod/%s-%d", a.name, i),
		})
		s.RTO.Parts.VolumeData = v1alpha1.Of(restore * 8 / 10)
	}
	if a.target > 0 {
		s.RTO.Target = v1alpha1.Of(a.target)
		s.ValidationLevels.RTOCompliance = v1alpha1.LevelResult{Status: v1alpha1.LevelPass, Points: 5, Max: 5, Detail: fmt.Sprintf("%s, and the target is %s", v1alpha1.Of(takes), v1alpha1.Of(a.target))}
	}
	if odd, ok := a.odd[n]; ok {
		s.Result, s.Score, s.Reason, s.Message = odd.result, odd.score, odd.reason, odd.message
		odd.change(s)
	}
	return r
}

// running has a test be in the middle of a run.
func running(rt *v1alpha1.RestoreTest) {
	now := time.Now().Truncate(time.Second)
	id := now.UTC().Format("20060102-150405") + "-a1b2c3"
	began := metav1.NewTime(now.Add(-4 * time.Minute))
	rt.Status.Phase = v1alpha1.PhaseRunning
	rt.Status.Run = &v1alpha1.RunStatus{ID: id, Spec: rt.Spec, Trigger: v1alpha1.TriggerRequested, ScheduledTime: began, StartTime: began, Deadline: metav1.NewTime(now.Add(56 * time.Minute)), Fence: v1alpha1.FenceIntact}
	rt.Status.Sandbox = &v1alpha1.SandboxStatus{RunID: id, Namespaces: []v1alpha1.SandboxNamespace{{Source: rt.Spec.BackupSource.Namespaces[0].Name, Name: "rp-test-" + rt.Name + "-a1b2c3"}}, Isolation: v1alpha1.IsolationProven}
	rt.Status.Restore = &v1alpha1.RestoreStatus{RunID: id, BackupName: rt.Name + "-nightly-40", Name: rt.Name + "-a1b2c3", Phase: "InProgress", Progress: "812/1204"}
	condition := func(kind string, status metav1.ConditionStatus, reason, message string) {
		rt.Status.Conditions = append(rt.Status.Conditions, metav1.Condition{Type: kind, Status: status, Reason: reason, Message: message, LastTransitionTime: began})
	}
	condition("Scheduled", metav1.ConditionTrue, v1alpha1.ReasonRunStarted, "Run "+id+" was requested")
	condition("SandboxReady", metav1.ConditionTrue, v1alpha1.ReasonGuarded, "The sandbox exists, and nothing in it reaches production")
	condition("Restored", metav1.ConditionUnknown, v1alpha1.ReasonInProgress, "Velero restores backup "+rt.Name+"-nightly-40")
	for _, kind := range []string{"HealthChecked", "Reported", "CleanedUp"} {
		condition(kind, metav1.ConditionUnknown, v1alpha1.ReasonWaiting, "Waits for what comes before")
	}
}

// queued has a run of a test wait for its turn.
func queued(rt *v1alpha1.RestoreTest) {
	now := metav1.NewTime(time.Now().Truncate(time.Second).Add(-90 * time.Second))
	id := now.UTC().Format("20060102-150405") + "-d4e5f6"
	rt.Status.Phase = v1alpha1.PhaseQueued
	rt.Status.Run = &v1alpha1.RunStatus{ID: id, Spec: rt.Spec, Trigger: v1alpha1.TriggerRequested, ScheduledTime: now}
	rt.Status.Conditions = []metav1.Condition{{Type: "Scheduled", Status: metav1.ConditionTrue, Reason: v1alpha1.ReasonQueued, Message: "Run " + id + " waits for its turn", LastTransitionTime: now}}
}

// searched has a test have found the newest backup that restores.
func searched(rt *v1alpha1.RestoreTest) {
	rt.Spec.OnFailure = &v1alpha1.OnFailure{SearchLastGood: &v1alpha1.SearchLastGood{MaxRuns: 5}}
	rt.Status.Search = &v1alpha1.SearchStatus{
		State: v1alpha1.SearchFound, RunID: "20261127-031500-00ff00", Runs: 2, Failed: v1alpha1.TriedBackup{BackupName: "media-nightly-40", Result: v1alpha1.ResultFail},
		LastGood: rt.Status.LastVerified, Message: "Backup media-nightly-40 does not restore; media-nightly-39, a day older, does.",
	}
}
