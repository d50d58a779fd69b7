package app

import (
	"errors"
	"fmt"
	"net"
	"net/mail"
	"net/netip"
	"net/url"
	"strings"
	"time"

	"github.com/spf13/pflag"
	"k8s.io/apimachinery/pkg/util/validation"

	"github.com/kymaros/kymaros/cmd/internal/process"
	"github.com/kymaros/kymaros/pkg/notify"
)

// Options are the flags of kymaros-notify.
type Options struct {
	process.APIServer
	process.Listens

	// ClusterName is what people call the cluster.
	ClusterName string
	// DashboardURL is where people open the dashboard.
	DashboardURL string
	// DefaultsFile and DefaultsSecrets are the notifications of the installation.
	DefaultsFile, DefaultsSecrets string
	// AllowCIDRs are the private addresses that receivers may have.
	AllowCIDRs []string
	// Proxy is for all receivers but the relay of mail.
	Proxy string
	// Deadline is how long a delivery is tried.
	Deadline time.Duration
	Mail     notify.Relay

	// Account is the ServiceAccount that the process runs as, in Namespace.
	Account   string
	Namespace string

	LeaderElect bool
}

// NewOptions returns the defaults. The environment gives the namespace, as the manifests set it.
func NewOptions() *Options {
	return &Options{
		APIServer: process.APIServer{QPS: 20, Burst: 50}, Listens: process.NewListens(),
		Deadline: 24 * time.Hour, Account: "kymaros-notify", Namespace: process.Env("POD_NAMESPACE", "kymaros-system"), LeaderElect: true,
	}
}

// AddFlags adds the flags to fs, and klog's.
func (o *Options) AddFlags(fs *pflag.FlagSet) {
	o.APIServer.AddFlags(fs, "")
	o.Listens.AddFlags(fs, ", which name no test")
	fs.StringVar(&o.ClusterName, "cluster-name", o.ClusterName, "name of the cluster in messages")
	fs.StringVar(&o.DashboardURL, "dashboard-url", o.DashboardURL, "address at which people open the dashboard, for links; empty: messages have none")
	fs.StringVar(&o.DefaultsFile, "defaults-file", o.DefaultsFile,
		"file with what spec.notifications may hold, for tests that have none; read again when it changes. It need not exist")
	fs.StringVar(&o.DefaultsSecrets, "defaults-secrets", o.DefaultsSecrets, "directory with a file NAME.KEY for each key of each Secret that --defaults-file names")
	fs.StringSliceVar(&o.AllowCIDRs, "notify-allow-cidr", o.AllowCIDRs,
		"private, loopback or link-local addresses that receivers may have, such as 10.1.2.3/32; to these alone plain HTTP is spoken")
	fs.StringVar(&o.Proxy, "notify-proxy", o.Proxy, "address of the proxy through which receivers are reached, such as http://proxy.example.org:3128; it has to keep addresses inside from being reached")
	fs.DurationVar(&o.Deadline, "notify-deadline", o.Deadline, "how long a message is tried to be sent before it is given up")
	fs.StringVar(&o.Mail.Address, "smtp-address", o.Mail.Address, "host:port of the relay that takes all email; empty: none is sent")
	fs.StringVar(&o.Mail.From, "smtp-from", o.Mail.From, "sender of email, such as \"Kymaros <kymaros@example.org>\"")
	fs.StringVar(&o.Mail.UserFile, "smtp-user-file", o.Mail.UserFile, "file with the user at the relay; empty: no login")
	fs.StringVar(&o.Mail.PasswordFile, "smtp-password-file", o.Mail.PasswordFile, "file with the password of that user")
	fs.StringVar(&o.Mail.CAFile, "smtp-ca-file", o.Mail.CAFile, "file with the certificates, PEM, that the relay's is signed by; empty: those of the system")
	fs.BoolVar(&o.Mail.Plaintext, "smtp-plaintext", o.Mail.Plaintext, "send without TLS where the relay does not offer it")
	fs.StringSliceVar(&o.Mail.Domains, "smtp-domains", o.Mail.Domains, "domains that email may be sent to; empty: any")
	fs.StringVar(&o.Account, "service-account", o.Account, "ServiceAccount that this process runs as, which messages tell to let read Secrets")
	fs.StringVar(&o.Namespace, "namespace", o.Namespace, "namespace of that ServiceAccount, and of the lease")
	fs.BoolVar(&o.LeaderElect, "leader-elect", o.LeaderElect, "work only while holding the lease; needed with more than one replica")
	process.AddLogging(fs)
}

// Validate returns what is wrong with the options, each with its flag.
func (o *Options) Validate() error {
	var errs []error
	wrong := func(flag, value, what string) { errs = append(errs, fmt.Errorf("--%s=%q: %s", flag, value, what)) }
	for flag, label := range map[string]string{"namespace": o.Namespace, "service-account": o.Account} {
		for _, problem := range validation.IsDNS1123Label(label) {
			wrong(flag, label, problem)
		}
	}
	for flag, address := range map[string]string{"dashboard-url": o.DashboardURL, "notify-proxy": o.Proxy} {
		if u, err := url.Parse(address); address != "" && (err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http") {
			wrong(flag, address, "must be an address such as https://kymaros.example.org")
		}
	}
	if _, err := o.prefixes(); err != nil {
		errs = append(errs, err)
	}
	if o.Deadline < time.Minute {
		wrong("notify-deadline", o.Deadline.String(), "must be a minute at least")
	}
	if o.Mail.Address != "" {
		if _, _, err := net.SplitHostPort(o.Mail.Address); err != nil {
			wrong("smtp-address", o.Mail.Address, "must be host:port")
		}
		if _, err := mail.ParseAddress(o.Mail.From); err != nil {
			wrong("smtp-from", o.Mail.From, "must be an address such as kymaros@example.org")
		}
	}
	return errors.Join(append(errs, o.APIServer.Validate(), o.Listens.Validate())...)
}

func (o *Options) prefixes() ([]netip.Prefix, error) {
	var all []netip.Prefix
	for _, text := range o.AllowCIDRs {
		p, err := netip.ParsePrefix(strings.TrimSpace(text))
		if err != nil {
			return nil, fmt.Errorf("--notify-allow-cidr=%q: must be a range of addresses such as 10.1.2.3/32", text)
		}
		all = append(all, p.Masked())
	}
	return all, nil
}

// sending returns the options of the library that speaks to receivers.
func (o *Options) sending() (notify.Options, error) {
	prefixes, err := o.prefixes()
	if err != nil {
		return notify.Options{}, err
	}
	sending := notify.Options{AllowPrivate: prefixes}
	if o.Proxy != "" {
		proxy, err := url.Parse(o.Proxy)
		if err != nil {
			return notify.Options{}, fmt.Errorf("--notify-proxy: %w", err)
		}
		sending.Proxy = func(*url.URL) (*url.URL, error) { return proxy, nil }
	}
	if o.Mail.Address != "" {
		sending.Relay = &o.Mail
	}
	return sending, nil
}
