package controlplane

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"time"

	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/tools/clientcmd"
)

// poll is how often a condition is looked at for which there is no event to wait for.
const poll = 50 * time.Millisecond

// Until waits until check succeeds. ended, looked at between two checks, tells why there is nothing to wait for any more.
func Until(ctx context.Context, what string, timeout time.Duration, ended func() error, check func(context.Context) error) error {
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	for {
		attempt, done := context.WithTimeout(ctx, 5*time.Second)
		err := check(attempt)
		done()
		if err == nil {
			return nil
		}
		if dead := ended(); dead != nil {
			return dead
		}
		select {
		case <-ctx.Done():
			if errors.Is(ctx.Err(), context.Canceled) {
				return ctx.Err()
			}
			return fmt.Errorf("%s: not after %v: %w", what, timeout, err)
		case <-time.After(poll):
		}
	}
}

// Listening succeeds when something accepts TCP connections at address.
func Listening(address string) func(context.Context) error {
	return func(ctx context.Context) error {
		conn, err := new(net.Dialer).DialContext(ctx, "tcp", address)
		if err != nil {
			return err
		}
		return conn.Close()
	}
}

// Client returns a client without rate limits: the harness is no guest in the cluster.
func Client(kubeconfig string) (kubernetes.Interface, error) {
	config, err := clientcmd.BuildConfigFromFlags("", kubeconfig)
	if err != nil {
		return nil, err
	}
	config.QPS = -1
	return kubernetes.NewForConfig(config)
}

// Ready succeeds when the API server serves and namespace default, in which clients may want to create objects, exists.
func Ready(client kubernetes.Interface) func(context.Context) error {
	return func(ctx context.Context) error {
		rest := client.Discovery().RESTClient()
		if err := rest.Get().AbsPath("/readyz").Do(ctx).Error(); err != nil {
			return err
		}
		return rest.Get().AbsPath("/api/v1/namespaces/default").Do(ctx).Error()
	}
}

// freePorts returns n loopback TCP ports that nobody listens on. They lie below the range from which the
// kernel takes the ports of outgoing connections, so that none is taken before its program listens.
func freePorts(n int) ([]int, error) {
	const low, high = 15000, 30000
	var ports []int
	for range 1000 {
		port := low + rand.IntN(high-low)
		l, err := net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", port))
		if err != nil {
			continue
		}
		defer l.Close() // not before all are found: no port is found twice
		if ports = append(ports, port); len(ports) == n {
			return ports, nil
		}
	}
	return nil, fmt.Errorf("no %d free TCP ports between %d and %d", n, low, high)
}
