package app

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"sync/atomic"
	"time"

	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/tools/leaderelection"
	_ "k8s.io/component-base/metrics/prometheus/clientgo"  // metrics of requests and leader election
	_ "k8s.io/component-base/metrics/prometheus/workqueue" // metrics of the queues
	"k8s.io/klog/v2"

	"github.com/kymaros/kymaros/pkg/metrics"
)

// health answers /livez and /readyz.
type health struct {
	synced func() bool
	lease  atomic.Pointer[leaderelection.HealthzAdaptor] // nil until this process stands for election
}

func newHealth(synced func() bool) *health { return &health{synced: synced} }

func (h *health) handler() http.Handler {
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
		if !h.synced() {
			answer(w, errors.New("caches are not filled yet"))
			return
		}
		answer(w, nil)
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

// metricsHandler answers /metrics, with what tests are like. kube is asked who may get them, unless they are open to all.
func metricsHandler(options *Options, kube kubernetes.Interface, tests *metrics.Tests) http.Handler {
	handler := metrics.Handler(tests)
	if !options.MetricsOpen {
		handler = newMetricsAuth(kube, handler)
	}
	mux := http.NewServeMux()
	mux.Handle("GET "+metricsPath, handler)
	return mux
}

// serve starts the servers of health and metrics and returns what stops them. It fails if an address cannot be listened
// on.
func serve(ctx context.Context, options *Options, health, metrics http.Handler) (func(), error) {
	var servers []*http.Server
	stop := func() {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
		defer cancel()
		for _, s := range servers {
			_ = s.Shutdown(ctx) // the process ends anyway
		}
	}
	for _, listen := range []struct {
		flag, address string
		handler       http.Handler
	}{
		{"--health-bind-address", options.HealthAddress, health},
		{"--metrics-bind-address", options.MetricsAddress, metrics},
	} {
		if listen.address == "" {
			continue
		}
		listener, err := net.Listen("tcp", listen.address)
		if err != nil {
			stop()
			return nil, fmt.Errorf("%s: %w", listen.flag, err)
		}
		server := &http.Server{Handler: listen.handler, ReadHeaderTimeout: 5 * time.Second, MaxHeaderBytes: 16 << 10}
		servers = append(servers, server)
		go func() {
			if err := server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
				klog.FromContext(ctx).Error(err, "Server ended", "flag", listen.flag)
			}
		}()
	}
	return stop, nil
}
