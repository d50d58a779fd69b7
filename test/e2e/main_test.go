// Package e2e tests the product as it is installed: on a real node, with a real Velero, a real object store and a real
// database.
//
// One cluster, one set of applications and three backups serve all tests. Tests that stop Velero or the controller run one
// after another first; all others run in parallel and queue for Velero, as tests in production do.
package e2e

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"sync"
	"testing"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/kymaros/kymaros/pkg/velero"
	"github.com/kymaros/kymaros/test/e2e/stage"
)

// What all tests share; TestMain sets it.
var (
	cluster *stage.Cluster
	shop    stage.Shop

	// Namespaces of applications, and a namespace that is nobody's sandbox.
	web, noImage, ledger, gone, storeDB, storeWeb, taken string
	// Backups: of all applications but the shop; and two of web, for tests that delete one.
	appsBackup, spareBackup, sparestBackup string
)

var veleroVersion = flag.String("velero", "", "another version of Velero, one of test/cluster/mods/velero-*")

// cancelsFiles tells whether that Velero can be asked to give up what it restores of files; the usual one can.
func cancelsFiles() bool { return velero.CancelsFiles(velero.VersionOf("velero:v" + *veleroVersion)) }

// slow leaves t out with -short.
func slow(t *testing.T) {
	t.Helper()
	if testing.Short() {
		t.Skip("slow; make test-e2e runs it")
	}
}

// parallel is how many tests run at a time. They wait for Velero, most of the time.
const parallel = "6"

func TestMain(m *testing.M) {
	flag.Parse()
	if err := flag.Set("test.parallel", parallel); err != nil {
		panic(err)
	}
	code, err := run(m)
	if err != nil {
		fmt.Fprintf(os.Stderr, "e2e: %v\n", err)
		code = 1
	}
	os.Exit(code)
}

func run(m *testing.M) (code int, err error) {
	ctx := context.Background()
	began := time.Now()
	var flags []string
	if *veleroVersion != "" {
		flags = append(flags, "--velero", *veleroVersion)
	}
	if cluster, err = stage.Up(ctx, flags...); err != nil {
		return 1, err
	}
	fmt.Printf("cluster and controller ready after %v\n", time.Since(began).Round(time.Second))
	defer func() { err = errors.Join(err, tearDown(ctx)) }()
	if err := setUp(ctx); err != nil {
		return 1, fmt.Errorf("set up: %w", err)
	}
	fmt.Printf("applications and backups ready after %v\n", time.Since(began).Round(time.Second))
	code = m.Run()
	return code, checkPermissions(began)
}

func setUp(ctx context.Context) error {
	names := []*string{&web, &noImage, &ledger, &gone, &storeDB, &storeWeb, &taken, &appsBackup, &spareBackup, &sparestBackup}
	for i, name := range []string{"web", "noimage", "ledger", "gone", "store-db", "store-web", "taken", "apps", "spare", "sparest"} {
		*names[i] = cluster.Name(name)
	}
	for _, ns := range []string{cluster.Tests, taken} {
		if err := cluster.CreateNamespace(ctx, ns); err != nil {
			return err
		}
	}
	var wg sync.WaitGroup
	var errs [2]error
	wg.Go(func() { shop, errs[0] = cluster.DeployShop(ctx) })
	wg.Go(func() { errs[1] = setUpApps(ctx) })
	wg.Wait()
	return errors.Join(errs[:]...)
}

func setUpApps(ctx context.Context) error {
	for _, app := range []stage.App{
		{File: "web.yaml", Namespace: web},
		{File: "noimage.yaml", Namespace: noImage},
		{File: "ledger.yaml", Namespace: ledger},
		{File: "web.yaml", Namespace: gone},
		{File: "web.yaml", Namespace: storeDB},
		{File: "web.yaml", Namespace: storeWeb, Peer: storeDB},
	} {
		if err := cluster.Deploy(ctx, app); err != nil {
			return err
		}
	}
	for namespace, pods := range map[string]int{web: 2, ledger: 1, gone: 2, storeDB: 2, storeWeb: 2} {
		if err := cluster.AwaitPods(ctx, namespace, pods); err != nil {
			return err
		}
	}
	for _, backup := range []struct {
		name string
		of   []string
	}{{appsBackup, []string{web, noImage, ledger, gone, storeDB, storeWeb}}, {spareBackup, []string{web}}, {sparestBackup, []string{web}}} {
		if err := cluster.Backup(ctx, backup.name, backup.of...); err != nil {
			return err
		}
	}
	return cluster.DeleteNamespaces(ctx, gone)
}

// tearDown deletes what setUp made. RestoreTests are gone by then: each test deletes its own.
func tearDown(ctx context.Context) error {
	var errs []error
	for _, name := range []string{shop.Full, shop.Short, appsBackup, spareBackup, sparestBackup} {
		if name != "" {
			errs = append(errs, cluster.DeleteBackup(ctx, name))
		}
	}
	errs = append(errs, cluster.DeleteNamespaces(ctx, cluster.Tests, cluster.Name("shop"), web, noImage, ledger, gone, storeDB, storeWeb, taken))
	return errors.Join(errs...)
}

func ignoreNotFound(err error) error {
	if apierrors.IsNotFound(err) {
		return nil
	}
	return err
}

var now = metav1.DeleteOptions{GracePeriodSeconds: new(int64)}
