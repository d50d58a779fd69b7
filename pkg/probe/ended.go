package probe

import (
	"errors"
	"net/http"
	"sync/atomic"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/httpstream"
	"k8s.io/client-go/transport/spdy"
)

// errNoStatus: the connection ended before the kubelet said how the command did. To client-go that is success
// (kubernetes/kubectl#1726), with whatever the command had printed by then.
var errNoStatus = errors.New("the connection to the pod ended before the command did")

// listener makes connections like its Upgrader, and takes note of whether the status of the command has come.
type listener struct {
	spdy.Upgrader
	heard atomic.Bool
}

// NewConnection implements spdy.Upgrader.
func (l *listener) NewConnection(answer *http.Response) (httpstream.Connection, error) {
	conn, err := l.Upgrader.NewConnection(answer)
	if err != nil {
		return nil, err
	}
	return overheard{conn, l}, nil
}

type overheard struct {
	httpstream.Connection
	*listener
}

// CreateStream implements httpstream.Connection.
func (o overheard) CreateStream(headers http.Header) (httpstream.Stream, error) {
	stream, err := o.Connection.CreateStream(headers)
	if err != nil || headers.Get(corev1.StreamType) != corev1.StreamTypeError {
		return stream, err
	}
	return statusStream{stream, o.listener}, nil
}

type statusStream struct {
	httpstream.Stream
	*listener
}

// Read implements io.Reader.
func (s statusStream) Read(p []byte) (int, error) {
	n, err := s.Stream.Read(p)
	if n > 0 {
		s.heard.Store(true)
	}
	return n, err
}
