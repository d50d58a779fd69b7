package integration

import (
	"context"
	"crypto/tls"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/metadata"
	"k8s.io/streaming/pkg/httpstream"
	"k8s.io/streaming/pkg/httpstream/spdy"
	"k8s.io/streaming/pkg/httpstream/wsstream"

	"github.com/kymaros/kymaros/pkg/apis/restore/v1alpha1"
	"github.com/kymaros/kymaros/pkg/probe"
)

// TestACommandIsNoSuccessWhenItsKubeletDies asks a real API server for a command on a kubelet that ends the connection with a
// status, or without: the API server is in between, and in other versions of the protocol it makes a success of nothing.
func TestACommandIsNoSuccessWhenItsKubeletDies(t *testing.T) {
	t.Parallel()
	const success = `{"status":"Success"}`
	for name, c := range map[string]struct {
		handler func(status string, w http.ResponseWriter, r *http.Request)
		status  string
		want    v1alpha1.CheckResult
	}{
		"over a WebSocket it ends well": {serveWebSocket, success, v1alpha1.CheckPass},
		"over a WebSocket it dies":      {serveWebSocket, "", v1alpha1.CheckUnknown},
		"over SPDY it ends well":        {serveSPDY, success, v1alpha1.CheckPass},
		"over SPDY it dies":             {serveSPDY, "", v1alpha1.CheckUnknown},
	} {
		t.Run(name, func(t *testing.T) {
			kubelet := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if !strings.HasPrefix(r.URL.Path, "/exec/") {
					http.NotFound(w, r)
					return
				}
				c.handler(c.status, w, r)
			}))
			kubelet.TLS = &tls.Config{NextProtos: []string{"http/1.1"}}
			kubelet.StartTLS()
			defer kubelet.Close()
			pod := podOn(t, kubelet.Listener.Addr())
			namespace, err := kube.CoreV1().Namespaces().Get(t.Context(), pod.Namespace, metav1.GetOptions{})
			if err != nil {
				t.Fatal(err)
			}
			p := probe.New(kube, metadata.NewForConfigOrDie(metadata.ConfigFor(admin)), admin)
			check := v1alpha1.HealthCheck{Name: "rows", Exec: &v1alpha1.ExecCheck{PodSelector: pod.Labels, Command: []string{"psql"}, Retries: 1}}
			got := p.Run(t.Context(), check, []v1alpha1.SandboxNamespace{{Source: "shop", Name: namespace.Name, UID: namespace.UID}}, 0)
			if got.Status != c.want {
				t.Errorf("got %+v, want %s", got, c.want)
			}
		})
	}
}

// podOn returns a ready pod in a sandbox, on a node whose kubelet listens there.
func podOn(t *testing.T, kubelet net.Addr) *corev1.Pod {
	t.Helper()
	_, text, _ := net.SplitHostPort(kubelet.String())
	port, err := strconv.Atoi(text)
	if err != nil {
		t.Fatal(err)
	}
	name := "kubelet-" + text
	node := &corev1.Node{ObjectMeta: metav1.ObjectMeta{Name: name}}
	node.Status.Addresses = []corev1.NodeAddress{{Type: corev1.NodeInternalIP, Address: "127.0.0.1"}}
	node.Status.DaemonEndpoints.KubeletEndpoint.Port = int32(port)
	if _, err := kube.CoreV1().Nodes().Create(t.Context(), node, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = kube.CoreV1().Nodes().Delete(context.Background(), name, metav1.DeleteOptions{}) })
	ns, err := kube.CoreV1().Namespaces().Create(t.Context(), &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: name, Labels: map[string]string{v1alpha1.LabelManagedBy: v1alpha1.ManagedBy}}}, metav1.CreateOptions{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = kube.CoreV1().Namespaces().Delete(context.Background(), name, metav1.DeleteOptions{}) })
	var pod *corev1.Pod
	eventually(t, time.Minute, func(ctx context.Context) error {
		pod, err = kube.CoreV1().Pods(ns.Name).Create(ctx, &corev1.Pod{
			ObjectMeta: metav1.ObjectMeta{Name: "db-0", Labels: map[string]string{"app": "db"}},
			Spec: corev1.PodSpec{NodeName: name, Containers: []corev1.Container{{Name: "db", Image: "db"}},
				Tolerations: []corev1.Toleration{{Operator: corev1.TolerationOpExists}}},
		}, metav1.CreateOptions{})
		return err
	})
	if err := makeReady(t.Context(), pod); err != nil {
		t.Fatal(err)
	}
	return pod
}

func serveWebSocket(status string, w http.ResponseWriter, r *http.Request) {
	channels := []wsstream.ChannelType{wsstream.IgnoreChannel, wsstream.WriteChannel, wsstream.WriteChannel, wsstream.WriteChannel}
	conn := wsstream.NewConn(map[string]wsstream.ChannelProtocolConfig{"v4.channel.k8s.io": {Binary: true, Channels: channels}})
	_, streams, err := conn.Open(w, r)
	if err != nil {
		return
	}
	defer conn.Close()
	_, _ = io.WriteString(streams[3], status)
}

func serveSPDY(status string, w http.ResponseWriter, r *http.Request) {
	if wsstream.IsWebSocketRequest(r) {
		http.Error(w, "not here", http.StatusBadRequest)
		return
	}
	if _, err := httpstream.Handshake(r, w, []string{"v4.channel.k8s.io"}); err != nil {
		return
	}
	streams := make(chan httpstream.Stream, 3)
	conn := spdy.NewResponseUpgrader().UpgradeResponse(w, r, func(s httpstream.Stream, _ <-chan struct{}) error { streams <- s; return nil })
	if conn == nil {
		return
	}
	defer conn.Close()
	for range 3 {
		s := <-streams
		if s.Headers().Get(corev1.StreamType) == corev1.StreamTypeError {
			_, _ = io.WriteString(s, status)
		}
		_ = s.Close()
	}
}
