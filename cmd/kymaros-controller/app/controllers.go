package app

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	velerov1 "github.com/vmware-tanzu/velero/pkg/apis/velero/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/informers"
	"k8s.io/client-go/kubernetes"
	typedcorev1 "k8s.io/client-go/kubernetes/typed/core/v1"
	"k8s.io/client-go/metadata"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/cache"
	"k8s.io/client-go/tools/record"
	"k8s.io/klog/v2"

	"github.com/kymaros/kymaros/cmd/internal/process"
	"github.com/kymaros/kymaros/pkg/apis/restore/v1alpha1"
	"github.com/kymaros/kymaros/pkg/controller"
	"github.com/kymaros/kymaros/pkg/controller/attest"
	"github.com/kymaros/kymaros/pkg/controller/cleanup"
	"github.com/kymaros/kymaros/pkg/controller/healthcheck"
	"github.com/kymaros/kymaros/pkg/controller/report"
	"github.com/kymaros/kymaros/pkg/controller/restore"
	"github.com/kymaros/kymaros/pkg/controller/sandbox"
	"github.com/kymaros/kymaros/pkg/controller/schedule"
	"github.com/kymaros/kymaros/pkg/fence"
	"github.com/kymaros/kymaros/pkg/generated/clientset/versioned"
	"github.com/kymaros/kymaros/pkg/generated/clientset/versioned/scheme"
	"github.com/kymaros/kymaros/pkg/generated/informers/externalversions"
	"github.com/kymaros/kymaros/pkg/inventory"
	"github.com/kymaros/kymaros/pkg/metrics"
	"github.com/kymaros/kymaros/pkg/probe"
)

// orphanInterval is how often every sandbox is looked at although nothing happened to it. It costs no request.
const orphanInterval = 10 * time.Minute

// everyController is what there is, in the order in which a run meets them.
var everyController = []string{controller.Schedule, controller.Sandbox, controller.Attest, controller.Restore, controller.HealthCheck, controller.Report, controller.Cleanup}

// clients are those of one controller. They are called as it is, so that audit logs and the server's metrics tell
// controllers apart.
type clients struct {
	config   *rest.Config
	kube     kubernetes.Interface
	kymaros  versioned.Interface
	metadata metadata.Interface
	dynamic  dynamic.Interface
}

func newClients(config *rest.Config, name string) (clients, error) {
	c := clients{config: rest.AddUserAgent(rest.CopyConfig(config), name)}
	var errs [4]error
	c.kube, errs[0] = kubernetes.NewForConfig(process.Binary(c.config))
	c.kymaros, errs[1] = versioned.NewForConfig(c.config)
	c.metadata, errs[2] = metadata.NewForConfig(metadata.ConfigFor(c.config))
	c.dynamic, errs[3] = dynamic.NewForConfig(c.config)
	return c, errors.Join(errs[:]...)
}

// controllers are those of the process, and the informers they share.
type controllers struct {
	kymaros  externalversions.SharedInformerFactory // ours, of all namespaces
	velero   externalversions.SharedInformerFactory // Velero's, of its namespace
	labelled informers.SharedInformerFactory        // whatever carries our managed-by label
	events   record.EventBroadcaster
	sink     record.EventSink
	lists    *inventory.Lists // of what backups hold
	runs     map[string]func(context.Context)
	caches   []cache.InformerSynced // of which the process has to know something before it is ready
}

