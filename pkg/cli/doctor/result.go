package doctor

import (
	"slices"

	"github.com/kymaros/kymaros/pkg/cli/exit"
)

// State of a result.
type State string

// States.
const (
	OK      State = "ok"
	Warning State = "warning"
	Failed  State = "failed"
	// Unknown: it could not be looked at.
	Unknown State = "unknown"
)

// Result is what doctor says about one thing.
type Result struct {
	Category string `json:"category"`
	// Check names what was looked at; it is the same for the same fault.
	Check string `json:"check"`
	State State  `json:"state"`
	Text  string `json:"text"`
	// Fix is what to do, if anything is to be done.
	Fix string `json:"fix,omitempty"`
}

// check looks at one thing. It needs the looks; if one of them was denied, nothing is known.
type check struct {
	category, name string
	needs          []Look
	do             func(*Seen) []Result
}

// ok says that all is well, warn and fail what is not. Category and check are filled in by run.
func ok(text string) []Result        { return []Result{{State: OK, Text: text}} }
func warn(text, fix string) []Result { return []Result{{State: Warning, Text: text, Fix: fix}} }
func fail(text, fix string) []Result { return []Result{{State: Failed, Text: text, Fix: fix}} }

// Check judges what was seen, by category.
func Check(s *Seen) (all []Result) {
	missed := map[Look]bool{}
	for _, c := range slices.Concat(ofCluster, ofKymaros, ofEvidence, ofAPI, ofVelero, ofTests, ofNotifications, ofRoom) {
		known := true
		for _, look := range c.needs {
			why, unseen := s.Unseen[look]
			if unseen && !missed[look] {
				missed[look] = true
				all = append(all, Result{c.category, "look", Unknown, string(look) + " could not be looked at: " + why,
					"ask for the right to see them; `kubectl kymaros doctor --help` lists what it needs"})
			}
			known = known && !unseen
		}
		if !known {
			continue
		}
		for _, r := range c.do(s) {
			r.Category, r.Check = c.category, c.name
			all = append(all, r)
		}
	}
	return all
}

// Code returns the exit code: 2 if something is to be repaired, 3 if something could not be looked at. A warning alone is none.
func Code(all []Result) exit.Code {
	var codes []exit.Code
	for _, r := range all {
		switch r.State {
		case Failed:
			codes = append(codes, exit.Doubtful)
		case Unknown:
			codes = append(codes, exit.Unknown)
		case OK, Warning:
		}
	}
	if slices.Contains(codes, exit.Doubtful) {
		return exit.Doubtful // what is known to be wrong comes first
	}
	return exit.Worst(codes...)
}
