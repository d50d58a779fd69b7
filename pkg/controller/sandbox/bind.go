package sandbox

import (
	"context"
	"fmt"

	apierrors "k8s.io/apimachinery/pkg/api/errors"

	"github.com/kymaros/kymaros/pkg/apis/restore/v1alpha1"
	"github.com/kymaros/kymaros/pkg/controller"
	"github.com/kymaros/kymaros/pkg/guards"
)

// bind lets those look into the sandboxes of rt's run who may, all at once. Every sandbox is attested by now: the fence takes no
// binding before. It fails with why there can be no sandbox, if so.
func (c *Controller) bind(ctx context.Context, rt *v1alpha1.RestoreTest, sandboxes []v1alpha1.SandboxNamespace) (*verdict, error) {
	if !c.bindings {
		return nil, nil
	}
	var all []func() error
	for _, sandbox := range sandboxes {
		for _, want := range guards.Bindings(rt, sandbox, c.system) {
			all = append(all, func() error {
				_, err := c.kube.RbacV1().RoleBindings(sandbox.Name).Create(ctx, want, createOptions)
				if err != nil && !apierrors.IsAlreadyExists(err) {
					return fmt.Errorf("bind %s in sandbox %s: %w", want.RoleRef.Name, sandbox.Name, err)
				}
				return nil
			})
		}
	}
	err := controller.Together(all...)
	if err == nil {
		return nil, nil
	}
	return refusal(err, "a RoleBinding"), err
}
