package stage

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
	"k8s.io/client-go/util/retry"

	"github.com/kymaros/kymaros/pkg/generated/clientset/versioned"
)

const (
	// root is the top of the repository, seen from a package directly below test/.
	root = "../.."
	// VeleroNamespace is where Velero is.
	VeleroNamespace = "velero"
	// SystemNamespace is where the controller is.
	SystemNamespace = "kymaros-system"
	// Controller is the name of the controller's Deployment.
	Controller = "kymaros-controller"
	// Prober is that of the other half of the controllers.
	Prober = "kymaros-prober"
	// DNS is the name of the Deployment, and of the Service, of the DNS of sandboxes.
	DNS = "kymaros-dns"
	// API is the name of the Deployment, and of the Service, of the API.
	API = "kymaros-api"
	// Notify is the name of the Deployment of the notifications.
	Notify = "kymaros-notify"

	image = "ghcr.io/kymaros/kymaros:v0.1.0"
	// buildAnnotation of our pods tells which build they run: the tag of the image stays the same.
	buildAnnotation = "demo/build"
	// startAnnotation makes them begin anew with each process of tests: the audit log since then has all that they ask for,
	// and what they watch from their beginning too.
	startAnnotation = "e2e/start"
)

// containers are those of our Deployments, and programs what they run of the image.
var (
	containers = map[string]string{Controller: "controller", Prober: "prober", DNS: "dns", API: "api", Notify: "notify"}
	programs   = map[string]string{Controller: Controller, Prober: Controller, DNS: DNS, API: API, Notify: Notify}
)

// Cluster is a running cluster, seen by an administrator.
type Cluster struct {
	Dir     string // holds the files of the cluster: audit.log, log/
	Config  *rest.Config
	Kube    kubernetes.Interface
	Kymaros versioned.Interface
	Objects dynamic.Interface

	// Patience is how long a run may take until it is over; RunTimeout if it is 0.
	Patience time.Duration

	// Suffix ends the names of all that this process makes, so that two runs of the tests never meet.
	Suffix string
	// Tests is the namespace for RestoreTests, policies and reports of this process.
	Tests string

	path   string // value of PATH with the cluster's kubectl
	config string // kubeconfig file
}

// Start starts the cluster unless it runs, with these flags of test/cluster/run.sh up. Kymaros is not in it.
func Start(ctx context.Context, flags ...string) (*Cluster, error) {
	if err := (&Cluster{}).command(ctx, "test/cluster/run.sh", append([]string{"up"}, flags...)...); err != nil {
		return nil, err
	}
	return connect(ctx)
}

// Up starts the cluster as Start does, and installs the controller as it is built from this tree. Of several nodes the first gets all
// that is not of a DaemonSet.
func Up(ctx context.Context, flags ...string) (*Cluster, error) {
	c, err := Start(ctx, flags...)
	if err != nil {
		return nil, err
	}
	if err := c.Only(ctx, NodeName(1)); err != nil {
		return nil, err
	}
	if err := c.install(ctx); err != nil {
		return nil, fmt.Errorf("install: %w", err)
	}
	if err := c.serveGadgets(ctx); err != nil {
		return nil, fmt.Errorf("serve gadgets: %w", err)
	}
	return c, c.Anywhere(ctx)
}

var export = regexp.MustCompile(`(?m)^export (KUBECONFIG|PATH)="([^"]*)"`)

func connect(ctx context.Context) (*Cluster, error) {
	env := exec.CommandContext(ctx, "test/cluster/run.sh", "env")
	env.Dir = root
	out, err := env.Output()
	if err != nil {
		return nil, fmt.Errorf("%s: %w", env, err)
	}
	c := &Cluster{Suffix: time.Now().UTC().Format("150405")}
	c.Tests = c.Name("tests")
	for _, m := range export.FindAllStringSubmatch(string(out), -1) {
		switch m[1] {
		case "KUBECONFIG":
			c.config, c.Dir = m[2], filepath.Dir(m[2])
		case "PATH":
			c.path = m[2] + string(os.PathListSeparator) + os.Getenv("PATH")
		}
	}
	c.Config, err = clientcmd.BuildConfigFromFlags("", c.config)
	if err != nil {
		return nil, err
	}
	c.Config.QPS = -1 // the tests are no guests
	c.Config.UserAgent = "e2e-test"
	c.Config.WarningHandler = rest.NoWarnings{} // that a kind is deprecated, for one: a snapshot looks at all of them
	var errs [3]error
	c.Kube, errs[0] = kubernetes.NewForConfig(c.Config)
	c.Kymaros, errs[1] = versioned.NewForConfig(c.Config)
	c.Objects, errs[2] = dynamic.NewForConfig(c.Config)
	return c, errors.Join(errs[:]...)
}

// Name returns a name that no other process uses.
func (c *Cluster) Name(name string) string { return name + "-" + c.Suffix }

