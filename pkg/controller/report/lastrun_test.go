package report

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"k8s.io/utils/ptr"

	"github.com/kymaros/kymaros/pkg/apis/restore/v1alpha1"
	"github.com/kymaros/kymaros/pkg/metrics"
)

func TestWhatTheLastRunHasMeasuredIsKept(t *testing.T) {
	failed := v1alpha1.RestoreReportStatus{Result: v1alpha1.ResultFail, Reason: v1alpha1.ReasonCheckFailed, Score: 61, StartedAt: at(0), Message: strings.Repeat("é", 300)}
	kept := strings.Repeat("é", 256) + "…"
	passed := v1alpha1.RestoreReportStatus{
		Result: v1alpha1.ResultPass, Reason: "Passed", Score: 98, StartedAt: at(0),
		RTO:          v1alpha1.RTO{Measured: "20s", Target: "1m", WithinSLA: true, Parts: &v1alpha1.RTOParts{Restore: "10s"}},
		Backup:       v1alpha1.Backup{Name: "nightly", Age: "1h0m0s"},
		Completeness: v1alpha1.Completeness{Deployments: "1/1", Secrets: "2/4", PVCs: "0/0"},
		SideEffects:  &v1alpha1.SideEffects{NotTested: []string{"Ingress web", "CronJob mail"}}, Message: "All is well",
	}
	nothing := v1alpha1.RestoreReportStatus{Result: v1alpha1.ResultInconclusive, Reason: v1alpha1.ReasonNameTaken, StartedAt: at(0), Backup: v1alpha1.Backup{Age: "0s"}}
	before := func(result v1alpha1.Result, score *int32, last *v1alpha1.LastRun) func(*v1alpha1.RestoreTest) {
		return func(rt *v1alpha1.RestoreTest) {
			rt.Status.LastResult, rt.Status.LastScore, rt.Status.LastRun = result, score, last
		}
	}
	for name, c := range map[string]struct {
		test   func(*v1alpha1.RestoreTest)
		status v1alpha1.RestoreReportStatus
		want   v1alpha1.LastRun
	}{
		"the first run has nothing before it": {
			func(rt *v1alpha1.RestoreTest) { rt.Status.Run.ScheduledTime = at(-90) }, passed,
			v1alpha1.LastRun{
				Reason: "Passed", Message: "All is well", BackupName: "nightly", NotTested: 2, Streak: 1, PassedAt: point(0), LineWait: "1m30s", RTO: &passed.RTO, BackupAge: "1h0m0s",
				Completeness: &v1alpha1.ObjectCount{Found: 3, Expected: 5},
			},
		},
		"a run that ends as the one before makes the streak longer": {
			before(v1alpha1.ResultFail, ptr.To[int32](70), &v1alpha1.LastRun{RunID: "before", Streak: 2, PassedAt: point(-60)}), failed,
			v1alpha1.LastRun{Reason: v1alpha1.ReasonCheckFailed, Message: kept, Previous: v1alpha1.ResultFail, Streak: 3, PreviousScore: ptr.To[int32](70), PassedAt: point(-60), LineWait: "0s"},
		},
		"a run that ends otherwise begins a streak": {
			before(v1alpha1.ResultPass, ptr.To[int32](98), &v1alpha1.LastRun{RunID: "before", Streak: 9, PassedAt: point(-60)}), failed,
			v1alpha1.LastRun{Reason: v1alpha1.ReasonCheckFailed, Message: kept, Previous: v1alpha1.ResultPass, Streak: 1, PreviousScore: ptr.To[int32](98), PassedAt: point(-60), LineWait: "0s"},
		},
		"a score is compared with the last there was, over runs that showed nothing": {
			before(v1alpha1.ResultInconclusive, nil, &v1alpha1.LastRun{RunID: "before", Streak: 1, PreviousScore: ptr.To[int32](98)}), failed,
			v1alpha1.LastRun{Reason: v1alpha1.ReasonCheckFailed, Message: kept, Previous: v1alpha1.ResultInconclusive, Streak: 1, PreviousScore: ptr.To[int32](98), LineWait: "0s"},
		},
		"what a run did not get to is not that of the run before": {
			before(v1alpha1.ResultPass, ptr.To[int32](98), &v1alpha1.LastRun{RunID: "before", Streak: 1, RTO: &passed.RTO, BackupAge: "1h", Completeness: &v1alpha1.ObjectCount{Found: 1, Expected: 1}}), nothing,
			v1alpha1.LastRun{Reason: v1alpha1.ReasonNameTaken, Previous: v1alpha1.ResultPass, Streak: 1, PreviousScore: ptr.To[int32](98), LineWait: "0s"},
		},
		"that a run passed is known of one before this was kept": {
			func(rt *v1alpha1.RestoreTest) {
				rt.Status.LastVerified = &v1alpha1.VerifiedBackup{BackupName: "x", Time: at(-600)}
			}, failed,
			v1alpha1.LastRun{Reason: v1alpha1.ReasonCheckFailed, Message: kept, Streak: 1, PassedAt: point(-600), LineWait: "0s"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			rt := test(c.test)
			c.want.RunID = runID
			got := lastRun(rt, &c.status)
			if diff := cmp.Diff(&c.want, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
			// A second try, with what the first has written.
			rt.Status.LastRun, rt.Status.LastResult, rt.Status.LastScore = got, c.status.Result, &c.status.Score
			if diff := cmp.Diff(got, lastRun(rt, &c.status)); diff != "" {
				t.Errorf("a second try changes it (-first +second):\n%s", diff)
			}
		})
	}
}

func TestPhasesOfARun(t *testing.T) {
	type took = map[metrics.Phase]time.Duration
	for name, c := range map[string]struct {
		change func(*v1alpha1.RestoreTest)
		parts  *v1alpha1.RTOParts
		want   took
	}{
		"a run that got through all": {
			func(rt *v1alpha1.RestoreTest) { rt.Status.Run.ScheduledTime = at(-60) },
			&v1alpha1.RTOParts{Queue: "2s", Restore: "10s", VolumeData: "5s", Pods: "7s", Checks: "0s"},
			took{metrics.Line: time.Minute, metrics.Sandbox: time.Second, metrics.Queue: 2 * time.Second, metrics.Restore: 10 * time.Second, metrics.Pods: 7 * time.Second, metrics.Checks: 0},
		},
		"a run whose pods never became ready": {
			func(*v1alpha1.RestoreTest) {}, &v1alpha1.RTOParts{Queue: "2s", Restore: "10s"},
			took{metrics.Line: 0, metrics.Sandbox: time.Second, metrics.Queue: 2 * time.Second, metrics.Restore: 10 * time.Second},
		},
		"a run that got no sandbox": {
			func(rt *v1alpha1.RestoreTest) { rt.Status.Restore = nil }, nil, took{metrics.Line: 0},
		},
	} {
		if diff := cmp.Diff(c.want, phases(test(c.change), &v1alpha1.RestoreReportStatus{RTO: v1alpha1.RTO{Parts: c.parts}})); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}
