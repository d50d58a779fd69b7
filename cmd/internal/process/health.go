package process

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"sync/atomic"
	"time"

	"k8s.io/client-go/tools/leaderelection"
	"k8s.io/klog/v2"
)

// Health answers /livez and /readyz.
type Health struct {
	ready func() error
	lease atomic.Pointer[leaderelection.HealthzAdaptor] // nil until this process stands for election
}

// NewHealth returns the health of a process that is ready when ready returns no error.
func NewHealth(ready func() error) *Health { return &Health{ready: ready} }

// Filled is ready for NewHealth: the caches are filled.
func Filled(synced func() bool) func() error {
	return func() error {
		if !synced() {
			return errors.New("caches are not filled yet")
		}
		return nil
	}
}

// Handler answers /livez and /readyz.
func (h *Health) Handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /livez", func(w http.ResponseWriter, r *http.Request) {
		if lease := h.lease.Load(); lease != nil {
			// A leader that can neither renew its lease nor end is worth a restart.
			answer(w, lease.Check(r))
			return
		}
		answer(w, nil)
	})
	mux.HandleFunc("GET /readyz", func(w http.ResponseWriter, _ *http.Request) {
		answer(w, h.ready())
	})
	return mux
}

func answer(w http.ResponseWriter, err error) {
	if err != nil {
		http.Error(w, err.Error(), http.StatusServiceUnavailable)
		return
	}
	_, _ = fmt.Fprintln(w, "ok") // the caller has gone if this fails
}

// Server is a handler and where it listens.
type Server struct {
	// Flag names the flag that Address comes from. No address: no server.
	Flag, Address string
	Handler       http.Handler
}

// Serve starts servers and returns what stops them. It fails if an address cannot be listened on.
func Serve(ctx context.Context, servers ...Server) (func(), error) {
	var started []*http.Server
	stop := func() {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
		defer cancel()
		for _, s := range started {
			_ = s.Shutdown(ctx) // the process ends anyway
		}
	}
	for _, s := range servers {
		if s.Address == "" {
			continue
		}
		listener, err := net.Listen("tcp", s.Address)
		if err != nil {
			stop()
			return nil, fmt.Errorf("%s: %w", s.Flag, err)
		}
		server := &http.Server{Handler: s.Handler, ReadHeaderTimeout: 5 * time.Second, ReadTimeout: 10 * time.Second, IdleTimeout: time.Minute, MaxHeaderBytes: 16 << 10}
		started = append(started, server)
		go func() {
			if err := server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
				klog.FromContext(ctx).Error(err, "Server ended", "flag", s.Flag)
			}
		}()
	}
	return stop, nil
}
