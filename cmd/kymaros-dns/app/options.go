package app

import (
	"errors"
	"fmt"

	"github.com/spf13/pflag"
	"k8s.io/apimachinery/pkg/util/validation"

	"github.com/kymaros/kymaros/cmd/internal/process"
)

// Options are the flags.
type Options struct {
	process.APIServer

	Listen        string
	ClusterDomain string
	HealthAddress string
}

// NewOptions returns the defaults.
func NewOptions() *Options {
	return &Options{
		// Three watches for each namespace of a run: until they are there its pods find no names.
		APIServer: process.APIServer{QPS: 50, Burst: 100},
		Listen:    ":5353", ClusterDomain: process.ClusterDomain(), HealthAddress: ":8081",
	}
}

// AddFlags adds the flags to fs, and klog's.
func (o *Options) AddFlags(fs *pflag.FlagSet) {
	o.AddKubeconfig(fs)
	process.AddHealth(fs, &o.HealthAddress)
	fs.StringVar(&o.Listen, "listen", o.Listen, "address for queries, by UDP and TCP")
	process.AddClusterDomain(fs, &o.ClusterDomain)
	process.AddLogging(fs)
}

// Validate returns what is wrong with the options, each with its flag.
func (o *Options) Validate() error {
	var errs []error
	for _, problem := range validation.IsDNS1123Subdomain(o.ClusterDomain) {
		errs = append(errs, fmt.Errorf("--cluster-domain=%q: %s", o.ClusterDomain, problem))
	}
	return errors.Join(append(errs, process.CheckAddress("listen", o.Listen, false), process.CheckAddress("health-bind-address", o.HealthAddress, true))...)
}
