package app

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"

	"github.com/spf13/pflag"

	"github.com/kymaros/kymaros/cmd/internal/process"
	"github.com/kymaros/kymaros/pkg/server"
)

// Options are the flags.
type Options struct {
	process.APIServer

	BindAddress   string
	HealthAddress string
	// TLSDirectory holds tls.crt and tls.key.
	TLSDirectory string
	// InsecureHTTP: no TLS at all.
	InsecureHTTP bool

	// Origins whose pages may read answers.
	Origins []string

	// VeleroNamespace is where Velero is.
	VeleroNamespace string
	// Namespace and Pod are where this runs, as the manifests say in the environment.
	Namespace, Pod string
}

// NewOptions returns the defaults.
func NewOptions() *Options {
	return &Options{
		APIServer: process.APIServer{QPS: 100, Burst: 200}, BindAddress: ":8443", HealthAddress: ":8081", VeleroNamespace: process.Env("KYMAROS_VELERO_NAMESPACE", "velero"),
		Namespace: process.Env("POD_NAMESPACE", "kymaros-system"), Pod: os.Getenv("POD_NAME"),
	}
}

// AddFlags adds the flags to fs, and klog's.
func (o *Options) AddFlags(fs *pflag.FlagSet) {
	o.APIServer.AddFlags(fs, "")
	process.AddHealth(fs, &o.HealthAddress)
	fs.StringVar(&o.BindAddress, "bind-address", o.BindAddress, "address of the API")
	fs.StringVar(&o.TLSDirectory, "tls-directory", o.TLSDirectory,
		"directory with tls.crt and tls.key, as a Secret of type kubernetes.io/tls is mounted; they are read again when they change. While they are not there, or without the flag, the certificate is one that this program signs itself, and its fingerprint is in the log")
	fs.BoolVar(&o.InsecureHTTP, "insecure-http", o.InsecureHTTP, "speak plain HTTP, behind a proxy in the same pod: takes a --bind-address that is only reached from there, such as 127.0.0.1:8080")
	fs.StringSliceVar(&o.Origins, "cors-allowed-origins", o.Origins, "origins whose pages may read answers in a browser, such as https://portal.example.com; they send a token, for the cookie of the dashboard is not theirs")
	fs.StringVar(&o.VeleroNamespace, "velero-namespace", o.VeleroNamespace, "namespace of Velero, whose schedules and backups are told of to who may list them")
	process.AddLogging(fs)
}

// Validate returns what is wrong with the options, each with its flag.
func (o *Options) Validate() error {
	var errs []error
	if host, _, err := net.SplitHostPort(o.BindAddress); err != nil {
		errs = append(errs, fmt.Errorf("--bind-address=%q: must be host:port or :port", o.BindAddress))
	} else if o.InsecureHTTP && !loopback(host) {
		errs = append(errs, fmt.Errorf("--insecure-http: tokens would cross the network in plain text: give a loopback --bind-address such as 127.0.0.1:8080, not %q", o.BindAddress))
	}
	if o.InsecureHTTP && o.TLSDirectory != "" {
		errs = append(errs, errors.New("--insecure-http: give either this or --tls-directory"))
	}
	for _, origin := range o.Origins {
		if err := server.CheckOrigin(origin); err != nil {
			errs = append(errs, fmt.Errorf("--cors-allowed-origins: %w", err))
		}
	}
	return errors.Join(append(errs, o.APIServer.Validate(), process.CheckAddress("health-bind-address", o.HealthAddress, true))...)
}

// loopback takes addresses only: what a name means, somebody else may change.
func loopback(host string) bool {
	address, err := netip.ParseAddr(host)
	return err == nil && address.IsLoopback()
}
