package compare

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/kymaros/kymaros/pkg/apis/restore/v1alpha1"
)

// Kind of a change.
type Kind string

// Kinds of changes.
const (
	// New: only the later report has it.
	New Kind = "new"
	// Gone: only the earlier one has it.
	Gone Kind = "gone"
	// Changed: both have it, and differ.
	Changed Kind = "changed"
	// Slower and Faster: by more than the time of a run varies by itself.
	Slower Kind = "slower"
	Faster Kind = "faster"
)

// Effect is what a change means.
type Effect string

// Effects.
const (
	Worse  Effect = "worse"
	Better Effect = "better"
	// Neutral: neither, such as another backup.
	Neutral Effect = "neutral"
	// Incomparable: the two runs did not look at the same, so it is neither a regression nor progress.
	Incomparable Effect = "incomparable"
)

// Areas of a report, in the order in which changes are listed.
const (
	AreaResult    = "result"
	AreaScore     = "score"
	AreaLevel     = "level"
	AreaCheck     = "check"
	AreaRTO       = "rto"
	AreaVolume    = "volume"
	AreaMissing   = "missing"
	AreaLeftOut   = "leftOut"
	AreaCap       = "cap"
	AreaWithheld  = "withheld"
	AreaViolation = "violation"
	AreaNotTested = "notTested"
	AreaGuard     = "guard"
	AreaHygiene   = "hygiene"
)

var areas = []string{
	AreaResult, AreaScore, AreaLevel, AreaCheck, AreaRTO, AreaVolume, AreaMissing, AreaLeftOut, AreaCap, AreaWithheld, AreaViolation,
	AreaNotTested, AreaGuard, AreaHygiene,
}

// Change is one difference.
type Change struct {
	Area string `json:"area"`
	// Name of what changed within the area: a check, a volume "namespace/claim", a part of the recovery time. Empty where there is
	// only one.
	Name string `json:"name,omitempty"`
	Kind Kind   `json:"kind"`
	// Before and After are for people; empty if that report does not have it.
	Before string `json:"before,omitempty"`
	After  string `json:"after,omitempty"`
	Effect Effect `json:"effect"`
}

// Result of a comparison.
type Result struct {
	// Incomparable says, sorted, why the runs as a whole cannot be compared; empty if they can.
	Incomparable []string `json:"incomparable,omitempty"`
	// Changes, by area and then by name. None if the reports say the same.
	Changes []Change `json:"changes"`
}

// Regressed tells whether anything is worse.
func (r Result) Regressed() bool {
	return slices.ContainsFunc(r.Changes, func(c Change) bool { return c.Effect == Worse })
}

// Reports compares an earlier report with a later one. Both must have a status.
func Reports(before, after *v1alpha1.RestoreReport) Result {
	d := differ{before: before.Status, after: after.Status}
	d.why = d.incomparable(before, after)
	d.verdict()
	d.checks()
	d.rto()
	d.volumes()
	d.lists()
	d.guards()
	d.hygiene(before.Hygiene, after.Hygiene)
	slices.SortStableFunc(d.changes, func(a, b Change) int {
		return cmp.Or(slices.Index(areas, a.Area)-slices.Index(areas, b.Area), rank(a.Effect)-rank(b.Effect), cmp.Compare(a.Name, b.Name))
	})
	return Result{Incomparable: d.why, Changes: d.changes}
}

func rank(e Effect) int { return slices.Index([]Effect{Worse, Incomparable, Better, Neutral}, e) }

type differ struct {
	before, after *v1alpha1.RestoreReportStatus
	why           []string
	changes       []Change
}

// incomparable says why the runs did not look at the same.
func (d *differ) incomparable(before, after *v1alpha1.RestoreReport) (why []string) {
	differ := func(what, a, b string) {
		if a != b {
			why = append(why, fmt.Sprintf("%s: %s, then %s", what, cmp.Or(a, "none"), cmp.Or(b, "none")))
		}
	}
	differ("test", before.Namespace+"/"+before.Spec.TestRef, after.Namespace+"/"+after.Spec.TestRef)
	for _, s := range []struct {
		which  string
		status *v1alpha1.RestoreReportStatus
	}{{"first", d.before}, {"second", d.after}} {
		if s.status.Result == v1alpha1.ResultInconclusive {
			why = append(why, fmt.Sprintf("the %s report is inconclusive (%s): it shows nothing about its backup", s.which, s.status.Reason))
		}
	}
	// A run that ended early names no sandboxes, or no checks: that is not another scope.
	if len(d.before.Sandboxes) > 0 && len(d.after.Sandboxes) > 0 {
		differ("namespaces", strings.Join(sources(d.before), ", "), strings.Join(sources(d.after), ", "))
	}
	differ("networkIsolation", string(d.before.NetworkIsolation), string(d.after.NetworkIsolation))
	differ("restored kinds", scopeOf(d.before), scopeOf(d.after))
	if len(d.before.Checks) > 0 && len(d.after.Checks) > 0 {
		differ("checks", strings.Join(checkNames(d.before), ", "), strings.Join(checkNames(d.after), ", "))
	}
	slices.Sort(why)
	return why
}

func sources(s *v1alpha1.RestoreReportStatus) (all []string) {
	for _, sandbox := range s.Sandboxes {
		all = append(all, sandbox.Source)
	}
	slices.Sort(all)
	return all
}

func checkNames(s *v1alpha1.RestoreReportStatus) (all []string) {
	for _, c := range s.Checks {
		all = append(all, c.Name)
	}
	slices.Sort(all)
	return all
}

func scopeOf(s *v1alpha1.RestoreReportStatus) string {
	if s.Scope == nil {
		return ""
	}
	var all []string
	for _, r := range s.Scope.IncludedResources {
		all = append(all, "+"+string(r))
	}
	for _, r := range s.Scope.ExcludedResources {
		all = append(all, "-"+string(r))
	}
	slices.Sort(all)
	return strings.Join(all, " ")
}

// add notes a change of something that depends on the whole run.
func (d *differ) add(c Change) {
	if len(d.why) > 0 && c.Effect != Neutral {
		c.Effect = Incomparable
	}
	d.changes = append(d.changes, c)
}

// addOf notes a change of something that stands for itself, as far as both runs learnt something about it.
func (d *differ) addOf(namespace string, c Change) {
	inconclusive := d.before.Result == v1alpha1.ResultInconclusive || d.after.Result == v1alpha1.ResultInconclusive
	known := func(s *v1alpha1.RestoreReportStatus) bool {
		return namespace == "" || slices.Contains(sources(s), namespace)
	}
	if c.Effect != Neutral && (inconclusive || !known(d.before) || !known(d.after)) {
		c.Effect = Incomparable
	}
	d.changes = append(d.changes, c)
}

func effect(order int) Effect {
	switch {
	case order < 0:
		return Worse
	case order > 0:
		return Better
	}
	return Neutral
}

// noticeable tells how b compares with a: runs of the same backup differ by some seconds, and by some part of what they take.
func noticeable(a, b time.Duration) Kind {
	const least, part = 5 * time.Second, 5
	switch margin := max(least, a/part); {
	case b > a+margin:
		return Slower
	case b < a-margin:
		return Faster
	}
	return ""
}
