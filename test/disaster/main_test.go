// Package disaster tests what a backup is for: the cluster that it was made in is gone, and another one has the bucket, with other
// names for storage classes and nodes. It takes two clusters of its own, one after the other.
package disaster

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/kymaros/kymaros/test/e2e/stage"
)

// location is what the second cluster calls the bucket; class, pool and registry are what only the first has.
const (
	location = "elsewhere"
	class    = "gp3"
	pool     = "blue"
	registry = "old.example/team"
	webImage = registry + "/demo-web:1"
)

var (
	// cluster is the second one.
	cluster *stage.Cluster
	// shop was in the first, and backup is of it.
	shop, backup string
	// bucket is the directory of what is left of the first, and stop ends who serves it to the second.
	bucket string
	stop   func()
)

func TestMain(m *testing.M) {
	flag.Parse()
	code, err := run(m)
	if err != nil {
		fmt.Fprintf(os.Stderr, "disaster: %v\n", err)
		code = 1
	}
	os.Exit(code)
}

func run(m *testing.M) (code int, err error) {
	ctx := context.Background()
	dir, err := os.MkdirTemp("", "kymaros-disaster-")
	if err != nil {
		return 1, err
	}
	defer os.RemoveAll(dir)
	bucket = filepath.Join(dir, "s3")
	name := os.Getenv("KYMAROS_CLUSTER")
	began := time.Now()
	if err := first(ctx, name+"-first"); err != nil {
		return 1, fmt.Errorf("the first cluster: %w", err)
	}
	fmt.Printf("the first cluster is gone after %v\n", time.Since(began).Round(time.Second))
	if err := os.Setenv("KYMAROS_CLUSTER", name); err != nil {
		return 1, err
	}
	if cluster, err = stage.Up(ctx); err != nil {
		return 1, err
	}
	defer func() { err = errors.Join(err, tearDown(ctx)) }()
	up := time.Now()
	if err := errors.Join(cluster.CreateNamespace(ctx, cluster.Tests), cluster.Apply(ctx, "manifests/mappings")); err != nil {
		return 1, err
	}
	if err := serve(ctx, false); err != nil {
		return 1, err
	}
	fmt.Printf("the second cluster has found the backup after %v\n", time.Since(began).Round(time.Second))
	code = m.Run()
	return code, cluster.NothingDenied(up)
}

// first makes a cluster with a shop, backs the shop up, and ends the cluster. Its bucket stays.
func first(ctx context.Context, name string) (err error) {
	if err := os.Setenv("KYMAROS_CLUSTER", name); err != nil {
		return err
	}
	c, err := stage.Start(ctx)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, c.Down(ctx)) }()
	shop, backup = c.Name("shop"), c.Name("nightly")
	if err := c.CopyDefaultClass(ctx, class); err != nil {
		return err
	}
	node := fmt.Appendf(nil, `{"metadata":{"labels":{"pool":%q}}}`, pool)
	if _, err := c.Kube.CoreV1().Nodes().Patch(ctx, stage.NodeName(1), types.MergePatchType, node, metav1.PatchOptions{}); err != nil {
		return err
	}
	if err := c.OpenShop(ctx, shop, class); err != nil {
		return err
	}
	if err := c.WebImage(ctx, webImage); err != nil {
		return err
	}
	ofHere := fmt.Appendf(nil, `{"spec":{"template":{"spec":{"nodeSelector":{"pool":%q},"containers":[{"name":"web","image":%q}]}}}}`, pool, webImage)
	if _, err := c.Kube.AppsV1().Deployments(shop).Patch(ctx, "web", types.StrategicMergePatchType, ofHere, metav1.PatchOptions{}); err != nil {
		return err
	}
	if err := errors.Join(c.AwaitRollout(ctx, shop, "web"), c.Order(ctx, shop, stage.Orders)); err != nil {
		return err
	}
	if err := c.Backup(ctx, backup, shop); err != nil {
		return err
	}
	out, err := exec.CommandContext(ctx, "cp", "-a", filepath.Join(c.Dir, "s3"), bucket).CombinedOutput()
	if err != nil {
		return fmt.Errorf("%w: %s", err, out)
	}
	return nil
}

// serve serves the bucket to the second cluster, in place of who does, and waits until Velero has found the backup in it.
func serve(ctx context.Context, readOnly bool) error {
	known, began := stop != nil, time.Now()
	if known {
		stop()
	}
	address, end, err := cluster.ServeBuckets(context.WithoutCancel(ctx), bucket, readOnly)
	if err != nil {
		return err
	}
	stop = end
	if !known {
		if err := cluster.Location(ctx, location, address); err != nil {
			return err
		}
	}
	if err := cluster.AwaitLocation(ctx, location, began); err != nil {
		return err
	}
	return cluster.AwaitBackup(ctx, backup, location)
}

func tearDown(ctx context.Context) error {
	err := cluster.DeleteNamespaces(ctx, cluster.Tests)
	if stop != nil {
		stop()
	}
	return errors.Join(err, cluster.Down(ctx))
}
