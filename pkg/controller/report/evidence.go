package report

import (
	"fmt"
	"slices"
	"time"

	velerov1 "github.com/vmware-tanzu/velero/pkg/apis/velero/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/kymaros/kymaros/pkg/apis/restore/v1alpha1"
	"github.com/kymaros/kymaros/pkg/completeness"
	"github.com/kymaros/kymaros/pkg/conditions"
	"github.com/kymaros/kymaros/pkg/look"
	"github.com/kymaros/kymaros/pkg/score"
	pkgvelero "github.com/kymaros/kymaros/pkg/velero"
	"github.com/kymaros/kymaros/pkg/volumes"
)

// noSecrets says what was not tested without a right to read Secrets in sandboxes.
const noSecrets = "Secrets: kymaros-prober may not read them"

// secretsByList says what nobody looks for: it would take a right to the Secrets of production.
const secretsByList = "whether the backup lacks a Secret that production has: those of production are not read, and what came back is compared with the list of the backup"

// fragments returns what the other controllers wrote about the current run: what is there of the last run does not count.
func fragments(rt *v1alpha1.RestoreTest) (sandbox v1alpha1.SandboxStatus, restore v1alpha1.RestoreStatus, health v1alpha1.HealthStatus) {
	id := rt.Status.Run.ID
	if s := rt.Status.Sandbox; s != nil && s.RunID == id {
		sandbox = *s
	}
	if r := rt.Status.Restore; r != nil && r.RunID == id {
		restore = *r
	}
	if h := rt.Status.Health; h != nil && h.RunID == id {
		health = *h
	}
	return sandbox, restore, health
}

// evidence puts together what rt's run has shown.
func evidence(rt *v1alpha1.RestoreTest, d decision, s seen) score.Evidence {
	spec := &rt.Status.Run.Spec
	sandbox, restore, health := fragments(rt)
	checked := conditions.ForRun(rt, v1alpha1.ConditionHealthChecked)
	// Only these verdicts are given after all pods were counted and all checks had run.
	complete := is(checked, metav1.ConditionTrue) || is(checked, metav1.ConditionFalse) &&
		slices.Contains([]string{v1alpha1.ReasonCheckFailed, v1alpha1.ReasonUnstable, v1alpha1.ReasonCheckUnknown, v1alpha1.ReasonBlockedBySandboxPolicy}, checked.Reason)
	e := score.Evidence{
		Ended:      d.cause,
		Restore:    restoreOutcome(rt, restore),
		Pods:       score.Pods{Ready: health.Pods.Ready, Total: health.Pods.Total, Counted: complete, Excused: is(checked, metav1.ConditionFalse) && checked.Reason == v1alpha1.ReasonBlockedBySandboxPolicy},
		Checks:     score.Checks{Results: health.Checks, All: complete, Asked: spec.HealthChecks.PolicyRef != ""},
		RTO:        score.RTO{Started: restore.StartTime != nil, Recovered: is(checked, metav1.ConditionTrue)},
		Blocked:    allBlocked(health, s),
		NotCounted: health.NotCounted,
		Violations: sandbox.Violations,
	}
	if e.RTO.Started && e.RTO.Recovered {
		e.RTO.Measured = between(restore.StartTime, recovered(health))
	}
	e.Backup.Age = backupAge(rt.Status.Run, restore)
	e.Backup.MaxAge = spec.BackupSource.MaxBackupAge.Or(0)
	if restore.BackupChoice != nil {
		e.Backup.NewerFailed = restore.BackupChoice.NewerFailed
	}
	if spec.SLA != nil {
		e.RTO.Target = spec.SLA.MaxRTO.Or(0)
	}
	if !d.look {
		e.Completeness.Unknown = "the run ended before anything could be looked at"
		e.Dependencies.Unknown = e.Completeness.Unknown
		return e
	}
	e.Unread = s.unread.Faults()
	e.Completeness = completenessCount(s, e.Blocked)
	if s.unread.Why(look.Completeness) == "" {
		compared := s.compare()
		e.LeftOut, e.Unsaved = compared.Report.LeftOut, compared.Unsaved
	}
	e.SideEffects = score.SideEffects{Left: s.effects.Ledger.Violations(), Unknown: s.unread.Denied(look.SideEffects)}
	if e.NotCompared = s.complete.SecretsUnnamed; s.unread.Why(look.Secrets) != "" {
		e.NotCompared = noSecrets
	}
	if s.unread.Why(look.Completeness) == "" {
		for _, ns := range rt.Status.Run.Spec.BackupSource.Namespaces {
			switch {
			case s.effects.Back.Has(ns.Name) || s.effects.OnlyWithheld(ns.Name, s.holds):
			case e.NotCompared != "":
				e.Empty = append(e.Empty, ns.Name+" (Secrets aside)")
			default:
				e.Empty = append(e.Empty, ns.Name)
			}
		}
	}
	e.Dependencies = dependenciesCount(s)
	if e.Volumes.Unknown = s.unread.Denied(look.Volumes); s.unread.Why(look.Volumes) == "" {
		all := volumeReports(rt, s)
		e.Volumes.Unproven, e.Volumes.NotShown = volumes.Named(all, volumes.Unproven), volumes.Named(all, volumes.NotShown)
		e.RTO.Lazy = volumes.Lazy(all, health.Checks)
	}
	return e
}

