package report

import (
	"cmp"
	"fmt"
	"strings"
	"time"

	"github.com/kymaros/kymaros/pkg/apis/restore/v1alpha1"
	"github.com/kymaros/kymaros/pkg/cli/show"
	"github.com/kymaros/kymaros/pkg/cli/term"
	"github.com/kymaros/kymaros/pkg/compare"
	"github.com/kymaros/kymaros/pkg/evidence"
	"github.com/kymaros/kymaros/pkg/outcome"
	"github.com/kymaros/kymaros/pkg/volumes"
)

// View is a report as people read it, in whatever format.
type View struct {
	Namespace, Name, Test string
	Verdict               term.Cell
	// Headline is the verdict with score and recovery time in one line.
	Headline string
	// Message says why, Remedy what to do; empty if nothing is to be done.
	Message, Remedy string
	Facts           []Fact
	Sections        []Section
	// Title and Footer of the page; empty: those of a report.
	Title, Footer string
}

// Fact is one line about the run.
type Fact struct{ Name, Value string }

// Section is a table.
type Section struct {
	Title   string
	Columns []term.Column
	Rows    [][]term.Cell
}

// ViewOf returns the view of a report that has a status.
func ViewOf(r *v1alpha1.RestoreReport) View { return ViewOfRecord(r, nil) }

// ViewOfRecord is ViewOf for who has the record of the report already; nil if not.
func ViewOfRecord(r *v1alpha1.RestoreReport, record *evidence.Record) View {
	s := r.Status
	v := View{Namespace: r.Namespace, Name: r.Name, Test: r.Spec.TestRef, Verdict: show.Result(s.Result), Message: s.Message}
	if remedy := outcome.Of(s.Reason).Remedy; s.Reason != "" && !strings.Contains(s.Message, remedy) {
		v.Remedy = remedy
	}
	v.Headline = Headline(s)
	v.Facts = facts(r)
	v.Sections = append(sections(r), evidenceOf(r, record)...)
	return v
}

// Headline says the verdict in one line.
func Headline(s *v1alpha1.RestoreReportStatus) string {
	text := strings.ToUpper(show.Result(s.Result).Text)
	if s.Result != v1alpha1.ResultInconclusive {
		text += fmt.Sprintf("  %d/100", s.Score)
	}
	if s.RTO.Measured.Or(0) > 0 {
		text += "  recovered in " + show.Duration(s.RTO.Measured)
		if s.RTO.Target.Or(0) > 0 {
			text += fmt.Sprintf(" (target %s)", show.Duration(s.RTO.Target))
		}
	}
	if s.Reason != "" && s.Reason != v1alpha1.ReasonPassed {
		text += "  " + s.Reason
	}
	return text
}

