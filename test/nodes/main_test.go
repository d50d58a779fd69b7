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
	return code, nothingDenied(began)
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
