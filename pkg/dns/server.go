package dns

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"sync"
	"time"

	"golang.org/x/net/dns/dnsmessage"
	"k8s.io/klog/v2"
)

const (
	// patience is how long an answer to an address that is no pod of a sandbox is put off. A container runs a moment before
	// the API server knows the address of its pod, and its first question must not be refused: an application that starts
	// often asks once. It is less than it takes a client to ask a second time.
	patience = 2 * time.Second
	// maxWaiting is how many datagrams may be put off at a time, of all addresses together: see shares.
	maxWaiting = 512
	// maxConnections by TCP at a time, of all together: see shares. And how long one may be silent.
	maxConnections = 256
	idle           = 10 * time.Second
)

// Server answers queries. Everybody has a share of it, so that a restored application that asks without end, by accident or
// not, takes no answers from the pods of another run. What is beyond a share is left without an answer: every client asks
// again after a while, when there may be room. To be refused is final to glibc, and a truncated answer to older musl.
type Server struct {
	sandboxes   *Sandboxes
	domain      string
	waiting     *shares
	connections *shares
}

// NewServer returns a server for a cluster with that domain, such as cluster.local.
func NewServer(sandboxes *Sandboxes, domain string) *Server {
	return &Server{sandboxes: sandboxes, domain: domain, waiting: newShares(maxWaiting), connections: newShares(maxConnections)}
}

// Serve answers what comes in until ctx ends, or until one of both fails. It closes both.
func (s *Server) Serve(ctx context.Context, packets net.PacketConn, streams net.Listener) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	var wg sync.WaitGroup
	defer wg.Wait()
	defer context.AfterFunc(ctx, func() {
		_ = packets.Close()
		_ = streams.Close()
	})()
	failed := make(chan error, 2)
	wg.Go(func() { failed <- s.packets(ctx, packets, &wg) })
	wg.Go(func() { failed <- s.streams(ctx, streams, &wg) })
	err := <-failed
	if ctx.Err() != nil {
		err = nil
	}
	cancel()
	_ = packets.Close()
	_ = streams.Close()
	return err
}

func (s *Server) packets(ctx context.Context, conn net.PacketConn, wg *sync.WaitGroup) error {
	buffer, pace := make([]byte, largestSize), newPace()
	for {
		n, from, err := conn.ReadFrom(buffer)
		if err != nil {
			return fmt.Errorf("read a datagram: %w", err)
		}
		address := addressOf(from)
		// First of all: a flood is read as fast as it comes, or else what others ask finds no room in the socket.
		if !pace.allows(address, time.Now()) {
			continue
		}
		q, ok := read(buffer[:n])
		if !ok {
			continue
		}
		send := func(found scope, known bool) {
			if message, err := s.answer(q, found, known, q.size); err == nil {
				_, _ = conn.WriteTo(message, from) // who does not get it asks again
			}
		}
		found, known, _ := s.sandboxes.scopeOf(address)
		if known {
			send(found, true)
			continue
		}
		if place := s.waiting.take(party{address: address}); place != nil {
			wg.Go(func() {
				defer place.leave()
				send(s.await(ctx, address))
			})
		}
	}
}

func (s *Server) streams(ctx context.Context, listener net.Listener, wg *sync.WaitGroup) error {
	for {
		conn, err := listener.Accept()
		if err != nil {
			return fmt.Errorf("accept a connection: %w", err)
		}
		by := party{address: addressOf(conn.RemoteAddr())}
		if found, known, _ := s.sandboxes.scopeOf(by.address); known {
			by = party{run: found.run}
		}
		place := s.connections.take(by)
		if place == nil {
			_ = conn.Close()
			continue
		}
		wg.Go(func() {
			defer place.leave()
			defer conn.Close()
			defer context.AfterFunc(ctx, func() { _ = conn.Close() })()
			if err := s.stream(ctx, conn, place); err != nil && !errors.Is(err, io.EOF) {
				klog.FromContext(ctx).V(4).Info("Connection ended", "err", err)
			}
		})
	}
}

// stream answers the queries of one connection, each with its length in two bytes before it.
func (s *Server) stream(ctx context.Context, conn net.Conn, place *place) error {
	for {
		if err := conn.SetDeadline(time.Now().Add(idle)); err != nil {
			return err
		}
		var length [2]byte
		if _, err := io.ReadFull(conn, length[:]); err != nil {
			return err
		}
		buffer := make([]byte, binary.BigEndian.Uint16(length[:]))
		if _, err := io.ReadFull(conn, buffer); err != nil {
			return err
		}
		q, ok := read(buffer)
		if !ok {
			return errors.New("what came is no query")
		}
		// Each time anew: a connection may outlive its pod, and the address go to another.
		found, known := s.await(ctx, addressOf(conn.RemoteAddr()))
		if known && !place.pass(party{run: found.run}) {
			return errors.New("the run has its share of connections")
		}
		message, err := s.answer(q, found, known, 1<<16-1)
		if err != nil {
			return err
		}
		if _, err := conn.Write(binary.BigEndian.AppendUint16(nil, uint16(len(message)))); err != nil {
			return err
		}
		if _, err := conn.Write(message); err != nil {
			return err
		}
		if !known {
			return nil
		}
	}
}

// await returns the scope of a client, as soon as it is known to be a pod of a sandbox.
func (s *Server) await(ctx context.Context, address netip.Addr) (scope, bool) {
	patience, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	for {
		found, known, changed := s.sandboxes.scopeOf(address)
		if known {
			return found, true
		}
		select {
		case <-changed:
		case <-patience.Done():
			return scope{}, false
		}
	}
}

// answer returns the message for q. A name that means nothing here is said not to exist, wherever it would lie: glibc and
// musl take that for final and tell the application at once. Refused, glibc asks again and speaks of a failure that may
// pass, and musl waits for its timeout of five seconds.
func (s *Server) answer(q query, found scope, known bool, size int) ([]byte, error) {
	switch {
	case q.rcode != dnsmessage.RCodeSuccess:
		return reply(q, answer{}, q.rcode, size)
	case !known || q.question.Class != dnsmessage.ClassINET:
		return reply(q, answer{}, dnsmessage.RCodeRefused, size)
	}
	a := found.resolve(q.question.Name.String(), s.domain)
	if !a.exists {
		return reply(q, a, dnsmessage.RCodeNameError, size)
	}
	return reply(q, a, dnsmessage.RCodeSuccess, size)
}

func addressOf(from net.Addr) netip.Addr {
	switch from := from.(type) {
	case *net.UDPAddr:
		return from.AddrPort().Addr().Unmap()
	case *net.TCPAddr:
		return from.AddrPort().Addr().Unmap()
	}
	return netip.Addr{}
}
