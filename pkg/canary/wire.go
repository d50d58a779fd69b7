package canary

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"time"

	"k8s.io/klog/v2"
)

// timeout of one try, and of what a listener does for one caller.
const timeout = 2 * time.Second

// greeting begins every line that canaries say to each other. What answers without it is not one of them: a proxy, for one,
// takes connections to anywhere.
const greeting = "kymaros-canary "

// maxLine is the longest line that is read: greeting, role and the name of a node.
const maxLine = 512

// greet dials a canary, tells it the role, and returns the name of its node.
func greet(ctx context.Context, address string, role Role) (node string, err error) {
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	conn, err := (&net.Dialer{}).DialContext(ctx, "tcp", address)
	if err != nil {
		return "", err
	}
	defer conn.Close()
	deadline, _ := ctx.Deadline() // the caller's may be sooner
	if err := conn.SetDeadline(deadline); err != nil {
		return "", err
	}
	if _, err := fmt.Fprintf(conn, "%s%s\n", greeting, role); err != nil {
		return "", err
	}
	return readGreeting(conn)
}

// reach dials what is no canary: that a connection is made is all there is to see.
func reach(ctx context.Context, address string) error {
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	conn, err := (&net.Dialer{}).DialContext(ctx, "tcp", address)
	if err != nil {
		return err
	}
	return conn.Close()
}

// listen answers canaries with the name of the node until ctx ends. heard is called with the role of each.
func listen(ctx context.Context, listener net.Listener, node string, heard func(Role)) {
	defer context.AfterFunc(ctx, func() { _ = listener.Close() })()
	// More at a time than canaries of many nodes are; others wait in the queue of the kernel.
	slots := make(chan struct{}, 64)
	for {
		conn, err := listener.Accept()
		if errors.Is(err, net.ErrClosed) {
			return
		}
		if err != nil {
			klog.FromContext(ctx).Error(err, "Accept failed")
			select {
			case <-ctx.Done():
				return
			case <-time.After(100 * time.Millisecond): // out of file descriptors, which come back
			}
			continue
		}
		slots <- struct{}{}
		go func() {
			defer func() { _ = conn.Close(); <-slots }()
			if conn.SetDeadline(time.Now().Add(timeout)) != nil {
				return
			}
			caller, err := readGreeting(conn)
			if err != nil {
				return // a port scan, or a caller that has gone
			}
			heard(Role(caller))
			_, _ = fmt.Fprintf(conn, "%s%s\n", greeting, node) // the caller has gone if this fails
		}()
	}
}

func readGreeting(conn net.Conn) (string, error) {
	line, err := bufio.NewReader(io.LimitReader(conn, maxLine)).ReadString('\n')
	if err != nil {
		return "", fmt.Errorf("no greeting: %w", err)
	}
	said, ok := strings.CutPrefix(strings.TrimSuffix(line, "\n"), greeting)
	if !ok {
		return "", errors.New("no greeting of a canary")
	}
	return said, nil
}
