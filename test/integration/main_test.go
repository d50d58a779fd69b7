// Package integration tests the product against a real etcd, kube-apiserver and kube-controller-manager. There is no node
// and no Velero: the tests play kubelet and Velero themselves.
//
// One control plane serves the whole package. Tests that need the controller for themselves run one after another first;
// all others run in parallel, share one controller and keep to names of their own.
package integration

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
	"k8s.io/klog/v2"

	"github.com/kymaros/kymaros/pkg/generated/clientset/versioned"
)

const (
	// root is the top of the repository.
	root = "../.."
	// veleroNamespace is Velero's in the manifests, and systemNamespace ours.
	veleroNamespace = "velero"
	systemNamespace = "kymaros-system"
)

// Clients of an administrator, and files of the run; TestMain sets them.
var (
	admin    *rest.Config
	kube     kubernetes.Interface
	kymaros  versioned.Interface
	objects  dynamic.Interface
	scratch  string // holds the log, the audit log and whatever a test builds
	auditLog string
)

// parallel is how many tests run at a time. They wait, most of the time, for what takes a cluster seconds.
const parallel = "64"

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
	stop, err := startControlPlane()
	if err != nil {
		return 1, err
	}
	defer func() { err = errors.Join(err, stop()) }()

	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
	defer cancel()
	if err := install(ctx); err != nil {
		return 1, fmt.Errorf("install: %w", err)
	}
	stopFakes := startFakes()
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

// startControlPlane starts the control plane and makes the clients. stop ends it and waits for its end.
func startControlPlane() (stop func() error, err error) {
	script, err := filepath.Abs(filepath.Join(root, "test/cluster/run.sh"))
	if err != nil {
		return nil, err
	}
	cmd := exec.Command(script, "control-plane", "--audit-log", auditLog)
	cmd.Stderr = os.Stderr
	in, err := cmd.StdinPipe() // it lives as long as this is open
	if err != nil {
		return nil, err
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	stop = func() error {
		_ = in.Close()
		_, _ = io.Copy(io.Discard, out)
		if err := cmd.Wait(); err != nil {
			return fmt.Errorf("control plane: %w", err)
		}
		return nil
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, stop())
		}
	}()
	line, err := bufio.NewReader(out).ReadBytes('\n')
	if err != nil {
		return stop, fmt.Errorf("control plane did not become ready: %w", err)
	}
	var ready struct{ Kubeconfig string }
	if err := json.Unmarshal(line, &ready); err != nil {
		return stop, fmt.Errorf("control plane said %q: %w", line, err)
	}
	admin, err = clientcmd.BuildConfigFromFlags("", ready.Kubeconfig)
	if err != nil {
		return stop, err
	}
	admin.QPS = -1 // the tests are no guests
	admin.UserAgent = "integration-test"
	var errs [3]error
	kube, errs[0] = kubernetes.NewForConfig(admin)
	kymaros, errs[1] = versioned.NewForConfig(admin)
	objects, errs[2] = dynamic.NewForConfig(admin)
	return stop, errors.Join(errs[:]...)
}
