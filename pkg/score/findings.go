package score

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/kymaros/kymaros/pkg/apis/restore/v1alpha1"
	"github.com/kymaros/kymaros/pkg/hindrance"
	"github.com/kymaros/kymaros/pkg/outcome"
)

// maxNamed is how many checks, volumes and the like a message names.
const maxNamed = 5

// finding is something that is not as it should be. One that caps keeps the result below pass whatever the score.
type finding struct {
	reason, text string
	caps         bool
	// excused: the sandbox has refused something, or somebody changed it, and this may be what came of it.
	excused bool
}

// blames tells whether a finding is a fault of the backup.
func (f finding) blames() bool { return f.caps && !f.excused && outcome.Blames(f.reason) }

// dataNotShown tells whether checks that failed may have asked for the data of volumes that the test itself did not bring back,
// for nothing else is known that they could have failed for.
func (e Evidence) dataNotShown() bool {
	return len(e.Volumes.NotShown) > 0 && e.Pods.Ready >= e.Pods.Total
}

// excusable tells whether a reason blames the backup for what came of restoring it. What somebody did to the sandbox meanwhile may
// have brought that about; what is known of the backup itself it cannot.
func excusable(reason string) bool {
	switch reason {
	case v1alpha1.ReasonBackupNotFound, v1alpha1.ReasonBackupPartiallyFailed, v1alpha1.ReasonBackupTooOld, v1alpha1.ReasonNewerBackupsFailed,
		v1alpha1.ReasonWorkloadsNotInBackup, v1alpha1.ReasonLeftOut:
		return false
	}
	return reason != "" && outcome.Blames(reason)
}

