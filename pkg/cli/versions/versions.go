// Package versions tells the versions of this command, of the cluster, and of what runs there.
package versions

import (
	"context"
	"fmt"
	"strings"

	"github.com/spf13/cobra"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/component-base/version"

	"github.com/kymaros/kymaros/pkg/cli/client"
	"github.com/kymaros/kymaros/pkg/cli/term"
)

// Versions are all that there are.
type Versions struct {
	Client string `json:"client"`
	// The others are empty if they are not known, and Unknown says why.
	Kubernetes string `json:"kubernetes,omitempty"`
	Controller string `json:"controller,omitempty"`
	Velero     string `json:"velero,omitempty"`
	Unknown    string `json:"unknown,omitempty"`
}

// New returns the verb.
func New(f *client.Factory) *cobra.Command {
	var output client.Output
	var onlyClient bool
	cmd := client.Command("version", "Tell the versions of this command, the controller, Velero and Kubernetes",
		"Tells the version of this command, and of what runs in the cluster as far as that can be seen.",
		"get deployments in the namespaces of Kymaros and Velero; without that right only the version of Kubernetes is told",
		"  kubectl kymaros version --client")
	output.AddFlags(cmd.Flags())
	cmd.Flags().BoolVar(&onlyClient, "client", false, "ask no cluster")
	cmd.Args = cobra.NoArgs
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		if err := output.Validate(); err != nil {
			return err
		}
		all := Versions{Client: version.Get().GitVersion}
		if !onlyClient {
			if clients, err := f.Clients(); err != nil {
				all.Unknown = err.Error()
			} else {
				all.ask(cmd.Context(), clients, f.System, f.Velero)
			}
		}
		if output.Format != "" {
			return f.Data(output.Format, all)
		}
		o, err := f.Out()
		if err != nil {
			return err
		}
		for _, line := range [][2]string{{"Client", all.Client}, {"Kubernetes", all.Kubernetes}, {"Controller", all.Controller}, {"Velero", all.Velero}} {
			if line[1] != "" {
				o.Line(term.Plain, "%-11s %s", line[0], line[1])
			}
		}
		if all.Unknown != "" {
			return fmt.Errorf("not all versions could be told: %s", all.Unknown)
		}
		return nil
	}
	return cmd
}

func (v *Versions) ask(ctx context.Context, clients client.Clients, system, velero string) {
	server, err := clients.Kube.Discovery().ServerVersion()
	if err != nil {
		v.Unknown = err.Error()
		return
	}
	v.Kubernetes = server.GitVersion
	for _, d := range []struct {
		namespace, name string
		into            *string
	}{{system, "kymaros-controller", &v.Controller}, {velero, "velero", &v.Velero}} {
		deployment, err := clients.Kube.AppsV1().Deployments(d.namespace).Get(ctx, d.name, metav1.GetOptions{})
		if err != nil || len(deployment.Spec.Template.Spec.Containers) == 0 {
			continue // not there, or not for this user to see
		}
		*d.into = Tag(deployment.Spec.Template.Spec.Containers[0].Image)
	}
}

// Tag returns the tag of an image, or all of it if it has none.
func Tag(image string) string {
	name, _, _ := strings.Cut(image, "@")
	if i := strings.LastIndex(name, ":"); i > strings.LastIndex(name, "/") {
		return name[i+1:]
	}
	return image
}
