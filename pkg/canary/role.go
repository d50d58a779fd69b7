package canary

import (
	"fmt"
	"net"
)

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

// Services by which canaries find each other, as they are called in the manifests.
const (
	targetService = "CANARY_TARGET"       // a target of any node
	localService  = "CANARY_TARGET_LOCAL" // that of the same node
	fencedService = "CANARY_FENCED_LOCAL" // the fenced pod of the same node
)

// tries is how often a round dials the Service that has targets on every node: each connection gets a target by chance.
const tries = 6

// A Dial is one address that a round dials.
type Dial struct {
	Name    string `json:"name"`
	Address string `json:"address"`
	// Tries in a round.
	Tries int `json:"-"`
	// Required: the verdict rests on it. Of others the outcome is only told.
	Required bool `json:"required"`
	// Shut: a control must not get through. A fenced pod never must.
	Shut bool `json:"-"`
}

// Dials returns what a pod of the role dials. environment is os.Getenv; record are addresses, host:port, that are dialled and
// not required.
func Dials(role Role, environment func(string) string, record []string) ([]Dial, error) {
	var all []Dial
	add := func(name, service string, tries int, shut bool) error {
		host := environment(service + "_SERVICE_HOST")
		if net.ParseIP(host) == nil {
			return fmt.Errorf("%s_SERVICE_HOST=%q: the kubelet sets it to the address of a Service of this namespace that is older than the pod: apply manifests/45-canary.yaml, and leave enableServiceLinks on",
				service, host)
		}
		all = append(all, Dial{Name: name, Address: net.JoinHostPort(host, Port), Tries: tries, Required: true, Shut: shut})
		return nil
	}
	if role == Target {
		return nil, nil
	}
	if err := add("target on the same node", localService, 1, false); err != nil {
		return nil, err
	}
	if err := add("targets on all nodes", targetService, tries, false); err != nil {
		return nil, err
	}
	if role == Control {
		if err := add("fenced pod on the same node", fencedService, 1, true); err != nil {
			return nil, err
		}
	}
	for _, address := range record {
		all = append(all, Dial{Name: "other", Address: address, Tries: 1})
	}
	return all, nil
}
