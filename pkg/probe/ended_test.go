package probe

import (
	"bytes"
	"context"
	"crypto/sha1"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"testing"
	"testing/synctest"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/kubernetes/fake"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/util/exec"
	"k8s.io/streaming/pkg/httpstream"
	"k8s.io/streaming/pkg/httpstream/spdy"

	"github.com/kymaros/kymaros/pkg/apis/restore/v1alpha1"
)

// kubelet answers exec over SPDY: it prints, says what status says, and hangs up.
func kubelet(t *testing.T, status string) *rest.Config {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if _, err := httpstream.Handshake(r, w, []string{"v4.channel.k8s.io"}); err != nil {
			return
		}
		streams := make(chan httpstream.Stream, 3)
		conn := spdy.NewResponseUpgrader().UpgradeResponse(w, r, func(s httpstream.Stream, _ <-chan struct{}) error {
			streams <- s
			return nil
		})
		if conn == nil {
			return
		}
		all := map[string]httpstream.Stream{}
		for range 3 {
			s := <-streams
			all[s.Headers().Get(corev1.StreamType)] = s
		}
		_, _ = all[corev1.StreamTypeStdout].Write([]byte("half of it"))
		if status != "" {
			_, _ = all[corev1.StreamTypeError].Write([]byte(status))
		}
		for _, s := range all {
			_ = s.Close()
		}
		_ = conn.Close()
	}))
	t.Cleanup(server.Close)
	return &rest.Config{Host: server.URL}
}

func execOn(t *testing.T, config *rest.Config) (string, error) {
	t.Helper()
	kube, err := kubernetes.NewForConfig(config)
	if err != nil {
		t.Fatal(err)
	}
	var printed bytes.Buffer
	err = streamer{kube, config}.exec(t.Context(), "sbx", "db-0", "db", []string{"check"}, &printed)
	return printed.String(), err
}

func TestACommandEndsWhenTheKubeletSaysSo(t *testing.T) {
	t.Run("well", func(t *testing.T) {
		if printed, err := execOn(t, kubelet(t, `{"status":"Success"}`)); err != nil || printed != "half of it" {
			t.Errorf("got %q, %v", printed, err)
		}
	})
	t.Run("with another code", func(t *testing.T) {
		_, err := execOn(t, kubelet(t, `{"status":"Failure","reason":"NonZeroExitCode","details":{"causes":[{"reason":"ExitCode","message":"3"}]}}`))
		var ended exec.CodeExitError
		if !errors.As(err, &ended) || ended.Code != 3 {
			t.Errorf("got %v", err)
		}
	})
	t.Run("and not when the connection does", func(t *testing.T) {
		if _, err := execOn(t, kubelet(t, "")); !errors.Is(err, errNoStatus) {
			t.Errorf("half of the output of a command that was cut off counts as success: %v", err)
		}
	})
}

// webSocket answers exec over a WebSocket only: it prints, and says that all is well.
func webSocket(w http.ResponseWriter, r *http.Request) {
	if r.Header.Get("Upgrade") != "websocket" {
		http.Error(w, "no SPDY here", http.StatusBadRequest)
		return
	}
	// RFC 6455, sections 4.2.2 and 5.2.
	key := sha1.Sum([]byte(r.Header.Get("Sec-WebSocket-Key") + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"))
	conn, stream, err := w.(http.Hijacker).Hijack()
	if err != nil {
		return
	}
	defer conn.Close()
	fmt.Fprintf(stream, "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: %s\r\nSec-WebSocket-Protocol: v5.channel.k8s.io\r\n\r\n",
		base64.StdEncoding.EncodeToString(key[:]))
	for _, message := range []string{"\x01all of it", "\x03" + `{"status":"Success"}`} {
		_, _ = stream.Write(append([]byte{0x82, byte(len(message))}, message...))
	}
	_, _ = stream.Write([]byte{0x88, 2, 3, 232}) // 1000: a normal end
	_ = stream.Flush()
	_, _ = stream.ReadByte()
}

func TestWhereSPDYIsRefusedAWebSocketRunsTheCommand(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(webSocket))
	t.Cleanup(server.Close)
	if printed, err := execOn(t, &rest.Config{Host: server.URL}); err != nil || printed != "all of it" {
		t.Errorf("got %q, %v", printed, err)
	}
}

func TestACheckThatIsCutOffIsTriedAgainAndIsNoVerdict(t *testing.T) {
	for name, row := range map[string]struct {
		cuts int // how often the connection is cut
		want v1alpha1.CheckResult
	}{
		"once":                     {1, v1alpha1.CheckPass},
		"until the run's deadline": {1 << 30, v1alpha1.CheckUnknown},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				ctx, cancel := context.WithTimeout(t.Context(), time.Hour)
				defer cancel()
				tries := 0
				p := &Prober{kube: fake.NewClientset(web...), exec: func(context.Context, string, string, string, []string, io.Writer) error {
					if tries++; tries <= row.cuts {
						return errNoStatus
					}
					return nil
				}}
				check := &v1alpha1.ExecCheck{PodSelector: map[string]string{"app": "web"}, Command: []string{"check"}, Retries: 1}
				if got := p.Run(ctx, v1alpha1.HealthCheck{Exec: check}, shop, 0); got.Status != row.want {
					t.Errorf("got %s: %s", got.Status, got.Message)
				}
			})
		})
	}
}
