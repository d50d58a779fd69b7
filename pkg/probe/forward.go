package probe

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/streaming/pkg/httpstream"
)

// tunnel is a connection to a port of a pod, made by the node inside the pod's network namespace. It is two streams of a
// port-forward: one for data, and one on which the node says why it could not connect. There is no word of success: only
// when the second stream ends empty it is certain that the node did connect.
type tunnel struct {
	httpstream.Stream // data
	hangUp            func()
	closed            atomic.Bool // by us

	// ended is closed when the node has said all; refusal is then what it said, or nil.
	ended   chan struct{}
	refusal error
}

var (
	errRefused = errors.New("connection refused")
	errReset   = errors.New("the connection was accepted and then reset")
	errLost    = untold{errors.New("lost the connection to the node")}
)

// settle is how long a connection must outlive its stream of errors for the end of that stream to count.
const settle = 100 * time.Millisecond

// open connects to at. When ctx ends first, a connection that is made too late is closed again.
func (p *Prober) open(ctx context.Context, at endpoint) (*tunnel, error) {
	type result struct {
		tunnel *tunnel
		err    error
	}
	done := make(chan result, 1)
	go func() {
		conn, hangUp, err := p.dial(ctx, at.namespace, at.pod)
		if err != nil {
			done <- result{err: fmt.Errorf("port-forward to pod %s: %w", at.pod, unreached(err))}
			return
		}
		t, err := newTunnel(conn, hangUp, at.port)
		done <- result{t, err}
	}()
	select {
	case r := <-done:
		return r.tunnel, r.err
	case <-ctx.Done():
		go func() {
			if r := <-done; r.tunnel != nil {
				r.tunnel.Close()
			}
		}()
		return nil, told{untold{fmt.Errorf("port-forward to pod %s: the node did not answer in time", at.pod)}}
	}
}

// unreached marks an error of a stream that could not be opened because the API server did not reach the node, or was not
// reached itself.
func unreached(err error) error {
	if backendLost(err) {
		return untold{err}
	}
	return ours(err)
}

// backendLost tells whether that is what the error says.
func backendLost(err error) bool {
	return passing(err) || strings.Contains(err.Error(), "error dialing backend")
}

func newTunnel(conn httpstream.Connection, hangUp func(), port int32) (*tunnel, error) {
	stream := func(kind string) (httpstream.Stream, error) {
		s, err := conn.CreateStream(http.Header{
			corev1.StreamType:                 {kind},
			corev1.PortHeader:                 {strconv.Itoa(int(port))},
			corev1.PortForwardRequestIDHeader: {"0"},
		})
		if err != nil {
			hangUp()
			return nil, fmt.Errorf("port-forward: %w", err)
		}
		return s, nil
	}
	refusals, err := stream(corev1.StreamTypeError)
	if err != nil {
		return nil, err
	}
	_ = refusals.Close() // it is only read
	data, err := stream(corev1.StreamTypeData)
	if err != nil {
		return nil, err
	}
	t := &tunnel{Stream: data, hangUp: hangUp, ended: make(chan struct{})}
	go func() {
		defer close(t.ended)
		text, err := io.ReadAll(io.LimitReader(refusals, 4096))
		t.refusal = refusal(string(text), err)
		if t.refusal != nil {
			return
		}
		// A connection that ends takes its streams along, and that says nothing about the pod. Whoever closes one
		// politely ends the streams first, so the end of the connection may be a moment away.
		select {
		case <-conn.CloseChan():
			if !t.closed.Load() {
				t.refusal = errLost
			}
		case <-time.After(settle):
		}
	}()
	return t, nil
}

// refusal reads what the node says of a port-forward that failed: text of its container runtime, with names of network
// namespaces and much else that helps nobody.
func refusal(text string, err error) error {
	lower := strings.ToLower(text)
	switch {
	case err != nil:
		return errLost
	case text == "":
		return nil
	case strings.Contains(lower, "connection refused"):
		return errRefused
	case strings.Contains(lower, "reset by peer") && !strings.Contains(lower, "dial"):
		return errReset
	}
	return errors.New("the node could not connect to the port")
}

// Read reads what the pod sends. At the end it waits until the node has said whether it was connected at all.
func (t *tunnel) Read(p []byte) (int, error) {
	n, err := t.Stream.Read(p)
	if err != nil {
		select {
		case <-t.ended:
		case <-time.After(time.Second):
		}
	}
	return n, err
}

// Close gives the connection up. It never blocks.
func (t *tunnel) Close() error {
	t.closed.Store(true)
	t.hangUp()
	return nil
}

// closeWrite tells the other side that nothing more comes.
func (t *tunnel) closeWrite() error { return t.Stream.Close() }

// The rest of net.Conn. Time is bounded by the context of the check, which closes the tunnel.
type address struct{}

func (address) Network() string { return "portforward" }
func (address) String() string  { return "pod" }

func (*tunnel) LocalAddr() net.Addr              { return address{} }
func (*tunnel) RemoteAddr() net.Addr             { return address{} }
func (*tunnel) SetDeadline(time.Time) error      { return nil }
func (*tunnel) SetReadDeadline(time.Time) error  { return nil }
func (*tunnel) SetWriteDeadline(time.Time) error { return nil }
