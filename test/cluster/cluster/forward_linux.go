package cluster

import (
	"context"
	"io"
	"net"
	"os"
)

// Forward accepts connections on the socket that it inherits as descriptor 3 and connects each of them with
// target, until ctx ends.
func Forward(ctx context.Context, target string) error {
	listener, err := net.FileListener(os.NewFile(3, "listener"))
	if err != nil {
		return err
	}
	defer context.AfterFunc(ctx, func() { listener.Close() })()
	for {
		conn, err := listener.Accept()
		if ctx.Err() != nil {
			return nil
		}
		if err != nil {
			return err
		}
		go join(conn.(*net.TCPConn), target)
	}
}

// join copies both ways until both sides have ended.
func join(client *net.TCPConn, target string) {
	defer client.Close()
	conn, err := net.Dial("tcp", target)
	if err != nil {
		return // the client sees a closed connection, as it would from a server that is gone
	}
	server := conn.(*net.TCPConn)
	defer server.Close()
	done := make(chan struct{})
	go func() {
		copyThenClose(server, client)
		close(done)
	}()
	copyThenClose(client, server)
	<-done
}

// copyThenClose passes the end of the stream on: one direction may end before the other.
func copyThenClose(to, from *net.TCPConn) {
	_, _ = io.Copy(to, from)
	_ = to.CloseWrite()
	_ = from.CloseRead()
}
