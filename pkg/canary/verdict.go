package canary

import "fmt"

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

// judge returns what is wrong, or nil. reached tells that a control pod has got through to this one.
func judge(role Role, results []Result, reached bool) []string {
	var wrong []string
	if role == Fenced && reached {
		wrong = append(wrong, "the control pod gets through to this pod, which a NetworkPolicy forbids")
	}
	for _, r := range results {
		if !r.Required {
			continue
		}
		switch shut := role == Fenced || r.Shut; {
		case shut && r.Answers > 0:
			wrong = append(wrong, fmt.Sprintf("%s, %s, answers, which a NetworkPolicy forbids", r.Name, r.Address))
		case !shut && r.Answers == 0:
			// One answer is enough: a node that has just died is dialled in vain for a while.
			wrong = append(wrong, fmt.Sprintf("%s, %s, does not answer, so the network does not work: %s", r.Name, r.Address, r.Error))
		}
	}
	return wrong
}
