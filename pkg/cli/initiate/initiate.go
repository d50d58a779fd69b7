// Package initiate writes a first test for a namespace, with checks that fit what runs there.
package initiate

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/kymaros/kymaros/pkg/cli/client"
	"github.com/kymaros/kymaros/pkg/coverage"
)

// New returns the verb.
func New(f *client.Factory) *cobra.Command {
	var apply bool
	cmd := client.Command("init NAMESPACE", "Write a test for a namespace, with checks that fit what runs there",
		`Looks at the workloads, Services, volumes and Velero schedules of a namespace, and writes a RestoreTest and a HealthCheckPolicy: pods of
each workload, HTTP by readiness probes, ports of Services, what the pods need to be there, and for PostgreSQL, MySQL, MariaDB, MongoDB,
Redis, Elasticsearch, OpenSearch, Kafka and RabbitMQ a query that counts what is there. Comments say what to fill in.
The test is for the namespace of -n; who may write there can read what it restores, so take one that is no application's.`,
		"list deployments, statefulsets, daemonsets, services and persistentvolumeclaims in the namespace, and schedules.velero.io in that of Velero; with --apply create restoretests and healthcheckpolicies",
		`  kubectl kymaros init shop -n kymaros-system >shop.yaml
  kubectl kymaros init shop -n kymaros-system --apply`)
	cmd.Flags().BoolVar(&apply, "apply", false, "create both, unless they exist; the test runs at once")
	cmd.Args = cobra.ExactArgs(1)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		clients, err := f.Clients()
		if err != nil {
			return err
		}
		namespace, err := f.Namespace()
		if err != nil {
			return err
		}
		a, err := look(cmd.Context(), clients, args[0], f.Velero)
		if err != nil {
			return err
		}
		plan := Make(a)
		if apply {
			return create(cmd.Context(), f, clients, plan, namespace)
		}
		text, err := plan.YAML(namespace)
		if err != nil {
			return err
		}
		_, err = f.IOStreams.Out.Write([]byte(text))
		return err
	}
	return cmd
}

func look(ctx context.Context, c client.Clients, namespace, velero string) (*Application, error) {
	a := &Application{Namespace: namespace}
	deployments, err := c.Kube.AppsV1().Deployments(namespace).List(ctx, metav1.ListOptions{})
	if err != nil {
		return nil, err
	}
	sets, err := c.Kube.AppsV1().StatefulSets(namespace).List(ctx, metav1.ListOptions{})
	if err != nil {
		return nil, err
	}
	daemons, err := c.Kube.AppsV1().DaemonSets(namespace).List(ctx, metav1.ListOptions{})
	if err != nil {
		return nil, err
	}
	services, err := c.Kube.CoreV1().Services(namespace).List(ctx, metav1.ListOptions{})
	if err != nil {
		return nil, err
	}
	claims, err := c.Kube.CoreV1().PersistentVolumeClaims(namespace).List(ctx, metav1.ListOptions{})
	if err != nil {
		return nil, err
	}
	for i := range claims.Items {
		a.Claims = append(a.Claims, coverage.ClaimOf(&claims.Items[i]))
	}
	a.Deployments, a.StatefulSets, a.DaemonSets, a.Services = deployments.Items, sets.Items, daemons.Items, services.Items
	if len(a.Deployments)+len(a.StatefulSets)+len(a.DaemonSets)+len(a.Services)+len(a.Claims) == 0 {
		return nil, fmt.Errorf("namespace %s holds no workload, Service or claim, or is not there: name the namespace of an application", namespace)
	}
	schedules, err := c.Kymaros.VeleroV1().Schedules(velero).List(ctx, metav1.ListOptions{})
	if err != nil && !apierrors.IsForbidden(err) && !apierrors.IsNotFound(err) {
		return nil, fmt.Errorf("list schedules of Velero: %w", err)
	}
	if err == nil {
		for i := range schedules.Items {
			a.Schedules = append(a.Schedules, &schedules.Items[i])
		}
	}
	return a, nil
}

// create creates the policy and then the test, which runs at once.
func create(ctx context.Context, f *client.Factory, c client.Clients, plan Plan, namespace string) error {
	rt, policy := plan.Objects(namespace)
	api := c.Kymaros.RestoreV1alpha1()
	if _, err := api.HealthCheckPolicies(namespace).Create(ctx, policy, metav1.CreateOptions{}); err != nil {
		return fmt.Errorf("create HealthCheckPolicy %s: %w", policy.Name, err)
	}
	if _, err := api.RestoreTests(namespace).Create(ctx, rt, metav1.CreateOptions{}); err != nil {
		return fmt.Errorf("create RestoreTest %s: %w", rt.Name, err)
	}
	_, err := fmt.Fprintf(f.IOStreams.Out, "created HealthCheckPolicy and RestoreTest %s in namespace %s; it runs now\nkubectl kymaros run %s -n %s --follow\n", rt.Name, namespace, rt.Name, namespace)
	return err
}