func facts(r *v1alpha1.RestoreReport) (all []Fact) {
	s := r.Status
	add := func(name, value string) {
		if value != "" {
			all = append(all, Fact{name, value})
		}
	}
	add("Test", r.Namespace+"/"+r.Spec.TestRef)
	add("Run", fmt.Sprintf("%s, %s to %s", cmp.Or(string(s.Trigger), "Cron"), show.Moment(s.StartedAt.Time), show.Moment(s.CompletedAt.Time)))
	backup := cmp.Or(s.Backup.Name, "none was found")
	if s.Backup.StartedAt != nil {
		backup += ", begun " + show.Moment(s.Backup.StartedAt.Time)
	}
	if s.Backup.Age.Or(0) > 0 {
		backup += ", " + show.Duration(s.Backup.Age) + " old"
	}
	add("Backup", backup)
	if s.Restore != nil {
		add("Restore", fmt.Sprintf("%s, %d warnings, %d errors", cmp.Or(s.Restore.Phase, "not started"), s.Restore.Warnings, s.Restore.Errors))
	}
	if s.Velero != nil {
		add("Velero", strings.TrimSpace(s.Velero.Version+"  "+s.Velero.Note))
	}
	add("Segregated", Segregated(s.Segregation))
	for _, sandbox := range s.Sandboxes {
		add("Namespace", sandbox.Source+" → "+sandbox.Name)
	}
	isolation := strings.TrimSpace(string(s.NetworkIsolation) + ", " + cmp.Or(string(s.IsolationProof), "not looked at"))
	if m := s.IsolationMoment; m != nil && m.State == v1alpha1.MomentSeen {
		isolation += "; new pods reached others for up to " + show.Duration(m.Longest)
	}
	add("Isolation", isolation)
	add("Fence", string(s.Fence))
	if p := s.RTO.Parts; p != nil {
		var parts []string
		for _, part := range []struct {
			name string
			took v1alpha1.Duration
		}{{"queue", p.Queue}, {"restore", p.Restore}, {"volume data", p.VolumeData}, {"pods", p.Pods}, {"checks", p.Checks}} {
			if part.took.Or(0) > 0 {
				parts = append(parts, part.name+" "+show.Duration(part.took))
			}
		}
		add("Time", strings.Join(parts, ", "))
	}
	if h := r.Hygiene; h != nil {
		add("Cleanup", fmt.Sprintf("%s, %s", h.Status, show.Moment(h.CleanedAt.Time)))
	}
	return all
}

// Segregated says whether a backup was restored in another cluster than it was made in; empty if nobody looked.
func Segregated(s *v1alpha1.Segregation) string {
	if s == nil {
		return ""
	}
	text := "unknown"
	switch s.Cluster {
	case v1alpha1.ClusterOther:
		text = "yes, other cluster"
	case v1alpha1.ClusterSame:
		text = "no, same cluster"
	case v1alpha1.ClusterUnknown:
	}
	if s.Basis != "" {
		text += ": " + s.Basis
	}
	return text
}

func sections(r *v1alpha1.RestoreReport) (all []Section) {
	s := r.Status
	add := func(title string, columns []term.Column, rows [][]term.Cell) {
		if len(rows) > 0 {
			all = append(all, Section{title, columns, rows})
		}
	}
	list := func(title string, entries []string) {
		var rows [][]term.Cell
		for _, e := range entries {
			rows = append(rows, []term.Cell{term.C(e)})
		}
		add(title, []term.Column{{Flex: true, Wrap: true}}, rows)
	}
	list("What keeps it from a pass", s.Caps)
	add("Levels", []term.Column{{Header: "LEVEL"}, {Header: "POINTS", Right: true}, {Header: "STATUS"}, {Header: "DETAIL", Flex: true, Wrap: true}}, levels(s))
	add("Checks", []term.Column{{Header: "CHECK", Flex: true}, {Header: "STATUS"}, {Header: "TOOK", Right: true}, {Header: "MESSAGE", Flex: true, Wrap: true}}, checks(s))
	add("Volumes", []term.Column{
		{Header: "VOLUME", Flex: true}, {Header: "DATA FROM"}, {Header: "SIZE", Right: true}, {Header: "TOOK", Right: true, Spare: true},
		{Header: "MESSAGE", Flex: true, Wrap: true},
	}, volumesOf(s))
	add("Mappings", []term.Column{
		{Header: "KIND"}, {Header: "FROM", Flex: true}, {Header: "TO", Flex: true}, {Header: "OBJECTS", Right: true}, {Header: "NOTE", Flex: true, Wrap: true},
	}, mappings(s))
	list("Missing", s.Completeness.Missing)
	list("Left out by the backup", s.Completeness.LeftOut)
	if e := s.SideEffects; e != nil {
		columns := []term.Column{{Header: "RULE"}, {Header: "KIND"}, {Header: "COUNT", Right: true}, {Header: "NAMES", Flex: true, Wrap: true}}
		add("Withheld from the sandbox", columns, effects(e.Withheld))
		add("Neutralised", columns, effects(e.Neutralised))
		list("Could act beside production", e.Violations)
		list("Not tested", e.NotTested)
	}
	if r.Hygiene != nil {
		var left []string
		for _, l := range r.Hygiene.Leaked {
			left = append(left, l.Object+": "+l.Reason)
		}
		list("Left behind", left)
	}
	return all
}

