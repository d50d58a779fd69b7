// Package attest looks whether sandboxes have all their guards, with the eyes and the rights of another process than the one that made
// them, and says so by a label of the namespace, kymaros.io/guarded. It writes no condition: that a sandbox is ready, controller
// sandbox says when it sees the label.
package attest

import (
	"context"
	"fmt"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/tools/cache"
	"k8s.io/client-go/tools/record"
	"k8s.io/klog/v2"

	"github.com/kymaros/kymaros/pkg/apis/restore/v1alpha1"
	"github.com/kymaros/kymaros/pkg/controller"
	restoreinformers "github.com/kymaros/kymaros/pkg/generated/informers/externalversions/restore/v1alpha1"
	restorelisters "github.com/kymaros/kymaros/pkg/generated/listers/restore/v1alpha1"
	"github.com/kymaros/kymaros/pkg/guards"
	"github.com/kymaros/kymaros/pkg/isolation"
)

// lookAgain is how long a sandbox that lacks something is left alone. Nobody tells when that has changed.
const lookAgain = 5 * time.Second

// Options are what the controller has to know of the installation.
type Options struct {
	// SystemNamespace is that of our DNS.
	SystemNamespace string
	// IsolationProof is one of the modes of package isolation.
	IsolationProof string
}

// Controller attests that sandboxes are guarded.
type Controller struct {
	system, proof string
	kube          kubernetes.Interface
	tests         restorelisters.RestoreTestLister
	recorder      record.EventRecorder
	runner        controller.Runner
}

// New returns the attest controller.
func New(ctx context.Context, options Options, kube kubernetes.Interface, tests restoreinformers.RestoreTestInformer, recorder record.EventRecorder) (*Controller, error) {
	logger := klog.FromContext(ctx)
	name := controller.FieldManager(controller.Attest)
	queue := controller.NewQueue(name)
	c := &Controller{system: options.SystemNamespace, proof: options.IsolationProof, kube: kube, tests: tests.Lister(), recorder: recorder}
	handler, err := tests.Informer().AddEventHandlerWithOptions(controller.Handler(queue, controller.Own), cache.HandlerOptions{Logger: &logger})
	if err != nil {
		return nil, err
	}
	c.runner = controller.Runner{Name: name, Workers: 2, Queue: queue, Sync: c.sync, Synced: []cache.DoneChecker{handler.HasSyncedChecker()}}
	return c, nil
}

// Run works until ctx ends.
func (c *Controller) Run(ctx context.Context) { c.runner.Run(ctx) }

func (c *Controller) sync(ctx context.Context, key cache.ObjectName) (time.Duration, error) {
	rt, err := c.tests.RestoreTests(key.Namespace).Get(key.Name)
	if apierrors.IsNotFound(err) || err == nil && !asks(rt) {
		return 0, nil
	}
	if err != nil {
		return 0, err
	}
	proof, err := c.isolation(ctx)
	if err != nil {
		return 0, err
	}
	var missing []string
	for _, sandbox := range rt.Status.Sandbox.Namespaces {
		s, err := c.look(ctx, rt, sandbox)
		if err != nil {
			return 0, err
		}
		s.proof = proof
		if lack := lacks(rt, sandbox, c.system, c.proof == isolation.Required, s); lack != "" {
			missing = append(missing, lack)
			continue
		}
		if guards.Attested(s.namespace) {
			continue
		}
		if err := c.attest(ctx, s.namespace); err != nil {
			return 0, err
		}
	}
	if len(missing) == 0 {
		return 0, nil
	}
	c.recorder.Event(rt, corev1.EventTypeWarning, v1alpha1.EventNotAttested, fmt.Sprintf("run %s: %s", rt.Status.Run.ID, strings.Join(missing, "; ")))
	return lookAgain, nil
}
