package compare

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/kymaros/kymaros/pkg/apis/restore/v1alpha1"
	"github.com/kymaros/kymaros/pkg/volumes"
)

// results and their like, the worst first.
var (
	results = []v1alpha1.Result{v1alpha1.ResultFail, v1alpha1.ResultPartial, v1alpha1.ResultPass}
	checks  = []v1alpha1.CheckResult{v1alpha1.CheckFail, v1alpha1.CheckUnknown, v1alpha1.CheckSkip, v1alpha1.CheckPass}
	proofs  = []v1alpha1.IsolationProof{v1alpha1.IsolationNotEnforced, v1alpha1.IsolationUnproven, v1alpha1.IsolationOff, v1alpha1.IsolationProven}
	fences  = []v1alpha1.FenceState{v1alpha1.FenceNotIntact, v1alpha1.FenceIntact}
)

func (d *differ) verdict() {
	a, b := d.before, d.after
	if a.Result != b.Result || a.Reason != b.Reason {
		d.add(Change{AreaResult, "", Changed, verdictOf(a), verdictOf(b), effect(slices.Index(results, b.Result) - slices.Index(results, a.Result))})
	}
	if a.Score != b.Score && a.Result != v1alpha1.ResultInconclusive && b.Result != v1alpha1.ResultInconclusive {
		d.add(Change{AreaScore, "", Changed, strconv.Itoa(int(a.Score)), strconv.Itoa(int(b.Score)), effect(int(b.Score - a.Score))})
	}
	then := Levels(a.ValidationLevels)
	for i, now := range Levels(b.ValidationLevels) {
		was := then[i]
		if was.Points == now.Points && was.Max == now.Max && was.Status == now.Status {
			continue
		}
		c := Change{AreaLevel, now.Name, Changed, points(was.LevelResult), points(now.LevelResult), effect(int(now.Points - was.Points))}
		if was.Max != now.Max {
			c.Effect = Incomparable // one of the runs did not look at it
		}
		d.add(c)
	}
}

func verdictOf(s *v1alpha1.RestoreReportStatus) string {
	return string(s.Result) + " (" + cmp.Or(s.Reason, "no reason") + ")"
}

// Level is a part of the score, with its name.
type Level struct {
	Name string
	v1alpha1.LevelResult
}

// Levels returns the parts of the score in the order of a report.
func Levels(l v1alpha1.ValidationLevels) []Level {
	return []Level{
		{"restoreIntegrity", l.RestoreIntegrity},
		{"completeness", l.Completeness},
		{"podStartup", l.PodStartup},
		{"internalHealth", l.InternalHealth},
		{"crossNamespaceDeps", l.CrossNamespaceDeps},
		{"rtoCompliance", l.RTOCompliance},
	}
}

func points(l v1alpha1.LevelResult) string { return fmt.Sprintf("%d/%d", l.Points, l.Max) }

func (d *differ) checks() {
	then := map[string]v1alpha1.CheckStatus{}
	for _, c := range d.before.Checks {
		then[c.Name] = c
	}
	now := map[string]bool{}
	for _, c := range d.after.Checks {
		now[c.Name] = true
		was, had := then[c.Name]
		switch {
		case !had:
			d.addOf("", Change{AreaCheck, c.Name, New, "", checkOf(c), Incomparable})
		case was.Status != c.Status:
			d.addOf("", Change{AreaCheck, c.Name, Changed, checkOf(was), checkOf(c), effect(slices.Index(checks, c.Status) - slices.Index(checks, was.Status))})
		}
	}
	for _, c := range d.before.Checks {
		if !now[c.Name] {
			d.addOf("", Change{AreaCheck, c.Name, Gone, checkOf(c), "", Incomparable})
		}
	}
}

func checkOf(c v1alpha1.CheckStatus) string {
	if c.Status == v1alpha1.CheckPass || c.Message == "" {
		return string(c.Status)
	}
	return string(c.Status) + ": " + c.Message
}

// rto compares times. One that is not there, or 0, was not measured.
func (d *differ) rto() {
	measure := func(name string, was, now v1alpha1.Duration) {
		a, b := was.Or(0), now.Or(0)
		if a == 0 || b == 0 {
			return
		}
		kind := noticeable(a, b)
		if kind == Slower {
			d.add(Change{AreaRTO, name, kind, string(was), string(now), Worse})
		}
		if kind == Faster {
			d.add(Change{AreaRTO, name, kind, string(was), string(now), Better})
		}
	}
	measure("measured", d.before.RTO.Measured, d.after.RTO.Measured)
	if d.before.RTO.Target != d.after.RTO.Target {
		d.add(Change{AreaRTO, "target", Changed, string(d.before.RTO.Target), string(d.after.RTO.Target), Neutral})
	}
	a, b := d.before.RTO.Parts, d.after.RTO.Parts
	if a == nil || b == nil {
		return
	}
	measure("restore", a.Restore, b.Restore)
	measure("volumeData", a.VolumeData, b.VolumeData)
	measure("pods", a.Pods, b.Pods)
	measure("checks", a.Checks, b.Checks)
}

