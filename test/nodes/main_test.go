// Package nodes tests the product on a cluster of several nodes: what holds on one may not on another, and a node may go away while a
// run is under way. It takes a cluster of its own.
package nodes

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/kymaros/kymaros/pkg/canary"
	"github.com/kymaros/kymaros/test/audit"
	"github.com/kymaros/kymaros/test/e2e/stage"
)

// Nodes of the cluster. The first has what all tests need; the last is the one that tests lose.
const (
	count = 3
	last  = count
)

var first, second, third = stage.NodeName(1), stage.NodeName(2), stage.NodeName(3)

// cluster is that of all tests. They run one after another, since each does something to nodes.
var cluster *stage.Cluster

// Applications: one with a pod on each node, and two of which nothing is on the last node, with and without a volume.
var spread, web, shop string

// backups are of the application of that name.
var spreadBackup, webBackup, shopBackup string

func TestMain(m *testing.M) {
	flag.Parse()
	code, err := run(m)
	if err != nil {
		fmt.Fprintf(os.Stderr, "nodes: %v\n", err)
		code = 1
	}
	os.Exit(code)
}

func run(m *testing.M) (code int, err error) {
	ctx := context.Background()
	began := time.Now()
	if cluster, err = stage.Up(ctx, "--nodes", fmt.Sprint(count)); err != nil {
		return 1, err
	}
	// A namespace on a node that is lost does not go before the node is back, or is no node any more.
	cluster.Patience = 15 * time.Minute
	if err := gather(ctx); err != nil {
		return 1, fmt.Errorf("gather on %s: %w", first, err)
	}
	fmt.Printf("cluster and controller ready after %v\n", time.Since(began).Round(time.Second))
	defer func() { err = errors.Join(err, tearDown(ctx)) }()
	if err := setUp(ctx); err != nil {
		return 1, fmt.Errorf("set up: %w", err)
	}
	fmt.Printf("applications and backups ready after %v\n", time.Since(began).Round(time.Second))
	code = m.Run()
	return code, nothingDenied(began)
}

// gather has all that is not of a DaemonSet be on the first node, so that the others may be lost.
func gather(ctx context.Context) error {
	if err := cluster.Only(ctx, first); err != nil {
		return err
	}
	errs := []error{}
	for _, of := range []struct{ namespace, deployment string }{
		{stage.SystemNamespace, stage.Controller}, {stage.SystemNamespace, stage.Prober}, {stage.SystemNamespace, stage.DNS},
		{stage.SystemNamespace, stage.API}, {stage.SystemNamespace, stage.Notify},
		{stage.VeleroNamespace, "velero"}, {"local-path-storage", "local-path-provisioner"}, {canary.TargetNamespace, "canary-guide"},
	} {
		errs = append(errs, bring(ctx, of.namespace, of.deployment))
	}
	return errors.Join(append(errs, cluster.AwaitCanaries(ctx), cluster.Only(ctx, first, second, third))...)
}

// bring has a Deployment make its pods anew that are not on the first node.
func bring(ctx context.Context, namespace, deployment string) error {
	d, err := cluster.Kube.AppsV1().Deployments(namespace).Get(ctx, deployment, metav1.GetOptions{})
	if err != nil {
		return err
	}
	pods, err := cluster.Kube.CoreV1().Pods(namespace).List(ctx, metav1.ListOptions{LabelSelector: metav1.FormatLabelSelector(d.Spec.Selector)})
	if err != nil {
		return err
	}
	for _, p := range pods.Items {
		if p.Spec.NodeName == first {
			continue
		}
		if err := cluster.Kube.CoreV1().Pods(namespace).Delete(ctx, p.Name, metav1.DeleteOptions{}); err != nil {
			return err
		}
		err := stage.Poll(ctx, 2*time.Minute, func(ctx context.Context) error {
			_, err := cluster.Kube.CoreV1().Pods(namespace).Get(ctx, p.Name, metav1.GetOptions{})
			if err == nil {
				return fmt.Errorf("pod %s is still there", p.Name)
			}
			return ignoreNotFound(err)
		})
		if err != nil {
			return err
		}
	}
	return cluster.AwaitRollout(ctx, namespace, deployment)
}

func setUp(ctx context.Context) error {
	for name, as := range map[*string]string{&spread: "spread", &web: "web", &shop: "shop",
		&spreadBackup: "spread", &webBackup: "web", &shopBackup: "shop"} {
		*name = cluster.Name(as)
	}
	if err := cluster.CreateNamespace(ctx, cluster.Tests); err != nil {
		return err
	}
	if err := cluster.Deploy(ctx, stage.App{File: "spread.yaml", Namespace: spread}); err != nil {
		return err
	}
	if err := cluster.AwaitPods(ctx, spread, count); err != nil {
		return err
	}
	// Of production nothing is on the node that tests lose: what happens to pods there is not Kymaros' doing.
	if err := cluster.Only(ctx, first, second); err != nil {
		return err
	}
	if err := cluster.Deploy(ctx, stage.App{File: "web.yaml", Namespace: web}); err != nil {
		return err
	}
	if err := cluster.AwaitPods(ctx, web, 2); err != nil {
		return err
	}
	if err := cluster.Only(ctx, second); err != nil {
		return err
	}
	if err := cluster.OpenShop(ctx, shop, ""); err != nil {
		return err
	}
	if err := cluster.Order(ctx, shop, stage.Orders); err != nil {
		return err
	}
	for backup, of := range map[string]string{spreadBackup: spread, webBackup: web, shopBackup: shop} {
		if err := cluster.Backup(ctx, backup, of); err != nil {
			return err
		}
	}
	if err := cluster.Order(ctx, shop, stage.ProductionOrders); err != nil {
		return err
	}
	return cluster.Only(ctx, first, second, third)
}

// tearDown deletes what setUp made. RestoreTests are gone by then: each test deletes its own.
func tearDown(ctx context.Context) error {
	errs := []error{cluster.Only(ctx, first, second, third)}
	for _, name := range []string{spreadBackup, webBackup, shopBackup} {
		if name != "" {
			errs = append(errs, cluster.DeleteBackup(ctx, name))
		}
	}
	return errors.Join(append(errs, cluster.DeleteNamespaces(ctx, cluster.Tests, spread, web, shop))...)
}

// nothingDenied returns an error if anything that one of the manifests' ServiceAccounts asked for since then was denied.
func nothingDenied(since time.Time) error {
	log, err := os.Open(filepath.Join(cluster.Dir, "audit.log"))
	if err != nil {
		return err
	}
	defer log.Close()
	requests, err := audit.Read(log, []string{stage.SystemNamespace, canary.TargetNamespace}, since)
	if err != nil {
		return err
	}
	if denied := audit.Forbidden(requests); len(denied) > 0 {
		return fmt.Errorf("denied:\n\t%s", strings.Join(denied, "\n\t"))
	}
	return nil
}
