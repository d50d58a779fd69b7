package probe

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"time"

	corev1 "k8s.io/api/core/v1"
	forward "k8s.io/apimachinery/pkg/util/portforward"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/kubernetes/scheme"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/portforward"
	"k8s.io/client-go/transport/spdy"
	"k8s.io/client-go/transport/websocket"
	"k8s.io/klog/v2"
	"k8s.io/streaming/pkg/httpstream"
	streamspdy "k8s.io/streaming/pkg/httpstream/spdy"
)

// streamer opens streams to pods over WebSocket, and over SPDY where the API server or a proxy in between refuses that.
type streamer struct {
	kube   kubernetes.Interface
	config *rest.Config
}

func (s streamer) url(namespace, pod, subresource string, options *corev1.PodExecOptions) *url.URL {
	request := s.kube.CoreV1().RESTClient().Post().Namespace(namespace).Resource("pods").Name(pod).SubResource(subresource)
	if options != nil {
		request = request.VersionedParams(options, scheme.ParameterCodec)
	}
	return request.URL()
}

// refused tells whether a WebSocket was refused, rather than that it failed.
func refused(err error) bool {
	return httpstream.IsUpgradeFailure(err) || httpstream.IsHTTPSProxyError(err)
}

// dial opens a port-forward. The function it returns closes it, without ever blocking.
func (s streamer) dial(ctx context.Context, namespace, pod string) (httpstream.Connection, func(), error) {
	target := s.url(namespace, pod, "portforward", nil)
	conn, hangUp, err := s.dialWebSocket(ctx, target)
	if err != nil && refused(err) {
		klog.FromContext(ctx).V(4).Info("WebSocket refused, trying SPDY", "err", err)
		return s.dialSPDY(ctx, target)
	}
	return conn, hangUp, err
}

// dialWebSocket tunnels SPDY through a WebSocket, as port-forward does it since Kubernetes 1.31.
func (s streamer) dialWebSocket(ctx context.Context, target *url.URL) (httpstream.Connection, func(), error) {
	transport, holder, err := websocket.RoundTripperFor(s.config)
	if err != nil {
		return nil, nil, err
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, target.String(), nil)
	if err != nil {
		return nil, nil, err
	}
	socket, err := websocket.Negotiate(transport, holder, request, forward.WebsocketsSPDYTunnelingPrefix+portforward.PortForwardProtocolV1Name)
	if err != nil {
		return nil, nil, err
	}
	conn, err := streamspdy.NewClientConnection(portforward.NewTunnelingConnectionWithLogger(klog.FromContext(ctx), socket))
	if err != nil {
		_ = socket.Close()
		return nil, nil, err
	}
	return conn, func() {
		go conn.Close()
		// The polite way waits for the other side; a side that is stuck is cut off.
		time.AfterFunc(time.Second, func() { _ = socket.Close() })
	}, nil
}

func (s streamer) dialSPDY(ctx context.Context, target *url.URL) (httpstream.Connection, func(), error) {
	transport, upgrader, err := spdy.RoundTripperFor(s.config)
	if err != nil {
		return nil, nil, err
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, target.String(), nil)
	if err != nil {
		return nil, nil, err
	}
	conn, _, err := spdy.NegotiateStreaming(upgrader, &http.Client{Transport: transport, CheckRedirect: noRedirect}, request, portforward.PortForwardProtocolV1Name)
	if err != nil {
		return nil, nil, err
	}
	return conn, func() { go conn.Close() }, nil
}

func noRedirect(*http.Request, []*http.Request) error {
	return fmt.Errorf("redirects are not followed")
}
