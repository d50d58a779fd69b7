package app

import (
	"net"
	"sync"
)

// maxConnections at once: a client that opens more waits until others have ended.
const maxConnections = 1024

// limited accepts no more connections than there is room for.
type limited struct {
	net.Listener
	room chan struct{}
	done chan struct{}
	end  sync.Once
}

func limit(l net.Listener, connections int) net.Listener {
	return &limited{Listener: l, room: make(chan struct{}, connections), done: make(chan struct{})}
}

func (l *limited) Accept() (net.Conn, error) {
	select {
	case l.room <- struct{}{}:
	case <-l.done:
		return nil, net.ErrClosed
	}
	conn, err := l.Listener.Accept()
	if err != nil {
		<-l.room
		return nil, err
	}
	return &leaving{Conn: conn, leave: sync.OnceFunc(func() { <-l.room })}, nil
}

func (l *limited) Close() error {
	l.end.Do(func() { close(l.done) })
	return l.Listener.Close()
}

// leaving gives its place back when it is closed.
type leaving struct {
	net.Conn
	leave func()
}

func (c *leaving) Close() error {
	defer c.leave()
	return c.Conn.Close()
}
