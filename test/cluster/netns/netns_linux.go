// Package netns makes and uses named network namespaces, as "ip netns" does.
//
// A whole cluster lives in one: its ports, routes and packet filter rules never meet those of the
// machine or of another cluster, and they are gone with it.
package netns

import (
	"context"
	"fmt"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/kymaros/kymaros/test/cluster/proc"
)

// Path is the file that keeps the namespace called name.
func Path(name string) string { return filepath.Join("/run/netns", name) }

// Exists reports whether there is a namespace called name.
func Exists(name string) bool {
	var st unix.Statfs_t
	// A file that is not a namespace is what a reboot or a half-done "ip netns add" leaves.
	return unix.Statfs(Path(name), &st) == nil && st.Type == unix.NSFS_MAGIC
}

// Create makes the namespace called name with addresses on its loopback device and routes to it, and with forwarding on, of IPv6 if an
// address is.
//
// The loopback device carries the node's address because the kernel may lack the dummy device
// type; routes make the service addresses reachable before kube-proxy rewrites them.
func Create(name string, addresses, routes []netip.Prefix) error {
	commands := [][]string{
		{"netns", "add", name},
		{"-n", name, "link", "set", "lo", "up"},
	}
	forwarding := []string{"/proc/sys/net/ipv4/ip_forward"}
	for _, a := range addresses {
		commands = append(commands, []string{"-n", name, "addr", "add", a.String(), "dev", "lo"})
		if a.Addr().Is6() {
			forwarding = append(forwarding, "/proc/sys/net/ipv6/conf/all/forwarding")
		}
	}
	for _, r := range routes {
		commands = append(commands, []string{"-n", name, "route", "add", r.String(), "dev", "lo"})
	}
	if err := ips(commands...); err != nil {
		return err
	}
	return Do(name, func() error {
		// The files under /proc/sys/net are those of the namespace of the thread that opens them.
		for _, file := range forwarding {
			if err := os.WriteFile(file, []byte("1"), 0); err != nil {
				return err
			}
		}
		return nil
	})
}

// Delete removes the namespace called name, if there is one. It ends when its last process does.
func Delete(name string) error {
	if _, err := os.Lstat(Path(name)); os.IsNotExist(err) {
		return nil
	}
	return ip("netns", "delete", name)
}

// KillAll kills every process in the namespace called name and returns how many that were. As the name keeps the
// namespace alive, its identity cannot pass to another: whatever is in it belongs there.
func KillAll(name string) (int, error) {
	want, err := os.Stat(Path(name))
	if err != nil {
		return 0, err
	}
	inside := func(pid int) bool {
		got, err := os.Stat(fmt.Sprintf("/proc/%d/ns/net", pid))
		return err == nil && os.SameFile(want, got)
	}
	return proc.KillWhere(inside)
}

// Do runs f on a thread in the namespace called name. Processes that f starts are in it for good.
func Do(name string, f func() error) error {
	result := make(chan error)
	go func() {
		// Never unlocked: the runtime ends a thread that its goroutine leaves locked, so
		// no other goroutine will ever run in the wrong namespace.
		runtime.LockOSThread()
		result <- func() error {
			if err := enter(name); err != nil {
				return err
			}
			return f()
		}()
	}()
	return <-result
}

// DialContext connects to address from within the namespace called name. The address must be numeric.
func DialContext(ctx context.Context, name, network, address string) (conn net.Conn, err error) {
	err = Do(name, func() error {
		var d net.Dialer
		conn, err = d.DialContext(ctx, network, address)
		return err
	})
	return conn, err
}

// Exec replaces the calling process by argv within the namespace called name. It returns only on failure.
func Exec(name string, argv, env []string) error {
	path, err := exec.LookPath(argv[0])
	if err != nil {
		return err
	}
	runtime.LockOSThread() // execve keeps the namespaces of the thread that calls it
	defer runtime.UnlockOSThread()
	if err := enter(name); err != nil {
		return err
	}
	return fmt.Errorf("%s: %w", path, unix.Exec(path, argv, env))
}

// enter moves the calling thread into the namespace called name.
func enter(name string) error {
	f, err := os.Open(Path(name))
	if err != nil {
		return err
	}
	defer f.Close()
	if err := unix.Setns(int(f.Fd()), unix.CLONE_NEWNET); err != nil {
		return fmt.Errorf("enter network namespace %s: %w", name, err)
	}
	return nil
}

func ips(commands ...[]string) error {
	for _, args := range commands {
		if err := ip(args...); err != nil {
			return err
		}
	}
	return nil
}

func ip(args ...string) error {
	out, err := exec.Command("ip", args...).CombinedOutput()
	if err != nil {
		return fmt.Errorf("ip %s: %w: %s", strings.Join(args, " "), err, strings.TrimSpace(string(out)))
	}
	return nil
}
