package score

import (
	"fmt"
	"slices"
	"time"

	"github.com/kymaros/kymaros/pkg/apis/restore/v1alpha1"
)

// partlyRestored is what a restore that left something out is worth: less than half.
const partlyRestored = 12

// notReached is the detail of a level to which the run did not come.
const notReached = "the run ended before"

// A level that does not apply has max 0 and costs nothing. One that should have been tested and could not be keeps its
// max and earns nothing. Both are not_tested.
func levels(e Evidence) v1alpha1.ValidationLevels {
	return v1alpha1.ValidationLevels{
		RestoreIntegrity:   restoreIntegrity(e.Restore, e.SideEffects),
		Completeness:       counted(MaxCompleteness, e.Completeness),
		PodStartup:         podStartup(e.Pods, e.Blocked, e.NotCounted),
		InternalHealth:     internalHealth(e.Checks),
		CrossNamespaceDeps: counted(MaxCrossNamespaceDeps, e.Dependencies),
		RTOCompliance:      rtoCompliance(e.RTO),
	}
}

func restoreIntegrity(r Restore, side SideEffects) v1alpha1.LevelResult {
	l := v1alpha1.LevelResult{Status: v1alpha1.LevelNotTested, Max: MaxRestoreIntegrity, Detail: notReached}
	counts := fmt.Sprintf("%d errors, %d warnings", r.Errors, r.Warnings)
	switch r.Outcome {
	case Restored:
		if r.PartialBackup || r.Errors > 0 {
			l.Status, l.Points, l.Detail = v1alpha1.LevelPartial, partlyRestored, counts
			break
		}
		l.Status, l.Points, l.Detail = v1alpha1.LevelPass, MaxRestoreIntegrity, counts
	case PartlyRestored:
		l.Status, l.Points, l.Detail = v1alpha1.LevelPartial, partlyRestored, "Velero's restore is PartiallyFailed: "+counts
	case RestoreFailed:
		l.Status, l.Detail = v1alpha1.LevelFail, r.Detail
	case NotRestored:
	}
	if len(side.Left) > 0 {
		l.Status, l.Points = v1alpha1.LevelFail, 0
		l.Detail += "; not neutralised: " + list(side.Left)
	}
	if r.PartialBackup {
		l.Detail += "; the backup itself is PartiallyFailed"
	}
	return l
}

func podStartup(p Pods, blocked, notCounted []string) v1alpha1.LevelResult {
	l := v1alpha1.LevelResult{Status: v1alpha1.LevelNotTested, Max: MaxPodStartup, NotTested: slices.Concat(blocked, notCounted)}
	switch {
	case p.Total > 0:
		l.Points, l.Status = share(l.Max, int(p.Ready), int(p.Total))
		l.Detail = fmt.Sprintf("%d of %d pods ready", p.Ready, p.Total)
	case len(blocked) > 0:
		l.Detail = "no pod could be tested"
	case p.Counted:
		l.Max, l.Detail = 0, "no workload came back that asks for pods"
	default:
		l.Detail = notReached
	}
	if len(blocked) > 0 {
		l.Detail += fmt.Sprintf("; %d workloads or pods blocked by the sandbox", len(blocked))
	}
	return l
}

func internalHealth(c Checks) v1alpha1.LevelResult {
	l := v1alpha1.LevelResult{Status: v1alpha1.LevelNotTested, Max: MaxInternalHealth}
	passed, failed := named(c.Results, v1alpha1.CheckPass), named(c.Results, v1alpha1.CheckFail)
	for _, r := range c.Results {
		if r.Status == v1alpha1.CheckSkip || r.Status == v1alpha1.CheckUnknown {
			l.NotTested = append(l.NotTested, r.Name)
			continue
		}
		l.Tested = append(l.Tested, r.Name)
	}
	switch {
	case !c.Asked:
		l.Detail = "no health check: spec.healthChecks.policyRef names no policy"
	case !c.All:
		// How many are still open is not known, so the share is not.
		l.Detail = notReached + " all checks had a verdict"
		if len(failed) > 0 {
			l.Status = v1alpha1.LevelFail
		}
	case len(c.Results) == 0:
		l.Detail = "no health check: the policy is empty"
	case len(l.Tested) == 0:
		l.Detail = "no check was run"
	default:
		l.Points, l.Status = share(l.Max, len(passed), len(c.Results))
		l.Detail = fmt.Sprintf("%d of %d checks passed", len(passed), len(c.Results))
		if len(failed) > 0 {
			l.Detail += "; failed: " + list(failed)
		}
	}
	return l
}

func rtoCompliance(r RTO) v1alpha1.LevelResult {
	l := v1alpha1.LevelResult{Status: v1alpha1.LevelNotTested, Max: MaxRTOCompliance}
	measured := r.Measured.Round(time.Millisecond)
	if r.Recovered && len(r.Lazy) > 0 {
		l.NotTested = []string{fmt.Sprintf("how long all data of volumes out of snapshots takes to come (%s): where storage loads it when it is read first, a real recovery takes longer than the %s measured; an exec check with readsVolumes measures it",
			list(r.Lazy), measured)}
	}
	switch {
	case r.Target <= 0:
		l.Max, l.Detail = 0, "the test has no sla.maxRTO"
	case !r.Started:
		l.Detail = notReached
	case !r.Recovered:
		l.Status, l.Detail = v1alpha1.LevelFail, "the application did not recover"
	case r.Measured > r.Target:
		l.Status, l.Detail = v1alpha1.LevelFail, fmt.Sprintf("%s, longer than %s", measured, r.Target)
	default:
		l.Status, l.Points, l.Detail = v1alpha1.LevelPass, l.Max, fmt.Sprintf("%s, within %s", measured, r.Target)
	}
	return l
}

func counted(max int32, c Count) v1alpha1.LevelResult {
	l := v1alpha1.LevelResult{Status: v1alpha1.LevelNotTested, Max: max, Detail: c.Detail, Tested: c.Tested, NotTested: c.Untested}
	switch {
	case c.Unknown != "":
		l.Detail = c.Unknown
	case c.Expected == 0:
		l.Max = 0
	default:
		l.Points, l.Status = share(max, c.Found, c.Expected)
	}
	return l
}

// share returns the points for found of expected, rounded down so that only all of them earn full marks.
func share(max int32, found, expected int) (int32, v1alpha1.LevelStatus) {
	switch points := max * int32(found) / int32(expected); {
	case found >= expected:
		return max, v1alpha1.LevelPass
	case found == 0:
		return 0, v1alpha1.LevelFail
	default:
		return points, v1alpha1.LevelPartial
	}
}