func (d *differ) volumes() {
	then := map[string]v1alpha1.VolumeReport{}
	for _, v := range d.before.Volumes {
		then[v.Namespace+"/"+v.Claim] = v
	}
	now := map[string]bool{}
	for _, v := range d.after.Volumes {
		name := v.Namespace + "/" + v.Claim
		now[name] = true
		was, had := then[name]
		lost, lostThen := volumes.ConsequenceOf(v), volumes.ConsequenceOf(was)
		switch {
		case !had && lost == volumes.Unproven:
			d.addOf(v.Namespace, Change{AreaVolume, name, New, "", volumeOf(v), Worse})
		case !had:
			d.addOf(v.Namespace, Change{AreaVolume, name, New, "", volumeOf(v), Neutral})
		case was.Method != v.Method || lost != lostThen:
			d.addOf(v.Namespace, Change{AreaVolume, name, Changed, volumeOf(was), volumeOf(v), effect(int(lostThen - lost))})
		case shrunk(was.Bytes, v.Bytes):
			d.addOf(v.Namespace, Change{AreaVolume, name, Changed, volumeOf(was), volumeOf(v), Worse})
		}
	}
	for name, was := range then {
		if !now[name] {
			d.addOf(was.Namespace, Change{AreaVolume, name, Gone, volumeOf(was), "", Worse})
		}
	}
}

// shrunk tells of a loss that is worth a look, though both runs passed: applications seldom lose a tenth of their data in a day.
func shrunk(was, now int64) bool { return was > 0 && now < was-was/10 }

func volumeOf(v v1alpha1.VolumeReport) string {
	text := string(v.Method)
	if v.Bytes > 0 {
		text += fmt.Sprintf(", %d bytes", v.Bytes)
	}
	return text
}

// lists compares what are lists of texts in a report.
func (d *differ) lists() {
	a, b := d.before, d.after
	d.list(AreaMissing, a.Completeness.Missing, b.Completeness.Missing, Worse)
	d.list(AreaLeftOut, a.Completeness.LeftOut, b.Completeness.LeftOut, Neutral)
	d.list(AreaCap, a.Caps, b.Caps, Worse)
	if a.SideEffects == nil || b.SideEffects == nil {
		return // a run that ended early has no ledger
	}
	d.list(AreaWithheld, withheld(a), withheld(b), Neutral)
	d.list(AreaViolation, a.SideEffects.Violations, b.SideEffects.Violations, Worse)
	d.list(AreaNotTested, a.SideEffects.NotTested, b.SideEffects.NotTested, Neutral)
}

// list notes what is new, which has that effect, and what is gone, which has the opposite one.
func (d *differ) list(area string, then, now []string, ofNew Effect) {
	ofGone := Neutral
	if ofNew == Worse {
		ofGone = Better
	}
	for _, name := range now {
		if !slices.Contains(then, name) {
			d.addOf(namespaceOf(area, name), Change{area, name, New, "", "", ofNew})
		}
	}
	for _, name := range then {
		if !slices.Contains(now, name) {
			d.addOf(namespaceOf(area, name), Change{area, name, Gone, "", "", ofGone})
		}
	}
}

// namespaceOf returns the namespace of a missing object, "namespace: kind/name", and "" of what tells of the whole run.
func namespaceOf(area, name string) string {
	if area != AreaMissing {
		return ""
	}
	namespace, _, _ := strings.Cut(name, ": ")
	return namespace
}

func withheld(s *v1alpha1.RestoreReportStatus) (all []string) {
	for _, w := range s.SideEffects.Withheld {
		all = append(all, w.Kind)
	}
	slices.Sort(all)
	return slices.Compact(all)
}

func (d *differ) guards() {
	a, b := d.before, d.after
	if a.IsolationProof != b.IsolationProof {
		d.add(Change{AreaGuard, "isolationProof", Changed, string(a.IsolationProof), string(b.IsolationProof),
			effect(slices.Index(proofs, b.IsolationProof) - slices.Index(proofs, a.IsolationProof))})
	}
	if a.Fence != b.Fence {
		d.add(Change{AreaGuard, "fence", Changed, string(a.Fence), string(b.Fence), effect(slices.Index(fences, b.Fence) - slices.Index(fences, a.Fence))})
	}
}

// hygiene is written when cleanup is done, which may not have been when a report is read.
func (d *differ) hygiene(a, b *v1alpha1.Hygiene) {
	if a == nil || b == nil || a.Status == b.Status {
		return
	}
	e := Worse
	if b.Status == v1alpha1.HygieneClean {
		e = Better
	}
	d.changes = append(d.changes, Change{AreaHygiene, "", Changed, string(a.Status), string(b.Status), e})
}
