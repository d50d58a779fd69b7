package get

import (
	"fmt"
	"strings"
	"time"

	"github.com/kymaros/kymaros/pkg/apis/restore/v1alpha1"
	"github.com/kymaros/kymaros/pkg/cli/show"
	"github.com/kymaros/kymaros/pkg/cli/term"
	"github.com/kymaros/kymaros/pkg/conditions"
	"github.com/kymaros/kymaros/pkg/line"
)

// Rows returns the table of tests. It takes all it says from their status: reports are large, and there are many.
func Rows(tests []*v1alpha1.RestoreTest, now time.Time, namespaces, wide bool) ([]term.Column, [][]term.Cell) {
	columns := []term.Column{
		{Header: "NAME", Flex: true}, {Header: "RESULT"}, {Header: "SCORE", Right: true}, {Header: "RTO", Right: true, Spare: true},
		{Header: "VERIFIED"}, {Header: "LAST RUN", Spare: true}, {Header: "NEXT RUN"}, {Header: "NOW", Flex: true},
	}
	if namespaces {
		columns = append([]term.Column{{Header: "NAMESPACE", Flex: true}}, columns...)
	}
	if wide {
		columns = append(columns, term.Column{Header: "SOURCE", Flex: true}, term.Column{Header: "VERIFIED BACKUP", Flex: true}, term.Column{Header: "REPORT", Flex: true})
	}
	waiting := places(tests)
	rows := make([][]term.Cell, 0, len(tests))
	for _, rt := range tests {
		row := []term.Cell{
			term.C(rt.Name), show.Result(rt.Status.LastResult), term.C(score(rt)), term.C(rto(rt)), verified(rt, now),
			term.C(show.AgoOf(rt.Status.LastRunAt, now)), term.C(next(rt, now)), term.C(doing(rt, waiting)),
		}
		if namespaces {
			row = append([]term.Cell{term.C(rt.Namespace)}, row...)
		}
		if wide {
			backup := show.None
			if last := rt.Status.LastVerified; last != nil {
				backup = last.BackupName
			}
			row = append(row, term.C(sources(rt)), term.C(backup), term.C(or(rt.Status.LastReportRef)))
		}
		rows = append(rows, row)
	}
	return columns, rows
}

// places are the places in the line, as far as the line is seen.
func places(tests []*v1alpha1.RestoreTest) map[*v1alpha1.RestoreTest]string {
	all := map[*v1alpha1.RestoreTest]string{}
	waiting := line.Of(tests)
	for i, rt := range waiting {
		all[rt] = fmt.Sprintf("queued, %d of %d", i+1, len(waiting))
	}
	return all
}

func score(rt *v1alpha1.RestoreTest) string {
	if rt.Status.LastScore == nil {
		return show.None
	}
	return fmt.Sprint(*rt.Status.LastScore)
}

// rto is the recovery time of the last run, if the status is still of that and it recovered.
func rto(rt *v1alpha1.RestoreTest) string {
	s := &rt.Status
	if s.Restore == nil || s.Health == nil || s.Report == nil || s.Run == nil || s.Report.RunID != s.Run.ID || s.Report.Name == "" ||
		s.Report.Name != s.LastReportRef || s.LastResult != v1alpha1.ResultPass && s.LastResult != v1alpha1.ResultPartial {
		return show.None
	}
	end := s.Health.CompletionTime
	if end == nil {
		end = s.Health.PodsReadyTime
	}
	if s.Restore.StartTime == nil || end == nil || !end.After(s.Restore.StartTime.Time) {
		return show.None
	}
	return show.Span(end.Sub(s.Restore.StartTime.Time))
}

// verified tells how old the newest backup is that passed. One that failed since makes it doubtful.
func verified(rt *v1alpha1.RestoreTest, now time.Time) term.Cell {
	last := rt.Status.LastVerified
	if last == nil {
		return term.C("never", term.Red)
	}
	at := last.Time
	if last.BackupTime != nil {
		at = *last.BackupTime
	}
	if rt.Status.LastResult != v1alpha1.ResultPass {
		return term.C(show.Ago(at.Time, now), term.Yellow)
	}
	return term.C(show.Ago(at.Time, now))
}

func next(rt *v1alpha1.RestoreTest, now time.Time) string {
	switch {
	case rt.Spec.Suspend:
		return "suspended"
	case rt.Status.NextRunAt != nil && !rt.Status.NextRunAt.After(now):
		return "due"
	}
	return show.AgoOf(rt.Status.NextRunAt, now)
}

// doing says what a test does now.
func doing(rt *v1alpha1.RestoreTest, waiting map[*v1alpha1.RestoreTest]string) string {
	if place, ok := waiting[rt]; ok {
		return place
	}
	if conditions.Active(rt) {
		return active(rt)
	}
	for _, c := range rt.Status.Conditions {
		if c.Type != v1alpha1.ConditionScheduled {
			continue
		}
		switch c.Reason {
		case v1alpha1.ReasonNextRunPlanned, v1alpha1.ReasonRunStarted, v1alpha1.ReasonSuspended:
		default:
			return c.Reason
		}
	}
	if search := rt.Status.Search; search != nil && search.State == v1alpha1.SearchUnderWay {
		return "searching the last good"
	}
	return ""
}

// active says in which phase a run is.
func active(rt *v1alpha1.RestoreTest) string {
	for _, phase := range []struct{ condition, text string }{
		{v1alpha1.ConditionReported, "cleaning up"},
		{v1alpha1.ConditionHealthChecked, "reporting"},
		{v1alpha1.ConditionRestored, "checking"},
		{v1alpha1.ConditionSandboxReady, "restoring"},
	} {
		if conditions.Decided(conditions.ForRun(rt, phase.condition)) {
			return phase.text
		}
	}
	return "making the sandbox"
}

func sources(rt *v1alpha1.RestoreTest) string {
	var all []string
	for _, ns := range rt.Spec.BackupSource.Namespaces {
		all = append(all, ns.Name)
	}
	return strings.Join(all, ",")
}

func or(s string) string {
	if s == "" {
		return show.None
	}
	return s
}

// sentence counts the tests that are not verified.
func sentence(tests []*v1alpha1.RestoreTest) string {
	count := map[v1alpha1.Result]int{}
	for _, rt := range tests {
		count[rt.Status.LastResult]++
	}
	if len(tests) < 2 || count[v1alpha1.ResultPass] == len(tests) {
		return ""
	}
	return fmt.Sprintf("%d of %d verified: %d failed, %d partial, %d inconclusive, %d not run", count[v1alpha1.ResultPass], len(tests),
		count[v1alpha1.ResultFail], count[v1alpha1.ResultPartial], count[v1alpha1.ResultInconclusive], count[""])
}
