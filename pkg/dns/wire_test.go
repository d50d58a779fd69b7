package dns

import (
	"context"
	"encoding/binary"
	"errors"
	"io"
	"net"
	"net/netip"
	"os"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"golang.org/x/net/dns/dnsmessage"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/kubernetes/fake"
)

// wire is a network without a kernel, for bubbles of synctest: what is sent arrives in its order, and nothing is lost.
type wire struct {
	kube *fake.Clientset
	// in are datagrams to the server, and opened connections that it has not accepted yet.
	in     chan datagram
	opened chan net.Conn
	closed chan struct{}
	close  sync.Once

	mu sync.Mutex
	// out are the answers to datagrams, by the address that asked.
	out map[netip.Addr][]dnsmessage.Header
}

type datagram struct {
	message []byte
	from    netip.Addr
}

// serveOnWire starts a server on a network of its own, for a cluster with those objects. It must be called in a bubble.
func serveOnWire(t *testing.T, objects ...runtime.Object) *wire {
	t.Helper()
	kube, sandboxes := follow(t, objects...)
	w := &wire{
		kube: kube, in: make(chan datagram), opened: make(chan net.Conn, 4*maxConnections), closed: make(chan struct{}),
		out: map[netip.Addr][]dnsmessage.Header{},
	}
	ctx, cancel := context.WithCancel(t.Context())
	served := make(chan error)
	go func() { served <- NewServer(sandboxes, "cluster.local").Serve(ctx, packetConn{wire: w}, listener{w}) }()
	t.Cleanup(func() {
		cancel()
		if err := <-served; err != nil {
			t.Errorf("Serve: %v", err)
		}
	})
	return w
}

// question asks for an address of db.data, by which pods of sandboxes with a Service db know that they were answered.
func question(t *testing.T) []byte {
	t.Helper()
	message := dnsmessage.Message{Questions: []dnsmessage.Question{{
		Name: dnsmessage.MustNewName("db.data.svc.cluster.local."), Type: dnsmessage.TypeA, Class: dnsmessage.ClassINET,
	}}}
	packed, err := message.Pack()
	if err != nil {
		t.Fatal(err)
	}
	return packed
}

// send sends that many questions from an address, and returns when the server has them all.
func (w *wire) send(t *testing.T, from string, questions int) {
	t.Helper()
	message, address := question(t), netip.MustParseAddr(from)
	for range questions {
		w.in <- datagram{message, address}
	}
	synctest.Wait()
}

// answers returns what an address was answered to its datagrams since the last call.
func (w *wire) answers(from string) []dnsmessage.Header {
	synctest.Wait()
	w.mu.Lock()
	defer w.mu.Unlock()
	address := netip.MustParseAddr(from)
	all := w.out[address]
	delete(w.out, address)
	return all
}

// open opens a connection from an address. It has not been accepted yet.
func (w *wire) open(t *testing.T, from string) net.Conn {
	t.Helper()
	ours, theirs := net.Pipe()
	t.Cleanup(func() { _ = ours.Close() })
	w.opened <- conn{theirs, netip.MustParseAddr(from)}
	return ours
}

// ask asks by a connection and tells whether there is an answer in time, other than a refusal.
func ask(t *testing.T, c net.Conn) bool {
	t.Helper()
	if err := c.SetDeadline(time.Now().Add(5 * time.Second)); err != nil {
		return false
	}
	message := question(t)
	if _, err := c.Write(append(binary.BigEndian.AppendUint16(nil, uint16(len(message))), message...)); err != nil {
		return false
	}
	var length [2]byte
	if _, err := io.ReadFull(c, length[:]); err != nil {
		return false
	}
	answer := make([]byte, binary.BigEndian.Uint16(length[:]))
	if _, err := io.ReadFull(c, answer); err != nil {
		return false
	}
	var p dnsmessage.Parser
	header, err := p.Start(answer)
	return err == nil && header.RCode == dnsmessage.RCodeSuccess
}

// stillOpen counts the connections that the server has not closed. None may have an answer to read.
func stillOpen(all []net.Conn) int {
	synctest.Wait()
	n := 0
	for _, c := range all {
		if err := c.SetReadDeadline(time.Now().Add(time.Nanosecond)); err != nil {
			continue
		}
		if _, err := c.Read(make([]byte, 1)); errors.Is(err, os.ErrDeadlineExceeded) {
			n++
		}
	}
	return n
}

type packetConn struct {
	net.PacketConn // nil: what is not below is not called
	wire           *wire
}

func (c packetConn) ReadFrom(buffer []byte) (int, net.Addr, error) {
	select {
	case d := <-c.wire.in:
		return copy(buffer, d.message), net.UDPAddrFromAddrPort(netip.AddrPortFrom(d.from, 40000)), nil
	case <-c.wire.closed:
		return 0, nil, net.ErrClosed
	}
}

func (c packetConn) WriteTo(message []byte, to net.Addr) (int, error) {
	var p dnsmessage.Parser
	header, err := p.Start(message)
	if err != nil {
		return 0, err
	}
	c.wire.mu.Lock()
	defer c.wire.mu.Unlock()
	address := addressOf(to)
	c.wire.out[address] = append(c.wire.out[address], header)
	return len(message), nil
}

func (c packetConn) Close() error {
	c.wire.close.Do(func() { close(c.wire.closed) })
	return nil
}

type listener struct{ wire *wire }

func (l listener) Accept() (net.Conn, error) {
	select {
	case c := <-l.wire.opened:
		return c, nil
	case <-l.wire.closed:
		return nil, net.ErrClosed
	}
}

func (l listener) Close() error   { return packetConn{wire: l.wire}.Close() }
func (l listener) Addr() net.Addr { return &net.TCPAddr{} }

// conn is the server's end of a connection.
type conn struct {
	net.Conn
	from netip.Addr
}

func (c conn) RemoteAddr() net.Addr {
	return net.TCPAddrFromAddrPort(netip.AddrPortFrom(c.from, 40000))
}
