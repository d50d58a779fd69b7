// Package bench measures the product as it is installed: how fast a run is, and what the controller costs while nothing is
// due. It prints figures and asserts none: they depend on the machine.
package bench

import (
	"context"
	"errors"
	"fmt"
	"os"
	"testing"

	"github.com/kymaros/kymaros/test/e2e/stage"
)

var (
	cluster *stage.Cluster
	shop    stage.Shop
)

func TestMain(m *testing.M) {
	code, err := run(m)
	if err != nil {
		fmt.Fprintf(os.Stderr, "bench: %v\n", err)
		code = 1
	}
	os.Exit(code)
}

func run(m *testing.M) (code int, err error) {
	ctx := context.Background()
	cluster, err = stage.Up(ctx)
	if err != nil {
		return 1, err
	}
	defer func() {
		err = errors.Join(err, cluster.DeleteBackup(ctx, shop.Full), cluster.DeleteBackup(ctx, shop.Short),
			cluster.DeleteNamespaces(ctx, cluster.Tests, shop.Namespace))
	}()
	if err := cluster.CreateNamespace(ctx, cluster.Tests); err != nil {
		return 1, err
	}
	shop, err = cluster.DeployShop(ctx)
	if err != nil {
		return 1, fmt.Errorf("deploy the shop: %w", err)
	}
	return m.Run(), nil
}
