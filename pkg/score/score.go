// Package score turns what a run has shown into its score and result. It is pure: no client, no clock.
package score

import (
	"slices"

	"github.com/kymaros/kymaros/pkg/apis/restore/v1alpha1"
	"github.com/kymaros/kymaros/pkg/outcome"
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
	// Score is 100 less what the levels lost, and never in another band than the result, because alerts and charts look at the
	// score alone. It is 0 if the run is inconclusive.
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
	if e.Ended.Reason == v1alpha1.ReasonCheckFailed && e.dataNotShown() {
		e.Ended = Cause{}
	}
	if len(e.Violations) > 0 && excusable(e.Ended.Reason) {
		e.Ended = Cause{}
	}
	v := Verdict{Levels: levels(e)}
	findings := look(e)
	for _, f := range findings {
		if f.caps {
			v.Caps = append(v.Caps, f.text)
		}
	}
	slices.Sort(v.Caps)
	v.Score, v.Result = rate(e, 100-lost(v.Levels), findings)
	v.Reason, v.Message = explain(e, v, findings)
	return v
}

// rate returns the score and the result of a run that has so many points. What the sandbox caused costs points, but makes no
// failure; what could not be read makes the run inconclusive, unless it has shown a fault of the backup all the same.
func rate(e Evidence, points int32, findings []finding) (int32, v1alpha1.Result) {
	ended := v1alpha1.ResultPass
	if e.Ended.Reason != "" {
		ended = outcome.Result(e.Ended.Reason)
	}
	blamed, capped := false, false
	for _, f := range findings {
		blamed, capped = blamed || f.blames(), capped || f.caps
	}
	switch {
	case ended == v1alpha1.ResultInconclusive, ended != v1alpha1.ResultFail && !blamed && len(e.Unread) > 0:
		return 0, v1alpha1.ResultInconclusive
	case ended == v1alpha1.ResultFail, blamed && points < Partial:
		return min(points, Partial-1), v1alpha1.ResultFail
	case ended == v1alpha1.ResultPartial, capped, points < Pass:
		return min(max(points, Partial), Pass-1), v1alpha1.ResultPartial
	}
	return points, v1alpha1.ResultPass
}

// lost are the points that were not earned. A level that does not apply has none to lose.
func lost(l v1alpha1.ValidationLevels) int32 {
	var points int32
	for _, level := range []v1alpha1.LevelResult{
		l.RestoreIntegrity, l.Completeness, l.PodStartup, l.InternalHealth, l.CrossNamespaceDeps, l.RTOCompliance,
	} {
		points += level.Max - level.Points
	}
	return points
}
