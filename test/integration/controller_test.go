package integration

import (
	"context"
	"errors"
	"net"
	"path/filepath"
	"sync"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"

	"github.com/kymaros/kymaros/cmd/kymaros-controller/app"
	"github.com/kymaros/kymaros/test/plane"
)

// kubeconfig writes a file with which one of the two processes talks through the proxy.
func kubeconfig(ctx context.Context, half string, p *proxy, lifetime time.Duration) (string, error) {
	return cluster.Kubeconfig(ctx, half, scratch, p.server.URL, p.authority(), lifetime)
}

// podOfTheController returns the pod that the controller's token is bound to.
func podOfTheController(ctx context.Context) (*corev1.Pod, error) {
	return cluster.PodOfTheController(ctx)
}

// controller is the product's controllers, running in this process as the two that the manifests start, each with its own token.
type controller struct {
	*proxy
	metrics string // address of those of the one that schedules, host:port
	cancel  context.CancelFunc
	done    chan error // ends with both
}

// startController starts the controllers as the manifests do, but for their ports, the proof of isolation and the fence.
func startController(ctx context.Context, isolationProof string, requireFence bool) (*controller, error) {
	p, err := newProxy()
	if err != nil {
		return nil, err
	}
	lifetime := time.Hour
	if requireFence {
		lifetime = 10 * time.Minute
	}
	metrics, err := freeAddress(ctx)
	if err != nil {
		return nil, err
	}
	runCtx, cancel := context.WithCancel(context.WithoutCancel(ctx))
	c := &controller{proxy: p, metrics: metrics, cancel: cancel, done: make(chan error, 1)}
	halves := make(chan error, len(plane.Halves))
	for _, half := range plane.Halves {
		options, err := optionsOf(ctx, half, p, lifetime)
		if err != nil {
			cancel()
			return nil, err
		}
		if half == plane.Controller {
			options.MetricsAddress = metrics
		}
		options.IsolationProof = isolationProof
		options.RequireFence = requireFence
		go func() {
			halves <- app.Run(runCtx, options)
			cancel() // one without the other is no controller
		}()
	}
	go func() { c.done <- errors.Join(<-halves, <-halves) }()
	return c, nil
}

// optionsOf returns those of one of the two processes.
func optionsOf(ctx context.Context, half string, p *proxy, lifetime time.Duration) (*app.Options, error) {
	options, err := cluster.OptionsOf(half)
	if err != nil {
		return nil, err
	}
	options.Kubeconfig, err = kubeconfig(ctx, half, p, lifetime)
	options.MaxRestores = 1000 // tests that hold a Restore must not hold up the others
	return options, err
}

// freeAddress returns an address that nobody listens on.
func freeAddress(ctx context.Context) (string, error) {
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	return listener.Addr().String(), listener.Close()
}

// stop ends the controller and waits until it has.
func (c *controller) stop() error {
	defer c.close()
	c.cancel()
	select {
	case err := <-c.done:
		return err
	case <-time.After(time.Minute):
		return errors.New("the controller does not end")
	}
}

// alone starts a controller for t alone. t must not run in parallel with others.
func alone(t *testing.T) *controller {
	t.Helper()
	return aloneWith(t, noProof, noFence)
}

const (
	// noProof: there are no nodes, so no canaries.
	noProof = "off"
	// noFence: the tests do with sandboxes what the fence lets nobody do.
	noFence = false
)

// aloneWith is alone with values of --isolation-proof and --require-fence.
func aloneWith(t *testing.T, isolationProof string, requireFence bool) *controller {
	t.Helper()
	c, err := startController(t.Context(), isolationProof, requireFence)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := c.stop(); err != nil {
			t.Errorf("controller: %v", err)
		}
	})
	return c
}

var sharedController struct {
	once sync.Once
	c    *controller
	err  error
}

// shared returns the controller that all parallel tests share. It starts when the first of them asks for it: by then those
// that run alone have ended.
func shared(t *testing.T) *controller {
	t.Helper()
	s := &sharedController
	s.once.Do(func() { s.c, s.err = startController(context.WithoutCancel(t.Context()), noProof, noFence) })
	if s.err != nil {
		t.Fatal(s.err)
	}
	select {
	case err := <-s.c.done:
		s.c.done <- err
		t.Fatalf("the controller has ended: %v", err)
	default:
	}
	return s.c
}

func stopShared() error {
	if sharedController.c == nil {
		return nil
	}
	return sharedController.c.stop()
}

// controllerProgram returns the path of the controller's program, built once.
var controllerProgram = sync.OnceValues(func() (string, error) {
	path := filepath.Join(scratch, "kymaros-controller")
	return path, build(path, "./cmd/kymaros-controller")
})
