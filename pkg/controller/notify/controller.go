package notify

import (
	"context"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/types"
	corev1client "k8s.io/client-go/kubernetes/typed/core/v1"
	"k8s.io/client-go/tools/cache"
	"k8s.io/client-go/tools/record"
	"k8s.io/klog/v2"

	"github.com/kymaros/kymaros/pkg/apis/restore/v1alpha1"
	"github.com/kymaros/kymaros/pkg/controller"
	"github.com/kymaros/kymaros/pkg/generated/clientset/versioned"
	informers "github.com/kymaros/kymaros/pkg/generated/informers/externalversions/restore/v1alpha1"
	listers "github.com/kymaros/kymaros/pkg/generated/listers/restore/v1alpha1"
	"github.com/kymaros/kymaros/pkg/metrics"
	"github.com/kymaros/kymaros/pkg/notify"
)

const (
	workers = 2
	// readTimeout bounds how long a Secret may take to be read.
	readTimeout = 10 * time.Second
)

// Sender speaks to receivers. It tries once, within a bounded time.
type Sender interface {
	Send(ctx context.Context, c notify.Channel, m notify.Message) error
}

// Options are what the controller works with.
type Options struct {
	Client   versioned.Interface
	Secrets  corev1client.SecretsGetter
	Tests    informers.RestoreTestInformer
	Recorder record.EventRecorder
	Sender   Sender
	// Account is the ServiceAccount that reads Secrets, "namespace:name".
	Account string
	// Installation is for tests that say nothing of notifications.
	Installation Installation
	Cluster      notify.Cluster
	// Dashboard is its address; empty if messages are to have no links.
	Dashboard string
	// Deadline is how long a delivery is tried.
	Deadline time.Duration
}

// Controller sends notifications.
type Controller struct {
	tests     listers.RestoreTestLister
	status    controller.StatusWriter
	runner    controller.Runner
	sender    Sender
	secrets   secrets
	about     about
	deadline  time.Duration
	defaults  *defaults
	intervals intervals
	attempts  attempts
	lanes     *lanes
}

// New returns the notify controller. It fails if the informer was stopped already.
func New(ctx context.Context, o Options) (*Controller, error) {
	metrics.RegisterNotifications()
	c := &Controller{
		tests: o.Tests.Lister(), sender: o.Sender, deadline: o.Deadline, defaults: &defaults{from: o.Installation}, lanes: newLanes(),
		status:   controller.StatusWriter{Controller: controller.Notify, Tests: o.Client.RestoreV1alpha1(), Recorder: o.Recorder},
		secrets:  secrets{client: o.Secrets, account: o.Account},
		about:    about{cluster: o.Cluster, dashboard: o.Dashboard},
		attempts: attempts{all: map[types.UID]map[string]*attempt{}},
	}
	c.defaults.look(ctx)
	name := controller.FieldManager(controller.Notify)
	queue := controller.NewQueue(name)
	logger := klog.FromContext(ctx)
	handler, err := o.Tests.Informer().AddEventHandlerWithOptions(controller.Handler(queue, controller.Own), cache.HandlerOptions{Logger: &logger})
	if err != nil {
		return nil, err
	}
	c.runner = controller.Runner{Name: name, Workers: workers, Queue: queue, Sync: c.sync, Synced: []cache.DoneChecker{handler.HasSyncedChecker()}}
	return c, nil
}

// Run works until ctx ends. What is being sent then is finished, and its outcome written.
func (c *Controller) Run(ctx context.Context) {
	go c.defaults.watch(ctx, c.everybody)
	c.runner.Run(ctx)
	c.lanes.close()
	last, cancel := context.WithTimeout(context.WithoutCancel(ctx), readTimeout)
	defer cancel()
	for _, rt := range c.all() {
		if len(c.attempts.of(rt.UID)) > 0 {
			if _, err := c.sync(last, cache.MetaObjectToName(rt)); err != nil {
				klog.FromContext(ctx).Error(err, "Could not note what was sent: the next process will send it again, with the same id", "restoretest", klog.KObj(rt))
			}
		}
	}
}

func (c *Controller) all() []*v1alpha1.RestoreTest {
	all, err := c.tests.List(labels.Everything())
	if err != nil {
		return nil // a lister of a cache returns none
	}
	return all
}

// everybody has all tests looked at: others are told now than before.
func (c *Controller) everybody() {
	for _, rt := range c.all() {
		c.runner.Queue.Add(cache.MetaObjectToName(rt))
	}
}

func (c *Controller) sync(ctx context.Context, key cache.ObjectName) (time.Duration, error) {
	rt, err := c.tests.RestoreTests(key.Namespace).Get(key.Name)
	if apierrors.IsNotFound(err) {
		return 0, nil
	}
	if err != nil {
		return 0, err
	}
	if rt.DeletionTimestamp != nil {
		c.attempts.keep(rt.UID, nil)
		return 0, nil
	}
	if controller.Behind(rt) {
		return 0, nil // the event that brings the newer one brings another look
	}
	s := c.observe(rt)
	p := decide(s)
	if p.status == nil {
		return 0, nil
	}
	if err := c.status.Write(ctx, rt, p.condition, v1alpha1.RestoreTestStatus{Notifications: p.status}); err != nil {
		return 0, err
	}
	return sooner(p.again, c.send(ctx, rt, s, p.status)), nil
}

func (c *Controller) observe(rt *v1alpha1.RestoreTest) *seen {
	now := time.Now()
	s := &seen{
		rt: rt, points: defaultPoints, interval: c.intervals.of(rt), silence: silenceOf(rt, now),
		tries: c.attempts.of(rt.UID), deadline: c.deadline, now: now,
	}
	installation := c.defaults.get()
	s.channels = channelsOf(rt.Spec.Notifications, installation)
	n := rt.Spec.Notifications
	if n == nil {
		n = installation
	}
	if n != nil && n.RegressionPoints != nil {
		s.points = *n.RegressionPoints
	}
	return s
}
