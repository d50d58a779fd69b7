// Package outcome tells of every reason what it says about the backup, and what to do. Score, result, metrics and exit codes
// follow it. It is pure.
package outcome

import (
	"github.com/kymaros/kymaros/pkg/apis/restore/v1alpha1"
)

// Class is what a reason says about the backup.
type Class string

// Classes.
const (
	// Passed: it was restored into an application that works.
	Passed Class = "passed"
	// Backup: it is bad, or part of it is.
	Backup Class = "backup"
	// Sandbox: part of it could not be shown, for the test leaves that out or the sandbox does not let it be.
	Sandbox Class = "sandbox"
	// Inconclusive: nothing was learnt about it.
	Inconclusive Class = "inconclusive"
	// Pending: nothing yet. No run ends with such a reason.
	Pending Class = "pending"
)

// Outcome of a reason.
type Outcome struct {
	Class Class
	// Remedy says what to do, in a sentence or two; empty if nothing is to be done.
	Remedy string
}

// Of returns the outcome of a reason of a condition or a report. Of one that it does not know nothing was learnt.
func Of(reason string) Outcome {
	o, ok := outcomes[reason]
	if !ok {
		return Outcome{Class: Inconclusive, Remedy: "See the log of the controller."}
	}
	return o
}

// Known tells whether there is an outcome of its own for the reason.
func Known(reason string) bool {
	_, ok := outcomes[reason]
	return ok
}

// Blames tells whether the reason blames the backup.
func Blames(reason string) bool { return Of(reason).Class == Backup }

// Result returns the result of a run that ended for the reason, before its score is known.
func Result(reason string) v1alpha1.Result {
	switch Of(reason).Class {
	case Passed:
		return v1alpha1.ResultPass
	case Backup:
		return v1alpha1.ResultFail
	case Sandbox:
		return v1alpha1.ResultPartial
	case Inconclusive, Pending:
	}
	return v1alpha1.ResultInconclusive
}
