package probe

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"sync"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/remotecommand"
	"k8s.io/client-go/transport/spdy"
	"k8s.io/client-go/transport/websocket"
	"k8s.io/client-go/util/exec"
)

// Channels of a WebSocket in version 4 of the protocol: the first byte of each message.
const (
	channelStdout = 1
	channelStatus = 3
)

// maxFrame bounds a message of a WebSocket, in bytes; container runtimes send 32 KiB at most.
const maxFrame = 1 << 20

// errCutOff: the stream of a command ended before its status came.
var errCutOff = untold{errors.New("the connection ended before the command did")}

// exec runs command and copies its standard output. Its standard error is thrown away. A command that ends with another
// code than 0 is an error of type exec.CodeExitError.
//
// It speaks version 4 of the protocol itself. client-go takes a stream that ends without a status for success, and so does
// the API server when it translates version 5, and then sends that success. Version 4 passes through the API server as it
// is, so the status is that of the container runtime or there is none.
func (s streamer) exec(ctx context.Context, namespace, pod, container string, command []string, stdout io.Writer) error {
	target := s.url(namespace, pod, "exec", &corev1.PodExecOptions{Container: container, Command: command, Stdout: true, Stderr: true})
	err := s.execWebSocket(ctx, target, stdout)
	if err != nil && refused(err) {
		err = s.execSPDY(ctx, target, stdout)
	}
	if ctx.Err() != nil {
		return ctx.Err()
	}
	return err
}

func (s streamer) execWebSocket(ctx context.Context, target *url.URL, stdout io.Writer) error {
	transport, holder, err := websocket.RoundTripperFor(s.config)
	if err != nil {
		return err
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, target.String(), nil)
	if err != nil {
		return err
	}
	socket, err := websocket.Negotiate(transport, holder, request, remotecommand.StreamProtocolV4Name)
	if err != nil {
		return err
	}
	defer socket.Close()
	defer context.AfterFunc(ctx, func() { _ = socket.Close() })()
	socket.SetReadLimit(maxFrame)
	for {
		_, message, err := socket.ReadMessage()
		switch {
		case err != nil:
			return errCutOff
		case len(message) < 2:
		case message[0] == channelStdout:
			if _, err := stdout.Write(message[1:]); err != nil {
				return err
			}
		case message[0] == channelStatus:
			return ended(message[1:])
		}
	}
}

func (s streamer) execSPDY(ctx context.Context, target *url.URL, stdout io.Writer) error {
	transport, upgrader, err := spdy.RoundTripperFor(s.config)
	if err != nil {
		return err
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, target.String(), nil)
	if err != nil {
		return err
	}
	conn, protocol, err := spdy.NegotiateStreaming(upgrader, &http.Client{Transport: transport, CheckRedirect: noRedirect}, request, remotecommand.StreamProtocolV4Name)
	if err != nil {
		return err
	}
	defer func() { go conn.Close() }()
	defer context.AfterFunc(ctx, func() { _ = conn.Close() })()
	if protocol != remotecommand.StreamProtocolV4Name {
		return fmt.Errorf("the node does not speak %s", remotecommand.StreamProtocolV4Name)
	}
	var streams [3]io.Reader
	for i, kind := range []string{corev1.StreamTypeError, corev1.StreamTypeStdout, corev1.StreamTypeStderr} {
		stream, err := conn.CreateStream(http.Header{corev1.StreamType: {kind}})
		if err != nil {
			return errCutOff
		}
		_ = stream.Close() // it is only read
		streams[i] = stream
	}
	var output sync.WaitGroup
	output.Go(func() { _, _ = io.Copy(stdout, streams[1]) })
	output.Go(func() { _, _ = io.Copy(io.Discard, streams[2]) })
	status, err := io.ReadAll(io.LimitReader(streams[0], maxFrame))
	output.Wait()
	if err != nil || len(status) == 0 {
		return errCutOff
	}
	return ended(status)
}

// ended reads the status with which a container runtime ends the stream of a command; nil stands for exit code 0.
func ended(message []byte) error {
	var status metav1.Status
	if err := json.Unmarshal(message, &status); err != nil {
		return errCutOff // it is cut off itself
	}
	if status.Status == metav1.StatusSuccess {
		return nil
	}
	if status.Reason == remotecommand.NonZeroExitCodeReason && status.Details != nil {
		for _, c := range status.Details.Causes {
			if code, err := strconv.ParseUint(c.Message, 10, 8); err == nil && c.Type == remotecommand.ExitCodeCauseType {
				return exec.CodeExitError{Err: fmt.Errorf("exit code %d", code), Code: int(code)}
			}
		}
	}
	return errors.New(status.Message)
}
