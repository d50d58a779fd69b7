package canary

import (
	"fmt"
	"slices"
	"strings"
)

// A Result is the outcome of one Dial in one round.
type Result struct {
	Dial

	// Answers is how many of its tries were answered.
	Answers int `json:"answers"`
	// Nodes that answered, sorted.
	Nodes []string `json:"nodes,omitempty"`
	// Error of the last try that was not answered.
	Error string `json:"error,omitempty"`
}

// judge returns what is wrong with the results of one round, or nil. To a fenced pod nothing can be wrong but a leak.
func judge(role Role, results []Result) []string {
	var wrong []string
	var wanted []string // names of what must answer
	for _, r := range results {
		switch shut := role == Fenced || r.Shut; {
		case !r.Required:
		case shut && r.Answers > 0:
			wrong = append(wrong, fmt.Sprintf("%s, %s, answers, which a NetworkPolicy forbids", r.Name, r.Address))
		case !shut && !slices.Contains(wanted, r.Name):
			wanted = append(wanted, r.Name)
		}
	}
	for _, name := range wanted {
		// One answer is enough: a node that has just died is dialled in vain for a while.
		answers, addresses, last := 0, []string(nil), ""
		for _, r := range results {
			if r.Required && r.Name == name {
				answers += r.Answers
				addresses = append(addresses, r.Address)
				last = r.Error
			}
		}
		if answers == 0 {
			wrong = append(wrong, fmt.Sprintf("%s, %s, does not answer, so the network or the targets do not work: %s", name, strings.Join(addresses, " or "), last))
		}
	}
	return wrong
}
