// Package sandbox creates the namespaces that a run restores into, with all their guards, and puts the guards back when
// somebody changes them. It writes SandboxReady.
package sandbox

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/informers"
	"k8s.io/client-go/kubernetes"
	corelisters "k8s.io/client-go/listers/core/v1"
	networkinglisters "k8s.io/client-go/listers/networking/v1"
	"k8s.io/client-go/tools/cache"
	"k8s.io/client-go/tools/record"
	"k8s.io/klog/v2"

	"github.com/kymaros/kymaros/pkg/apis/restore/v1alpha1"
	"github.com/kymaros/kymaros/pkg/bounds"
	"github.com/kymaros/kymaros/pkg/conditions"
	"github.com/kymaros/kymaros/pkg/controller"
	"github.com/kymaros/kymaros/pkg/generated/clientset/versioned"
	restoreinformers "github.com/kymaros/kymaros/pkg/generated/informers/externalversions/restore/v1alpha1"
	restorelisters "github.com/kymaros/kymaros/pkg/generated/listers/restore/v1alpha1"
	"github.com/kymaros/kymaros/pkg/guards"
	"github.com/kymaros/kymaros/pkg/isolation"
)

// Controller creates and guards sandboxes.
type Controller struct {
	system     string
	proof      string
	patience   time.Duration
	openShift  bool
	bounds     bounds.Bounds
	bindings   bool
	kube       kubernetes.Interface
	tests      restorelisters.RestoreTestLister
	namespaces corelisters.NamespaceLister
	policies   networkinglisters.NetworkPolicyLister
	quotas     corelisters.ResourceQuotaLister
	unwritten  unwritten
	recorder   record.EventRecorder
	status     controller.StatusWriter
	runner     controller.Runner
}

// New returns the sandbox controller. labelled is a factory of informers that see only what carries our managed-by label.
func New(ctx context.Context, options Options, kube kubernetes.Interface, client versioned.Interface, tests restoreinformers.RestoreTestInformer,
	labelled informers.SharedInformerFactory, recorder record.EventRecorder) (*Controller, error) {
	logger := klog.FromContext(ctx)
	c := &Controller{
		system:     options.SystemNamespace,
		proof:      options.IsolationProof,
		patience:   options.IsolationPatience,
		openShift:  options.OpenShift,
		bounds:     options.Bounds,
		bindings:   options.Bindings,
		kube:       kube,
		tests:      tests.Lister(),
		namespaces: labelled.Core().V1().Namespaces().Lister(),
		policies:   labelled.Networking().V1().NetworkPolicies().Lister(),
		quotas:     labelled.Core().V1().ResourceQuotas().Lister(),
		recorder:   recorder,
		status:     controller.StatusWriter{Controller: controller.Sandbox, Tests: client.RestoreV1alpha1(), Recorder: recorder},
	}
	queue := controller.NewQueue(controller.FieldManager(controller.Sandbox))
	c.runner = controller.Runner{Name: controller.FieldManager(controller.Sandbox), Workers: 2, Queue: queue, Sync: c.sync}
	for _, watched := range []struct {
		informer cache.SharedIndexInformer
		keyOf    func(any) (cache.ObjectName, bool)
	}{
		{tests.Informer(), controller.Own},
		{labelled.Core().V1().Namespaces().Informer(), controller.TestOf},
		{labelled.Networking().V1().NetworkPolicies().Informer(), controller.TestOf},
		{labelled.Core().V1().ResourceQuotas().Informer(), controller.TestOf},
	} {
		handler, err := watched.informer.AddEventHandlerWithOptions(controller.Handler(queue, watched.keyOf), cache.HandlerOptions{Logger: &logger})
		if err != nil {
			return nil, err
		}
		c.runner.Synced = append(c.runner.Synced, handler.HasSyncedChecker())
	}
	return c, nil
}

// Run works until ctx ends.
func (c *Controller) Run(ctx context.Context) { c.runner.Run(ctx) }

