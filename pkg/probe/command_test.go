package probe

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/util/exec"
	"k8s.io/streaming/pkg/httpstream"
	"k8s.io/streaming/pkg/httpstream/spdy"
	"k8s.io/streaming/pkg/httpstream/wsstream"
)

const v4 = "v4.channel.k8s.io"

// webSocket is a container runtime that prints half and then ends: with that status, or without one.
func webSocket(status string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if !wsstream.IsWebSocketRequest(r) {
			http.Error(w, "not here", http.StatusBadRequest)
			return
		}
		channels := []wsstream.ChannelType{wsstream.IgnoreChannel, wsstream.WriteChannel, wsstream.WriteChannel, wsstream.WriteChannel}
		conn := wsstream.NewConn(map[string]wsstream.ChannelProtocolConfig{v4: {Binary: true, Channels: channels}})
		_, streams, err := conn.Open(w, r)
		if err != nil {
			return
		}
		defer conn.Close()
		_, _ = io.WriteString(streams[1], "half")
		_, _ = io.WriteString(streams[3], status)
	}
}

// overSPDY is one that speaks SPDY only. cut: its connection is cut, not closed.
func overSPDY(status string, cut bool) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if wsstream.IsWebSocketRequest(r) {
			http.Error(w, "not here", http.StatusBadRequest)
			return
		}
		if _, err := httpstream.Handshake(r, w, []string{v4}); err != nil {
			return
		}
		raw := &hijacked{ResponseWriter: w}
		streams := make(chan httpstream.Stream, 3)
		conn := spdy.NewResponseUpgrader().UpgradeResponse(raw, r, func(s httpstream.Stream, _ <-chan struct{}) error { streams <- s; return nil })
		if conn == nil {
			return
		}
		all := map[string]httpstream.Stream{}
		for range 3 {
			s := <-streams
			all[s.Headers().Get("streamType")] = s
		}
		_, _ = io.WriteString(all["stdout"], "half")
		_, _ = io.WriteString(all["error"], status)
		if cut {
			_ = raw.conn.Close()
			return
		}
		for _, s := range all {
			_ = s.Close()
		}
		<-conn.CloseChan()
	}
}

// hijacked keeps the connection of a request.
type hijacked struct {
	http.ResponseWriter
	conn net.Conn
}

func (h *hijacked) Hijack() (c net.Conn, rw *bufio.ReadWriter, err error) {
	c, rw, err = h.ResponseWriter.(http.Hijacker).Hijack()
	h.conn = c
	return c, rw, err
}

func TestACommandHasEndedOnlyWithAStatus(t *testing.T) {
	const (
		success = `{"status":"Success"}`
		three   = `{"status":"Failure","reason":"NonZeroExitCode","details":{"causes":[{"reason":"ExitCode","message":"3"}]}}`
		broken  = `{"status":"Failure","reason":"InternalError","message":"the runtime is out of order"}`
	)
	for name, c := range map[string]struct {
		handler http.HandlerFunc
		code    int    // -1: it could not tell
		says    string // of another error
	}{
		"success":                           {webSocket(success), 0, ""},
		"another code":                      {webSocket(three), 3, ""},
		"another error":                     {webSocket(broken), 0, "the runtime is out of order"},
		"no status":                         {webSocket(""), -1, ""},
		"half a status":                     {webSocket(success[:8]), -1, ""},
		"SPDY, success":                     {overSPDY(success, false), 0, ""},
		"SPDY, another code":                {overSPDY(three, false), 3, ""},
		"SPDY, closed without a status":     {overSPDY("", false), -1, ""},
		"SPDY, cut off without a status":    {overSPDY("", true), -1, ""},
		"SPDY, cut off in the middle of it": {overSPDY(success[:8], false), -1, ""},
	} {
		t.Run(name, func(t *testing.T) {
			server := httptest.NewServer(c.handler)
			defer server.Close()
			config := &rest.Config{Host: server.URL}
			var out bytes.Buffer
			err := streamer{kubernetes.NewForConfigOrDie(config), config}.exec(t.Context(), "sandbox-1", "db-0", "main", []string{"check"}, &out)
			var ended exec.CodeExitError
			switch {
			case c.says != "":
				if err == nil || !strings.Contains(err.Error(), c.says) {
					t.Errorf("got %v", err)
				}
			case c.code < 0:
				if !errors.As(err, &untold{}) {
					t.Errorf("got %v, want that it could not tell", err)
				}
				return
			case c.code == 0 && err != nil, c.code > 0 && (!errors.As(err, &ended) || ended.Code != c.code):
				t.Errorf("got %v, want exit code %d", err, c.code)
			}
			if out.String() != "half" {
				t.Errorf("got output %q", out.String())
			}
		})
	}
}
