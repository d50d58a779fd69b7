// Package app is kymaros-notify as a process: flags, clients, leader election, health, shutdown.
package app

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync/atomic"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
	typedcorev1 "k8s.io/client-go/kubernetes/typed/core/v1"
	"k8s.io/client-go/tools/record"
	_ "k8s.io/component-base/metrics/prometheus/clientgo"  // metrics of requests and leader election
	_ "k8s.io/component-base/metrics/prometheus/workqueue" // metrics of the queue
	"k8s.io/component-base/version"
	"k8s.io/klog/v2"

	"github.com/kymaros/kymaros/cmd/internal/process"
	"github.com/kymaros/kymaros/pkg/apis/restore/v1alpha1"
	"github.com/kymaros/kymaros/pkg/controller"
	notifying "github.com/kymaros/kymaros/pkg/controller/notify"
	"github.com/kymaros/kymaros/pkg/generated/clientset/versioned"
	"github.com/kymaros/kymaros/pkg/generated/clientset/versioned/scheme"
	"github.com/kymaros/kymaros/pkg/generated/informers/externalversions"
	"github.com/kymaros/kymaros/pkg/metrics"
	"github.com/kymaros/kymaros/pkg/notify"
)

// Main sends notifications with those arguments until ctx ends. It returns an error if it could not start, or lost the lease.
func Main(ctx context.Context, args []string, out io.Writer) error {
	options := NewOptions()
	if run, err := process.Parse("kymaros-notify", args, out, options); !run || err != nil {
		return err
	}
	return Run(ctx, options)
}

// Run sends notifications until ctx ends, see Main.
func Run(ctx context.Context, options *Options) error {
	logger := klog.LoggerWithName(klog.FromContext(ctx), controller.FieldManager(controller.Notify))
	ctx = klog.NewContext(ctx, logger)
	logger.Info("Starting", "version", version.Get().GitVersion)
	config, err := options.Config(controller.FieldManager(controller.Notify))
	if err != nil {
		return err
	}
	kube, err := kubernetes.NewForConfig(config)
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
	sending, err := options.sending()
	if err != nil {
		return err
	}
	sender, err := notify.NewSender(sending)
	if err != nil {
		return err
	}
	cluster, err := identity(ctx, kube, options.ClusterName)
	if err != nil {
		return err
	}

	events := record.NewBroadcaster(record.WithContext(ctx))
	defer events.Shutdown()
	factory := externalversions.NewSharedInformerFactoryWithOptions(client, 0, externalversions.WithTransform(process.Trim))
	tests := factory.Restore().V1alpha1().RestoreTests()
	notifier, err := notifying.New(ctx, notifying.Options{
		Client: client, Secrets: kube.CoreV1(), Tests: tests, Sender: sender, Cluster: cluster,
		Recorder:     events.NewRecorder(scheme.Scheme, corev1.EventSource{Component: controller.FieldManager(controller.Notify)}),
		Account:      options.Namespace + ":" + options.Account,
		Installation: notifying.Installation{File: options.DefaultsFile, SecretDirectory: options.DefaultsSecrets},
		Dashboard:    strings.TrimRight(options.DashboardURL, "/"), Deadline: options.Deadline,
	})
	if err != nil {
		return err
	}
	health := process.NewHealth(process.Filled(tests.Informer().HasSynced))
	mux := http.NewServeMux()
	mux.Handle("GET /metrics", metrics.Handler())
	stop, err := process.Serve(ctx,
		process.Server{Flag: "--health-bind-address", Address: options.HealthAddress, Handler: health.Handler()},
		process.Server{Flag: "--metrics-bind-address", Address: options.MetricsAddress, Handler: mux})
	if err != nil {
		return err
	}
	defer stop()
	// The cache lives until the last outcome is written, which is after ctx has ended.
	cacheCtx, cancel := context.WithCancel(context.WithoutCancel(ctx))
	defer func() { cancel(); factory.Shutdown() }()
	factory.Start(cacheCtx.Done())

	run := func(ctx context.Context) {
		events.StartRecordingToSink(&typedcorev1.EventSinkImpl{Interface: kube.CoreV1().Events("")})
		notifier.Run(ctx)
	}
	var leading atomic.Bool
	if !options.LeaderElect {
		run(ctx)
		return nil
	}
	lease := process.Lease{Namespace: options.Namespace, Name: "kymaros-notify", UserAgent: "kymaros-leader-election"}
	return process.Lead(ctx, lease, config, health, &leading, run)
}

// identity tells clusters apart: receivers that keep an incident for each test know them by it.
func identity(ctx context.Context, kube kubernetes.Interface, name string) (notify.Cluster, error) {
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	ns, err := kube.CoreV1().Namespaces().Get(ctx, metav1.NamespaceSystem, metav1.GetOptions{})
	if err != nil {
		return notify.Cluster{}, fmt.Errorf("get namespace %s, whose UID is the id of the cluster: %w", metav1.NamespaceSystem, err)
	}
	return notify.Cluster{ID: string(ns.UID), Name: name}, nil
}
