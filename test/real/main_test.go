// Package real tests the product with storage as clusters have it: volumes of a CSI driver, whose snapshots Velero takes or whose data
// its data mover carries to the object store. It takes a cluster of its own, with the usual Velero or with another.
package real

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"slices"
	"testing"
	"time"

	velerov1 "github.com/vmware-tanzu/velero/pkg/apis/velero/v1"

	"github.com/kymaros/kymaros/test/e2e/stage"
)

var veleroVersion = flag.String("velero", "", "another version of Velero, one of test/cluster/mods/velero-*")

// cluster is that of all tests. They run one after another, so that each can tell whether anything is left of it.
var cluster *stage.Cluster

// Shops: one whose volume was made at once, one whose volume waited for its pod, and one whose volume stays when its claim goes.
var shop, late, kept string

// Backups. Of lost and emptied the storage has no snapshot any more, or one without its files. The class of snapshots that classGone
// was made with is gone since; while classless was made no class was marked for Velero. InFiles is a file-system backup, and half of both is.
var inFiles, both, bySnapshot, byMover, toStay, ofLate, movedLate, ofKept, lost, emptied, classGone, classless string

func TestMain(m *testing.M) {
	flag.Parse()
	code, err := run(m)
	if err != nil {
		fmt.Fprintf(os.Stderr, "real: %v\n", err)
		code = 1
	}
	os.Exit(code)
}

func run(m *testing.M) (code int, err error) {
	ctx := context.Background()
	began := time.Now()
	flags := []string{"--csi"}
	if *veleroVersion != "" {
		flags = append(flags, "--velero", *veleroVersion)
	}
	if cluster, err = stage.Up(ctx, flags...); err != nil {
		return 1, err
	}
	// Velero itself waits ten minutes for a claim that is not bound, before a Restore ends.
	cluster.Patience = 15 * time.Minute
	fmt.Printf("cluster and controller ready after %v\n", time.Since(began).Round(time.Second))
	defer func() { err = errors.Join(err, tearDown(ctx)) }()
	if err := setUp(ctx); err != nil {
		return 1, fmt.Errorf("set up: %w", err)
	}
	fmt.Printf("shops and backups ready after %v\n", time.Since(began).Round(time.Second))
	code = m.Run()
	return code, cluster.NothingDenied(began)
}

// backups are all of them, in the order in which they are made.
var backups = []struct {
	name   *string
	as     string
	source *string
	also   *string                      // another source
	files  bool                         // of late, so that the files of its volume are backed up
	moved  bool                         // by the data mover
	class  string                       // of snapshots, if not the usual one
	then   func(directory string) error // done to its snapshot
}{
	{name: &bySnapshot, as: "snapshot", source: &shop},
	{name: &byMover, as: "mover", source: &shop, moved: true},
	{name: &toStay, as: "to-stay", source: &shop, class: stage.SnapshotRetainClass},
	{name: &ofLate, as: "late", source: &late},
	{name: &movedLate, as: "moved-late", source: &late, moved: true},
	{name: &ofKept, as: "kept", source: &kept},
	{name: &lost, as: "lost", source: &shop, then: stage.LoseSnapshot},
	{name: &emptied, as: "emptied", source: &shop, then: stage.EmptySnapshot},
	{name: &classGone, as: "class-gone", source: &shop, class: passingClass},
	{name: &classless, as: "classless", source: &shop},
	{name: &inFiles, as: "files", source: &late, files: true},
	{name: &both, as: "both", source: &shop, also: &late, files: true},
}

func setUp(ctx context.Context) error {
	shop, late, kept = cluster.Name("shop"), cluster.Name("late"), cluster.Name("kept")
	if err := cluster.CreateNamespace(ctx, cluster.Tests); err != nil {
		return err
	}
	for namespace, class := range map[string]string{shop: stage.CSIClass, late: stage.CSILateClass, kept: stage.CSIRetainClass} {
		if err := cluster.OpenShop(ctx, namespace, class); err != nil {
			return err
		}
		if err := cluster.Order(ctx, namespace, stage.Orders); err != nil {
			return err
		}
	}
	if err := snapshotOfProduction(ctx, shop); err != nil {
		return err
	}
	if err := errors.Join(createPassingClass(ctx), markClass(ctx, true)); err != nil { // the second: a run that was cut off
		return err
	}
	for i := range backups {
		if err := backUp(ctx, i); err != nil {
			return err
		}
	}
	errs := []error{deletePassingClass(ctx)}
	for _, namespace := range []string{shop, late, kept} {
		errs = append(errs, cluster.Order(ctx, namespace, stage.ProductionOrders))
	}
	return errors.Join(errs...)
}

func backUp(ctx context.Context, i int) (err error) {
	before, err := cluster.SnapshotDirectories()
	if err != nil {
		return err
	}
	b := &backups[i]
	*b.name = cluster.Name(b.as)
	order := stage.NewBackup(*b.name, *b.source)
	order.Spec.SnapshotMoveData = &b.moved
	if b.also != nil {
		order.Spec.IncludedNamespaces = append(order.Spec.IncludedNamespaces, *b.also)
	}
	if b.files {
		if err := markFiles(ctx, `"data"`); err != nil {
			return err
		}
		defer func() { err = errors.Join(err, markFiles(ctx, "null")) }()
	}
	phase := velerov1.BackupPhaseCompleted
	if b.class != "" {
		order.Annotations = map[string]string{"velero.io/csi-volumesnapshot-class_" + stage.CSIDriver: b.class}
	}
	if b.name == &classless {
		phase = velerov1.BackupPhasePartiallyFailed
		if err := markClass(ctx, false); err != nil {
			return err
		}
		defer func() { err = errors.Join(err, markClass(ctx, true)) }()
	}
	if err := cluster.BackUp(ctx, stage.RunTimeout, order, phase); err != nil {
		return err
	}
	if b.then == nil {
		return nil
	}
	after, err := cluster.SnapshotDirectories()
	if err != nil {
		return err
	}
	made := slices.DeleteFunc(after, func(directory string) bool { return slices.Contains(before, directory) })
	if len(made) != 1 {
		return fmt.Errorf("backup %s made snapshots %q", *b.name, made)
	}
	return b.then(made[0])
}

// tearDown deletes what setUp made. RestoreTests are gone by then: each test deletes its own.
func tearDown(ctx context.Context) error {
	var errs []error
	for _, b := range backups {
		if *b.name != "" {
			errs = append(errs, cluster.DeleteBackup(ctx, *b.name))
		}
	}
	return errors.Join(append(errs, cluster.DeleteNamespaces(ctx, cluster.Tests, shop, late, kept))...)
}
