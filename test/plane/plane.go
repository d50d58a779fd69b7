// Package plane starts a control plane without nodes for tests, installs the product in it, and plays what is missing: a Velero, a
// kubelet, and who gives the controller its token.
package plane

import (
	"bufio"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"

	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"

	"github.com/kymaros/kymaros/pkg/generated/clientset/versioned"
)

// SystemNamespace is ours.
const SystemNamespace = "kymaros-system"

// shippedVelero is the namespace of Velero in manifests.
const shippedVelero = "velero"

// VeleroNamespace is Velero's: that of manifests, or what the environment says as it does to our programs. There is an overlay for it then.
var VeleroNamespace = cmp.Or(os.Getenv("KYMAROS_VELERO_NAMESPACE"), shippedVelero)

// Kubernetes is the version of the control plane, such as 1.30; empty is the harness's usual one.
var Kubernetes = os.Getenv("KYMAROS_KUBERNETES")

// Fence returns the pattern of the files that hold the admission fence.
func Fence(root string) string {
	if VeleroNamespace == shippedVelero {
		return filepath.Join(root, "manifests/fence/*.yaml")
	}
	return filepath.Join(root, "manifests/overlays", VeleroNamespace, "fence.yaml")
}

// Cluster is a running control plane, with clients of an administrator.
type Cluster struct {
	Admin *rest.Config
	// AdminFile is the kubeconfig of Admin, for programs.
	AdminFile string
	Kube      kubernetes.Interface
	Kymaros   versioned.Interface
	Objects   dynamic.Interface

	root string // of the repository
	in   io.WriteCloser
	out  *bufio.Reader
	cmd  *exec.Cmd
	// orders guards in and out once it runs.
	orders sync.Mutex
	// etcd is where it answers, as http://host:port.
	etcd string
	// dir is where it keeps its files.
	dir string
	// kubectl is the program of its version.
	kubectl string
}

// Start starts a control plane, which writes what it is asked to the file auditLog, if that is not empty. root is the top of the
// repository, and agent the name under which its clients are seen. Stop ends it.
func Start(root, auditLog, agent string) (*Cluster, error) {
	script, err := filepath.Abs(filepath.Join(root, "test/cluster/run.sh"))
	if err != nil {
		return nil, err
	}
	// Pods of tests are on nodes that do not exist, and that controller deletes such pods after a minute or so.
	const controllers = "--controllers=*,-pod-garbage-collector-controller"
	c := &Cluster{root: root, cmd: exec.Command(script, "control-plane", "--audit-log="+auditLog, controllers, "--kubernetes="+Kubernetes)}
	c.cmd.Stderr = os.Stderr
	if c.in, err = c.cmd.StdinPipe(); err != nil { // it lives as long as this is open
		return nil, err
	}
	out, err := c.cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	c.out = bufio.NewReader(out)
	if err := c.cmd.Start(); err != nil {
		return nil, err
	}
	if err := c.connect(agent); err != nil {
		return nil, errors.Join(err, c.Stop())
	}
	return c, nil
}

// connect waits until the control plane is ready and makes the clients.
func (c *Cluster) connect(agent string) error {
	line, err := c.out.ReadBytes('\n')
	if err != nil {
		return fmt.Errorf("control plane did not become ready: %w", err)
	}
	var ready struct{ Kubeconfig, Etcd, Dir, Kubectl string }
	if err := json.Unmarshal(line, &ready); err != nil {
		return fmt.Errorf("control plane said %q: %w", line, err)
	}
	c.etcd, c.dir, c.AdminFile, c.kubectl = ready.Etcd, ready.Dir, ready.Kubeconfig, ready.Kubectl
	if c.Admin, err = clientcmd.BuildConfigFromFlags("", ready.Kubeconfig); err != nil {
		return err
	}
	c.Admin.QPS = -1 // the tests are no guests
	c.Admin.UserAgent = agent
	var errs [3]error
	c.Kube, errs[0] = kubernetes.NewForConfig(c.Admin)
	c.Kymaros, errs[1] = versioned.NewForConfig(c.Admin)
	c.Objects, errs[2] = dynamic.NewForConfig(c.Admin)
	return errors.Join(errs[:]...)
}

// Kubectl returns what kubectl prints for an administrator.
func (c *Cluster) Kubectl(ctx context.Context, args ...string) (string, error) {
	out, err := exec.CommandContext(ctx, c.kubectl, append([]string{"--kubeconfig", c.AdminFile}, args...)...).CombinedOutput()
	if err != nil {
		return "", fmt.Errorf("kubectl %s: %w\n%s", args[0], err, out)
	}
	return string(out), nil
}

// SigningKey is the file of the key with which tokens of ServiceAccounts are signed.
func (c *Cluster) SigningKey() string { return filepath.Join(c.dir, "pki", "sa.key") }

// Stop ends the control plane and waits for its end.
func (c *Cluster) Stop() error {
	_ = c.in.Close()
	_, _ = io.Copy(io.Discard, c.out)
	if err := c.cmd.Wait(); err != nil {
		return fmt.Errorf("control plane: %w", err)
	}
	return nil
}

// RestartAPIServer stops the API server, and returns when it serves again. Who asks meanwhile gets a restart after that.
func (c *Cluster) RestartAPIServer() error {
	c.orders.Lock() // an order and its answer belong together
	defer c.orders.Unlock()
	const order = "restart kube-apiserver\n"
	if _, err := io.WriteString(c.in, order); err != nil {
		return err
	}
	if line, err := c.out.ReadString('\n'); err != nil || line != order {
		return fmt.Errorf("the control plane answers %q to %q: %w", line, order, err)
	}
	return nil
}

// Compact has etcd forget all versions of objects but the newest: an older one is too old for a watch to begin with.
func (c *Cluster) Compact(ctx context.Context) error {
	var now struct {
		Header struct{ Revision string }
	}
	if err := c.askEtcd(ctx, "/v3/kv/range", `{"key":"AA=="}`, &now); err != nil {
		return err
	}
	return c.askEtcd(ctx, "/v3/kv/compaction", fmt.Sprintf(`{"revision":%q,"physical":true}`, now.Header.Revision), &now)
}

// askEtcd sends etcd a request, as its gateway for JSON takes it.
func (c *Cluster) askEtcd(ctx context.Context, path, body string, answer any) error {
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, c.etcd+path, strings.NewReader(body))
	if err != nil {
		return err
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		says, _ := io.ReadAll(response.Body)
		return fmt.Errorf("etcd: %s: %s: %s", path, response.Status, says)
	}
	return json.NewDecoder(response.Body).Decode(answer)
}
