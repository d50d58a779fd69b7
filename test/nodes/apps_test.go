package nodes

import (
	"context"
	"errors"
	"testing"

	"github.com/kymaros/kymaros/test/e2e/stage"
)

// application is one of production. The first test that needs it deploys it and backs it up.
type application struct {
	namespace, backup string // "" until then
	name              string
	on                []string // the nodes on which it is
	deploy            func(ctx context.Context, namespace string) error
	// after the backup production goes on.
	after func(ctx context.Context, namespace string) error
	err   error
}

// Of web nothing is on the nodes that tests lose, of shop not on the last: what happens to pods of production there is not Kymaros' doing.
var (
	spread = application{name: "spread", on: []string{first, second, third}, deploy: func(ctx context.Context, namespace string) error {
		return deploy(ctx, "spread.yaml", namespace, count)
	}}
	web = application{name: "web", on: []string{first}, deploy: func(ctx context.Context, namespace string) error {
		return deploy(ctx, "web.yaml", namespace, 2)
	}}
	shop = application{name: "shop", on: []string{second}, deploy: func(ctx context.Context, namespace string) error {
		if err := cluster.OpenShop(ctx, namespace, ""); err != nil {
			return err
		}
		return cluster.Order(ctx, namespace, stage.Orders)
	}, after: func(ctx context.Context, namespace string) error {
		return cluster.Order(ctx, namespace, stage.ProductionOrders)
	}}
)

// ready has the application and its backup be there, or fails t, and fails t too if anything of it differs when t ends.
func (a *application) ready(t *testing.T) {
	t.Helper()
	if a.namespace == "" {
		a.namespace, a.backup = cluster.Name(a.name), cluster.Name(a.name)
		a.err = a.setUp(context.WithoutCancel(t.Context()))
	}
	must(t, a.err)
	cluster.Untouched(t, a.namespace)
}

func (a *application) setUp(ctx context.Context) error {
	if err := cluster.Only(ctx, a.on...); err != nil {
		return err
	}
	if err := errors.Join(a.deploy(ctx, a.namespace), cluster.Anywhere(ctx)); err != nil {
		return err
	}
	if err := cluster.Backup(ctx, a.backup, a.namespace); err != nil || a.after == nil {
		return err
	}
	return a.after(ctx, a.namespace)
}

// deploy deploys the application of a file, of so many pods.
func deploy(ctx context.Context, file, namespace string, pods int) error {
	if err := cluster.Deploy(ctx, stage.App{File: file, Namespace: namespace}); err != nil {
		return err
	}
	return cluster.AwaitPods(ctx, namespace, pods)
}
