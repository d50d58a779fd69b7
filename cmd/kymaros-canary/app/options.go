package app

import (
	"errors"
	"fmt"
	"net"
	"os"

	"github.com/spf13/pflag"

	"github.com/kymaros/kymaros/cmd/internal/process"
	"github.com/kymaros/kymaros/pkg/canary"
)

// Options are the flags.
type Options struct {
	Role          string
	Node          string
	Listen        string
	HealthAddress string
	// Addresses is the file with those of the targets.
	Addresses string
	// Message is the file in which a new pod tells what it saw.
	Message string
	// Target is what a gate dials, an IP.
	Target string
	// APIServer is for the guide only.
	process.APIServer
	// Record are addresses that are dialled besides, to tell whether they are reached.
	Record []string
}

// roleGuide is the one that does not dial.
const roleGuide = "guide"

// NewOptions returns the defaults. The environment gives the node, as the manifests set it, and the API server.
func NewOptions() *Options {
	o := &Options{
		Node: os.Getenv("NODE_NAME"), Listen: ":" + canary.Port, HealthAddress: ":8081",
		Addresses: "/etc/kymaros-canary/" + canary.AddressesKey,
		Message:   "/dev/termination-log",
		Record:    []string{"169.254.169.254:80"},
	}
	if ip := os.Getenv("NODE_IP"); ip != "" {
		o.Record = append(o.Record, net.JoinHostPort(ip, "10250"))
	}
	if host, port := os.Getenv("KUBERNETES_SERVICE_HOST"), os.Getenv("KUBERNETES_SERVICE_PORT"); host != "" && port != "" {
		o.Record = append(o.Record, net.JoinHostPort(host, port))
	}
	return o
}

// AddFlags adds the flags to fs, and klog's.
func (o *Options) AddFlags(fs *pflag.FlagSet) {
	fs.StringVar(&o.Role, "role", o.Role, "target, fenced, control, birth, gate, or guide, which tells fenced and control where to dial")
	fs.StringVar(&o.Node, "node", o.Node, "name of the node, told to other canaries")
	fs.StringVar(&o.Listen, "listen", o.Listen, "address for other canaries; they dial port "+canary.Port)
	fs.StringVar(&o.HealthAddress, "health-bind-address", o.HealthAddress, "address of /startz, /readyz, /livez and /status")
	fs.StringVar(&o.Addresses, "addresses", o.Addresses, "file with the addresses to dial, as the guide writes them; for fenced, control and birth")
	fs.StringVar(&o.Message, "message", o.Message, "file in which birth tells what answered; what the kubelet takes for the message of a container that has ended")
	fs.StringVar(&o.Target, "target", o.Target, "address of Service canary-target, without the port; for gate")
	o.AddKubeconfig(fs)
	fs.StringSliceVar(&o.Record, "record", o.Record,
		"addresses, host:port, to dial besides; /status tells whether they were reached, and the verdict does not rest on them")
	process.AddLogging(fs)
}

// Validate returns what is wrong with the options, each with its flag.
func (o *Options) Validate() error {
	var errs []error
	switch canary.Role(o.Role) {
	case canary.Target, canary.Fenced, canary.Control, canary.Newborn, canary.Gate, roleGuide:
	default:
		errs = append(errs, fmt.Errorf("--role=%q: must be target, fenced, control, birth, gate or guide", o.Role))
	}
	if canary.Role(o.Role) == canary.Gate && net.ParseIP(o.Target) == nil {
		errs = append(errs, fmt.Errorf("--target=%q: must be an IP address", o.Target))
	}
	if o.Node == "" && canary.Role(o.Role) != canary.Gate && o.Role != roleGuide {
		errs = append(errs, errors.New("--node is empty: give it, or NODE_NAME in the environment"))
	}
	errs = append(errs, process.CheckAddress("listen", o.Listen, false), process.CheckAddress("health-bind-address", o.HealthAddress, false))
	for _, address := range o.Record {
		if _, _, err := net.SplitHostPort(address); err != nil {
			errs = append(errs, fmt.Errorf("--record: %q: must be host:port", address))
		}
	}
	return errors.Join(errs...)
}
