// Package cleanup finds what runs left behind, and removes it.
package cleanup

import (
	"context"
	"errors"
	"fmt"

	"github.com/spf13/cobra"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/duration"

	"github.com/kymaros/kymaros/pkg/apis/restore/v1alpha1"
	"github.com/kymaros/kymaros/pkg/cli/client"
	"github.com/kymaros/kymaros/pkg/cli/exit"
	"github.com/kymaros/kymaros/pkg/cli/term"
)

const selector = v1alpha1.LabelManagedBy + "=" + v1alpha1.ManagedBy

// New returns the verb.
func New(f *client.Factory) *cobra.Command {
	var output client.Output
	var yes bool
	cmd := client.Command("cleanup", "Find what runs left behind, and remove it with --yes",
		`Finds the sandboxes and Velero Restores of runs that are over, by their labels, and shows them with what is still in use and what must not
be touched. With --yes it deletes what is left over, each by its UID, so that nothing else of the same name goes. Finalizers stay: the
controller empties a sandbox before it goes, so let it run. Sandboxes of runs that are under way are never deleted.
Exit codes: 0 nothing is left over, or all of it was deleted; 2 something is; 3 could not tell, or not delete.`,
		"list namespaces and restoretests in the cluster, restores.velero.io in the namespace of Velero; with --yes delete namespaces and restores.velero.io",
		`  kubectl kymaros cleanup
  kubectl kymaros cleanup --yes`)
	output.AddFlags(cmd.Flags())
	cmd.Flags().BoolVar(&yes, "yes", false, "delete what is left over")
	cmd.Args = cobra.NoArgs
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		if err := output.Validate(); err != nil {
			return err
		}
		clients, err := f.Clients()
		if err != nil {
			return err
		}
		found, err := look(cmd.Context(), f, clients)
		if err != nil {
			return err
		}
		if err := print(f, output, found); err != nil {
			return err
		}
		switch {
		case len(found.LeftOver) == 0:
			return nil
		case !yes:
			return exit.For(exit.Doubtful)
		}
		return remove(cmd.Context(), f, clients, found.LeftOver)
	}
	return cmd
}

func look(ctx context.Context, f *client.Factory, c client.Clients) (Found, error) {
	// Tests are read last: a run that began meanwhile is known then.
	namespaces, err := c.Kube.CoreV1().Namespaces().List(ctx, metav1.ListOptions{LabelSelector: selector})
	if err != nil {
		return Found{}, fmt.Errorf("list namespaces: %w", err)
	}
	restores, err := c.Kymaros.VeleroV1().Restores(f.Velero).List(ctx, metav1.ListOptions{LabelSelector: selector})
	if err != nil {
		return Found{}, fmt.Errorf("list Restores of Velero: %w", err)
	}
	tests, err := c.Tests(ctx, "", "")
	if err != nil {
		return Found{}, err
	}
	return Find(namespaces.Items, restores.Items, tests, f.Now()), nil
}

func print(f *client.Factory, output client.Output, found Found) error {
	if output.Format != "" {
		return f.Data(output.Format, found)
	}
	o, err := f.Out()
	if err != nil {
		return err
	}
	columns := []term.Column{{Header: "OBJECT", Flex: true}, {Header: "TEST", Flex: true}, {Header: "AGE", Right: true}, {Header: "WHY", Flex: true, Wrap: true}}
	none := true
	for _, part := range []struct {
		title string
		style term.Style
		items []Item
	}{{"Left over", term.Yellow, found.LeftOver}, {"In use, not touched", term.Dim, found.InUse}, {"Must not be touched", term.Red, found.Untouchable}} {
		if len(part.items) == 0 {
			continue
		}
		if !none {
			o.Blank()
		}
		none = false
		o.Line(part.style, "%s", part.title)
		var rows [][]term.Cell
		for _, i := range part.items {
			why := i.Why
			if i.Going {
				why += "; it is being deleted"
			}
			age := ""
			if i.Age > 0 {
				age = duration.HumanDuration(i.Age)
			}
			rows = append(rows, []term.Cell{term.C(i.Kind + "/" + i.Name), term.C(i.Test), term.C(age), term.C(why)})
		}
		o.Table(columns, rows)
	}
	if none {
		o.Line(term.Green, "✔ no run left anything behind")
	} else if len(found.LeftOver) > 0 {
		o.Blank()
		o.Text(term.Dim, "", "kubectl kymaros cleanup --yes deletes what is left over.")
	}
	return nil
}

// remove deletes the items, each only if it is still the very object that was looked at.
func remove(ctx context.Context, f *client.Factory, c client.Clients, items []Item) error {
	var errs []error
	for _, i := range items {
		if i.Going {
			continue
		}
		options := metav1.DeleteOptions{Preconditions: &metav1.Preconditions{UID: &i.UID}}
		var err error
		if i.Kind == "Namespace" {
			err = c.Kube.CoreV1().Namespaces().Delete(ctx, i.Name, options)
		} else {
			err = c.Kymaros.VeleroV1().Restores(f.Velero).Delete(ctx, i.Name, options)
		}
		switch {
		case err == nil:
			_, _ = fmt.Fprintf(f.IOStreams.ErrOut, "deleted %s/%s\n", i.Kind, i.Name)
		case !apierrors.IsNotFound(err):
			errs = append(errs, fmt.Errorf("delete %s %s: %w", i.Kind, i.Name, err))
		}
	}
	return errors.Join(errs...)
}