func levels(s *v1alpha1.RestoreReportStatus) (rows [][]term.Cell) {
	for _, l := range compare.Levels(s.ValidationLevels) {
		if l.Status == "" {
			continue
		}
		points := show.None
		if l.Max > 0 {
			points = fmt.Sprintf("%d/%d", l.Points, l.Max)
		}
		detail := l.Detail
		if len(l.NotTested) > 0 {
			detail = strings.TrimLeft(detail+"; not tested: "+strings.Join(l.NotTested, "; "), "; ")
		}
		rows = append(rows, []term.Cell{term.C(l.Name), term.C(points), term.C(string(l.Status), levelStyle(l.Status)), term.C(detail)})
	}
	return rows
}

func levelStyle(s v1alpha1.LevelStatus) term.Style {
	switch s {
	case v1alpha1.LevelPass:
		return term.Green
	case v1alpha1.LevelFail:
		return term.Red
	case v1alpha1.LevelPartial:
		return term.Yellow
	case v1alpha1.LevelNotTested:
	}
	return term.Dim
}

func checks(s *v1alpha1.RestoreReportStatus) (rows [][]term.Cell) {
	for _, c := range s.Checks {
		style := term.Yellow
		switch c.Status {
		case v1alpha1.CheckPass:
			style = term.Green
		case v1alpha1.CheckFail:
			style = term.Red
		case v1alpha1.CheckSkip, v1alpha1.CheckUnknown:
		}
		rows = append(rows, []term.Cell{term.C(c.Name), term.C(string(c.Status), style), term.C(show.Duration(c.Duration)), term.C(c.Message)})
	}
	return rows
}

func volumesOf(s *v1alpha1.RestoreReportStatus) (rows [][]term.Cell) {
	for _, v := range s.Volumes {
		style := term.Red
		switch volumes.ConsequenceOf(v) {
		case volumes.NothingLost:
			style = term.Green
		case volumes.NotShown:
			style = term.Yellow
		case volumes.Unproven:
		}
		size := show.None
		if v.Bytes > 0 {
			size = show.Bytes(v.Bytes)
		}
		rows = append(rows, []term.Cell{
			term.C(v.Namespace + "/" + v.Claim), term.C(string(v.Method), style), term.C(size), term.C(show.Duration(v.Duration)), term.C(v.Message),
		})
	}
	return rows
}

func mappings(s *v1alpha1.RestoreReportStatus) (rows [][]term.Cell) {
	for _, m := range s.Mappings {
		objects := show.None
		if m.Objects != nil {
			objects = fmt.Sprint(*m.Objects)
		}
		note := term.C(m.Note)
		if m.Note != "" {
			note = term.C(m.Note, term.Yellow)
		}
		rows = append(rows, []term.Cell{term.C(string(m.Kind)), term.C(m.From), term.C(cmp.Or(m.To, "left out")), term.C(objects), note})
	}
	return rows
}

func effects(all []v1alpha1.SideEffect) (rows [][]term.Cell) {
	for _, e := range all {
		named := strings.Join(e.Names, ", ")
		if more := int(e.Count) - len(e.Names); more > 0 && len(e.Names) > 0 {
			named += fmt.Sprintf(" and %d more", more)
		}
		rows = append(rows, []term.Cell{term.C(e.Rule), term.C(e.Kind), term.C(fmt.Sprint(e.Count)), term.C(named)})
	}
	return rows
}

// took is the time from start to verdict.
func took(s *v1alpha1.RestoreReportStatus) time.Duration {
	return max(s.CompletedAt.Sub(s.StartedAt.Time), 0)
}
