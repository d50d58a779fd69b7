package stage

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
)

// NodeName is the name of the node of a cluster with that number. The first has the control plane and the stores beside it.
func NodeName(number int) string { return "node" + strconv.Itoa(number) }

// Power takes the power from a node other than the first, at once, or gives it back: stop or start.
func (c *Cluster) Power(ctx context.Context, command string, node int) error {
	return c.command(ctx, "test/cluster/run.sh", "node", command, strconv.Itoa(node))
}

// EnforcePoliciesOn starts or stops what enforces NetworkPolicies on one node.
func (c *Cluster) EnforcePoliciesOn(ctx context.Context, node int, enforce bool) error {
	command := "stop"
	if enforce {
		command = "start"
	}
	return c.command(ctx, "test/cluster/run.sh", "netpol", command, "--node", strconv.Itoa(node))
}

// Only has the scheduler put new pods onto these nodes and no others, but for those of DaemonSets.
func (c *Cluster) Only(ctx context.Context, names ...string) error {
	return c.schedule(ctx, func(name string) bool { return slices.Contains(names, name) })
}

// Anywhere has it put them onto all nodes.
func (c *Cluster) Anywhere(ctx context.Context) error {
	return c.schedule(ctx, func(string) bool { return true })
}

func (c *Cluster) schedule(ctx context.Context, onto func(name string) bool) error {
	nodes, err := c.Kube.CoreV1().Nodes().List(ctx, metav1.ListOptions{})
	if err != nil {
		return err
	}
	var errs []error
	for _, n := range nodes.Items {
		if n.Spec.Unschedulable == !onto(n.Name) {
			continue
		}
		patch := fmt.Appendf(nil, `{"spec":{"unschedulable":%t}}`, !onto(n.Name))
		_, err := c.Kube.CoreV1().Nodes().Patch(ctx, n.Name, types.StrategicMergePatchType, patch, metav1.PatchOptions{})
		errs = append(errs, err)
	}
	return errors.Join(errs...)
}

// AwaitNode waits until a node is ready, or until the cluster has noticed that it is not.
func (c *Cluster) AwaitNode(ctx context.Context, name string, ready bool) error {
	return Poll(ctx, 3*time.Minute, func(ctx context.Context) error {
		n, err := c.Kube.CoreV1().Nodes().Get(ctx, name, metav1.GetOptions{})
		if err != nil {
			return err
		}
		is := false
		for _, condition := range n.Status.Conditions {
			is = is || condition.Type == corev1.NodeReady && condition.Status == corev1.ConditionTrue
		}
		if is != ready {
			return fmt.Errorf("node %s: ready %t, want %t", name, is, ready)
		}
		return nil
	})
}
