// Package report ends a run with its evidence: it looks once at the live sandboxes, judges, and writes one RestoreReport
// for every end of every run. It writes Reported.
package report

import (
	"context"
	"fmt"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/metadata"
	"k8s.io/client-go/tools/cache"
	"k8s.io/client-go/tools/record"
	"k8s.io/klog/v2"

	"github.com/kymaros/kymaros/pkg/apis/restore/v1alpha1"
	"github.com/kymaros/kymaros/pkg/conditions"
	"github.com/kymaros/kymaros/pkg/controller"
	"github.com/kymaros/kymaros/pkg/generated/clientset/versioned"
	informers "github.com/kymaros/kymaros/pkg/generated/informers/externalversions/restore/v1alpha1"
	veleroinformers "github.com/kymaros/kymaros/pkg/generated/informers/externalversions/velero/v1"
	listers "github.com/kymaros/kymaros/pkg/generated/listers/restore/v1alpha1"
	velerolisters "github.com/kymaros/kymaros/pkg/generated/listers/velero/v1"
	"github.com/kymaros/kymaros/pkg/inventory"
	"github.com/kymaros/kymaros/pkg/metrics"
)

const workers = 4

// Options are what the controller works with.
type Options struct {
	Client   versioned.Interface
	Kube     kubernetes.Interface
	Metadata metadata.Interface
	Dynamic  dynamic.Interface
	Tests    informers.RestoreTestInformer
	Backups  veleroinformers.BackupInformer
	Recorder record.EventRecorder
	// Lists are shared with whoever else looks into backups.
	Lists *inventory.Lists
	// VeleroNamespace is where Velero's Backups and PodVolumeRestores are.
	VeleroNamespace string
	// ClusterDomain is what names of Services end with, such as cluster.local.
	ClusterDomain string
	// EvidenceKeyDir holds the private keys that sign reports, see signer; empty: none is signed.
	EvidenceKeyDir string
}

// Controller writes reports.
type Controller struct {
	client          versioned.Interface
	kube            kubernetes.Interface
	metadata        metadata.Interface
	dynamic         dynamic.Interface
	tests           listers.RestoreTestLister
	backups         velerolisters.BackupLister
	veleroNamespace string
	clusterDomain   string
	recorder        record.EventRecorder
	status          controller.StatusWriter
	runner          controller.Runner
	lists           *inventory.Lists
	// looking holds the runs that are looked at.
	looking chan struct{}
	keyDir  string
	cluster clusterFacts
}

// New returns the report controller. It fails if the informer was stopped already.
func New(ctx context.Context, o Options) (*Controller, error) {
	metrics.Register()
	c := &Controller{
		client: o.Client, kube: o.Kube, metadata: o.Metadata, dynamic: o.Dynamic, lists: o.Lists, looking: make(chan struct{}, looks),
		tests: o.Tests.Lister(), backups: o.Backups.Lister(), veleroNamespace: o.VeleroNamespace, clusterDomain: o.ClusterDomain, recorder: o.Recorder, keyDir: o.EvidenceKeyDir,
		status: controller.StatusWriter{Controller: controller.Report, Tests: o.Client.RestoreV1alpha1(), Recorder: o.Recorder},
	}
	name := controller.FieldManager(controller.Report)
	queue := controller.NewQueue(name)
	logger := klog.FromContext(ctx)
	handler, err := o.Tests.Informer().AddEventHandlerWithOptions(controller.Handler(queue, controller.Own), cache.HandlerOptions{Logger: &logger})
	if err != nil {
		return nil, err
	}
	c.runner = controller.Runner{
		Name: name, Workers: workers, Queue: queue, Sync: c.sync,
		Synced: []cache.DoneChecker{handler.HasSyncedChecker(), o.Backups.Informer().HasSyncedChecker()},
	}
	return c, nil
}

// Run works until ctx ends.
func (c *Controller) Run(ctx context.Context) { c.runner.Run(ctx) }

