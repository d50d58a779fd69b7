// Package cli runs every verb of kubectl kymaros against a real API server, with the controller at work and no node: the tests play
// kubelet and Velero.
package cli

import (
	"bytes"
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	velerov1 "github.com/vmware-tanzu/velero/pkg/apis/velero/v1"
	"k8s.io/cli-runtime/pkg/genericiooptions"
	"k8s.io/klog/v2"

	"github.com/kymaros/kymaros/cmd/kymaros-controller/app"
	"github.com/kymaros/kymaros/pkg/cli/exit"
	"github.com/kymaros/kymaros/pkg/cli/root"
	"github.com/kymaros/kymaros/test/plane"
)

const top = "../.."

var (
	cluster *plane.Cluster
	// kubeconfig is that of an administrator.
	kubeconfig string
	// keyDir is where the controller looks for a key that signs reports. There is none at first.
	keyDir string
	// plugin builds the program, once, and returns the directory that holds it.
	plugin func() (string, error)
)

func TestMain(m *testing.M) {
	flag.Parse()
	code, err := run(m)
	if err != nil {
		fmt.Fprintf(os.Stderr, "cli: %v\n", err)
		code = 1
	}
	os.Exit(code)
}

func run(m *testing.M) (code int, err error) {
	scratch, err := os.MkdirTemp("", "kymaros-cli-")
	if err != nil {
		return 1, err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(scratch)) }()
	plugin = sync.OnceValues(func() (string, error) {
		dir := filepath.Join(scratch, "bin")
		build := exec.Command(top+"/hack/build.sh", dir, "./cmd/kubectl-kymaros")
		if out, err := build.CombinedOutput(); err != nil {
			return "", fmt.Errorf("%s: %w\n%s", build, err, out)
		}
		return dir, nil
	})
	log, err := os.Create(filepath.Join(scratch, "controller.log"))
	if err != nil {
		return 1, err
	}
	defer log.Close()
	klog.LogToStderr(false)
	klog.SetOutput(log)
	if cluster, err = plane.Start(top, filepath.Join(scratch, "audit.log"), "cli-test"); err != nil {
		return 1, err
	}
	defer func() { err = errors.Join(err, cluster.Stop()) }()
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
	defer cancel()
	if err := cluster.Install(ctx); err != nil {
		return 1, fmt.Errorf("install: %w", err)
	}
	kubeconfig = cluster.AdminFile
	defer cluster.StartFakes(func(*velerov1.Restore) bool { return false })()
	stop, err := startController(ctx, scratch)
	if err != nil {
		return 1, err
	}
	defer func() { err = errors.Join(err, stop()) }()
	return m.Run(), nil
}

// startController starts the controller without canaries, for there is no node, and without the fence, for the tests play Velero.
func startController(ctx context.Context, scratch string) (stop func() error, err error) {
	keyDir = filepath.Join(scratch, "keys")
	runCtx, cancel := context.WithCancel(context.WithoutCancel(ctx))
	done := make(chan error, len(plane.Halves))
	for _, half := range plane.Halves {
		options, err := cluster.OptionsOf(half)
		if err != nil {
			cancel()
			return nil, err
		}
		if options.Kubeconfig, err = cluster.Kubeconfig(ctx, half, scratch, cluster.Admin.Host, cluster.Admin.CAData, time.Hour); err != nil {
			cancel()
			return nil, err
		}
		options.IsolationProof, options.RequireFence = "off", false
		options.EvidenceKeyDir = keyDir
		go func() { done <- app.Run(runCtx, options) }()
	}
	return func() error {
		cancel()
		return errors.Join(<-done, <-done)
	}, nil
}

// answer is what a command did.
type answer struct {
	out, err string
	code     exit.Code
}

// kymaros runs `kubectl kymaros` with the arguments.
func kymaros(t *testing.T, args ...string) answer {
	t.Helper()
	var out, errOut bytes.Buffer
	t.Setenv("KUBECONFIG", kubeconfig)
	code := root.Main(t.Context(), args, genericiooptions.IOStreams{In: strings.NewReader(""), Out: &out, ErrOut: &errOut})
	return answer{out.String(), errOut.String(), code}
}

// wants fails t unless the answer has that code, and says all of that on standard output.
func (a answer) wants(t *testing.T, code exit.Code, says ...string) answer {
	t.Helper()
	for _, s := range says {
		if !strings.Contains(a.out, s) {
			t.Errorf("does not say %q", s)
		}
	}
	if a.code != code || t.Failed() {
		t.Fatalf("exit code %d, want %d\n%s\n%s", a.code, code, a.out, a.err)
	}
	return a
}
