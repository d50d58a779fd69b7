package report

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"

	velerov1 "github.com/vmware-tanzu/velero/pkg/apis/velero/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/sets"

	"github.com/kymaros/kymaros/pkg/apis/restore/v1alpha1"
	"github.com/kymaros/kymaros/pkg/completeness"
	"github.com/kymaros/kymaros/pkg/conditions"
	"github.com/kymaros/kymaros/pkg/dependencies"
	"github.com/kymaros/kymaros/pkg/score"
	"github.com/kymaros/kymaros/pkg/sideeffects"
	pkgvelero "github.com/kymaros/kymaros/pkg/velero"
	"github.com/kymaros/kymaros/pkg/volumes"
)

// topic is something that a look at the live cluster tells.
type topic int

const (
	topicCompleteness topic = iota
	topicDependencies
	topicVolumes
	topicSideEffects
	// topicSecrets is what Secrets add to completeness and dependencies, where the controller may not read them.
	topicSecrets
)

// noSecrets says what was not tested without a right to read Secrets in sandboxes.
const noSecrets = "Secrets: kymaros-prober may not read them"

// secretsByList says what nobody looks for: it would take a right to the Secrets of production.
const secretsByList = "whether the backup lacks a Secret that production has: those of production are not read, and what came back is compared with the list of the backup"

// seen is what one look at the live cluster showed.
type seen struct {
	// backup as Velero has it; nil if it is gone.
	backup *velerov1.Backup
	// namespaces that were compared; gone are the source namespaces that do not exist any more.
	namespaces []completeness.Namespace
	gone       []string
	// sandboxes are what came back, by source namespace.
	sandboxes  map[string]*dependencies.Sandbox
	references []dependencies.Reference
	// back are the source namespaces of which anything came back.
	back   sets.Set[string]
	claims []volumes.Claim
	mounts []volumes.Mount
	// origin is what production has of claims; workloads are what names claims in the sandboxes.
	origin    volumes.Origin
	workloads []volumes.Workload
	transfers []volumes.Transfer
	// snapshots are those of volumes.Look.
	snapshots map[string]string
	// held is what the backup says of single volumes. policy is its resource policy, policyUnread says why that is not known, and
	// skipped are the claims of production whose volumes it leaves out.
	held         []volumes.Backed
	policy       pkgvelero.Policy
	policyUnread string
	skipped      sets.Set[string]
	// unowned are pods of production that the test leaves out, "source/name".
	unowned sets.Set[string]
	ledger  sideeffects.Ledger
	// holds is what the backup holds; notListed says why that could not be read.
	holds     sideeffects.Inventory
	notListed string
	// secretsUnnamed says why nobody knows which Secrets there ought to be; "": by the list.
	secretsUnnamed string
	// blocked are bare pods that the sandboxes refuse, and why.
	blocked   []string
	inventory *volumes.Inventory
	// mapped is what the mappings of the test did.
	mapped mapped
	// unread says why a topic could not be read.
	unread map[topic]string
	// faults are those of the errors that no right would have spared, sorted, and faulty the topics that they concern: of these
	// the run has learnt nothing.
	faults []string
	faulty sets.Set[topic]
}

// failed takes note of a fault.
func (s *seen) failed(fault string, topics []topic) {
	s.faults = append(s.faults, fault)
	slices.Sort(s.faults)
	s.faults = slices.Compact(s.faults)
	if s.faulty == nil {
		s.faulty = sets.New[topic]()
	}
	s.faulty.Insert(topics...)
}

// denied returns why a topic could not be read, if not for a fault.
func (s *seen) denied(t topic) string {
	if s.faulty.Has(t) {
		return ""
	}
	return s.unread[t]
}

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
		Blocked:    blocked(health, s),
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
	e.Unread = s.faults
	e.Completeness = completenessCount(s, e.Blocked)
	if s.unread[topicCompleteness] == "" {
		compared := s.compare()
		e.LeftOut, e.Unsaved = compared.Report.LeftOut, compared.Unsaved
	}
	e.SideEffects = score.SideEffects{Left: s.ledger.Violations(), Unknown: s.denied(topicSideEffects)}
	if e.NotCompared = s.secretsUnnamed; s.unread[topicSecrets] != "" {
		e.NotCompared = noSecrets
	}
	if s.unread[topicCompleteness] == "" {
		for _, ns := range rt.Status.Run.Spec.BackupSource.Namespaces {
			switch {
			case s.back.Has(ns.Name) || s.onlyWithheld(ns.Name):
			case e.NotCompared != "":
				e.Empty = append(e.Empty, ns.Name+" (Secrets aside)")
			default:
				e.Empty = append(e.Empty, ns.Name)
			}
		}
	}
	e.Dependencies = dependenciesCount(s, spec.Sandbox.NetworkIsolation)
	if e.Volumes.Unknown = s.denied(topicVolumes); s.unread[topicVolumes] == "" {
		all := volumeReports(rt, s)
		e.Volumes.Unproven, e.Volumes.NotShown = volumes.Named(all, volumes.Unproven), volumes.Named(all, volumes.NotShown)
		e.RTO.Lazy = volumes.Lazy(all)
	}
	return e
}