func (c *Controller) sync(ctx context.Context, key cache.ObjectName) (time.Duration, error) {
	rt, err := c.tests.RestoreTests(key.Namespace).Get(key.Name)
	if apierrors.IsNotFound(err) {
		metrics.Forget(key.Namespace, key.Name)
		c.lists.Drop(key)
		return 0, nil
	}
	if err != nil {
		return 0, err
	}
	metrics.Known(rt.Namespace, rt.Name)
	if !conditions.Began(rt) || conditions.Decided(conditions.ForRun(rt, v1alpha1.ConditionReported)) {
		c.lists.Drop(key)
		return 0, nil
	}
	d := decide(rt, time.Now())
	list, err := c.list(ctx, key, rt, d)
	if err != nil {
		return 0, err
	}
	if !d.over {
		if conditions.ForRun(rt, v1alpha1.ConditionHealthChecked) == nil {
			return d.again, nil // conditions stand in the order of their first writes, which is to be that of the phases
		}
		waiting := metav1.Condition{
			Type: v1alpha1.ConditionReported, Status: metav1.ConditionUnknown,
			Reason: v1alpha1.ReasonWaiting, Message: "The run is not over",
		}
		return d.again, c.status.Write(ctx, rt, waiting, own(rt, nil))
	}
	if list != nil && !list.IsReady() {
		return 0, nil // it wakes us
	}
	rt, v, err := c.write(ctx, rt, d, list)
	if err != nil {
		return 0, err
	}
	if err := c.status.Write(ctx, rt, v.condition(rt), own(rt, v)); err != nil {
		return 0, err
	}
	// From here on nothing is done twice, and nothing may fail the run any more.
	c.tell(rt, v)
	if v.report == "" {
		return 0, nil // an old report does not go without a new one
	}
	if err := c.prune(ctx, rt, v); err != nil {
		klog.FromContext(ctx).Error(err, "Old reports are left for the next run to delete")
	}
	return 0, nil
}

// list returns the list of the backup that rt's run restored, nil if the run has none to look at. It is asked for as soon as the backup
// is restored.
func (c *Controller) list(ctx context.Context, key cache.ObjectName, rt *v1alpha1.RestoreTest, d decision) (*inventory.List, error) {
	if !d.look {
		return nil, nil //nolint:nilnil // no list is a list that nobody needs
	}
	backup, err := c.backups.Backups(c.veleroNamespace).Get(rt.Status.Restore.BackupName)
	if apierrors.IsNotFound(err) {
		backup, err = nil, nil
	}
	if err != nil {
		return nil, err
	}
	return c.lists.Ask(ctx, rt, rt.Status.Restore.BackupName, backup, func() { c.runner.Queue.Add(key) }), nil
}

// write returns the verdict on rt's run, and stores it in a report unless a former try has. With it comes the newest version
// of rt.
func (c *Controller) write(ctx context.Context, rt *v1alpha1.RestoreTest, d decision, list *inventory.List) (*v1alpha1.RestoreTest, *verdict, error) {
	past, err := c.history(ctx, rt)
	if err != nil {
		return nil, nil, err
	}
	report, foreign := find(past, rt)
	if report != nil && report.Status != nil {
		return rt, &verdict{status: report.Status, report: report.Name, foreign: foreign, head: headOf(ctx, report), past: past}, nil
	}
	var s seen
	if d.look {
		s, err = c.lookAt(ctx, rt, list)
		if err != nil && time.Now().Before(until(rt, d.since)) {
			return nil, nil, fmt.Errorf("look at the sandboxes: %w", err)
		}
	}
	// The report cannot be changed later: what happened during the look, such as a change to the guards, belongs in it.
	rt, err = c.fresh(ctx, rt)
	if err != nil {
		return nil, nil, err
	}
	now := time.Now()
	status := build(rt, decide(rt, now), s, now)
	v := &verdict{status: &status, foreign: foreign, past: past}
	if report == nil {
		report, foreign, err = c.create(ctx, rt)
		v.add(foreign)
		if v.terminating = apierrors.HasStatusCause(err, corev1.NamespaceTerminatingCause); v.terminating {
			return rt, v, nil
		}
		if err != nil || report == nil {
			return rt, v, err
		}
		if report.Status != nil {
			v.status, v.report, v.head = report.Status, report.Name, headOf(ctx, report)
			return rt, v, nil
		}
	}
	report = report.DeepCopy()
	report.Status = &status
	c.seal(ctx, rt, report, v.past, s)
	written, err := c.client.RestoreV1alpha1().RestoreReports(rt.Namespace).
		UpdateStatus(ctx, report, metav1.UpdateOptions{FieldManager: controller.FieldManager(controller.Report)})
	if err != nil {
		return nil, nil, fmt.Errorf("write status of report %s: %w", report.Name, err)
	}
	v.status, v.report, v.head = written.Status, written.Name, headOf(ctx, written)
	return rt, v, nil
}

