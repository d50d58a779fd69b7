// Package surroundings tests the product in a cluster that its administrators have set up otherwise than most: another domain, two IP
// families, Pod Security and priority classes for who asks for none, policies that change what is created, a service mesh. It takes a
// cluster of its own.
package surroundings

import (
	"context"
	"embed"
	"errors"
	"flag"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/kymaros/kymaros/test/e2e/stage"
)

// domain is what names of Services end with.
const domain = "k8s.example"

//go:embed testdata
var files embed.FS

// cluster is that of all tests. They run one after another, since each has something be there for all of the cluster.
var cluster *stage.Cluster

// Namespaces of production, and the backup of each, of the same name.
var db, web, plain, meshed string

func TestMain(m *testing.M) {
	flag.Parse()
	code, err := run(m)
	if err != nil {
		fmt.Fprintf(os.Stderr, "surroundings: %v\n", err)
		code = 1
	}
	os.Exit(code)
}

func run(m *testing.M) (code int, err error) {
	ctx := context.Background()
	began := time.Now()
	if cluster, err = stage.Up(ctx, "--domain", domain, "--pod-security", "restricted", "--dual-stack"); err != nil {
		return 1, err
	}
	fmt.Printf("cluster and controller ready after %v\n", time.Since(began).Round(time.Second))
	defer func() { err = errors.Join(err, tearDown(ctx)) }()
	if err := setUp(ctx); err != nil {
		return 1, fmt.Errorf("set up: %w", err)
	}
	code = m.Run()
	return code, cluster.NothingDenied(began)
}

func setUp(ctx context.Context) error {
	if err := resolvers(ctx); err != nil {
		return err
	}
	if err := cluster.CreateNamespace(ctx, cluster.Tests); err != nil {
		return err
	}
	db, web, plain, meshed = cluster.Name("db"), cluster.Name("web"), cluster.Name("plain"), cluster.Name("meshed")
	for _, app := range []stage.App{{File: "web.yaml", Namespace: db}, {File: "web.yaml", Namespace: web, Peer: db, Domain: "." + domain}} {
		if err := cluster.Deploy(ctx, app); err != nil {
			return err
		}
	}
	for _, namespace := range []string{db, web} {
		if err := cluster.AwaitPods(ctx, namespace, 2); err != nil {
			return err
		}
	}
	return cluster.Backup(ctx, web, db, web)
}

func tearDown(ctx context.Context) error {
	errs := []error{cluster.DeleteNamespaces(ctx, cluster.Tests, db, web, plain, meshed)}
	for _, backup := range []string{web, plain, meshed} {
		if err := cluster.DeleteBackup(ctx, backup); err != nil && !strings.Contains(err.Error(), "not found") {
			errs = append(errs, err)
		}
	}
	return errors.Join(errs...)
}

// apply creates what a file of testdata says, with each of the words in place of the one before it, until t ends.
func apply(t *testing.T, file string, replace ...string) {
	t.Helper()
	content, err := files.ReadFile("testdata/" + file)
	must(t, err)
	text := strings.NewReplacer(replace...).Replace(string(content))
	t.Cleanup(func() {
		if _, err := cluster.Kubectl(context.WithoutCancel(t.Context()), strings.NewReader(text), "delete", "--ignore-not-found", "-f", "-"); err != nil {
			t.Error(err)
		}
	})
	_, err = cluster.Kubectl(t.Context(), strings.NewReader(text), "apply", "-f", "-")
	must(t, err)
}

// inForce waits until policies put those words into a manifest: they are in force some time after they were made.
func inForce(t *testing.T, words, manifest string) {
	t.Helper()
	stage.Until(t, 30*time.Second, func(ctx context.Context) error {
		made, err := cluster.Kubectl(ctx, strings.NewReader(manifest), "create", "--dry-run=server", "-o", "yaml", "-f", "-")
		if err == nil && !strings.Contains(made, words) {
			err = fmt.Errorf("no %s in\n%s", words, made)
		}
		return err
	})
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