// look returns all findings, the gravest first.
func look(e Evidence) []finding {
	var all []finding
	cap := func(reason, format string, args ...any) {
		all = append(all, finding{reason: reason, text: fmt.Sprintf(format, args...), caps: true})
	}
	note := func(reason, format string, args ...any) {
		all = append(all, finding{reason: reason, text: fmt.Sprintf(format, args...)})
	}

	failed, skipped := named(e.Checks.Results, v1alpha1.CheckFail), named(e.Checks.Results, v1alpha1.CheckSkip)
	if len(failed) > 0 {
		cap(v1alpha1.ReasonCheckFailed, "failed checks: %s", list(failed))
		all[len(all)-1].excused = e.dataNotShown()
	}
	if e.Pods.Ready < e.Pods.Total {
		cap(v1alpha1.ReasonPodsNotReady, "%d of %d pods are not ready", e.Pods.Total-e.Pods.Ready, e.Pods.Total)
		all[len(all)-1].excused = e.Pods.Excused
	}
	if len(e.Violations) > 0 {
		cap(v1alpha1.ReasonGuardsViolated, "the guards of the sandbox were changed during the run: %s", list(e.Violations))
	}
	if len(e.SideEffects.Left) > 0 {
		cap(v1alpha1.ReasonNotNeutralised, "objects came back that could act beside production: %s", list(e.SideEffects.Left))
	}
	if e.SideEffects.Unknown != "" {
		cap(v1alpha1.ReasonNotNeutralised, "whether restored objects could act beside production is not known: %s", e.SideEffects.Unknown)
	}
	if len(e.Blocked) > 0 {
		// Before the restore: Velero counts what the sandbox refuses among its errors.
		cap(v1alpha1.ReasonBlockedBySandboxPolicy, "the sandbox blocked: %s (%s)", list(e.Blocked), hindrance.Remedies(e.Blocked))
	}
	switch e.Restore.Outcome {
	case PartlyRestored:
		cap(v1alpha1.ReasonPartiallyFailed, "Velero restored only part of the backup (%d errors, %d warnings)%s", e.Restore.Errors, e.Restore.Warnings, e.Restore.Note)
		all[len(all)-1].excused = len(e.Blocked) > 0
	case Restored, NotRestored, RestoreFailed:
	}
	if len(e.Empty) > 0 {
		cap(v1alpha1.ReasonNothingRestored, "nothing came back of source namespace %s", list(e.Empty))
	}
	if e.Restore.PartialBackup {
		cap(v1alpha1.ReasonBackupPartiallyFailed, "the backup is PartiallyFailed: it does not hold everything")
	}
	if len(e.Unsaved) > 0 {
		cap(v1alpha1.ReasonWorkloadsNotInBackup, "no workload of source namespace %s is in the backup", list(e.Unsaved))
	}
	if e.Backup.MaxAge > 0 && e.Backup.Age > e.Backup.MaxAge {
		cap(v1alpha1.ReasonBackupTooOld, "the backup was %s old, more than backupSource.maxBackupAge %s", e.Backup.Age.Round(time.Second), e.Backup.MaxAge)
	}
	if len(e.Volumes.Unproven) > 0 {
		cap(v1alpha1.ReasonVolumeUnproven, "volumes came back without a data source: %s", list(e.Volumes.Unproven))
	}
	if e.Volumes.Unknown != "" {
		cap(v1alpha1.ReasonNotTested, "where the data of the volumes came from is not known: %s", e.Volumes.Unknown)
	}
	if len(e.Volumes.NotShown) > 0 {
		cap(v1alpha1.ReasonVolumeNotShown, "volumes that a real restore may fill, and the test did not: %s", list(e.Volumes.NotShown))
	}
	if unknown := named(e.Checks.Results, v1alpha1.CheckUnknown); len(unknown) > 0 {
		cap(v1alpha1.ReasonCheckUnknown, "checks that could not tell: %s", list(unknown))
	}
	if len(skipped) > 0 {
		cap(v1alpha1.ReasonCheckSkipped, "checks that were not run: %s", list(skipped))
	}
	if len(e.Checks.Results) == 0 && (e.Checks.All || !e.Checks.Asked) {
		cap(v1alpha1.ReasonNotChecked, "no health check: nothing shows that the application works")
	}
	if e.Pods.Counted && e.Pods.Total == 0 && len(e.Blocked) == 0 {
		cap(v1alpha1.ReasonNothingRan, "no workload that came back asks for a pod: not one process of the application was seen")
	}
	if missing := e.Completeness.Expected - e.Completeness.Found; missing > 0 {
		cap(v1alpha1.ReasonObjectsMissing, "%d of %d objects did not come back", missing, e.Completeness.Expected)
		all[len(all)-1].excused = e.Completeness.Refused == missing
	}
	if e.Completeness.Unknown != "" {
		note(v1alpha1.ReasonNotTested, "completeness was not tested: %s", e.Completeness.Unknown)
	}
	if e.RTO.Target > 0 && e.RTO.Recovered && e.RTO.Measured > e.RTO.Target {
		cap(v1alpha1.ReasonRTOExceeded, "recovery took %s, longer than sla.maxRTO %s", e.RTO.Measured.Round(time.Millisecond), e.RTO.Target)
	}
	if open := e.Dependencies.Expected - e.Dependencies.Found; open > 0 {
		note(v1alpha1.ReasonDependenciesNotCovered, "%d of %d references to other namespaces are not covered", open, e.Dependencies.Expected)
	}
	if e.Dependencies.Unknown != "" {
		note(v1alpha1.ReasonNotTested, "references to other namespaces were not looked for: %s", e.Dependencies.Unknown)
	}
	if e.Backup.NewerFailed > 0 {
		note(v1alpha1.ReasonNewerBackupsFailed, "%d newer backups failed or hold only a part", e.Backup.NewerFailed)
	}
	if len(e.Unread) > 0 {
		note(v1alpha1.ReasonNotRead, "could not be read until the run's deadline: %s", list(e.Unread))
	}
	if len(e.LeftOut) > 0 {
		note(v1alpha1.ReasonLeftOut, "the backup leaves out what production has: %s", list(e.LeftOut))
	}
	if e.NotCompared != "" {
		note(v1alpha1.ReasonNotCompared, "not compared, or not looked through for references: %s", e.NotCompared)
	}
	for i := range all {
		all[i].excused = all[i].excused || len(e.Violations) > 0 && excusable(all[i].reason)
	}
	return all
}

// named returns the names of the checks with that result, in order.
func named(checks []v1alpha1.CheckStatus, result v1alpha1.CheckResult) []string {
	var names []string
	for _, c := range checks {
		if c.Status == result {
			names = append(names, c.Name)
		}
	}
	return names
}

// list joins entries, and counts those beyond maxNamed.
func list(entries []string) string {
	if more := len(entries) - maxNamed; more > 0 {
		entries = append(slices.Clone(entries[:maxNamed]), fmt.Sprintf("and %d more", more))
	}
	return strings.Join(entries, ", ")
}
