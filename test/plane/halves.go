package plane

import (
	"errors"
	"fmt"
	"path/filepath"

	"github.com/spf13/pflag"
	appsv1 "k8s.io/api/apps/v1"
	"k8s.io/apimachinery/pkg/runtime"

	"github.com/kymaros/kymaros/cmd/kymaros-controller/app"
)

// Controller and Prober are the processes that share the controllers, by their ServiceAccounts and Deployments.
const (
	Controller = "kymaros-controller"
	Prober     = "kymaros-prober"
)

// Halves are both.
var Halves = []string{Controller, Prober}

// OptionsOf returns those with which the manifests start one of both, without ports.
func (c *Cluster) OptionsOf(half string) (*app.Options, error) {
	args, err := c.ArgsOf(half)
	if err != nil {
		return nil, err
	}
	options := app.NewOptions()
	fs := pflag.NewFlagSet(half, pflag.ContinueOnError)
	options.AddFlags(fs)
	if err := fs.Parse(args); err != nil {
		return nil, err
	}
	options.HealthAddress, options.MetricsAddress = "", ""
	return options, nil
}

// ArgsOf returns the flags with which the manifests start one of both.
func (c *Cluster) ArgsOf(half string) ([]string, error) {
	all, err := ReadManifests(filepath.Join(c.root, "manifests/3*.yaml"))
	if err != nil {
		return nil, err
	}
	for _, o := range all {
		if o.GetKind() != "Deployment" || o.GetName() != half {
			continue
		}
		var d appsv1.Deployment
		if err := runtime.DefaultUnstructuredConverter.FromUnstructured(o.Object, &d); err != nil {
			return nil, err
		}
		if args := d.Spec.Template.Spec.Containers[0].Args; len(args) > 0 {
			return args, nil
		}
		return nil, errors.New("Deployment " + half + " runs every controller")
	}
	return nil, fmt.Errorf("no manifest has a Deployment %s", half)
}