// fresh returns the newest version of rt. It fails if rt is not in the same run any more.
func (c *Controller) fresh(ctx context.Context, rt *v1alpha1.RestoreTest) (*v1alpha1.RestoreTest, error) {
	live, err := c.client.RestoreV1alpha1().RestoreTests(rt.Namespace).Get(ctx, rt.Name, metav1.GetOptions{})
	if err != nil {
		return nil, fmt.Errorf("get restoretest: %w", err)
	}
	if live.UID != rt.UID || live.Status.Run == nil || live.Status.Run.ID != rt.Status.Run.ID {
		return nil, apierrors.NewConflict(v1alpha1.Resource("restoretests"), rt.Name, fmt.Errorf("run %s is over", rt.Status.Run.ID))
	}
	return live, nil
}

// create makes the report without its status, under the first of its names that is free, and returns the names that
// somebody else has taken. One that exists and is ours is the report: another worker was faster, or somebody took the labels
// off by which find finds it. Without a free name it returns none.
func (c *Controller) create(ctx context.Context, rt *v1alpha1.RestoreTest) (report *v1alpha1.RestoreReport, foreign []string, err error) {
	reports := c.client.RestoreV1alpha1().RestoreReports(rt.Namespace)
	for _, name := range reportNames(rt) {
		created, err := reports.Create(ctx, newReport(rt, name), metav1.CreateOptions{FieldManager: controller.FieldManager(controller.Report)})
		if !apierrors.IsAlreadyExists(err) {
			if err != nil {
				return nil, foreign, fmt.Errorf("create report %s: %w", name, err)
			}
			return created, foreign, nil
		}
		existing, err := reports.Get(ctx, name, metav1.GetOptions{})
		if err != nil {
			return nil, foreign, fmt.Errorf("get report %s: %w", name, err)
		}
		switch ours := controller.WroteReport(existing); {
		case !ours:
			foreign = append(foreign, name)
		case ofRun(existing, rt):
			return existing, foreign, nil
		}
	}
	return nil, foreign, nil
}

// tell makes the verdict known to metrics and, where the test asks for it, by an event. So are reports that are not ours.
func (c *Controller) tell(rt *v1alpha1.RestoreTest, v *verdict) {
	status := v.status
	if !older(rt) {
		metrics.Ended(rt.Namespace, rt.Name, metrics.Run{
			Result: status.Result, Reason: status.Reason, Duration: max(status.CompletedAt.Sub(status.StartedAt.Time), 0), Phases: phases(rt, status),
		})
	}
	sla := rt.Status.Run.Spec.SLA
	if sla != nil && sla.AlertOnExceed && status.RTO.Parts != nil && !status.RTO.WithinSLA {
		c.recorder.Event(rt, corev1.EventTypeWarning, v1alpha1.ReasonRTOExceeded, "sla.maxRTO: "+status.ValidationLevels.RTOCompliance.Detail)
	}
	if len(v.foreign) > 0 {
		c.recorder.Event(rt, corev1.EventTypeWarning, v1alpha1.EventForeignReport, v.foreignReports())
	}
}
