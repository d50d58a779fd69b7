package cluster

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"golang.org/x/sys/unix"
)

// private are directories that programs use under a fixed name. In the mount namespace of a node each
// is one of the node's own.
var private = []string{
	"/var/lib/kubelet",    // Velero's node agent looks for volumes here
	"/var/log/pods",       // the kubelet, and what reads logs
	"/var/log/containers", // the kubelet
	"/var/lib/cni",        // what the network plugins remember
	"/run/containerd",     // sockets of the shims
}

// tunables are settings of the whole machine that the kubelet sets when they are not as it likes them.
// In the mount namespace of a node they appear to be.
var tunables = map[string]string{
	"vm/overcommit_memory":      "1",
	"vm/panic_on_oom":           "0",
	"kernel/panic":              "10",
	"kernel/panic_on_oops":      "1",
	"kernel/keys/root_maxkeys":  "1000000",
	"kernel/keys/root_maxbytes": "25000000",
}

// privateMounts sets up the mount namespace that the calling process has been started in.
func (n node) privateMounts() error {
	// Shared with the namespaces made from this one, as the node agent needs to see volumes that are
	// mounted after its start; the machine's own mounts were cut off when this one was made.
	if err := unix.Mount("", "/", "", unix.MS_SHARED|unix.MS_REC, ""); err != nil {
		return fmt.Errorf("share mounts: %w", err)
	}
	for _, dir := range private {
		own := n.path("private", dir)
		if err := os.MkdirAll(own, 0o755); err != nil {
			return err
		}
		// This leaves an empty directory on the machine. Removing it could take it from another cluster.
		if err := os.MkdirAll(dir, 0o755); err != nil {
			return err
		}
		if err := unix.Mount(own, dir, "", unix.MS_BIND, ""); err != nil {
			return fmt.Errorf("mount over %s: %w", dir, err)
		}
	}
	for name, value := range tunables {
		own := n.path("private", "sysctl", name)
		if err := os.MkdirAll(filepath.Dir(own), 0o755); err != nil {
			return err
		}
		if err := os.WriteFile(own, []byte(value+"\n"), 0o644); err != nil {
			return err
		}
		if err := unix.Mount(own, filepath.Join("/proc/sys", name), "", unix.MS_BIND, ""); err != nil {
			return fmt.Errorf("mount over sysctl %s: %w", name, err)
		}
	}
	return nil
}

// unmountAll unmounts what the machine's own mount namespace has below dir. That is nothing, unless a cluster
// went wrong in a way nobody has thought of; but removing dir must not remove what is mounted there.
func unmountAll(dir string) error {
	content, err := os.ReadFile("/proc/self/mountinfo")
	if err != nil {
		return err
	}
	var points []string
	for line := range strings.Lines(string(content)) {
		if fields := strings.Fields(line); len(fields) > 4 && strings.HasPrefix(fields[4], dir+"/") {
			points = append(points, fields[4])
		}
	}
	slices.Reverse(points) // the innermost first
	for _, p := range points {
		if err := unix.Unmount(p, unix.MNT_DETACH); err != nil {
			return fmt.Errorf("unmount %s: %w", p, err)
		}
	}
	return nil
}
