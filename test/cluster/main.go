// Command kymaros-cluster builds and runs what the tests of Kymaros need: a Kubernetes control plane without
// a node for integration tests, and a real cluster with Velero for end-to-end tests.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"

	"github.com/kymaros/kymaros/test/cluster/build"
	"github.com/kymaros/kymaros/test/cluster/controlplane"
	"github.com/kymaros/kymaros/test/cluster/progress"
)

const usage = `usage: kymaros-cluster COMMAND

  build [--control-plane] [--kubernetes MINOR]
                                     build what is missing of all programs, or of the control plane's, or of those of a control
                                     plane of another Kubernetes
  control-plane [--dir DIR] [--audit-log FILE] [--controllers LIST] [--kubernetes MINOR]
                                     run etcd, kube-apiserver and kube-controller-manager until stdin ends, the two of another
                                     Kubernetes if wanted (one of mods/k8s-*, such as 1.30);
                                     prints {"kubeconfig","dir","etcd","kubectl"} when it is ready; no root needed
  helm MAJOR                         build Helm, one of mods/helm-*, such as 4, and print where the program is

As root on Linux, each with [--name NAME] (default $KYMAROS_CLUSTER, or "kymaros"):

  up [--csi] [--velero VERSION] [--nodes N] [--domain DOMAIN] [--pod-security LEVEL] [--dual-stack]
                                     start a cluster with Velero, or return if it is there: with volumes that have snapshots,
                                     with another version of Velero (one of mods/velero-*), with more nodes than one, with
                                     another domain of Services, with Pod Security for every namespace, with addresses of IPv6 too
  down                               end it and leave nothing behind
  env                                print the shell lines that make it current
  image REF DIR [--entrypoint A,B] [--env K=V]... [--user UID]
                                     make an image of DIR's files that pods can use as REF
  netpol stop|start [--node N] [--only-ipv4]
                                     stop or start the enforcement of NetworkPolicies on a node
  program stop|start NAME [--node N] stop or start kubelet, containerd or s3 (the object store) while the rest runs
  node stop|start N                  take the power from a node other than the first, or give it back
  netns -- COMMAND...                run COMMAND in the network namespace of the first node
`

// command runs with the arguments that follow its name.
type command func(ctx context.Context, args []string) error

// commands are all commands; commands_*.go adds those that need Linux.
var commands = map[string]command{
	"build":         buildPrograms,
	"control-plane": runControlPlane,
	"helm":          buildHelm,
}

func main() {
	ctx, cancel := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer cancel()
	if err := run(ctx, os.Args[1:]); err != nil {
		fmt.Fprintf(os.Stderr, "kymaros-cluster: %v\n", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string) error {
	if len(args) == 0 {
		return errors.New("no command\n\n" + usage) //nolint:staticcheck // the usage is for a person
	}
	if args[0] == "help" || args[0] == "-h" || args[0] == "--help" {
		fmt.Print(usage)
		return nil
	}
	c, ok := commands[args[0]]
	if !ok {
		return fmt.Errorf("unknown command %q\n\n%s", args[0], usage)
	}
	err := c(ctx, args[1:])
	if errors.Is(err, flag.ErrHelp) {
		return nil
	}
	return err
}

func buildPrograms(ctx context.Context, args []string) error {
	flags := flag.NewFlagSet("build", flag.ContinueOnError)
	only := flags.Bool("control-plane", false, "only etcd, kube-apiserver, kube-controller-manager and kubectl")
	var minor string
	kubernetesFlag(flags, &minor)
	if err := parse(flags, args, 0); err != nil {
		return err
	}
	var bin string
	var err error
	switch {
	case minor != "":
		bin, err = build.ControlPlaneOf(ctx, minor)
	case *only:
		bin, err = build.Programs(ctx, build.ControlPlane())
	default:
		bin, err = build.Programs(ctx, append(build.ControlPlane(), build.Node()...))
	}
	if err != nil {
		return err
	}
	progress.Printf("programs: %s", bin)
	return nil
}

func buildHelm(ctx context.Context, args []string) error {
	flags := flag.NewFlagSet("helm", flag.ContinueOnError)
	if err := parse(flags, args, 1); err != nil {
		return err
	}
	m, err := build.Helm(flags.Arg(0))
	if err != nil {
		return err
	}
	bin, err := build.Extra(ctx, m)
	if err != nil {
		return err
	}
	fmt.Println(filepath.Join(bin, "helm"))
	return nil
}

func runControlPlane(ctx context.Context, args []string) error {
	var o controlplane.Options
	flags := flag.NewFlagSet("control-plane", flag.ContinueOnError)
	flags.StringVar(&o.Dir, "dir", "", "directory, empty or missing, that is removed at the end (default: a temporary one)")
	flags.StringVar(&o.AuditLog, "audit-log", "", "file to log requests to")
	flags.StringVar(&o.Controllers, "controllers", "*", "--controllers of kube-controller-manager")
	kubernetesFlag(flags, &o.Kubernetes)
	if err := parse(flags, args, 0); err != nil {
		return err
	}
	return controlplane.Run(ctx, o, os.Stdin, os.Stdout)
}

// kubernetesFlag has minor be the version of a control plane.
func kubernetesFlag(flags *flag.FlagSet, minor *string) {
	flags.StringVar(minor, "kubernetes", "", "another version of Kubernetes: one of mods/k8s-*, such as 1.30")
}

// parse parses args, which must leave exactly n arguments that are not flags. Flags may follow them.
func parse(flags *flag.FlagSet, args []string, n int) error {
	var plain []string
	for {
		if err := flags.Parse(args); err != nil {
			return err
		}
		if args = flags.Args(); len(args) == 0 {
			break
		}
		plain, args = append(plain, args[0]), args[1:]
	}
	if len(plain) != n {
		return fmt.Errorf("%s: want %d arguments besides flags, got %q", flags.Name(), n, plain)
	}
	// Parsing only them again leaves them as the arguments of flags.
	return flags.Parse(append([]string{"--"}, plain...))
}
