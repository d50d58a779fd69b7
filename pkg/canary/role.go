package canary

import "slices"

// Role is what a canary is there for.
type Role string

// Roles.
const (
	Target  Role = "target"
	Fenced  Role = "fenced"
	Control Role = "control"
)

// Namespaces of the canaries, as the manifests have them.
const (
	// Namespace is that of fenced and control.
	Namespace = "kymaros-canary"
	// TargetNamespace is that of what they dial: a policy may tell namespaces apart.
	TargetNamespace = "kymaros-canary-targets"
)

// Port is where canaries listen for each other.
const Port = "9440"

// TargetService is the Service of all targets, in TargetNamespace.
const TargetService = "canary-target"

// Services of the fenced pods, in Namespace.
const (
	FencedService      = "canary-fenced"       // a fenced pod of any node
	FencedLocalService = "canary-fenced-local" // that of the same node
)

// tries is how often a round dials a Service that has pods on every node: each connection gets one by chance.
const tries = 6

// A Dial is one address that a round dials.
type Dial struct {
	// Name of what is dialled. A control pod needs an answer of one of those with the same name.
	Name    string `json:"name"`
	Address string `json:"address"`
	// Node of what must answer; empty for any.
	Node string `json:"node,omitempty"`
	// Tries in a round.
	Tries int `json:"-"`
	// Required: the verdict rests on it. Of others the outcome is only told.
	Required bool `json:"required"`
	// Shut: a control must not get through. A fenced pod never must.
	Shut bool `json:"-"`
}

// Plan returns what tells a pod of the role on a node what to dial in a round; it fails while that is not known. file holds the
// Addresses, and record are addresses, host:port, that are dialled and not required.
func Plan(role Role, node, file string, record []string) func() ([]Dial, error) {
	if role == Target {
		return func() ([]Dial, error) { return nil, nil }
	}
	var others []Dial
	for _, address := range record {
		others = append(others, Dial{Name: "other", Address: address, Tries: 1})
	}
	return func() ([]Dial, error) {
		addresses, err := readAddresses(file)
		if err != nil {
			return nil, err
		}
		dials, err := addresses.dials(role, node)
		return slices.Concat(dials, others), err
	}
}
