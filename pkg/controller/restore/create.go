package restore

import (
	"context"
	"fmt"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/kymaros/kymaros/pkg/apis/restore/v1alpha1"
	"github.com/kymaros/kymaros/pkg/controller"
)

// create creates the Restore of rt's run, as p wants it, and returns its name. One that exists under it counts only if it is ours.
func (c *Controller) create(ctx context.Context, rt *v1alpha1.RestoreTest, p plan, now time.Time) (string, error) {
	var modifiers string
	err := controller.Together(
		func() error { return c.lastLook(ctx, rt) },
		func() error { return c.stillIsolated(ctx, rt, now) },
		func() (err error) { modifiers, err = c.modifiers(ctx, rt); return err },
	)
	if err != nil {
		return "", err
	}
	want := build(rt, p.status, scoped{p.resources, modifiers, p.contents}, c.options.VeleroNamespace, now)
	restores := c.client.VeleroV1().Restores(c.options.VeleroNamespace)
	_, err = restores.Create(ctx, want, metav1.CreateOptions{FieldManager: controller.FieldManager(controller.Restore)})
	if apierrors.IsAlreadyExists(err) {
		have, getErr := restores.Get(ctx, want.Name, metav1.GetOptions{})
		if getErr != nil {
			return "", getErr
		}
		if c.ours(rt, have) {
			return want.Name, nil
		}
	}
	if err != nil {
		return "", fmt.Errorf("create Restore %s: %w", want.Name, err)
	}
	return want.Name, nil
}