// newControllers builds the chosen controllers, and starts none. The informers are all that the process holds in memory of the
// cluster: of our kinds, Velero's Backups and Restores, and sandboxes with their guards, those that its controllers look at.
func newControllers(ctx context.Context, options *Options, config *rest.Config) (*controllers, error) {
	base, err := newClients(config, "kymaros-controller")
	if err != nil {
		return nil, err
	}
	if err := installed(base.kymaros); err != nil {
		return nil, err
	}
	set := &controllers{
		kymaros: externalversions.NewSharedInformerFactoryWithOptions(base.kymaros, 0, externalversions.WithTransform(process.Trim)),
		velero: externalversions.NewSharedInformerFactoryWithOptions(base.kymaros, 0,
			externalversions.WithNamespace(options.VeleroNamespace), externalversions.WithTransform(process.Trim)),
		labelled: informers.NewSharedInformerFactoryWithOptions(base.kube, orphanInterval, informers.WithTransform(process.Trim),
			informers.WithTweakListOptions(func(o *metav1.ListOptions) {
				o.LabelSelector = v1alpha1.LabelManagedBy + "=" + v1alpha1.ManagedBy
			})),
		events: record.NewBroadcaster(record.WithContext(ctx)),
		sink:   &typedcorev1.EventSinkImpl{Interface: base.kube.CoreV1().Events("")},
		lists:  inventory.New(inventory.Velero(base.kymaros, options.VeleroNamespace, requestName(options.Controllers))),
		runs:   map[string]func(context.Context){},
	}
	set.needs(set.kymaros.Restore().V1alpha1().RestoreTests().Informer())
	for _, name := range options.Controllers {
		run, err := set.build(ctx, name, options, config)
		if err != nil {
			return nil, fmt.Errorf("controller %s: %w", name, err)
		}
		set.runs[name] = run
	}
	return set, nil
}

// requestName is that of the process's DownloadRequests. Of two processes each has its own, or they would take each other's answers: the
// one that chooses backups, and the one that only looks.
func requestName(controllers []string) string {
	if slices.Contains(controllers, controller.Restore) {
		return inventory.RequestName
	}
	return inventory.ProbersRequestName
}

func (set *controllers) needs(informers ...cache.SharedIndexInformer) {
	for _, informer := range informers {
		set.caches = append(set.caches, informer.HasSynced)
	}
}

// build builds one controller and returns what runs it.
func (set *controllers) build(ctx context.Context, name string, options *Options, config *rest.Config) (func(context.Context), error) {
	ctx = named(ctx, name)
	c, err := newClients(config, controller.FieldManager(name))
	if err != nil {
		return nil, err
	}
	recorder := set.events.NewRecorder(scheme.Scheme, corev1.EventSource{Component: controller.FieldManager(name)})
	tests := set.kymaros.Restore().V1alpha1().RestoreTests()
	velero := set.velero.Velero().V1()
	switch name {
	case controller.Schedule:
		set.needs(velero.Restores().Informer(), velero.Backups().Informer())
		checker, err := fence.NewChecker(c.kube, c.kymaros, options.LeaderElectNamespace, options.VeleroNamespace, options.PermittedResources)
		if err != nil {
			return nil, err
		}
		built, err := schedule.New(ctx, schedule.Options{
			RequireFence: options.RequireFence, Bounds: options.Bounds, VeleroNamespace: options.VeleroNamespace, MaxRestores: options.MaxRestores,
			RunsAhead: options.RunsAhead, WaitForAnyBackup: options.WaitForAnyBackup, StalledAfter: options.VeleroStalledAfter,
		}, c.kymaros, tests, velero, checker.Problem, recorder)
		return run(built, err)
	case controller.Sandbox:
		set.needs(set.labelled.Core().V1().Namespaces().Informer())
		openShift, err := process.Serves(c.kube.Discovery(), "security.openshift.io/v1")
		if err != nil {
			return nil, err
		}
		built, err := sandbox.New(ctx, sandbox.Options{
			OpenShift: openShift, SystemNamespace: options.LeaderElectNamespace, IsolationProof: options.IsolationProof, IsolationPatience: options.IsolationPatience, Bounds: options.Bounds,
			Bindings: options.SandboxBindings,
		}, c.kube, c.kymaros, tests, set.labelled, recorder)
		return run(built, err)
	case controller.Attest:
		built, err := attest.New(ctx, attest.Options{SystemNamespace: options.LeaderElectNamespace, IsolationProof: options.IsolationProof}, c.kube, tests, recorder)
		return run(built, err)
	case controller.Restore:
		set.needs(velero.Restores().Informer(), velero.Backups().Informer())
		built, err := restore.New(ctx, restore.Options{
			VeleroNamespace: options.VeleroNamespace, SystemNamespace: options.LeaderElectNamespace, ClusterDomain: options.ClusterDomain,
			MaxRestores: options.MaxRestores, PermittedResources: options.PermittedResources,
			IsolationProof: options.IsolationProof, IsolationPatience: options.IsolationPatience, RequireFence: options.RequireFence, Yield: options.Yield, VeleroVersion: options.VeleroVersion, Lists: set.lists,
		}, c.kube, c.kymaros, tests, velero, recorder)
		return run(built, err)
	case controller.HealthCheck:
		policies := set.kymaros.Restore().V1alpha1().HealthCheckPolicies()
		set.needs(policies.Informer())
		built, err := healthcheck.New(ctx, healthcheck.Options{
			Kube: c.kube, Client: c.kymaros, Tests: tests, Policies: policies,
			Run: probe.New(c.kube, c.metadata, c.config).Run, Recorder: recorder, Workers: options.CheckWorkers,
		})
		return run(built, err)
	case controller.Report:
		set.needs(velero.Backups().Informer())
		built, err := report.New(ctx, report.Options{
			Client: c.kymaros, Kube: c.kube, Metadata: c.metadata, Dynamic: c.dynamic, Tests: tests, Backups: velero.Backups(), Recorder: recorder,
			VeleroNamespace: options.VeleroNamespace, ClusterDomain: options.ClusterDomain, Lists: set.lists, EvidenceKeyDir: options.EvidenceKeyDir,
		})
		return run(built, err)
	case controller.Cleanup:
		set.needs(velero.Restores().Informer(), set.labelled.Core().V1().Namespaces().Informer())
		built, err := cleanup.New(ctx, cleanup.Options{
			Kube: c.kube, Metadata: c.metadata, Dynamic: c.dynamic, Kymaros: c.kymaros, VeleroNamespace: options.VeleroNamespace,
		}, tests, velero.Restores(), set.labelled, recorder)
		return run(built, err)
	}
	return nil, errors.New("unknown")
}

