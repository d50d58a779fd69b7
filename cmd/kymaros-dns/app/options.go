package app

import (
	"errors"
	"flag"
	"fmt"
	"net"

	"github.com/spf13/pflag"
	"k8s.io/apimachinery/pkg/util/validation"
	"k8s.io/klog/v2"
)

// Options are the flags.
type Options struct {
	Kubeconfig    string
	Listen        string
	ClusterDomain string
	HealthAddress string
}

// NewOptions returns the defaults.
func NewOptions() *Options {
	return &Options{Listen: ":5353", ClusterDomain: "cluster.local", HealthAddress: ":8081"}
}

// AddFlags adds the flags to fs, and klog's.
func (o *Options) AddFlags(fs *pflag.FlagSet) {
	fs.StringVar(&o.Kubeconfig, "kubeconfig", o.Kubeconfig, "kubeconfig file; empty inside a cluster")
	fs.StringVar(&o.Listen, "listen", o.Listen, "address for queries, by UDP and TCP")
	fs.StringVar(&o.ClusterDomain, "cluster-domain", o.ClusterDomain, "domain of the cluster, as the kubelet has it; that of the controller must be the same")
	fs.StringVar(&o.HealthAddress, "health-bind-address", o.HealthAddress, "address of /livez and /readyz; empty for none")
	var logging flag.FlagSet
	klog.InitFlags(&logging)
	for _, name := range []string{"v", "vmodule"} {
		fs.AddGoFlag(logging.Lookup(name))
	}
}

// Validate returns what is wrong with the options, each with its flag.
func (o *Options) Validate() error {
	var errs []error
	for _, problem := range validation.IsDNS1123Subdomain(o.ClusterDomain) {
		errs = append(errs, fmt.Errorf("--cluster-domain=%q: %s", o.ClusterDomain, problem))
	}
	if _, _, err := net.SplitHostPort(o.Listen); err != nil {
		errs = append(errs, fmt.Errorf("--listen=%q: must be host:port or :port", o.Listen))
	}
	if _, _, err := net.SplitHostPort(o.HealthAddress); o.HealthAddress != "" && err != nil {
		errs = append(errs, fmt.Errorf("--health-bind-address=%q: must be host:port or :port, or empty", o.HealthAddress))
	}
	return errors.Join(errs...)
}
