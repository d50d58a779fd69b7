// Package score turns what a run has shown into its score and result. It is pure: no client, no clock.
package score

import (
	"slices"
	"strings"

	"github.com/kymaros/kymaros/pkg/apis/restore/v1alpha1"
)

// What each level is worth, and the scores from which a result is pass or partial.
const (
	MaxRestoreIntegrity   = 25
	MaxCompleteness       = 20
	MaxPodStartup         = 20
	MaxInternalHealth     = 20
	MaxCrossNamespaceDeps = 10
	MaxRTOCompliance      = 5

	Pass    = 90
	Partial = 70
)

// Verdict of a run.
type Verdict struct {
	// Score is 0 to 100: the points of all levels over what they could have been, rounded down, and never in a better band
	// than the result, because alerts and charts look at the score alone.
	Score           int32
	Result          v1alpha1.Result
	Reason, Message string
	// Caps keep the result below pass whatever the levels say, sorted.
	Caps   []string
	Levels v1alpha1.ValidationLevels
}

// Judge returns the verdict on e.
func Judge(e Evidence) Verdict {
	if e.Ended.Reason == "" && len(named(e.Checks.Results, v1alpha1.CheckFail)) > 0 {
		e.Ended.Reason = v1alpha1.ReasonCheckFailed // a failed check decides, whatever the condition says
	}
	v := Verdict{Levels: levels(e), Result: v1alpha1.ResultPass}
	points, most := sum(v.Levels)
	v.Score = 100 * points / most
	findings := look(e)
	for _, f := range findings {
		if f.caps {
			v.Caps = append(v.Caps, f.text)
		}
	}
	slices.Sort(v.Caps)
	if onlyBlocked(e, findings) {
		v.Score = max(v.Score, Partial)
	}

	switch {
	case e.Ended.Reason != "" || v.Score < Partial:
		v.Result = v1alpha1.ResultFail
		v.Score = min(v.Score, Partial-1)
	case len(v.Caps) > 0 || v.Score < Pass:
		v.Result = v1alpha1.ResultPartial
		v.Score = min(v.Score, Pass-1)
	}
	v.Reason, v.Message = explain(e, v, findings)
	return v
}

// onlyBlocked tells whether all that was lost may be the sandbox's doing: what could not run was not tested, and Velero's
// restore counts it among its errors. Such a run is partial however little was left to test.
func onlyBlocked(e Evidence, findings []finding) bool {
	return len(e.Blocked) > 0 && !slices.ContainsFunc(findings, func(f finding) bool { return !f.excused() })
}

// excused tells whether a finding may be the sandbox's doing, once it has refused something.
func (f finding) excused() bool {
	return slices.Contains([]string{
		v1alpha1.ReasonBlockedBySandboxPolicy, v1alpha1.ReasonPartiallyFailed, v1alpha1.ReasonNotChecked,
		ReasonCheckSkipped, ReasonDependenciesNotCovered, ReasonNotCompared, ReasonLeftOut, ReasonVolumeNotShown,
	}, f.reason)
}

// decisive returns the finding that gives the report its reason: the gravest. That the sandbox refused something is none
// beside what the backup is to blame for.
func decisive(v Verdict, findings []finding) finding {
	if findings[0].reason == v1alpha1.ReasonBlockedBySandboxPolicy {
		i := slices.IndexFunc(findings, func(f finding) bool { return !f.excused() && (f.caps || v.Result == v1alpha1.ResultFail) })
		return findings[max(i, 0)]
	}
	return findings[0]
}

func sum(l v1alpha1.ValidationLevels) (points, max int32) {
	for _, level := range []v1alpha1.LevelResult{
		l.RestoreIntegrity, l.Completeness, l.PodStartup, l.InternalHealth, l.CrossNamespaceDeps, l.RTOCompliance,
	} {
		points += level.Points
		max += level.Max
	}
	return points, max // max is never 0: a restore always counts
}

// explain returns the reason that decided the result, and a message that says what to do.
func explain(e Evidence, v Verdict, findings []finding) (reason, message string) {
	var texts []string
	for _, f := range findings {
		texts = append(texts, f.text)
	}
	switch {
	case e.Ended.Reason == v1alpha1.ReasonCheckFailed:
		reason, message = e.Ended.Reason, sentence(strings.Join(texts, "; "))
		if message == "" {
			message = sentence(e.Ended.Message)
		}
		message = strings.TrimSpace(message + " " + remedies[reason])
	case e.Ended.Reason != "":
		reason, message = e.Ended.Reason, sentence(e.Ended.Message)
		if failed := named(e.Checks.Results, v1alpha1.CheckFail); len(failed) > 0 {
			message += " Until then failed: " + list(failed) + "."
		}
		message = strings.TrimSpace(message + " " + remedies[reason])
	case len(findings) == 0 && e.Completeness.Expected == 0:
		reason, message = v1alpha1.ReasonPassed, sentence("All pods are ready and all checks passed; whether everything came back was not compared: "+e.Completeness.Detail)
	case len(findings) == 0:
		reason, message = v1alpha1.ReasonPassed, "Everything came back, all pods are ready and all checks passed."
	case v.Result == v1alpha1.ResultPass:
		how := "Passed, short of full marks: "
		if v.Score == 100 {
			how = "Passed, with what could be tested: "
		}
		reason, message = v1alpha1.ReasonPassed, sentence(how+strings.Join(texts, "; "))
	default:
		// Every lost point and every cap has a finding.
		reason, message = decisive(v, findings).reason, sentence(strings.Join(texts, "; "))
		message = strings.TrimSpace(message + " " + remedies[reason])
	}
	return reason, message
}

