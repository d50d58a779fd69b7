package process

import (
	"errors"
	"fmt"

	"github.com/spf13/pflag"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/discovery"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
)

// APIServer is how a program reaches the API server.
type APIServer struct {
	Kubeconfig string
	// QPS and Burst bound the requests per second, and those that may exceed QPS for a moment.
	QPS   float32
	Burst int
}

// AddKubeconfig adds the flag of the kubeconfig alone.
func (a *APIServer) AddKubeconfig(fs *pflag.FlagSet) {
	fs.StringVar(&a.Kubeconfig, "kubeconfig", a.Kubeconfig, "kubeconfig file; empty inside a cluster")
}

// AddFlags adds the flags to fs. of says whose requests are bounded, if not those of the whole program.
func (a *APIServer) AddFlags(fs *pflag.FlagSet, of string) {
	a.AddKubeconfig(fs)
	fs.Float32Var(&a.QPS, "kube-api-qps", a.QPS, "requests per second to the API server"+of)
	fs.IntVar(&a.Burst, "kube-api-burst", a.Burst, "requests that may exceed kube-api-qps for a moment")
}

// Validate returns what is wrong, each with its flag.
func (a *APIServer) Validate() error {
	var errs []error
	if a.QPS <= 0 {
		errs = append(errs, fmt.Errorf("--kube-api-qps=%g: must be more than 0", a.QPS))
	}
	if a.Burst < 1 {
		errs = append(errs, fmt.Errorf("--kube-api-burst=%d: must be at least 1", a.Burst))
	}
	return errors.Join(errs...)
}

// Config returns the configuration of clients that call themselves userAgent.
func (a *APIServer) Config(userAgent string) (*rest.Config, error) {
	config, err := clientcmd.BuildConfigFromFlags("", a.Kubeconfig)
	if err != nil {
		return nil, fmt.Errorf("no way to the API server (--kubeconfig=%q): %w", a.Kubeconfig, err)
	}
	config.QPS, config.Burst = a.QPS, a.Burst
	if userAgent != "" {
		rest.AddUserAgent(config, userAgent)
	}
	return config, nil
}

// Binary returns config for clients of built-in kinds: they are smaller and read faster as protobuf, which custom resources have none of.
func Binary(config *rest.Config) *rest.Config {
	binary := rest.CopyConfig(config)
	binary.AcceptContentTypes = runtime.ContentTypeProtobuf + "," + runtime.ContentTypeJSON
	binary.ContentType = runtime.ContentTypeProtobuf
	return binary
}

// ApplyCRDs is the remedy where our kinds are not served.
const ApplyCRDs = "kubectl apply -f manifests/crds"

// Serves tells whether the cluster has a version of a group of kinds.
func Serves(api discovery.ServerResourcesInterface, group string) (bool, error) {
	_, err := api.ServerResourcesForGroupVersion(group)
	if apierrors.IsNotFound(err) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("ask the API server for %s: %w", group, err)
	}
	return true, nil
}

// Installed returns an error with the remedy if the cluster does not have a version of a group of kinds: informers would only log it, again
// and again.
func Installed(api discovery.ServerResourcesInterface, group, remedy string) error {
	served, err := Serves(api, group)
	if err != nil || served {
		return err
	}
	return fmt.Errorf("the cluster does not serve %s: %s", group, remedy)
}

// Trim is the transform of informers that drops what no program reads and what makes up half of an object.
func Trim(obj any) (any, error) {
	if o, err := meta.Accessor(obj); err == nil {
		o.SetManagedFields(nil)
	}
	return obj, nil
}
