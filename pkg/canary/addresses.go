package canary

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"net"
	"os"
	"slices"
)

const (
	// ConfigMap is the name of the one in Namespace that holds the addresses.
	ConfigMap = "canary-addresses"
	// AddressesKey is the key in it, and the name of the file that the kubelet makes of it.
	AddressesKey = "addresses.json"
)

// maxNeighbours is how many targets of other nodes a pod dials.
const maxNeighbours = 3

// Addresses are those of what is dialled. Package guide writes them for pods that may ask nobody.
type Addresses struct {
	// Service is the address of the Service of all targets.
	Service string `json:"service"`
	// Pods are the addresses of the targets that are ready, by node.
	Pods map[string]string `json:"pods"`
	// Fenced and FencedLocal are the addresses of the Services of those names; empty without such a Service.
	Fenced      string `json:"fenced"`
	FencedLocal string `json:"fencedLocal"`
	// Second is where all that is in the other IP family, for a plugin enforces policies in each by itself. Nil if no pod has an address
	// in it. Services need have none there although pods have.
	Second *Addresses `json:"second,omitempty"`
}

// Text is what the ConfigMap holds: the same text for the same addresses.
func (a Addresses) Text() (string, error) {
	text, err := json.Marshal(a)
	return string(text), err
}

// readAddresses returns what the guide has written.
func readAddresses(file string) (Addresses, error) {
	const remedy = "see kubectl -n " + TargetNamespace + " get pods, for canary-guide writes it"
	var a Addresses
	text, err := os.ReadFile(file)
	if errors.Is(err, fs.ErrNotExist) {
		return a, fmt.Errorf("no addresses of targets: there is no %s yet; %s", file, remedy)
	}
	if err != nil {
		return a, fmt.Errorf("no addresses of targets: %w", err)
	}
	if err := json.Unmarshal(text, &a); err != nil {
		return a, fmt.Errorf("no addresses of targets: %s: %w; %s", file, err, remedy)
	}
	return a, nil
}

// dials returns how a pod on a node dials the targets: that of the node, some of other nodes if there are any, and the Service;
// and how a control pod dials fenced pods. In the second IP family it does so where the target of its node is in it. It fails if it
// would not get to know anything about its own node.
func (a Addresses) dials(role Role, node string) ([]Dial, error) {
	all, err := required(a.family(role, node))
	if err != nil || a.Second == nil || a.Second.Pods[node] == "" {
		return all, err
	}
	second := slices.DeleteFunc(a.Second.family(role, node), func(d Dial) bool { return d.Address == "" })
	for i := range second {
		second[i].Name += " in the second IP family"
	}
	second, err = required(second)
	return append(all, second...), err
}

// family returns what a pod on a node dials in one IP family, each with an address that may be none.
func (a Addresses) family(role Role, node string) []Dial {
	all := []Dial{{Name: "target on the same node", Node: node, Address: a.Pods[node], Tries: 1}}
	for _, other := range neighbours(a.Pods, node) {
		all = append(all, Dial{Name: "target on another node", Node: other, Address: a.Pods[other], Tries: 1})
	}
	all = append(all, Dial{Name: "Service of the targets", Address: a.Service, Tries: tries})
	if role == Control {
		all = append(all, Dial{Name: "fenced pod on the same node", Address: a.FencedLocal, Tries: 1, Shut: true},
			Dial{Name: "fenced pods on all nodes", Address: a.Fenced, Tries: tries, Shut: true})
	}
	return all
}

// required returns dials with their port, on which a verdict rests; it fails if one has no address.
func required(all []Dial) ([]Dial, error) {
	for i := range all {
		switch known := net.ParseIP(all[i].Address) != nil; {
		case !known && all[i].Shut:
			return nil, fmt.Errorf("no addresses of fenced pods: %s: %q is none: kubectl -n %s get services, and apply manifests/45-canary.yaml",
				all[i].Name, all[i].Address, Namespace)
		case all[i].Address == "" && all[i].Node != "":
			return nil, fmt.Errorf("no addresses of targets: none is ready on node %s: kubectl -n %s get pods -o wide", all[i].Node, TargetNamespace)
		case !known:
			return nil, fmt.Errorf("no addresses of targets: %s: %q is none: kubectl -n %s get services", all[i].Name, all[i].Address, TargetNamespace)
		}
		all[i].Address, all[i].Required = net.JoinHostPort(all[i].Address, Port), true
	}
	return all, nil
}

// neighbours returns the nodes that follow node in the order of their names, the first after the last. So every node that has
// a target is dialled from others, however many there are.
func neighbours(pods map[string]string, node string) []string {
	names := slices.Sorted(maps.Keys(pods))
	i, _ := slices.BinarySearch(names, node)
	others := slices.Concat(names[min(i+1, len(names)):], names[:i])
	return others[:min(len(others), maxNeighbours)]
}