// install builds the programs, applies the manifests and waits until this very build runs.
func (c *Cluster) install(ctx context.Context) error {
	if err := c.command(ctx, "hack/image.sh", "_output/image"); err != nil {
		return err
	}
	canary, err := buildOf(canaryProgram)
	if err != nil {
		return err
	}
	deployments := c.Kube.AppsV1().Deployments(SystemNamespace)
	builds, changed := map[string]string{}, !c.canariesRun(ctx, canary)
	for name := range containers {
		if builds[name], err = buildOf(programs[name]); err != nil {
			return err
		}
		have, err := deployments.Get(ctx, name, metav1.GetOptions{})
		changed = changed || err != nil || have.Spec.Template.Annotations[buildAnnotation] != builds[name]
	}
	if changed {
		if err := c.command(ctx, "test/cluster/run.sh", "image", image, "_output/image", "--entrypoint", "/kymaros-controller", "--user", "65532"); err != nil {
			return err
		}
	}
	if err := c.command(ctx, "kubectl", "apply", "-f", "manifests/crds", "-f", "manifests", "-f", "manifests/fence"); err != nil {
		return err
	}
	if err := c.forget(ctx); err != nil {
		return err
	}
	for name, container := range containers {
		patch, err := runBuild(container, builds[name], c.Suffix)
		if err != nil {
			return err
		}
		if _, err := deployments.Patch(ctx, name, types.StrategicMergePatchType, patch, metav1.PatchOptions{}); err != nil {
			return err
		}
	}
	if err := c.updateCanaries(ctx, canary); err != nil {
		return err
	}
	for name := range containers {
		if err := c.AwaitRollout(ctx, SystemNamespace, name); err != nil {
			return err
		}
	}
	return c.AwaitCanaries(ctx)
}

// SetFlag gives the controller a flag, in place of one of that name, and waits until it runs so.
func (c *Cluster) SetFlag(ctx context.Context, flag, value string) error {
	deployments := c.Kube.AppsV1().Deployments(SystemNamespace)
	err := retry.RetryOnConflict(retry.DefaultRetry, func() error {
		d, err := deployments.Get(ctx, Controller, metav1.GetOptions{})
		if err != nil {
			return err
		}
		container := &d.Spec.Template.Spec.Containers[0]
		container.Args = slices.DeleteFunc(container.Args, func(arg string) bool { return strings.HasPrefix(arg, flag+"=") })
		container.Args = append(container.Args, flag+"="+value)
		_, err = deployments.Update(ctx, d, metav1.UpdateOptions{})
		return err
	})
	if err != nil {
		return err
	}
	return c.AwaitRollout(ctx, SystemNamespace, Controller)
}

// buildOf names the build of a program of the image.
func buildOf(program string) (string, error) {
	file, err := os.ReadFile(filepath.Join(root, "_output/image", program))
	if err != nil {
		return "", err
	}
	sum := sha256.Sum256(file)
	return hex.EncodeToString(sum[:])[:16], nil
}

// runBuild is the patch by which a workload runs that very build in its container, from that start on.
func runBuild(container, build, start string, initContainers ...string) ([]byte, error) {
	pull := func(container string) any { return map[string]any{"name": container, "imagePullPolicy": "Always"} }
	spec := map[string]any{"containers": []any{pull(container)}}
	if len(initContainers) > 0 {
		var all []any
		for _, name := range initContainers {
			all = append(all, pull(name))
		}
		spec["initContainers"] = all
	}
	return json.Marshal(map[string]any{"spec": map[string]any{"template": map[string]any{
		"metadata": map[string]any{"annotations": map[string]any{buildAnnotation: build, startAnnotation: start}},
		"spec":     spec,
	}}})
}

// Apply applies manifests of this tree: a file or a directory.
func (c *Cluster) Apply(ctx context.Context, path string) error {
	return c.command(ctx, "kubectl", "apply", "-f", path)
}

// ApplyFence installs the fence as it is in this tree.
func (c *Cluster) ApplyFence(ctx context.Context) error {
	return c.Apply(ctx, "manifests/fence")
}

// forget deletes the lease, which the controller makes once in the life of a cluster, so that it makes it in every run of
// the tests.
func (c *Cluster) forget(ctx context.Context) error {
	for _, name := range []string{Controller, Prober, Notify} {
		err := c.Kube.CoordinationV1().Leases(SystemNamespace).Delete(ctx, name, metav1.DeleteOptions{})
		if err != nil && !apierrors.IsNotFound(err) {
			return err
		}
	}
	return nil
}

// AwaitRollout waits until all pods of a Deployment are of its newest revision and available, and no other is left.
func (c *Cluster) AwaitRollout(ctx context.Context, namespace, name string) error {
	return Poll(ctx, 2*time.Minute, func(ctx context.Context) error {
		d, err := c.Kube.AppsV1().Deployments(namespace).Get(ctx, name, metav1.GetOptions{})
		if err != nil {
			return err
		}
		if want := replicas(d); d.Status.ObservedGeneration < d.Generation || d.Status.UpdatedReplicas != want ||
			d.Status.Replicas != want || d.Status.AvailableReplicas != want {
			return fmt.Errorf("deployment %s/%s: %d of %d pods are new and available, %d in all", namespace, name, d.Status.AvailableReplicas, want, d.Status.Replicas)
		}
		pods, err := c.Kube.CoreV1().Pods(namespace).List(ctx, metav1.ListOptions{LabelSelector: metav1.FormatLabelSelector(d.Spec.Selector)})
		if err != nil {
			return err
		}
		if len(pods.Items) != int(replicas(d)) {
			return fmt.Errorf("deployment %s/%s has %d pods", namespace, name, len(pods.Items))
		}
		return nil
	})
}

// Scale sets the number of replicas of a Deployment, and waits until there are so many pods.
func (c *Cluster) Scale(ctx context.Context, namespace, name string, replicas int) error {
	patch := fmt.Appendf(nil, `{"spec":{"replicas":%d}}`, replicas)
	if _, err := c.Kube.AppsV1().Deployments(namespace).Patch(ctx, name, types.MergePatchType, patch, metav1.PatchOptions{}); err != nil {
		return err
	}
	return c.AwaitRollout(ctx, namespace, name)
}

func replicas(d *appsv1.Deployment) int32 {
	if d.Spec.Replicas == nil {
		return 1
	}
	return *d.Spec.Replicas
}
