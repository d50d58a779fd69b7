package stage

import (
	"context"
	"fmt"
	"strconv"
	"strings"

	"github.com/kymaros/kymaros/pkg/apis/restore/v1alpha1"
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

// CountOrders passes when the restored database of a shop has that many orders.
func CountOrders(want int64) v1alpha1.HealthCheck {
	return v1alpha1.HealthCheck{Name: "all-orders-are-back", Type: v1alpha1.CheckExec, Exec: &v1alpha1.ExecCheck{
		PodSelector: map[string]string{"app": "db"}, Container: "postgres",
		Command: []string{"psql", "-U", "postgres", "-d", "shop", "-tAc", "SELECT count(*) FROM orders"},
		Expect:  &v1alpha1.Expectation{Integer: &v1alpha1.IntegerExpectation{Operator: "eq", Value: want}},
	}}
}

// DeployShop deploys the shop, and backs it up.
func (c *Cluster) DeployShop(ctx context.Context) (Shop, error) {
	s := Shop{Namespace: c.Name("shop"), Full: c.Name("shop-full"), Short: c.Name("shop-short")}
	if err := c.OpenShop(ctx, s.Namespace, ""); err != nil {
		return s, err
	}
	for _, stock := range []struct {
		orders int
		backup string
	}{{FewerOrders, s.Short}, {Orders, s.Full}, {ProductionOrders, ""}} {
		if err := c.Order(ctx, s.Namespace, stock.orders); err != nil {
			return s, err
		}
		if stock.backup != "" {
			if err := c.Backup(ctx, stock.backup, s.Namespace); err != nil {
				return s, err
			}
		}
	}
	return s, nil
}

// OpenShop deploys a shop without any order. Its volume is of that storage class, "" for the default one.
func (c *Cluster) OpenShop(ctx context.Context, namespace, class string) error {
	if err := c.Deploy(ctx, App{File: "shop.yaml", Namespace: namespace, Class: class}); err != nil {
		return err
	}
	if err := c.AwaitPods(ctx, namespace, 3); err != nil {
		return err
	}
	return c.order(ctx, namespace, "CREATE TABLE orders (id int PRIMARY KEY, article text, cents int)", 0)
}

// Order brings the shop to that many orders.
func (c *Cluster) Order(ctx context.Context, namespace string, total int) error {
	insert := fmt.Sprintf("INSERT INTO orders SELECT n, md5(n::text), n * 7 %% 1000 FROM generate_series(1 + (SELECT count(*) FROM orders), %d) n", total)
	return c.order(ctx, namespace, insert, total)
}

// order changes the orders of a shop and makes sure of their number, on disk.
func (c *Cluster) order(ctx context.Context, namespace, change string, want int) error {
	out, err := c.Exec(ctx, namespace, "db-0", "psql", "-U", "postgres", "-d", "shop", "-v", "ON_ERROR_STOP=1", "-qtA",
		"-c", change, "-c", "CHECKPOINT", "-c", "SELECT count(*) FROM orders")
	if err != nil {
		return err
	}
	if got, err := strconv.Atoi(strings.TrimSpace(out)); err != nil || got != want {
		return fmt.Errorf("shop %s has %q orders, want %d", namespace, out, want)
	}
	return nil
}
