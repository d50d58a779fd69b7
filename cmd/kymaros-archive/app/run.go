// Package app is kymaros-archive as a process: flags, clients, health, shutdown.
package app

import (
	"context"
	"io"
	"net/http"

	_ "k8s.io/component-base/metrics/prometheus/clientgo"  // metrics of requests
	_ "k8s.io/component-base/metrics/prometheus/workqueue" // metrics of the queue
	"k8s.io/component-base/version"
	"k8s.io/klog/v2"

	"github.com/kymaros/kymaros/cmd/internal/process"
	"github.com/kymaros/kymaros/pkg/apis/restore/v1alpha1"
	"github.com/kymaros/kymaros/pkg/archive"
	"github.com/kymaros/kymaros/pkg/generated/clientset/versioned"
	"github.com/kymaros/kymaros/pkg/generated/informers/externalversions"
	"github.com/kymaros/kymaros/pkg/metrics"
)

// Main archives reports with those arguments until ctx ends. It returns an error if it could not start.
func Main(ctx context.Context, args []string, out io.Writer) error {
	options := NewOptions()
	if run, err := process.Parse(archive.Name, args, out, options); !run || err != nil {
		return err
	}
	return Run(ctx, options)
}

// Run archives reports until ctx ends, see Main. There is no lease, for it may write nothing in the cluster: two of them do the same
// work, and a sink takes each object once.
func Run(ctx context.Context, options *Options) error {
	logger := klog.LoggerWithName(klog.FromContext(ctx), archive.Name)
	ctx = klog.NewContext(ctx, logger)
	logger.Info("Starting", "version", version.Get().GitVersion)
	config, err := options.Config(archive.Name)
	if err != nil {
		return err
	}
	client, err := versioned.NewForConfig(config)
	if err != nil {
		return err
	}
	if err := process.Installed(client.Discovery(), v1alpha1.GroupVersion.String(), process.ApplyCRDs); err != nil {
		return err
	}
	sink, err := options.sink()
	if err != nil {
		return err
	}
	factory := externalversions.NewSharedInformerFactoryWithOptions(client, 0, externalversions.WithTransform(archive.Row))
	reports := factory.Restore().V1alpha1().RestoreReports()
	archiver, err := archive.New(ctx, reports, client.RestoreV1alpha1().RESTClient(), sink)
	if err != nil {
		return err
	}
	health := process.NewHealth(process.Filled(reports.Informer().HasSynced))
	mux := http.NewServeMux()
	mux.Handle("GET /metrics", metrics.Handler(metrics.Archive(archiver.Status)))
	stop, err := process.Serve(ctx,
		process.Server{Flag: "--health-bind-address", Address: options.HealthAddress, Handler: health.Handler()},
		process.Server{Flag: "--metrics-bind-address", Address: options.MetricsAddress, Handler: mux})
	if err != nil {
		return err
	}
	defer stop()
	factory.Start(ctx.Done())
	archiver.Run(ctx)
	factory.Shutdown()
	return nil
}
