// Package client is what all verbs of kubectl kymaros share: the kubeconfig with its flags, clients with the user's own rights, and
// what an error means.
package client

import (
	"fmt"
	"os"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
	"k8s.io/cli-runtime/pkg/genericclioptions"
	"k8s.io/cli-runtime/pkg/genericiooptions"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"

	"github.com/kymaros/kymaros/pkg/cli/term"
	"github.com/kymaros/kymaros/pkg/generated/clientset/versioned"
)

// Factory makes what verbs need. Tests replace its fields.
type Factory struct {
	genericiooptions.IOStreams
	Config *genericclioptions.ConfigFlags
	// Colour is auto, always or never.
	Colour string
	// System and Velero are the namespaces of Kymaros and of Velero.
	System, Velero string
	Now            func() time.Time
	Getenv         func(string) string
}

// New returns a Factory with defaults.
func New(streams genericiooptions.IOStreams) *Factory {
	config := genericclioptions.NewConfigFlags(true).WithWarningPrinter(streams).WithWrapConfigFn(func(c *rest.Config) *rest.Config {
		c.QPS, c.Burst = 50, 300 // as kubectl
		return c
	})
	return &Factory{IOStreams: streams, Config: config, Colour: "auto", System: "kymaros-system", Velero: "velero", Now: time.Now, Getenv: os.Getenv}
}

// rarely are flags of kubectl that work and that help does not list.
var rarely = []string{
	"as-group", "as-uid", "as-user-extra", "cache-dir", "certificate-authority", "client-certificate", "client-key", "cluster", "disable-compression",
	"insecure-skip-tls-verify", "proxy-url", "server", "tls-server-name", "token", "user",
}

// AddFlags adds the flags that all verbs have.
func (f *Factory) AddFlags(flags *pflag.FlagSet) {
	f.Config.AddFlags(flags)
	for _, name := range rarely {
		_ = flags.MarkHidden(name) // fails only if there is none
	}
	flags.StringVar(&f.Colour, "color", f.Colour, "auto, always or never; auto is never on a pipe, and where NO_COLOR is set")
	flags.StringVar(&f.System, "system-namespace", f.System, "namespace of Kymaros")
	flags.StringVar(&f.Velero, "velero-namespace", f.Velero, "namespace of Velero")
}

// Out returns where to print for people.
func (f *Factory) Out() (*term.Out, error) { return term.New(f.IOStreams.Out, f.Colour, f.Getenv) }

// Clients of the API server.
type Clients struct {
	Kube    kubernetes.Interface
	Kymaros versioned.Interface
	Config  *rest.Config
}

// Clients returns clients with the user's rights.
func (f *Factory) Clients() (Clients, error) {
	config, err := f.Config.ToRESTConfig()
	if err != nil {
		return Clients{}, fmt.Errorf("%w: give --kubeconfig or --context, or set KUBECONFIG", err)
	}
	kube, err := kubernetes.NewForConfig(config)
	if err != nil {
		return Clients{}, err
	}
	kymaros, err := versioned.NewForConfig(config)
	return Clients{Kube: kube, Kymaros: kymaros, Config: config}, err
}

// Namespace returns that of -n, or of the context.
func (f *Factory) Namespace() (string, error) {
	namespace, _, err := f.Config.ToRawKubeConfigLoader().Namespace()
	return namespace, err
}

// Scope is the flag -A beside -n.
type Scope struct{ All bool }

// AddFlags adds -A.
func (s *Scope) AddFlags(flags *pflag.FlagSet) {
	flags.BoolVarP(&s.All, "all-namespaces", "A", false, "in all namespaces")
}

// Namespace returns that in which to look; "" for all.
func (s *Scope) Namespace(f *Factory) (string, error) {
	if s.All {
		return "", nil
	}
	return f.Namespace()
}

// Command returns a verb. Rights are what it needs of the API server, and stand in its help.
func Command(use, short, long, rights, example string) *cobra.Command {
	if rights != "" {
		long += "\n\nRights that it needs: " + rights + "."
	}
	return &cobra.Command{Use: use, Short: short, Long: long, Example: example, DisableFlagsInUseLine: true}
}
