package run

import (
	"cmp"
	"fmt"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/kymaros/kymaros/pkg/apis/restore/v1alpha1"
	"github.com/kymaros/kymaros/pkg/cli/show"
	"github.com/kymaros/kymaros/pkg/cli/term"
	"github.com/kymaros/kymaros/pkg/conditions"
)

// State of a step.
type State int

// States of a step.
const (
	Coming State = iota
	UnderWay
	Done
	NotGood
)

// Step is one phase of a run.
type Step struct {
	Name  string
	State State
	// Took is how long it took, or takes already; 0 if that is not known.
	Took time.Duration
	// Reason and Text say what it waits for, or what became of it.
	Reason, Text string
}

// Place is where a run stands in the line; the zero value if that is not known.
type Place struct{ Position, Length int }

// Steps tells how far the run of rt is.
func Steps(rt *v1alpha1.RestoreTest, place Place, now time.Time) []Step {
	all := []Step{queue(rt, place, now)}
	began := time.Time{}
	if rt.Status.Run != nil {
		began = rt.Status.Run.StartTime.Time
	}
	for _, s := range []struct{ name, condition string }{
		{"Sandbox", v1alpha1.ConditionSandboxReady},
		{"Restore", v1alpha1.ConditionRestored},
		{"Checks", v1alpha1.ConditionHealthChecked},
		{"Verdict", v1alpha1.ConditionReported},
		{"Cleanup", v1alpha1.ConditionCleanedUp},
	} {
		step := Step{Name: s.name}
		c := conditions.ForRun(rt, s.condition)
		switch {
		case c == nil || !conditions.Began(rt):
		case c.Status == metav1.ConditionUnknown && c.Reason == v1alpha1.ReasonWaiting:
		case c.Status == metav1.ConditionUnknown:
			step.State, step.Took, step.Reason, step.Text = UnderWay, since(began, now), c.Reason, detail(rt, s.condition, c.Message)
		default:
			step.State = Done
			if c.Status == metav1.ConditionFalse {
				step.State = NotGood
			}
			step.Took, step.Reason, step.Text = since(began, c.LastTransitionTime.Time), c.Reason, detail(rt, s.condition, c.Message)
			began = c.LastTransitionTime.Time
		}
		all = append(all, step)
	}
	return all
}

func since(from, to time.Time) time.Duration {
	if from.IsZero() {
		return 0
	}
	return max(to.Sub(from), 0)
}

// queue is the step before anything is made.
func queue(rt *v1alpha1.RestoreTest, place Place, now time.Time) Step {
	step := Step{Name: "Queue", State: UnderWay}
	run := rt.Status.Run
	c := conditions.ForRun(rt, v1alpha1.ConditionScheduled)
	switch {
	case run == nil:
		if c != nil {
			step.Reason, step.Text = c.Reason, c.Message
		}
		return step
	case !run.MissedTime.IsZero():
		step.State, step.Took = NotGood, since(run.ScheduledTime.Time, run.MissedTime.Time)
	case !run.StartTime.IsZero():
		step.State, step.Took = Done, since(run.ScheduledTime.Time, run.StartTime.Time)
		return step
	default:
		step.Took = since(run.ScheduledTime.Time, now)
	}
	if c != nil {
		step.Reason, step.Text = c.Reason, c.Message
	}
	if place.Position > 0 {
		step.Text = fmt.Sprintf("place %d of %d in the line; %s", place.Position, place.Length, step.Text)
	}
	return step
}

// detail adds counts to what a condition says.
func detail(rt *v1alpha1.RestoreTest, condition, message string) string {
	switch s := &rt.Status; {
	case condition == v1alpha1.ConditionRestored && s.Restore != nil && s.Restore.BackupName != "":
		text := "backup " + s.Restore.BackupName
		if s.Restore.Progress != "" {
			text += ", " + s.Restore.Progress + " objects"
		}
		return text + prefixed("; ", message)
	case condition == v1alpha1.ConditionHealthChecked && s.Health != nil && s.Health.Pods.Total > 0:
		text := fmt.Sprintf("%d/%d pods", s.Health.Pods.Ready, s.Health.Pods.Total)
		if len(s.Health.Checks) > 0 {
			text += fmt.Sprintf(", %d checks done", len(s.Health.Checks))
		}
		return text + prefixed("; ", message)
	}
	return message
}

func prefixed(prefix, s string) string {
	if s == "" {
		return ""
	}
	return prefix + s
}

var signs = map[State]term.Cell{
	Coming: term.C("·", term.Dim), UnderWay: term.C("…", term.Blue), Done: term.C("✔", term.Green), NotGood: term.C("✖", term.Red),
}

// line says a step in one line.
func (s Step) line() string {
	took := ""
	if s.Took > 0 {
		took = show.Span(s.Took)
	}
	return fmt.Sprintf("%-8s %7s  %s", s.Name, took, cmp.Or(s.Text, s.Reason))
}