// volumeReports tell where the data of the volumes came from.
func volumeReports(rt *v1alpha1.RestoreTest, s seen) []v1alpha1.VolumeReport {
	return volumes.Report(volumes.Look{
		Claims: s.claims, Mounts: s.mounts, Transfers: s.transfers, Snapshots: s.snapshots, Inventory: s.inventory, Workloads: s.workloads,
		Production: s.origin, Backup: s.backupOf(), Began: rt.Status.Run.StartTime.Time, Refused: replaced(rt.Status.Health),
	})
}

// replacedPod finds a pod that the sandbox refused and in whose place a controller made another, in an entry of status.health.blocked.
var replacedPod = regexp.MustCompile(`^([^:]+): [^:]+: pod (\S+) is not that of the backup, which the sandbox refused: `)

// replaced returns those pods, "source/name".
func replaced(health *v1alpha1.HealthStatus) sets.Set[string] {
	all := sets.New[string]()
	if health == nil {
		return all
	}
	for _, entry := range health.Blocked {
		if found := replacedPod.FindStringSubmatch(entry); found != nil {
			all.Insert(found[1] + "/" + found[2])
		}
	}
	return all
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
func (s *seen) unknown(t topic) score.Count {
	if s.faulty.Has(t) {
		return score.Count{Detail: s.unread[t]}
	}
	return score.Count{Unknown: s.unread[t]}
}

func completenessCount(s seen, blocked []string) score.Count {
	if s.unread[topicCompleteness] != "" {
		return s.unknown(topicCompleteness)
	}
	var tested, untested []string
	for _, name := range s.gone {
		switch {
		case slices.ContainsFunc(s.namespaces, func(ns completeness.Namespace) bool { return ns.Listed && ns.Source == name }):
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
	case s.unread[topicSecrets] != "":
		untested = append(untested, noSecrets)
		detail += ", Secrets not counted"
	case s.secretsUnnamed != "":
		untested = append(untested, s.secretsUnnamed)
		detail += ", Secrets not counted"
	case slices.ContainsFunc(s.namespaces, func(ns completeness.Namespace) bool { return !ns.Listed }):
		untested = append(untested, secretsByList)
	}
	switch {
	case len(s.namespaces) == 0:
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

// refusedClaim finds a claim that the quota of a sandbox or the fence refused, in an entry of status.health.blocked.
var refusedClaim = regexp.MustCompile(`^([^:]+): [^:]+: claim (\S+) is missing; (?:the quota|kymaros fence:) `)

// refusedClaims returns how many of the missing objects are such claims.
func refusedClaims(missing, blocked []string) int {
	n := 0
	for _, object := range missing {
		source, claim, ok := strings.Cut(object, ": PersistentVolumeClaim/")
		if ok && slices.ContainsFunc(blocked, func(b string) bool {
			found := refusedClaim.FindStringSubmatch(b)
			return found != nil && found[1] == source && found[2] == claim
		}) {
			n++
		}
	}
	return n
}

// compare compares what could be read.
func (s seen) compare() completeness.Result {
	if s.unread[topicSecrets] != "" || s.secretsUnnamed != "" {
		return completeness.Compare(s.namespaces, completeness.Secret)
	}
	return completeness.Compare(s.namespaces)
}

func dependenciesCount(s seen, isolation v1alpha1.NetworkIsolation) score.Count {
	if s.unread[topicDependencies] != "" {
		return s.unknown(topicDependencies)
	}
	r := dependencies.Cover(s.references, s.sandboxes, isolation)
	detail := fmt.Sprintf("%d of %d references to other namespaces are covered", r.Covered, r.Found)
	if r.Found == 0 {
		detail = "not applicable: no reference to another namespace in environment, arguments, ConfigMaps, Secrets or Services"
	}
	untested := r.Untested
	if s.unread[topicSecrets] != "" {
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