func (c *Controller) sync(ctx context.Context, key cache.ObjectName) (time.Duration, error) {
	rt, err := c.tests.RestoreTests(key.Namespace).Get(key.Name)
	if apierrors.IsNotFound(err) {
		c.unwritten.take(key, "")
		return 0, nil
	}
	if err != nil {
		return 0, err
	}
	if controller.Behind(rt) {
		return 0, nil // production would be looked at twice
	}
	if !conditions.Active(rt) || over(rt) && !conditions.Is(rt, v1alpha1.ConditionSandboxReady, metav1.ConditionTrue) {
		return 0, nil
	}
	if !controller.HasFinalizer(rt) {
		return 0, nil // nothing would clean up if the test went now; schedule is about to put it on
	}
	ready := conditions.ForRun(rt, v1alpha1.ConditionSandboxReady)
	if ready == nil {
		// Names first: whoever looks, and cleanup after a crash, knows what is about to exist.
		s, err := c.prepare(ctx, rt)
		if err != nil {
			return 0, err
		}
		first := metav1.Condition{Type: v1alpha1.ConditionSandboxReady, Status: metav1.ConditionUnknown, Reason: v1alpha1.ReasonCreating, Message: creating}
		if s.verdict != nil {
			first = decide(rt, s, time.Now())
		}
		return 0, c.status.Write(ctx, rt, first, fragment(rt, s, time.Now()))
	}
	if ready.Status == metav1.ConditionFalse {
		return 0, nil
	}

	watching := ready.Status == metav1.ConditionTrue
	s, failure := c.ensure(ctx, rt, watching)
	if failure != nil && s.verdict == nil && !watching {
		return 0, failure
	}
	if !watching && len(s.missing)+len(s.quota) == 0 && s.verdict == nil {
		var err error
		if s.isolation, err = c.isolation(ctx); err != nil {
			return 0, err
		}
		s.required, s.patience = c.proof == isolation.Required, c.patience
	}
	if s.bindable(rt, watching) {
		if s.verdict, err = c.bind(ctx, rt, s.namespaces); err != nil && s.verdict == nil {
			return 0, err
		}
		s.guarded = err == nil
	}
	now := time.Now()
	s.violations = append(s.violations, c.unwritten.take(key, rt.Status.Run.ID)...)
	own := fragment(rt, s, now)
	err = c.status.Write(ctx, rt, decide(rt, s, now), own)
	// After the write, for what is put back nothing shows any more; and though that failed, for an open sandbox is worse.
	failure = errors.Join(failure, s.putBack(ctx))
	if err != nil {
		c.unwritten.keep(key, rt.Status.Run.ID, s.violations)
		return 0, errors.Join(err, failure)
	}
	for _, violation := range own.Sandbox.Violations {
		if !slices.Contains(rt.Status.Sandbox.Violations, violation) {
			c.recorder.Event(rt, corev1.EventTypeWarning, v1alpha1.EventGuardChanged, violation)
		}
	}
	if watching {
		// A guard that could not be put back is a violation all the same, and tried again.
		return 0, failure
	}
	if s.unproven() {
		return isolation.LookAgain, nil
	}
	_, left := conditions.Expired(rt, now)
	return min(max(left, time.Second), quick), nil
}

// ensure brings every sandbox of rt's run a step further and tells what it saw. watching is set once SandboxReady is
// True: from then on a difference is somebody's doing.
func (c *Controller) ensure(ctx context.Context, rt *v1alpha1.RestoreTest, watching bool) (seen, error) {
	var s seen
	var failures []error
	for _, sandbox := range planned(rt) {
		ns, verdict, err := c.namespaceOf(ctx, rt, sandbox, watching)
		if err != nil || verdict != nil {
			s.verdict = verdict
			s.namespaces = planned(rt)
			return s, err
		}
		if ns != nil && !watching {
			sandbox.UID = ns.UID
		}
		s.namespaces = append(s.namespaces, sandbox)
		switch {
		case watching && (ns == nil || ns.UID != sandbox.UID || ns.DeletionTimestamp != nil):
			// What is left of it is cleanup's; a new namespace under the old name would be a sandbox that nobody proved.
			if !over(rt) {
				s.violations = append(s.violations, fmt.Sprintf("Namespace %s was deleted during the run", sandbox.Name))
				s.namespaces[len(s.namespaces)-1].Deleted = true
			}
			continue
		case ns == nil:
			s.missing = append(s.missing, "Namespace "+sandbox.Name)
			continue
		}
		if !guards.Attested(ns) {
			s.unattested = append(s.unattested, ns.Name)
		}
		if watching && !over(rt) && !rt.Status.Sandbox.Guarded {
			// A version that asked nobody has made it, and since there is another the fence may have let nothing in for a while.
			s.violations = append(s.violations, fmt.Sprintf("an upgrade during the run: nobody but the controller had seen the guards of Namespace %s", ns.Name))
		}
		c.watchLabels(rt, ns, &s)
		if err := c.ensureGuards(ctx, rt, &s.namespaces[len(s.namespaces)-1], watching, &s); err != nil {
			if !watching {
				return s, err
			}
			failures = append(failures, err)
		}
	}
	return s, errors.Join(failures...)
}

