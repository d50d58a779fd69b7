package cluster

import (
	"context"
	_ "embed"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"

	storagev1 "k8s.io/api/storage/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"

	"github.com/kymaros/kymaros/test/cluster/build"
	"github.com/kymaros/kymaros/test/cluster/proc"
)

// csiDriver is the name of the driver; csi.yaml has it too.
const csiDriver = "directories.csi.kymaros.test"

// kubeletDir is the node's own in its mount namespace. The driver's sockets have to be below it.
const kubeletDir = "/var/lib/kubelet"

//go:embed csi.yaml
var csiClasses string

// prepareCSI puts the driver, built from this tree, and the definitions of snapshots into the directory of the cluster.
func (c *Cluster) prepareCSI(ctx context.Context) error {
	if err := build.Harness(ctx, "./csidriver", c.path("csidriver")); err != nil {
		return err
	}
	client, err := build.CSI().DirOf(ctx, "github.com/kubernetes-csi/external-snapshotter/client/v8")
	if err != nil {
		return err
	}
	return os.CopyFS(c.path("csi-crds"), os.DirFS(filepath.Join(client, "config/crd")))
}

// startCSI starts the driver with its sidecars, and makes the classes.
func (c *Cluster) startCSI(ctx context.Context) error {
	// Those of groups too: snapshot-controller waits for them.
	if err := c.kubectl(ctx, "", "apply", "-k", c.path("csi-crds")); err != nil {
		return err
	}
	if err := c.kubectl(ctx, "", "wait", "--for=condition=Established", "--timeout=60s", "-f", c.path("csi-crds/snapshot.storage.k8s.io_volumesnapshotclasses.yaml")); err != nil {
		return err
	}
	if err := c.kubectl(ctx, strings.ReplaceAll(csiClasses, "DRIVER", csiDriver), "apply", "-f", "-"); err != nil {
		return err
	}
	bin, err := build.Extra(ctx, build.CSI())
	if err != nil {
		return err
	}
	socket := filepath.Join(kubeletDir, "plugins", csiDriver, "csi.sock")
	driver := proc.Program{Name: "csi-driver", Argv: []string{c.path("csidriver"), "--name", csiDriver, "--node", c.first().name(),
		"--dir", c.path("csi"), "--endpoint", socket, "--registry", filepath.Join(kubeletDir, "plugins_registry")}}
	if err := c.start(driver); err != nil {
		return err
	}
	err = c.until(ctx, driver.Name, func(ctx context.Context) error {
		conn, err := (&net.Dialer{}).DialContext(ctx, "unix", socket)
		if err != nil {
			return err
		}
		return conn.Close()
	})
	if err != nil {
		return err
	}
	for _, p := range []proc.Program{
		{Name: "csi-provisioner", Argv: []string{"--csi-address=" + socket, "--extra-create-metadata"}},
		{Name: "csi-snapshotter", Argv: []string{"--csi-address=" + socket}},
		{Name: "snapshot-controller"},
	} {
		conf := c.plane().AdminKubeconfig()
		p.Argv = slices.Concat([]string{filepath.Join(bin, p.Name), "--kubeconfig=" + conf, "--v=2"}, p.Argv)
		p.Env = []string{"KUBECONFIG=" + conf} // csi-provisioner prefers that of whoever started the cluster to its flag
		if err := c.start(p); err != nil {
			return err
		}
	}
	return nil
}

// registered returns an error until the kubelet knows the driver.
func (n node) registered(ctx context.Context, client kubernetes.Interface) error {
	node, err := client.StorageV1().CSINodes().Get(ctx, n.name(), metav1.GetOptions{})
	if err != nil {
		return err
	}
	if !slices.ContainsFunc(node.Spec.Drivers, func(d storagev1.CSINodeDriver) bool { return d.Name == csiDriver }) {
		return fmt.Errorf("the kubelet does not know CSI driver %s", csiDriver)
	}
	return nil
}

// kubectl runs it as an administrator, within the cluster's network namespace.
func (c *Cluster) kubectl(ctx context.Context, input string, args ...string) error {
	cmd := exec.CommandContext(ctx, c.program("kubectl"), append([]string{"--kubeconfig", c.plane().AdminKubeconfig()}, args...)...)
	cmd.Stdin = strings.NewReader(input)
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("kubectl %s: %w\n%s", args[0], err, out)
	}
	return nil
}
