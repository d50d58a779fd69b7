package app

import (
	"net/http"

	"k8s.io/client-go/kubernetes"
	_ "k8s.io/component-base/metrics/prometheus/clientgo"  // metrics of requests and leader election
	_ "k8s.io/component-base/metrics/prometheus/workqueue" // metrics of the queues

	"github.com/kymaros/kymaros/pkg/metrics"
)

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