func (c *Controller) namespaceOf(ctx context.Context, rt *v1alpha1.RestoreTest, sandbox v1alpha1.SandboxNamespace, watching bool) (*corev1.Namespace, *verdict, error) {
	if !watching {
		return c.ensureNamespace(ctx, rt, sandbox)
	}
	ns, err := c.namespaces.Get(sandbox.Name)
	if apierrors.IsNotFound(err) {
		// Gone, or without the label that the cache selects by.
		ns, err = c.kube.CoreV1().Namespaces().Get(ctx, sandbox.Name, metav1.GetOptions{})
	}
	if apierrors.IsNotFound(err) {
		return nil, nil, nil
	}
	return ns, nil, err
}

// ensureGuards brings the guards of a sandbox a step further. It gives sandbox its quota when the first of them is made.
func (c *Controller) ensureGuards(ctx context.Context, rt *v1alpha1.RestoreTest, box *v1alpha1.SandboxNamespace, watching bool, s *seen) error {
	all, err := c.guards(rt, *box)
	if err != nil {
		return err
	}
	if !watching && box.Quota == (v1alpha1.SandboxQuota{}) && slices.ContainsFunc(all, func(g guard) bool { return g.state() != "" }) {
		// Before the guards, so that a failure here is made up for: once all guards are seen nobody asks again.
		if err := c.measure(ctx, rt, box); err != nil {
			s.verdict = refusal(err, "LimitRange "+box.Name+"/"+guards.LimitsName)
			return err
		}
		if all, err = c.guards(rt, *box); err != nil {
			return err
		}
	}
	sandbox := *box
	var put []guard
	for _, g := range all {
		state := g.state()
		if state == "" {
			continue
		}
		if watching {
			s.violations = append(s.violations, fmt.Sprintf("%s was %s by somebody during the run", g.what, pastTense(state)))
			if state != "deleted" {
				s.repairs = append(s.repairs, g.ensure)
			}
			continue
		}
		if state == "deleted" {
			s.verdict = goes(g.what)
			return nil
		}
		s.missing = append(s.missing, g.what)
		if g.counted && !c.enforced(sandbox, guards.QuotaName) {
			continue // made before the quota counts, it would leave room for one that is not ours
		}
		put = append(put, g)
	}
	if watching {
		return nil
	}
	if err := c.put(ctx, put, s); err != nil {
		return err
	}
	for _, name := range []string{guards.QuotaName, guards.PriorityName} {
		if !c.enforced(sandbox, name) {
			s.quota = append(s.quota, "ResourceQuota "+sandbox.Name+"/"+name)
		}
	}
	return nil
}

// put creates guards, or puts them back, all at once.
func (c *Controller) put(ctx context.Context, all []guard, s *seen) error {
	failed := make([]error, len(all))
	var puts []func() error
	for i := range all {
		puts = append(puts, func() error { failed[i] = all[i].ensure(ctx); return failed[i] })
	}
	err := controller.Together(puts...)
	if i := slices.IndexFunc(failed, func(err error) bool { return err != nil }); i >= 0 {
		s.verdict = refusal(failed[i], all[i].what)
	}
	return err
}

// enforced tells whether a quota of a sandbox is in force.
func (c *Controller) enforced(sandbox v1alpha1.SandboxNamespace, name string) bool {
	q, err := c.quotas.ResourceQuotas(sandbox.Name).Get(name)
	return err == nil && guards.Enforced(q)
}

// pastTense: a guard that is missing was deleted, finalizer and all.
func pastTense(state string) string {
	if state == "missing" {
		return "deleted"
	}
	return state
}
