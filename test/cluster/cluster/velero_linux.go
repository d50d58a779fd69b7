package cluster

import (
	"context"
	_ "embed"
	"fmt"
	"net"
	"os"
	"os/exec"
	"strconv"
	"strings"

	"github.com/kymaros/kymaros/test/cluster/controlplane"
	"github.com/kymaros/kymaros/test/cluster/images"
	"github.com/kymaros/kymaros/test/cluster/proc"
)

// Credentials and bucket of the object store, which only this cluster can reach.
const (
	s3Key    = "testkey"
	s3Secret = "testsecret"
	bucket   = "velero"
)

// objectStore is the name of its program.
const objectStore = "s3"

//go:embed storage.yaml
var storage string

func (c *Cluster) s3Address() string { return net.JoinHostPort(c.first().ip(), strconv.Itoa(s3Port)) }

// startS3 starts the object store. A bucket is a directory below the cluster's s3.
func (c *Cluster) startS3(ctx context.Context) error {
	if err := os.MkdirAll(c.path("s3", bucket), 0o755); err != nil {
		return err
	}
	address := c.s3Address()
	if err := c.start(proc.Program{Name: objectStore, Argv: []string{c.program("versitygw"),
		"--access", s3Key, "--secret", s3Secret, "--port", address, "posix", c.path("s3")}}); err != nil {
		return err
	}
	return c.until(ctx, "object store", controlplane.Listening(address))
}

// installVelero installs Velero with its node agent, and the object store as its default location.
func (c *Cluster) installVelero(ctx context.Context, o Options) error {
	program, image, err := c.velero(ctx, o)
	if err != nil {
		return err
	}
	err = c.writeFiles(map[string]string{
		"s3-credentials": fmt.Sprintf("[default]\naws_access_key_id=%s\naws_secret_access_key=%s\n", s3Key, s3Secret),
	})
	if err != nil {
		return err
	}
	args := []string{"install", "--kubeconfig", c.plane().AdminKubeconfig(),
		"--image", image, "--plugins", images.AWSPlugin,
		"--provider", "aws", "--bucket", bucket, "--secret-file", c.path("s3-credentials"),
		"--backup-location-config", "region=us-east-1,s3ForcePathStyle=true,s3Url=http://" + c.s3Address(),
		"--use-volume-snapshots=false", "--use-node-agent"}
	if o.CSI {
		args = append(args, "--features=EnableCSI")
	}
	// By default they ask for a whole processor, of which the node may have two.
	for _, pod := range []string{"velero", "node-agent"} {
		args = append(args, "--"+pod+"-pod-cpu-request=10m", "--"+pod+"-pod-mem-request=64Mi",
			"--"+pod+"-pod-cpu-limit=0", "--"+pod+"-pod-mem-limit=0")
	}
	out, err := exec.CommandContext(ctx, program, args...).CombinedOutput()
	if err != nil {
		return fmt.Errorf("velero install: %w\n%s", err, out)
	}
	return nil
}

// installStorage makes the default StorageClass.
func (c *Cluster) installStorage(ctx context.Context) error {
	manifest := strings.NewReplacer("VOLUMES", c.path("volumes"), "LOCAL_PATH_IMAGE", images.LocalPath, "BUSYBOX_IMAGE", images.Busybox).Replace(storage)
	return c.kubectl(ctx, manifest, "apply", "-f", "-")
}
