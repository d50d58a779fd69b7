package stage

import (
	"context"
	"fmt"
	"strconv"
	"strings"
)

// Shop is the application of testdata/shop.yaml, with two backups of it.
type Shop struct {
	Namespace string
	// Full is the backup with Orders rows in table orders, Short one from before the last of them came.
	Full, Short string
}

// Rows of table orders. Production goes on after the backups, so that only a database which came out of a backup has
// Orders or FewerOrders of them.
const (
	Orders           = 50_000
	FewerOrders      = 49_000
	ProductionOrders = 50_123
)

// DeployShop deploys the shop, and backs it up.
func (c *Cluster) DeployShop(ctx context.Context) (Shop, error) {
	s := Shop{Namespace: c.Name("shop"), Full: c.Name("shop-full"), Short: c.Name("shop-short")}
	if err := c.Deploy(ctx, App{File: "shop.yaml", Namespace: s.Namespace}); err != nil {
		return s, err
	}
	if err := c.AwaitPods(ctx, s.Namespace, 3); err != nil {
		return s, err
	}
	if err := c.order(ctx, s, "CREATE TABLE orders (id int PRIMARY KEY, article text, cents int)", 0); err != nil {
		return s, err
	}
	have := 0
	for _, stock := range []struct {
		orders int
		backup string
	}{{FewerOrders, s.Short}, {Orders, s.Full}, {ProductionOrders, ""}} {
		insert := fmt.Sprintf("INSERT INTO orders SELECT n, md5(n::text), n * 7 %% 1000 FROM generate_series(%d, %d) n", have+1, stock.orders)
		if err := c.order(ctx, s, insert, stock.orders); err != nil {
			return s, err
		}
		have = stock.orders
		if stock.backup != "" {
			if err := c.Backup(ctx, stock.backup, s.Namespace); err != nil {
				return s, err
			}
		}
	}
	return s, nil
}

// order changes the orders of the shop and makes sure of their number, on disk.
func (c *Cluster) order(ctx context.Context, s Shop, change string, want int) error {
	out, err := c.Exec(ctx, s.Namespace, "db-0", "psql", "-U", "postgres", "-d", "shop", "-v", "ON_ERROR_STOP=1", "-qtA",
		"-c", change, "-c", "CHECKPOINT", "-c", "SELECT count(*) FROM orders")
	if err != nil {
		return err
	}
	if got, err := strconv.Atoi(strings.TrimSpace(out)); err != nil || got != want {
		return fmt.Errorf("shop %s has %q orders, want %d", s.Namespace, out, want)
	}
	return nil
}
