package attest

import (
	"context"
	"encoding/json"
	"fmt"
	"sync"

	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/kymaros/kymaros/pkg/apis/restore/v1alpha1"
	"github.com/kymaros/kymaros/pkg/controller"
	"github.com/kymaros/kymaros/pkg/guards"
	"github.com/kymaros/kymaros/pkg/isolation"
)

// look asks the API server for a sandbox and its guards, each by its name, all at once. The proof of isolation is not among them: it
// is one for all sandboxes.
func (c *Controller) look(ctx context.Context, rt *v1alpha1.RestoreTest, sandbox v1alpha1.SandboxNamespace) (seen, error) {
	s := seen{policies: map[string]*networkingv1.NetworkPolicy{}, quotas: map[string]*corev1.ResourceQuota{}}
	var mu sync.Mutex
	found := func(err error, note func()) error {
		if apierrors.IsNotFound(err) {
			return nil
		}
		if err != nil {
			return err
		}
		mu.Lock()
		defer mu.Unlock()
		note()
		return nil
	}
	all := []func() error{func() error {
		ns, err := c.kube.CoreV1().Namespaces().Get(ctx, sandbox.Name, metav1.GetOptions{})
		return found(err, func() { s.namespace = ns })
	}}
	for _, want := range guards.NetworkPolicies(rt, sandbox, c.system) {
		all = append(all, func() error {
			have, err := c.kube.NetworkingV1().NetworkPolicies(sandbox.Name).Get(ctx, want.Name, metav1.GetOptions{})
			return found(err, func() { s.policies[want.Name] = have })
		})
	}
	for _, want := range guards.Quotas(rt, sandbox) {
		all = append(all, func() error {
			have, err := c.kube.CoreV1().ResourceQuotas(sandbox.Name).Get(ctx, want.Name, metav1.GetOptions{})
			return found(err, func() { s.quotas[want.Name] = have })
		})
	}
	if err := controller.Together(all...); err != nil {
		return s, fmt.Errorf("look at sandbox %s: %w", sandbox.Name, err)
	}
	return s, nil
}

// isolation asks what the canaries show.
func (c *Controller) isolation(ctx context.Context) (isolation.Proof, error) {
	if c.proof != isolation.Required {
		return isolation.Proof{}, nil
	}
	return isolation.Look(ctx, c.kube)
}

// attest gives a namespace its label. It fails with a conflict if the namespace is not any more what was looked at.
func (c *Controller) attest(ctx context.Context, ns *corev1.Namespace) error {
	patch, err := json.Marshal(map[string]any{"metadata": map[string]any{
		"uid": ns.UID, "resourceVersion": ns.ResourceVersion, "labels": map[string]string{v1alpha1.LabelGuarded: ns.Labels[v1alpha1.LabelRun]},
	}})
	if err != nil {
		return err
	}
	options := metav1.PatchOptions{FieldManager: controller.FieldManager(controller.Attest)}
	if _, err := c.kube.CoreV1().Namespaces().Patch(ctx, ns.Name, types.MergePatchType, patch, options); err != nil {
		return fmt.Errorf("label namespace %s as guarded: %w", ns.Name, err)
	}
	return nil
}