// sentence makes s begin with a capital letter, unless its first word is the path of a field, and end with a full stop.
func sentence(s string) string {
	if s == "" {
		return ""
	}
	if !strings.HasSuffix(s, ".") {
		s += "."
	}
	if first, _, _ := strings.Cut(s, " "); strings.Contains(strings.TrimSuffix(first, "."), ".") {
		return s
	}
	return strings.ToUpper(s[:1]) + s[1:]
}

// remedies say what to do about a reason.
var remedies = map[string]string{
	ReasonGuardsViolated:                  "Find out who changes NetworkPolicies, quotas or labels in sandboxes, and run the test again.",
	ReasonNotNeutralised:                  "Apply manifests/20-modifiers.yaml again, and see Velero's log for resource modifiers that failed.",
	v1alpha1.ReasonProductionVolume:       "Look at that volume and at what else uses its storage before anything else; leave its claim out of the test, or take CSI snapshots or file-system backup.",
	v1alpha1.ReasonNotPermitted:           "Ask the administrator of Kymaros, or leave the resource out of spec.restore.includedResources.",
	ReasonNothingRestored:                 "See `velero backup describe --details`: the namespace was not there when the backup was made, or its name is mistyped.",
	ReasonWorkloadsNotInBackup:            "See includedResources, excludedResources and the label selectors of the backup: a restore brings back nothing that runs.",
	ReasonLeftOut:                         "See status.completeness.leftOut, and the includes and excludes of the backup.",
	ReasonVolumeNotShown:                  "It says nothing about the backup. See status.volumes for what the test left out, and back the volume up through a pod that the test restores, or check its data in another way.",
	ReasonVolumeUnproven:                  "Include the volume in the backup (file-system backup or CSI snapshot), or leave its claim out of the test.",
	ReasonCheckSkipped:                    "See status.checks for why it was skipped.",
	ReasonPodsNotReady:                    "Look at the pods' images, secrets and volumes; raise healthChecks.podReadyTimeout if they only need longer.",
	ReasonBackupPartiallyFailed:           "See `velero backup describe --details`, repair the backup and run the test again.",
	ReasonObjectsMissing:                  "See status.completeness.missing, and the includes and excludes of the backup.",
	ReasonNotTested:                       "See the levels that are not_tested, and give the controller the permissions that it lacks.",
	ReasonRTOExceeded:                     "See status.rto.parts for where the time goes.",
	ReasonDependenciesNotCovered:          "Add the other namespaces to backupSource.namespaces with sandbox.networkIsolation group, or accept that they are not covered.",
	v1alpha1.ReasonBlockedBySandboxPolicy: "It says nothing about the backup. See validationLevels.podStartup.notTested: what needs more than sandbox.podSecurity baseline allows cannot be tested; if it was a quota, raise sandbox.resourceQuota, and the controller's flags --max-sandbox-* where they allow no more.",
	v1alpha1.ReasonCheckFailed:            "See status.checks: the backup does not restore into a working application, or the check expects something else.",
	v1alpha1.ReasonNotChecked:             "Name a HealthCheckPolicy in spec.healthChecks.policyRef.",
	v1alpha1.ReasonPartiallyFailed:        "See Velero's log for the items that did not come back: kubectl -n velero logs deployment/velero.",
	v1alpha1.ReasonPolicyNotFound:         "Create the policy in the namespace of the test, or correct spec.healthChecks.policyRef.",
	v1alpha1.ReasonDeadlineExceeded:       "Raise spec.timeout and sandbox.ttl, or find out what takes so long.",
	v1alpha1.ReasonBackupNotFound:         "See `velero backup get`: a completed backup must contain every source namespace.",
	v1alpha1.ReasonFailedValidation:       "Correct what Velero complains about, and run the test again.",
	v1alpha1.ReasonFailed:                 "See Velero's log for the cause: kubectl -n velero logs deployment/velero.",
	v1alpha1.ReasonLost:                   "Do not delete the Velero Restore of a run that is under way; run the test again.",
	v1alpha1.ReasonSandboxLost:            "Find out who changes or deletes sandboxes, and run the test again.",
	v1alpha1.ReasonNameTaken:              "Choose another sandboxName, or delete the namespace if it is not needed.",
	v1alpha1.ReasonRejected:               "See the event: an admission policy or a quota of the cluster refuses the sandbox.",
	v1alpha1.ReasonTestDeleted:            "Nothing is to be done.",
}
