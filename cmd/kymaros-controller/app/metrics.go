package app

import (
	"net/http"

	"github.com/prometheus/client_golang/prometheus"
	"k8s.io/client-go/kubernetes"
	_ "k8s.io/component-base/metrics/prometheus/clientgo"  // metrics of requests and leader election
	_ "k8s.io/component-base/metrics/prometheus/workqueue" // metrics of the queues

	"github.com/kymaros/kymaros/pkg/metrics"
)

// metricsHandler answers /metrics, with what the collectors tell. kube is asked who may get them, unless they are open to all.
func metricsHandler(options *Options, kube kubernetes.Interface, of ...prometheus.Collector) http.Handler {
	handler := metrics.Handler(of...)
	if !options.MetricsOpen {
		handler = newMetricsAuth(kube, handler)
	}
	mux := http.NewServeMux()
	mux.Handle("GET "+metricsPath, handler)
	return mux
}
