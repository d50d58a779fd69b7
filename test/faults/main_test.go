// Package faults runs the controller's program against a real API server that fails it, at every request of a run in every way:
// refusals, silence, lost answers, watches that end, kills, a stolen lease, a server that restarts, and people who delete and edit.
// After each fault the same must hold (invariants_test.go). One control plane serves the package; there is no node and no Velero.
//
// A run without flags tries an evenly spread part, with -short half of that; -faults=0 tries all there is.
package faults

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/kymaros/kymaros/test/plane"
)

// root is the top of the repository.
const root = "../.."

var (
	faultsFlag = flag.Int("faults", 48, "about how many faults are tried, evenly spread over all there are; 0: all")
	atFlag     = flag.String("at", "", "regular expression: only requests of a run that match, such as 'kymaros-restore create'")
)

// short is how many faults are tried with -short.
const short = 24

// The control plane, and what the whole package shares; TestMain sets them.
var (
	cluster  *plane.Cluster
	through  *proxy
	control  processes
	scratch  string // holds the logs, and the program
	injected = tally{}
)

func TestMain(m *testing.M) {
	flag.Parse()
	if testing.Short() {
		*faultsFlag = short
	}
	// Tests wait, most of the time, for what takes a cluster seconds.
	if err := flag.Set("test.parallel", "8"); err != nil {
		panic(err)
	}
	code, err := run(m)
	if err != nil {
		fmt.Fprintf(os.Stderr, "faults: %v\n", err)
		code = 1
	}
	os.Exit(code)
}

func run(m *testing.M) (code int, err error) {
	scratch, err = os.MkdirTemp("", "kymaros-faults-")
	if err != nil {
		return 1, err
	}
	defer func() {
		if code == 0 && err == nil {
			err = os.RemoveAll(scratch)
			return
		}
		fmt.Fprintf(os.Stderr, "faults: the logs of this run are in %s\n", scratch)
	}()
	program := filepath.Join(scratch, "kymaros-controller")
	build := exec.Command("go", "build", "-trimpath", "-o", program, "./cmd/kymaros-controller")
	build.Dir = root
	if out, err := build.CombinedOutput(); err != nil {
		return 1, fmt.Errorf("%s: %w\n%s", build, err, out)
	}
	if cluster, err = plane.Start(root, "", "fault-test"); err != nil {
		return 1, err
	}
	defer func() { err = errors.Join(err, cluster.Stop()) }()
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
	defer cancel()
	if err := cluster.Install(ctx); err != nil {
		return 1, fmt.Errorf("install: %w", err)
	}
	defer cluster.StartFakes(isHeld)()
	if through, err = newProxy(); err != nil {
		return 1, err
	}
	defer through.close()
	if control, err = newProcesses(ctx, program); err != nil {
		return 1, err
	}
	if err := control.start(); err != nil {
		return 1, err
	}
	defer control.end()
	code = m.Run()
	fmt.Print(injected.table())
	return code, nil
}
