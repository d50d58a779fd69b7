package report

import (
	"fmt"
	"strings"
	"time"

	"github.com/kymaros/kymaros/pkg/apis/restore/v1alpha1"
	"github.com/kymaros/kymaros/pkg/metrics"
)

// lastRun returns what rt's run has measured, as its report has it, and how that compares with the runs before. It follows from rt
// as it was before, so once it is of this run it stays.
func lastRun(rt *v1alpha1.RestoreTest, status *v1alpha1.RestoreReportStatus) *v1alpha1.LastRun {
	run, last := rt.Status.Run, rt.Status.LastRun
	if last != nil && last.RunID == run.ID {
		return last
	}
	now := &v1alpha1.LastRun{
		RunID: run.ID, Reason: status.Reason, Message: shortened(status.Message), BackupName: status.Backup.Name,
		Previous: rt.Status.LastResult, Streak: 1, PreviousScore: rt.Status.LastScore,
		LineWait: duration(between(&run.ScheduledTime, &run.StartTime)), Completeness: counted(status.Completeness),
	}
	if last != nil {
		now.PassedAt, now.Sequence, now.Digest = last.PassedAt, last.Sequence, last.Digest
		if status.Result == rt.Status.LastResult {
			now.Streak = last.Streak + 1
		}
		if now.PreviousScore == nil {
			now.PreviousScore = last.PreviousScore
		}
	} else if before := rt.Status.LastVerified; before != nil {
		now.PassedAt = &before.Time
	}
	if status.Result == v1alpha1.ResultPass {
		now.PassedAt = &status.StartedAt
	}
	if effects := status.SideEffects; effects != nil {
		now.NotTested = int32(len(effects.NotTested))
	}
	if status.RTO.Parts != nil {
		now.RTO = &status.RTO
	}
	if status.Backup.Age.Or(0) > 0 {
		now.BackupAge = status.Backup.Age
	}
	return now
}

// maxMessage is how much of the message of a report is kept beside it, in bytes: enough for a notification.
const maxMessage = 512

func shortened(text string) string {
	if len(text) <= maxMessage {
		return text
	}
	return strings.ToValidUTF8(text[:maxMessage], "") + "…"
}

// counted adds up the counts of all kinds; nil if nothing was compared.
func counted(c v1alpha1.Completeness) *v1alpha1.ObjectCount {
	var sum v1alpha1.ObjectCount
	for _, kind := range []string{c.Deployments, c.StatefulSets, c.Services, c.Secrets, c.ConfigMaps, c.PVCs} {
		var found, expected int32
		if n, err := fmt.Sscanf(kind, "%d/%d", &found, &expected); err == nil && n == 2 {
			sum.Found, sum.Expected = sum.Found+found, sum.Expected+expected
		}
	}
	if sum.Expected == 0 {
		return nil
	}
	return &sum
}

// sources returns the names of the namespaces that rt's run restores.
func sources(rt *v1alpha1.RestoreTest) []string {
	var names []string
	for _, ns := range rt.Status.Run.Spec.BackupSource.Namespaces {
		names = append(names, ns.Name)
	}
	return names
}

// phases returns how long rt's run was in each of its phases that it got through.
func phases(rt *v1alpha1.RestoreTest, status *v1alpha1.RestoreReportStatus) map[metrics.Phase]time.Duration {
	run := rt.Status.Run
	_, restore, _ := fragments(rt)
	took := map[metrics.Phase]time.Duration{metrics.Line: between(&run.ScheduledTime, &run.StartTime)}
	if restore.QueuedTime != nil {
		took[metrics.Sandbox] = between(&run.StartTime, restore.QueuedTime)
	}
	if parts := status.RTO.Parts; parts != nil {
		for phase, length := range map[metrics.Phase]v1alpha1.Duration{
			metrics.Queue: parts.Queue, metrics.Restore: parts.Restore, metrics.Pods: parts.Pods, metrics.Checks: parts.Checks,
		} {
			if length != "" {
				took[phase] = length.Or(0)
			}
		}
	}
	return took
}