func run[C interface{ Run(context.Context) }](built C, err error) (func(context.Context), error) {
	return built.Run, err
}

// start fills the caches. It does not wait: a process that is not leading yet fills them for the day it is.
func (set *controllers) start(ctx context.Context) {
	set.kymaros.Start(ctx.Done())
	set.velero.Start(ctx.Done())
	set.labelled.Start(ctx.Done())
}

// run works until ctx ends, and returns when every controller has drained.
func (set *controllers) run(ctx context.Context) {
	set.events.StartRecordingToSink(set.sink)
	defer set.events.Shutdown()
	var wg sync.WaitGroup
	for name, run := range set.runs {
		wg.Go(func() { run(named(ctx, name)) })
	}
	wg.Wait()
	set.lists.Close()
}

// shutdown waits until the informers have ended; their context must have.
func (set *controllers) shutdown() {
	set.kymaros.Shutdown()
	set.velero.Shutdown()
	set.labelled.Shutdown()
}

// metrics are those of what the process is for: of tests who schedules tells, as far as its caches are filled, and of itself who
// looks into sandboxes. leading tells whether it works.
func (set *controllers) metrics(options *Options, leading func() bool) []prometheus.Collector {
	var all []prometheus.Collector
	if slices.Contains(options.Controllers, controller.Schedule) {
		tests := set.kymaros.Restore().V1alpha1().RestoreTests()
		all = append(all, &metrics.Tests{Lister: tests.Lister(), Synced: tests.Informer().HasSynced, Leading: leading})
	}
	if slices.Contains(options.Controllers, controller.Attest) {
		all = append(all, metrics.Prober(leading))
	}
	return all
}

func (set *controllers) synced() bool {
	for _, synced := range set.caches {
		if !synced() {
			return false
		}
	}
	return true
}

func named(ctx context.Context, name string) context.Context {
	return klog.NewContext(ctx, klog.LoggerWithName(klog.FromContext(ctx), controller.FieldManager(name)))
}

// installed tells which CustomResourceDefinitions are missing.
func installed(client versioned.Interface) error {
	return errors.Join(process.Installed(client.Discovery(), v1alpha1.GroupVersion.String(), process.ApplyCRDs),
		process.Installed(client.Discovery(), velerov1.SchemeGroupVersion.String(), "install Velero first"))
}
