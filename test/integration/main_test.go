// Package integration tests the product against a real etcd, kube-apiserver and kube-controller-manager. There is no node
// and no Velero: the tests play kubelet and Velero themselves.
//
// One control plane serves the whole package. Tests that need the controller for themselves run one after another first;
// all others run in parallel, share one controller and keep to names of their own.
package integration

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
	"k8s.io/klog/v2"

	"github.com/kymaros/kymaros/pkg/generated/clientset/versioned"
	"github.com/kymaros/kymaros/test/plane"
)

const (
	// root is the top of the repository.
	root = "../.."
	// systemNamespace is ours.
	systemNamespace = plane.SystemNamespace
)

// veleroNamespace is Velero's.
var veleroNamespace = plane.VeleroNamespace

// The control plane, clients of an administrator, and files of the run; TestMain sets them.
var (
	cluster  *plane.Cluster
	admin    *rest.Config
	kube     kubernetes.Interface
	kymaros  versioned.Interface
	objects  dynamic.Interface
	scratch  string // holds the log, the audit log and whatever a test builds
	auditLog string
)

// parallel is how many tests run at a time. They wait, most of the time, for what takes a cluster seconds; more of them only have each
// wait longer for an API server that has two cores.
const parallel = "32"

func TestMain(m *testing.M) {
	flag.Parse()
	if err := flag.Set("test.parallel", parallel); err != nil {
		panic(err)
	}
	code, err := run(m)
	if err != nil {
		fmt.Fprintf(os.Stderr, "integration: %v\n", err)
		code = 1
	}
	os.Exit(code)
}

func run(m *testing.M) (code int, err error) {
	scratch, err = os.MkdirTemp("", "kymaros-integration-")
	if err != nil {
		return 1, err
	}
	defer func() {
		if code == 0 && err == nil {
			err = os.RemoveAll(scratch)
			return
		}
		fmt.Fprintf(os.Stderr, "integration: the logs of this run are in %s\n", scratch)
	}()
	auditLog = filepath.Join(scratch, "audit.log")
	stopLog, err := logTo(filepath.Join(scratch, "controller.log"))
	if err != nil {
		return 1, err
	}
	defer stopLog()
	if cluster, err = plane.Start(root, auditLog, "integration-test"); err != nil {
		return 1, err
	}
	defer func() { err = errors.Join(err, cluster.Stop()) }()
	admin, kube, kymaros, objects = cluster.Admin, cluster.Kube, cluster.Kymaros, cluster.Objects

	if testing.Verbose() { // hack/versions.sh reads it
		server, err := kube.Discovery().ServerVersion()
		if err != nil {
			return 1, err
		}
		fmt.Printf("integration: the API server is %s\n", server.GitVersion)
	}
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
	defer cancel()
	if err := cluster.Install(ctx); err != nil {
		return 1, fmt.Errorf("install: %w", err)
	}
	stopFakes := cluster.StartFakes(isHeld)
	code = m.Run()
	err = stopShared()
	stopFakes()
	return code, errors.Join(err, checkPermissions())
}

// logTo sends what the controllers in this process log to a file: thousands of lines that matter only when a test fails.
func logTo(path string) (stop func(), err error) {
	f, err := os.Create(path)
	if err != nil {
		return nil, err
	}
	state := klog.CaptureState()
	var flags flag.FlagSet
	klog.InitFlags(&flags)
	for name, value := range map[string]string{"logtostderr": "false", "stderrthreshold": "FATAL", "v": "4"} {
		if err := flags.Set(name, value); err != nil {
			return nil, err
		}
	}
	klog.SetOutput(f)
	return func() {
		klog.Flush()
		state.Restore()
		_ = f.Close()
	}, nil
}
