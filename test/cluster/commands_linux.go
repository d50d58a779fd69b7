package main

import (
	"cmp"
	"context"
	"errors"
	"flag"
	"fmt"
	"maps"
	"os"
	"strconv"
	"strings"

	"github.com/kymaros/kymaros/test/cluster/cluster"
	"github.com/kymaros/kymaros/test/cluster/oci"
)

func init() {
	maps.Copy(commands, map[string]command{
		"up": up, "down": down, "env": env, "image": image, "netpol": netpolicy, "program": program, "node": power, "netns": inNetns, "bucket": bucket,
		// What the harness starts itself, in the namespaces of a cluster.
		"start-node": startNode, "start-program": startProgram, "netpol-agent": runAgent, "forward": forward,
	})
}

// defaultName is that of the cluster of who says nothing. The environment says it for scripts and tests that know of one cluster only.
func defaultName() string { return cmp.Or(os.Getenv("KYMAROS_CLUSTER"), "kymaros") }

// withCluster parses args with --name besides the flags already in flags, and returns the cluster and the other n arguments.
func withCluster(flags *flag.FlagSet, args []string, n int) (*cluster.Cluster, []string, error) {
	name := flags.String("name", defaultName(), "name of the cluster")
	if err := parse(flags, args, n); err != nil {
		return nil, nil, err
	}
	c, err := cluster.New(*name)
	return c, flags.Args(), err
}

// nodeFlag has the returned number be that of a node.
func nodeFlag(flags *flag.FlagSet) *int { return flags.Int("node", 1, "number of the node") }

func onlyIPv4Flag(flags *flag.FlagSet) *bool {
	return flags.Bool("only-ipv4", false, "enforce nothing in IPv6")
}

func newFlags(name string) *flag.FlagSet { return flag.NewFlagSet(name, flag.ContinueOnError) }

func up(ctx context.Context, args []string) error {
	var o cluster.Options
	flags := newFlags("up")
	flags.BoolVar(&o.CSI, "csi", false, "volumes with snapshots, and a Velero that backs them up")
	flags.IntVar(&o.Nodes, "nodes", 1, "how many nodes")
	flags.StringVar(&o.Domain, "domain", "", "what names of Services end with, if not cluster.local")
	flags.BoolVar(&o.DualStack, "dual-stack", false, "addresses of IPv6 too, for pods and Services")
	flags.StringVar(&o.PodSecurity, "pod-security", "", "what namespaces without labels enforce, such as restricted")
	flags.StringVar(&o.Velero, "velero", "", "another version of Velero: one of mods/velero-*, such as 1.18.2")
	c, _, err := withCluster(flags, args, 0)
	if err != nil {
		return err
	}
	if err := c.Up(ctx, o); err != nil {
		return err
	}
	fmt.Printf("kubeconfig: %s\n", c.Kubeconfig())
	return nil
}

func down(ctx context.Context, args []string) error {
	c, _, err := withCluster(newFlags("down"), args, 0)
	if err != nil {
		return err
	}
	return c.Down(ctx)
}

func env(_ context.Context, args []string) error {
	c, _, err := withCluster(newFlags("env"), args, 0)
	if err != nil {
		return err
	}
	lines, err := c.Env()
	fmt.Print(lines)
	return err
}

func image(ctx context.Context, args []string) error {
	flags := newFlags("image")
	var config oci.Config
	flags.Func("entrypoint", "program and arguments, separated by commas", func(s string) error {
		config.Entrypoint = strings.Split(s, ",")
		return nil
	})
	flags.Func("env", "NAME=VALUE, any number of times", func(s string) error {
		if !strings.Contains(s, "=") {
			return errors.New("want NAME=VALUE")
		}
		config.Env = append(config.Env, s)
		return nil
	})
	flags.StringVar(&config.User, "user", "", "numeric user, or user:group")
	c, plain, err := withCluster(flags, args, 2)
	if err != nil {
		return err
	}
	return c.Image(ctx, plain[0], plain[1], config)
}

func netpolicy(ctx context.Context, args []string) error {
	flags := newFlags("netpol")
	node := nodeFlag(flags)
	onlyIPv4 := onlyIPv4Flag(flags)
	c, plain, err := withCluster(flags, args, 1)
	if err != nil {
		return err
	}
	switch plain[0] {
	case "start":
		return c.StartNetpol(ctx, *node, *onlyIPv4)
	case "stop":
		return c.StopNetpol(ctx, *node)
	}
	return fmt.Errorf("netpol %s: want start or stop", plain[0])
}

func program(ctx context.Context, args []string) error {
	flags := newFlags("program")
	node := nodeFlag(flags)
	c, plain, err := withCluster(flags, args, 2)
	if err != nil {
		return err
	}
	switch plain[0] {
	case "start":
		return c.StartProgram(ctx, plain[1], *node)
	case "stop":
		return c.StopProgram(plain[1], *node)
	}
	return fmt.Errorf("program %s: want start or stop", plain[0])
}

func power(ctx context.Context, args []string) error {
	c, plain, err := withCluster(newFlags("node"), args, 2)
	if err != nil {
		return err
	}
	number, err := strconv.Atoi(plain[1])
	if err != nil {
		return fmt.Errorf("node %s: want its number", plain[1])
	}
	switch plain[0] {
	case "start":
		return c.StartNode(ctx, number)
	case "stop":
		return c.StopNode(number)
	}
	return fmt.Errorf("node %s: want start or stop", plain[0])
}

func bucket(_ context.Context, args []string) error {
	flags := newFlags("bucket")
	readOnly := flags.Bool("read-only", false, "refuse writes")
	c, plain, err := withCluster(flags, args, 1)
	if err != nil {
		return err
	}
	fmt.Println(c.OtherStore())
	return c.ServeBuckets(plain[0], *readOnly)
}

func inNetns(_ context.Context, args []string) error {
	flags := newFlags("netns")
	name := flags.String("name", defaultName(), "name of the cluster")
	if err := flags.Parse(args); err != nil {
		return err
	}
	if flags.NArg() == 0 {
		return errors.New("netns: want a command after --")
	}
	c, err := cluster.New(*name)
	if err != nil {
		return err
	}
	return c.Exec(flags.Args())
}

func startNode(ctx context.Context, args []string) error {
	flags := newFlags("start-node")
	node := nodeFlag(flags)
	c, _, err := withCluster(flags, args, 0)
	if err != nil {
		return err
	}
	return c.Start(ctx, *node)
}

func startProgram(ctx context.Context, args []string) error {
	flags := newFlags("start-program")
	node := nodeFlag(flags)
	c, plain, err := withCluster(flags, args, 1)
	if err != nil {
		return err
	}
	return c.StartProgramInside(ctx, plain[0], *node)
}

func runAgent(ctx context.Context, args []string) error {
	flags := newFlags("netpol-agent")
	node := nodeFlag(flags)
	onlyIPv4 := onlyIPv4Flag(flags)
	c, _, err := withCluster(flags, args, 0)
	if err != nil {
		return err
	}
	return c.RunAgent(ctx, *node, *onlyIPv4)
}

func forward(ctx context.Context, args []string) error {
	flags := newFlags("forward")
	if err := parse(flags, args, 1); err != nil {
		return err
	}
	return cluster.Forward(ctx, flags.Arg(0))
}
