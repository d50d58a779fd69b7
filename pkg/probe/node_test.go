package probe

import (
	"context"
	"fmt"
	"io"
	"net"
	"strconv"
	"sync"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/streaming/pkg/httpstream"
	"k8s.io/streaming/pkg/httpstream/spdy"
)

// A node stands for a kubelet and its container runtime: it serves port-forwards over real SPDY, as containerd does it.
type node struct {
	dial func(port int) (net.Conn, error)
	// dead: it accepts streams and then does nothing. gone: it hangs up after that.
	dead, gone bool
}

func (n *node) connect(t *testing.T) func(context.Context, string, string) (httpstream.Connection, func(), error) {
	return func(context.Context, string, string) (httpstream.Connection, func(), error) {
		here, there := net.Pipe()
		var mu sync.Mutex
		streams := map[string]httpstream.Stream{}
		var server httpstream.Connection
		mu.Lock()
		server, err := spdy.NewServerConnection(there, func(s httpstream.Stream, replySent <-chan struct{}) error {
			mu.Lock()
			defer mu.Unlock()
			streams[s.Headers().Get(corev1.StreamType)] = s
			if len(streams) == 2 {
				port, _ := strconv.Atoi(s.Headers().Get(corev1.PortHeader))
				go func() {
					<-replySent
					n.forward(server, port, streams[corev1.StreamTypeData], streams[corev1.StreamTypeError])
				}()
			}
			return nil
		})
		mu.Unlock()
		if err != nil {
			return nil, nil, err
		}
		conn, err := spdy.NewClientConnection(here)
		if err != nil {
			return nil, nil, err
		}
		t.Cleanup(func() { here.Close(); there.Close() })
		return conn, func() { go conn.Close() }, nil
	}
}

func (n *node) forward(conn httpstream.Connection, port int, data, failures httpstream.Stream) {
	if n.dead {
		return
	}
	if n.gone {
		conn.Close()
		return
	}
	defer data.Close()
	defer failures.Close()
	pod, err := n.dial(port)
	if err != nil {
		fmt.Fprintf(failures, "error forwarding port %d to pod 1234, uid : failed to execute portforward in network namespace: failed to connect: %v", port, err)
		return
	}
	defer pod.Close()
	ended := make(chan struct{}, 2) // how the connection ended is the test's business
	go func() { _, _ = io.Copy(data, pod); ended <- struct{}{} }()
	go func() { _, _ = io.Copy(pod, data); ended <- struct{}{} }()
	<-ended
	select {
	case <-ended:
	case <-time.After(time.Second):
	}
}

// loopback dials servers of the test, whatever port is asked for; without an address it finds the port closed.
func loopback(address string) func(int) (net.Conn, error) {
	return func(int) (net.Conn, error) {
		if address == "" {
			return nil, fmt.Errorf("dial tcp4 127.0.0.1:1: connect: connection refused")
		}
		return net.Dial("tcp", address)
	}
}
