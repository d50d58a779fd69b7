package report

import (
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/kymaros/kymaros/pkg/apis/restore/v1alpha1"
	"github.com/kymaros/kymaros/pkg/conditions"
	"github.com/kymaros/kymaros/pkg/look"
	"github.com/kymaros/kymaros/pkg/mappings"
	"github.com/kymaros/kymaros/pkg/names"
	"github.com/kymaros/kymaros/pkg/score"
	"github.com/kymaros/kymaros/pkg/volumes"
)

// maxVolumes is how many volumes the CRD lets a report name.
const maxVolumes = 256

// newReport returns the report of rt's run without its status. It has no owner: evidence outlives the test.
func newReport(rt *v1alpha1.RestoreTest, name string) *v1alpha1.RestoreReport {
	return &v1alpha1.RestoreReport{
		ObjectMeta: metav1.ObjectMeta{
			Namespace: rt.Namespace,
			Name:      name,
			Labels: map[string]string{
				v1alpha1.LabelTest:       names.LabelValue(rt.Name),
				v1alpha1.LabelReportTest: names.LabelValue(rt.Name),
				v1alpha1.LabelRun:        rt.Status.Run.ID,
			},
			Annotations: names.Annotations(rt),
		},
		Spec: v1alpha1.RestoreReportSpec{TestRef: rt.Name, RunID: rt.Status.Run.ID},
	}
}

// reportNames are the names that the report of rt's run may have. The second is for when the first belongs to another run,
// for tests can be deleted and made anew within a second, or to somebody else.
func reportNames(rt *v1alpha1.RestoreTest) []string {
	name, id := names.Report(rt.Name, rt.Status.Run.StartTime.Time), rt.Status.Run.ID
	return []string{name, names.Shorten(name, 240) + "-" + id[max(len(id)-6, 0):]}
}

// build returns the verdict of rt's run, which ended as d says, and what it rests on.
func build(rt *v1alpha1.RestoreTest, d decision, s seen, now time.Time) v1alpha1.RestoreReportStatus {
	run := rt.Status.Run
	sandbox, restore, health := fragments(rt)
	e := evidence(rt, d, s)
	v := score.Judge(e)
	status := v1alpha1.RestoreReportStatus{
		Score: v.Score, Result: v.Result, Reason: v.Reason, Message: v.Message, Caps: v.Caps,
		StartedAt:   run.StartTime,
		CompletedAt: metav1.NewTime(now.Truncate(time.Second)),
		Trigger:     run.Trigger,
		RTO: v1alpha1.RTO{
			Measured:  duration(e.RTO.Measured),
			WithinSLA: e.RTO.Started && e.RTO.Recovered && (e.RTO.Target <= 0 || e.RTO.Measured <= e.RTO.Target),
			Parts:     parts(restore, health, s.volumes.Transfers),
		},
		Backup: v1alpha1.Backup{
			Name: restore.BackupName, StartedAt: restore.BackupTime, Age: duration(backupAge(run, restore)),
		},
		Scope:            run.Spec.Restore,
		NetworkIsolation: run.Spec.Sandbox.NetworkIsolation,
		IsolationProof:   isolationProof(rt, sandbox),
		IsolationMoment:  sandbox.Moment,
		Fence:            run.Fence,
		Velero:           restore.Velero,
		Segregation:      restore.Segregation,
		Checks:           health.Checks,
		ValidationLevels: v.Levels,
	}
	if run.Spec.SLA != nil {
		status.RTO.Target = run.Spec.SLA.MaxRTO
	}
	if restore.Name != "" {
		status.Restore = &v1alpha1.RestoreResult{Name: restore.Name, Phase: restore.Phase, Warnings: restore.Warnings, Errors: restore.Errors}
	}
	for _, ns := range sandbox.Namespaces {
		status.Sandboxes = append(status.Sandboxes, v1alpha1.ReportSandbox{Source: ns.Source, Name: ns.Name})
	}
	status.Mappings = s.mapped
	if !d.look || s.mapped == nil || s.unread.Why(look.Volumes) != "" { // nobody could look
		status.Mappings = mappings.Uncounted(run.Spec.Restore)
	}
	if d.look {
		s.effects.Ledger.Moment(sandbox.Moment)
		status.SideEffects = s.effects.Ledger.Report(s.holds, s.notListed, run.Spec.Restore)
	}
	if d.look && s.unread.Why(look.Completeness) == "" {
		status.Completeness = s.compare().Report
	}
	if d.look && s.unread.Why(look.Volumes) == "" {
		status.Volumes = volumeReports(rt, s)
		// As the API server has it; the score has seen them all.
		status.Volumes = status.Volumes[:min(len(status.Volumes), maxVolumes)]
	}
	return status
}

// isolationProof is what was last known: what the sandbox became ready with may have changed while the restore waited.
func isolationProof(rt *v1alpha1.RestoreTest, sandbox v1alpha1.SandboxStatus) v1alpha1.IsolationProof {
	if restored := conditions.ForRun(rt, v1alpha1.ConditionRestored); restored != nil {
		switch restored.Reason {
		case v1alpha1.ReasonIsolationNotEnforced:
			return v1alpha1.IsolationNotEnforced
		case v1alpha1.ReasonIsolationUnproven:
			return v1alpha1.IsolationUnproven
		}
	}
	return sandbox.Isolation
}

func backupAge(run *v1alpha1.RunStatus, restore v1alpha1.RestoreStatus) time.Duration {
	at := &run.StartTime
	if restore.StartTime != nil {
		at = restore.StartTime
	}
	return between(restore.BackupTime, at)
}

// parts of the way to recovery; nil if Velero never began. A part that was not reached is left out.
func parts(restore v1alpha1.RestoreStatus, health v1alpha1.HealthStatus, transfers []volumes.Transfer) *v1alpha1.RTOParts {
	if restore.StartTime == nil {
		return nil
	}
	part := func(from, to *metav1.Time) v1alpha1.Duration {
		if from == nil || to == nil {
			return ""
		}
		return duration(between(from, to))
	}
	p := &v1alpha1.RTOParts{
		Queue:   part(restore.QueuedTime, restore.StartTime),
		Restore: part(restore.StartTime, restore.CompletionTime),
		Pods:    part(restore.CompletionTime, health.PodsReadyTime),
		Checks:  part(health.PodsReadyTime, health.CompletionTime),
	}
	if span := volumes.Span(transfers); span > 0 {
		p.VolumeData = duration(span)
	}
	return p
}

// duration as text. The API accepts no more than eight digits in a row, which milliseconds keep to.
func duration(d time.Duration) v1alpha1.Duration { return v1alpha1.Of(d.Round(time.Millisecond)) }