// volumeReports tell where the data of the volumes came from.
func volumeReports(rt *v1alpha1.RestoreTest, s seen) []v1alpha1.VolumeReport {
	l := s.volumes
	l.Refused = replaced(rt.Status.Health)
	return volumes.Report(l)
}

func restoreOutcome(rt *v1alpha1.RestoreTest, r v1alpha1.RestoreStatus) score.Restore {
	out := score.Restore{
		Warnings: r.Warnings, Errors: r.Errors, Note: pkgvelero.LogNotWritten(r.Location, r.Errors),
		PartialBackup: r.BackupPhase == string(velerov1.BackupPhasePartiallyFailed),
	}
	c := conditions.ForRun(rt, v1alpha1.ConditionRestored)
	switch {
	case is(c, metav1.ConditionTrue):
		out.Outcome = score.Restored
	case is(c, metav1.ConditionFalse) && c.Reason == v1alpha1.ReasonPartiallyFailed:
		out.Outcome = score.PartlyRestored
	case is(c, metav1.ConditionFalse):
		out.Outcome, out.Detail = score.RestoreFailed, c.Reason+": "+c.Message
	}
	return out
}

// unknown is the count of a topic that could not be read. A fault costs no points: nothing is known.
func (s *seen) unknown(t look.Topic) score.Count {
	if s.unread.Faulty(t) {
		return score.Count{Detail: s.unread.Why(t)}
	}
	return score.Count{Unknown: s.unread.Why(t)}
}

func completenessCount(s seen, blocked []string) score.Count {
	if s.unread.Why(look.Completeness) != "" {
		return s.unknown(look.Completeness)
	}
	var tested, untested []string
	for _, name := range s.complete.Gone {
		switch {
		case slices.ContainsFunc(s.complete.Namespaces, func(ns completeness.Namespace) bool { return ns.Listed && ns.Source == name }):
			tested = append(tested, fmt.Sprintf("namespace %s does not exist here: what came back was compared with the names that the backup holds", name))
		case s.notListed != "":
			untested = append(untested, fmt.Sprintf("namespace %s does not exist here: nothing to compare with, and the list of the backup could not be read: %s", name, s.notListed))
		default:
			untested = append(untested, fmt.Sprintf("namespace %s does not exist here: nothing to compare with, and the test selects by labels, which the list of the backup does not have", name))
		}
	}
	r := s.compare()
	detail := fmt.Sprintf("%d of %d objects came back", r.Found, r.Expected)
	switch {
	case s.unread.Why(look.Secrets) != "":
		untested = append(untested, noSecrets)
		detail += ", Secrets not counted"
	case s.complete.SecretsUnnamed != "":
		untested = append(untested, s.complete.SecretsUnnamed)
		detail += ", Secrets not counted"
	case slices.ContainsFunc(s.complete.Namespaces, func(ns completeness.Namespace) bool { return !ns.Listed }):
		untested = append(untested, secretsByList)
	}
	switch {
	case len(s.complete.Namespaces) == 0:
		detail = "not applicable: no source namespace exists here, and there is no list of the backup to compare with"
	case r.Expected == 0 && len(r.Report.LeftOut) > 0:
		detail = "not applicable: the backup leaves out everything that is compared"
	case r.Expected == 0:
		detail = "not applicable: nothing in the source namespaces is older than the backup"
	case r.Expected-r.Found > completeness.MaxMissing:
		detail += fmt.Sprintf("; the first %d of the missing are named", completeness.MaxMissing)
	}
	if s.backup == nil {
		untested = append(untested, "what the backup leaves out on purpose: the Backup is not there any more")
	}
	return score.Count{Found: r.Found, Expected: r.Expected, Refused: refusedClaims(r.Report.Missing, blocked), Detail: detail, Tested: tested, Untested: untested}
}

// compare compares what could be read.
func (s seen) compare() completeness.Result {
	if s.unread.Why(look.Secrets) != "" || s.complete.SecretsUnnamed != "" {
		return completeness.Compare(s.complete.Namespaces, completeness.Secret)
	}
	return completeness.Compare(s.complete.Namespaces)
}

func dependenciesCount(s seen) score.Count {
	if s.unread.Why(look.Dependencies) != "" {
		return s.unknown(look.Dependencies)
	}
	r := s.refers
	detail := fmt.Sprintf("%d of %d references to other namespaces are covered", r.Covered, r.Found)
	if r.Found == 0 {
		detail = "not applicable: no reference to another namespace in environment, arguments, ConfigMaps, Secrets or Services"
	}
	untested := r.Untested
	if s.unread.Why(look.Secrets) != "" {
		untested = append(slices.Clone(untested), noSecrets)
		if r.Found == 0 {
			detail = "not applicable: no reference to another namespace in environment, arguments, ConfigMaps or Services; Secrets were not looked through"
		}
	}
	return score.Count{Found: r.Covered, Expected: r.Found, Detail: detail, Tested: r.Tested, Untested: untested}
}

// recovered is when the last check ended; without checks, when the last pod became ready.
func recovered(h v1alpha1.HealthStatus) *metav1.Time {
	if h.CompletionTime != nil {
		return h.CompletionTime
	}
	return h.PodsReadyTime
}

// between is the time from one to the other, never negative: clocks of the cluster differ. It is 0 if one is not known.
func between(from, to *metav1.Time) time.Duration {
	if from == nil || to == nil {
		return 0
	}
	return max(to.Sub(from.Time), 0)
}
