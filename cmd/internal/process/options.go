package process

import (
	"errors"
	"flag"
	"fmt"
	"net"
	"os"

	"github.com/spf13/pflag"
	"k8s.io/klog/v2"
)

// Env returns a variable of the environment, or otherwise if it is not set, or empty.
func Env(name, otherwise string) string {
	if value := os.Getenv(name); value != "" {
		return value
	}
	return otherwise
}

// AddLogging adds klog's flags to fs.
func AddLogging(fs *pflag.FlagSet) {
	var logging flag.FlagSet
	klog.InitFlags(&logging)
	for _, name := range []string{"v", "vmodule"} {
		fs.AddGoFlag(logging.Lookup(name))
	}
}

// Listens are the addresses of a program beside its own.
type Listens struct {
	HealthAddress  string
	MetricsAddress string
}

// NewListens returns the defaults.
func NewListens() Listens { return Listens{HealthAddress: ":8081", MetricsAddress: ":8080"} }

// AddFlags adds the flags to fs. metrics says in a few words what the metrics have in them.
func (l *Listens) AddFlags(fs *pflag.FlagSet, metrics string) {
	AddHealth(fs, &l.HealthAddress)
	fs.StringVar(&l.MetricsAddress, "metrics-bind-address", l.MetricsAddress, "address of /metrics"+metrics+"; empty for none")
}

// AddHealth adds the flag of the address of /livez and /readyz.
func AddHealth(fs *pflag.FlagSet, address *string) {
	fs.StringVar(address, "health-bind-address", *address, "address of /livez and /readyz for the kubelet, in plain HTTP; empty for none")
}

// Validate returns what is wrong, each with its flag.
func (l *Listens) Validate() error {
	return errors.Join(CheckAddress("health-bind-address", l.HealthAddress, true), CheckAddress("metrics-bind-address", l.MetricsAddress, true))
}

// CheckAddress returns what is wrong with the address, host:port or :port, that a flag gives. optional: it may be empty.
func CheckAddress(flag, address string, optional bool) error {
	if address == "" && optional {
		return nil
	}
	if _, _, err := net.SplitHostPort(address); err == nil {
		return nil
	}
	or := ""
	if optional {
		or = ", or empty"
	}
	return fmt.Errorf("--%s=%q: must be host:port or :port%s", flag, address, or)
}
