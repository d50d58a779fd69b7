package controlplane

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"time"

	"github.com/kymaros/kymaros/test/cluster/build"
	"github.com/kymaros/kymaros/test/cluster/proc"
)

const (
	// startTimeout is generous: several control planes may start at once on few cores.
	startTimeout = 4 * time.Minute
	// stopGrace is what a program gets to end by itself. Nothing it could save is kept.
	stopGrace = time.Second
)

// Options are the choices of a control plane that runs alone.
type Options struct {
	// Dir is created if need be, must be empty, and is removed at the end. Empty means a temporary one.
	Dir string
	// AuditLog is a file outside Dir that requests are logged to; empty means none.
	AuditLog string
	// Controllers is kube-controller-manager's --controllers.
	Controllers string
	// Kubernetes is another version than the usual one, such as 1.30; empty is the usual one.
	Kubernetes string
}

// Run starts a control plane, writes {"kubeconfig","dir","etcd"} to out as one line of JSON when it is ready, and
// keeps it until ctx ends or in does. Each line of in, which is "restart kube-apiserver", has it stop that program and
// start it again, and is repeated on out when that is ready. It ends all of it, and removes its directory, before it returns.
// The error is nil only if the control plane ran until it was told to stop.
func Run(ctx context.Context, o Options, in io.Reader, out io.Writer) (err error) {
	// The kernel kills the children when the thread that started them ends.
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()

	bin, err := build.ControlPlaneOf(ctx, o.Kubernetes)
	if err != nil {
		return err
	}
	dir, err := workDir(o.Dir)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()

	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	orders := make(chan string)
	go func() {
		// The parent's death closes the pipe, however it died.
		defer cancel()
		for lines := bufio.NewScanner(in); lines.Scan(); {
			select {
			case orders <- lines.Text():
			case <-ctx.Done():
				return
			}
		}
	}()

	ports, err := freePorts(4)
	if err != nil {
		return err
	}
	p := Plane{Bin: bin, Dir: dir, EtcdPort: ports[0], EtcdPeerPort: ports[1], APIPort: ports[2], ManagerPort: ports[3],
		Controllers: o.Controllers, AuditLog: o.AuditLog}
	g := &group{logs: p.Path("log")}
	defer g.stop()
	if err := g.startPlane(ctx, p); err != nil {
		if ctx.Err() != nil {
			return nil // told to stop before it was ready
		}
		return err
	}
	if err := json.NewEncoder(out).Encode(map[string]string{
		"kubeconfig": p.AdminKubeconfig(), "dir": dir, "etcd": p.EtcdURL(), "kubectl": filepath.Join(bin, "kubectl"),
	}); err != nil {
		return err
	}
	for {
		order, err := g.wait(ctx, orders)
		if order == "" || err != nil {
			return err
		}
		if order != restartAPIServer {
			return fmt.Errorf("unknown order %q: the only one is %q", order, restartAPIServer)
		}
		if err := g.reviveAPIServer(ctx, p); err != nil {
			return err
		}
		if _, err := fmt.Fprintln(out, order); err != nil {
			return err
		}
	}
}

// restartAPIServer is an order: see Run.
const restartAPIServer = "restart kube-apiserver"

// group are the running programs, in the order of their start.
type group struct {
	logs     string
	children []*proc.Child
}

func (g *group) start(p proc.Program) error {
	c, err := proc.StartChild(p, g.logs)
	if err != nil {
		return err
	}
	g.children = append(g.children, c)
	return nil
}

func (g *group) startPlane(ctx context.Context, p Plane) error {
	if _, err := p.Prepare(); err != nil {
		return err
	}
	if err := g.start(p.Etcd()); err != nil {
		return err
	}
	if err := Until(ctx, "etcd", startTimeout, g.ended, Listening(fmt.Sprintf("127.0.0.1:%d", p.EtcdPort))); err != nil {
		return err
	}
	if err := g.startAPIServer(ctx, p); err != nil {
		return err
	}
	// Not earlier: it would only compete with the API server for the processor.
	return g.start(p.ControllerManager())
}

func (g *group) startAPIServer(ctx context.Context, p Plane) error {
	if err := g.start(p.APIServer()); err != nil {
		return err
	}
	client, err := Client(p.AdminKubeconfig())
	if err != nil {
		return err
	}
	return Until(ctx, "kube-apiserver", startTimeout, g.ended, Ready(client))
}

// reviveAPIServer stops the API server, and starts it where others find it again.
func (g *group) reviveAPIServer(ctx context.Context, p Plane) error {
	i := slices.IndexFunc(g.children, func(c *proc.Child) bool { return c.Name == p.APIServer().Name })
	g.children[i].Stop(stopGrace)
	g.children = slices.Delete(g.children, i, i+1)
	return g.startAPIServer(ctx, p)
}

// ended returns an error if a program has ended.
func (g *group) ended() error {
	for _, c := range g.children {
		select {
		case <-c.Done():
			return proc.ExitError(g.logs, c.Name)
		default:
		}
	}
	return nil
}

// wait returns the next order; none when ctx ends, or an error when a program does.
func (g *group) wait(ctx context.Context, orders <-chan string) (string, error) {
	died := make(chan struct{}, len(g.children))
	for _, c := range g.children {
		go func() { <-c.Done(); died <- struct{}{} }()
	}
	select {
	case <-ctx.Done():
		return "", nil
	case <-died:
		return "", g.ended()
	case order := <-orders:
		return order, nil
	}
}

// stop ends the programs in the reverse order of their start: what loses its server waits for it in vain.
func (g *group) stop() {
	for _, child := range slices.Backward(g.children) {
		child.Stop(stopGrace)
	}
}

// workDir makes the directory of a control plane.
func workDir(dir string) (string, error) {
	if dir == "" {
		return os.MkdirTemp("", "kymaros-control-plane-")
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return "", err
	}
	entries, err := os.ReadDir(dir)
	if err != nil {
		return "", err
	}
	if len(entries) > 0 {
		return "", fmt.Errorf("%s is not empty: it would be removed at the end, so name another", dir)
	}
	return dir, nil
}
