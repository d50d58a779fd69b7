package cluster

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"sort"
	"strings"

	"github.com/kymaros/kymaros/test/cluster/progress"
)

// needed are the programs that no Go module provides, and the Debian package of each.
var needed = map[string]string{
	"runc":             "runc",
	"/usr/lib/cni/ptp": "containernetworking-plugins",
	"iptables":         "iptables", // the portmap plugin runs it
	"nft":              "nftables",
	"conntrack":        "conntrack",
	"socat":            "socat",
	"busybox":          "busybox-static",
	"debootstrap":      "debootstrap",
	"ip":               "iproute2",
	"mount":            "mount", // the kubelet runs it
}

// installPackages installs what is missing of needed, where apt-get can.
func installPackages(ctx context.Context) error {
	var packages []string
	for program, pkg := range needed {
		if _, err := exec.LookPath(program); err != nil {
			packages = append(packages, pkg)
		}
	}
	if len(packages) == 0 {
		return nil
	}
	sort.Strings(packages)
	list := strings.Join(packages, " ")
	if _, err := exec.LookPath("apt-get"); err != nil {
		return fmt.Errorf("not installed, and there is no apt-get to do it: %s", list)
	}
	defer progress.Long("installing %s", list)()
	install := append([]string{"install", "-y", "-qq", "--no-install-recommends"}, packages...)
	if apt(ctx, install) == nil {
		return nil
	}
	// The package lists may be missing or too old.
	if err := apt(ctx, []string{"update", "-qq"}); err != nil {
		return err
	}
	return apt(ctx, install)
}

func apt(ctx context.Context, args []string) error {
	cmd := exec.CommandContext(ctx, "apt-get", args...)
	cmd.Env = append(os.Environ(), "DEBIAN_FRONTEND=noninteractive")
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("apt-get %s: %w\n%s", strings.Join(args, " "), err, out)
	}
	return nil
}
