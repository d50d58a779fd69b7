package client

import (
	"cmp"
	"context"
	"fmt"
	"slices"

	"github.com/spf13/cobra"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"

	"github.com/kymaros/kymaros/pkg/apis/restore/v1alpha1"
	"github.com/kymaros/kymaros/pkg/controller"
	"github.com/kymaros/kymaros/pkg/names"
)

// page is how many objects one request asks for.
const page = 500

// Tests returns the RestoreTests of a namespace with those names, in their order; without names all that the selector takes, by
// namespace and name, and "" is every namespace.
func (c Clients) Tests(ctx context.Context, namespace, selector string, names ...string) ([]*v1alpha1.RestoreTest, error) {
	var all []*v1alpha1.RestoreTest
	for _, name := range names {
		rt, err := c.Kymaros.RestoreV1alpha1().RestoreTests(namespace).Get(ctx, name, metav1.GetOptions{})
		if err != nil {
			return nil, err
		}
		all = append(all, rt)
	}
	if len(names) > 0 {
		return all, nil
	}
	options := metav1.ListOptions{LabelSelector: selector, Limit: page}
	for {
		list, err := c.Kymaros.RestoreV1alpha1().RestoreTests(namespace).List(ctx, options)
		if err != nil {
			return nil, fmt.Errorf("list RestoreTests: %w", err)
		}
		for i := range list.Items {
			all = append(all, &list.Items[i])
		}
		if options.Continue = list.Continue; options.Continue == "" {
			return all, nil
		}
	}
}

// Reports returns the reports of a test, or of all for test "", the newest first, without those that Kymaros did not write: they are
// no evidence. It counts these.
func (c Clients) Reports(ctx context.Context, namespace, test string) (all []*v1alpha1.RestoreReport, foreign int, err error) {
	options := metav1.ListOptions{Limit: page}
	if test != "" {
		options.LabelSelector = labels.SelectorFromSet(labels.Set{v1alpha1.LabelReportTest: names.LabelValue(test)}).String()
	}
	for {
		list, err := c.Kymaros.RestoreV1alpha1().RestoreReports(namespace).List(ctx, options)
		if err != nil {
			return nil, 0, fmt.Errorf("list RestoreReports: %w", err)
		}
		for i := range list.Items {
			r := &list.Items[i]
			switch {
			case test != "" && r.Spec.TestRef != test:
			case !controller.WroteReport(r):
				foreign++
			case r.Status != nil:
				all = append(all, r)
			}
		}
		if options.Continue = list.Continue; options.Continue == "" {
			break
		}
	}
	slices.SortFunc(all, func(a, b *v1alpha1.RestoreReport) int {
		return cmp.Or(b.Status.StartedAt.Compare(a.Status.StartedAt.Time), cmp.Compare(a.Namespace, b.Namespace), cmp.Compare(a.Name, b.Name))
	})
	return all, foreign, nil
}

// Report returns the report of that name, or the newest of the test of that name.
func (c Clients) Report(ctx context.Context, namespace, name string) (*v1alpha1.RestoreReport, error) {
	r, err := c.Kymaros.RestoreV1alpha1().RestoreReports(namespace).Get(ctx, name, metav1.GetOptions{})
	if apierrors.IsNotFound(err) {
		return c.Latest(ctx, namespace, name)
	}
	if err != nil {
		return nil, err
	}
	return r, evidence(r)
}

// Latest returns the newest report of the test.
func (c Clients) Latest(ctx context.Context, namespace, test string) (*v1alpha1.RestoreReport, error) {
	all, foreign, err := c.Reports(ctx, namespace, test)
	switch {
	case err != nil:
		return nil, err
	case len(all) == 0 && foreign > 0:
		return nil, fmt.Errorf("%d reports say that they are of test %s in namespace %s, and Kymaros wrote none of them: they are no evidence; find out who made them", foreign, test, namespace)
	case len(all) == 0:
		return nil, fmt.Errorf("there is no report, and no report of a test, of name %s in namespace %s; `kubectl kymaros get -A` lists the tests", test, namespace)
	}
	return all[0], nil
}

func evidence(r *v1alpha1.RestoreReport) error {
	if !controller.WroteReport(r) {
		return fmt.Errorf("report %s was not written by Kymaros, or somebody changed it: it is no evidence; find out who did", r.Name)
	}
	if r.Status == nil {
		return fmt.Errorf("report %s has no verdict yet: try again in a moment; `kubectl kymaros doctor` tells whether the controller runs", r.Name)
	}
	return nil
}

// CompleteTests completes names of tests.
func (f *Factory) CompleteTests(cmd *cobra.Command, _ []string, _ string) ([]string, cobra.ShellCompDirective) {
	return f.complete(cmd.Context(), func(ctx context.Context, c Clients, namespace string) (all []string, err error) {
		tests, err := c.Tests(ctx, namespace, "")
		for _, rt := range tests {
			all = append(all, rt.Name)
		}
		return all, err
	})
}

// CompleteReports completes names of reports.
func (f *Factory) CompleteReports(cmd *cobra.Command, _ []string, _ string) ([]string, cobra.ShellCompDirective) {
	return f.complete(cmd.Context(), func(ctx context.Context, c Clients, namespace string) (all []string, err error) {
		reports, _, err := c.Reports(ctx, namespace, "")
		for _, r := range reports {
			all = append(all, r.Name)
		}
		return all, err
	})
}

func (f *Factory) complete(ctx context.Context, list func(context.Context, Clients, string) ([]string, error)) ([]string, cobra.ShellCompDirective) {
	c, err := f.Clients()
	if err != nil {
		return nil, cobra.ShellCompDirectiveError
	}
	namespace, err := f.Namespace()
	if err != nil {
		return nil, cobra.ShellCompDirectiveError
	}
	all, err := list(ctx, c, namespace)
	if err != nil {
		return nil, cobra.ShellCompDirectiveError
	}
	return all, cobra.ShellCompDirectiveNoFileComp
}
