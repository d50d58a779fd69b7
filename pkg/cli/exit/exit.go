// Package exit is what the exit codes of kubectl kymaros mean. What nobody mapped says that nothing could be told, never that a backup
// is bad. It is pure.
package exit

import (
	"errors"
	"slices"

	"github.com/kymaros/kymaros/pkg/apis/restore/v1alpha1"
)

// Code is the exit code of the command.
type Code int

// Codes.
const (
	// Verified: the backup restores, or what was asked for was done.
	Verified Code = 0
	// Bad: the backup does not restore.
	Bad Code = 1
	// Doubtful: partial, stale, or never tested.
	Doubtful Code = 2
	// Unknown: nothing could be told. Usage, connection, missing rights, timeouts, inconclusive runs.
	Unknown Code = 3
)

// Meaning is for help texts.
const Meaning = `Exit codes: 0 verified, 1 the backup is bad, 2 partial, stale or never tested, 3 could not tell (inconclusive, no connection, no right,
timeout, usage).`

// Verdict ends a command with a code that is no failure of the command. Its text was printed already.
type Verdict Code //nolint:errname // it is none, but for cobra

func (v Verdict) Error() string { return "the verdict is exit code " + string(rune('0'+v)) }

// Of returns the code for what a command returned.
func Of(err error) Code {
	var v Verdict
	switch {
	case err == nil:
		return Verified
	case errors.As(err, &v):
		return Code(v)
	}
	return Unknown
}

// Silent tells whether err says nothing that was not printed already.
func Silent(err error) bool { return errors.As(err, new(Verdict)) }

// For returns the error that ends a command with the code: nil for Verified.
func For(code Code) error {
	if code == Verified {
		return nil
	}
	return Verdict(code)
}

// OfResult returns the code of the result of a run.
func OfResult(result v1alpha1.Result) Code {
	switch result {
	case v1alpha1.ResultPass:
		return Verified
	case v1alpha1.ResultFail:
		return Bad
	case v1alpha1.ResultPartial:
		return Doubtful
	case v1alpha1.ResultInconclusive:
	}
	return Unknown
}

// order of the codes, the worst first: a bad backup outweighs what could not be told.
var order = []Code{Bad, Unknown, Doubtful, Verified}

// Worst returns the code that decides among several; Verified of none.
func Worst(codes ...Code) Code {
	for _, o := range order {
		if slices.Contains(codes, o) {
			return o
		}
	}
	return Verified
}
