package cluster

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"

	"github.com/kymaros/kymaros/test/cluster/controlplane"
)

// usable returns what still keeps a test from using the cluster.
func (c *Cluster) usable(ctx context.Context, client kubernetes.Interface, o Options) error {
	nodes := c.nodes(o.Nodes)
	for _, n := range nodes {
		if err := n.ready(ctx, client); err != nil {
			return err
		}
	}
	if o.CSI {
		if err := c.first().registered(ctx, client); err != nil {
			return err
		}
	}
	for _, d := range []struct{ namespace, name string }{{"velero", "velero"}, {"local-path-storage", "local-path-provisioner"}} {
		got, err := client.AppsV1().Deployments(d.namespace).Get(ctx, d.name, metav1.GetOptions{})
		if err != nil {
			return err
		}
		if got.Status.ReadyReplicas == 0 {
			return fmt.Errorf("deployment %s/%s has no ready pod", d.namespace, d.name)
		}
	}
	agent, err := client.AppsV1().DaemonSets("velero").Get(ctx, "node-agent", metav1.GetOptions{})
	if err != nil {
		return err
	}
	if ready := int(agent.Status.NumberReady); ready < len(nodes) {
		return fmt.Errorf("daemon set velero/node-agent has %d ready pods on %d nodes", ready, len(nodes))
	}
	if _, err := client.CoreV1().ServiceAccounts("default").Get(ctx, "default", metav1.GetOptions{}); err != nil {
		return err
	}
	return backupLocationAvailable(ctx, client)
}

func (n node) ready(ctx context.Context, client kubernetes.Interface) error {
	node, err := client.CoreV1().Nodes().Get(ctx, n.name(), metav1.GetOptions{})
	if err != nil {
		return err
	}
	for _, c := range node.Status.Conditions {
		if c.Type == corev1.NodeReady && c.Status == corev1.ConditionTrue {
			return nil
		}
	}
	return fmt.Errorf("node %s is not ready", n.name())
}

func backupLocationAvailable(ctx context.Context, client kubernetes.Interface) error {
	content, err := client.Discovery().RESTClient().Get().
		AbsPath("/apis/velero.io/v1/namespaces/velero/backupstoragelocations/default").DoRaw(ctx)
	if err != nil {
		return err
	}
	var location struct{ Status struct{ Phase string } }
	if err := json.Unmarshal(content, &location); err != nil {
		return err
	}
	if location.Status.Phase != "Available" {
		return fmt.Errorf("backup location: phase %q", location.Status.Phase)
	}
	return nil
}

// upFile says from which programs the cluster was started, once it has been usable.
func (c *Cluster) upFile() string { return c.path("up") }

// healthy returns why the cluster has to be started, or nil if it runs with these options.
func (c *Cluster) healthy(ctx context.Context, o Options) error {
	bin, err := os.ReadFile(c.upFile())
	if err != nil {
		return c.notUp()
	}
	if string(bin) != c.Bin {
		return errors.New("it was started from other versions")
	}
	if has, err := c.options(); err != nil {
		return err
	} else if has != o {
		return fmt.Errorf("it was started %v, not %v", has, o)
	}
	for _, n := range c.nodes(o.Nodes) {
		if err := n.ended(); err != nil {
			return err
		}
		if runs, err := n.runs(proxyName); err != nil {
			return err
		} else if !runs {
			return fmt.Errorf("%s has lost its power", n.name())
		}
	}
	client, err := controlplane.Client(c.Kubeconfig())
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	if err := controlplane.Ready(client)(ctx); err != nil {
		return err
	}
	for _, n := range c.nodes(o.Nodes) {
		if err := n.ready(ctx, client); err != nil {
			return err
		}
	}
	return nil
}
