// Package nodes tests the product on a cluster of several nodes: what holds on one may not on another, and a node may go away while a
// run is under way. It takes a cluster of its own.
package nodes

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"testing"
	"time"

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
	fmt.Printf("cluster and controller ready after %v\n", time.Since(began).Round(time.Second))
	defer func() { err = errors.Join(err, tearDown(ctx)) }()
	if err := cluster.CreateNamespace(ctx, cluster.Tests); err != nil {
		return 1, err
	}
	code = m.Run()
	return code, cluster.NothingDenied(began)
}

// tearDown deletes what tests have deployed. RestoreTests are gone by then: each test deletes its own.
func tearDown(ctx context.Context) error {
	errs := []error{cluster.Anywhere(ctx)}
	namespaces := []string{cluster.Tests}
	for _, a := range []*application{&spread, &web, &shop} {
		if a.namespace == "" {
			continue
		}
		namespaces = append(namespaces, a.namespace)
		errs = append(errs, ignoreNotFound(cluster.DeleteBackup(ctx, a.backup)))
	}
	return errors.Join(append(errs, cluster.DeleteNamespaces(ctx, namespaces...))...)
}
