package stage

import (
	"bufio"
	"context"
	"fmt"
	"os/exec"
	"strings"
	"syscall"
	"time"

	velerov1 "github.com/vmware-tanzu/velero/pkg/apis/velero/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// Down ends the cluster, of which nothing is left.
func (c *Cluster) Down(ctx context.Context) error {
	return c.command(ctx, "test/cluster/run.sh", "down")
}

// ServeBuckets serves the buckets below dir to the cluster, beside its own object store, until stop is called.
func (c *Cluster) ServeBuckets(ctx context.Context, dir string, readOnly bool) (address string, stop func(), err error) {
	args := []string{"bucket"}
	if readOnly {
		args = append(args, "--read-only")
	}
	cmd := exec.CommandContext(ctx, "test/cluster/run.sh", append(args, dir)...)
	cmd.Dir = root
	out, err := cmd.StdoutPipe()
	if err != nil {
		return "", nil, err
	}
	if err := cmd.Start(); err != nil {
		return "", nil, err
	}
	lines := bufio.NewScanner(out)
	if !lines.Scan() {
		return "", nil, fmt.Errorf("%s: %w", cmd, cmd.Wait())
	}
	address = lines.Text()
	go func() {
		for lines.Scan() { // it logs every request
		}
	}()
	return address, func() {
		_ = cmd.Process.Signal(syscall.SIGTERM)
		_ = cmd.Wait()
	}, nil
}

// Location has Velero find the backups of a bucket at that address, in which it writes none.
func (c *Cluster) Location(ctx context.Context, name, address string) error {
	locations := c.Kymaros.VeleroV1().BackupStorageLocations(VeleroNamespace)
	own, err := locations.Get(ctx, "default", metav1.GetOptions{})
	if err != nil {
		return err
	}
	other := &velerov1.BackupStorageLocation{ObjectMeta: metav1.ObjectMeta{Namespace: VeleroNamespace, Name: name}, Spec: *own.Spec.DeepCopy()}
	other.Spec.Default, other.Spec.AccessMode = false, velerov1.BackupStorageLocationAccessModeReadOnly
	other.Spec.BackupSyncPeriod = &metav1.Duration{Duration: 5 * time.Second}
	other.Spec.ValidationFrequency = &metav1.Duration{Duration: 5 * time.Second}
	other.Spec.Config["s3Url"] = address
	_, err = locations.Create(ctx, other, metav1.CreateOptions{})
	return err
}

// AwaitLocation waits until Velero has found a location to be available since then.
func (c *Cluster) AwaitLocation(ctx context.Context, name string, since time.Time) error {
	return Poll(ctx, 3*time.Minute, func(ctx context.Context) error {
		l, err := c.Kymaros.VeleroV1().BackupStorageLocations(VeleroNamespace).Get(ctx, name, metav1.GetOptions{})
		if err != nil {
			return err
		}
		if s := l.Status; s.Phase != velerov1.BackupStorageLocationPhaseAvailable || s.LastValidationTime == nil || !s.LastValidationTime.After(since) {
			return fmt.Errorf("location %s is %s: %s", name, s.Phase, s.Message)
		}
		return nil
	})
}

// AwaitBackup waits until Velero has found a backup in a location.
func (c *Cluster) AwaitBackup(ctx context.Context, name, location string) error {
	return Poll(ctx, 3*time.Minute, func(ctx context.Context) error {
		b, err := c.Kymaros.VeleroV1().Backups(VeleroNamespace).Get(ctx, name, metav1.GetOptions{})
		if err == nil && b.Spec.StorageLocation != location {
			err = fmt.Errorf("backup %s is of location %s", name, b.Spec.StorageLocation)
		}
		if err != nil {
			return err
		}
		copies, err := c.Kymaros.VeleroV1().PodVolumeBackups(VeleroNamespace).List(ctx, metav1.ListOptions{LabelSelector: velerov1.BackupNameLabel + "=" + name})
		if err == nil && len(copies.Items) == 0 {
			err = fmt.Errorf("backup %s has no data yet: %s", name, strings.ToLower(string(b.Status.Phase)))
		}
		return err
	})
}
