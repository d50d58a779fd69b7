package nodes

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/kymaros/kymaros/pkg/apis/restore/v1alpha1"
	"github.com/kymaros/kymaros/pkg/isolation"
	"github.com/kymaros/kymaros/test/e2e/stage"
)

func TestOneNodeThatDoesNotEnforcePoliciesIsNamed(t *testing.T) {
	web.ready(t)
	t.Cleanup(func() {
		ctx := context.WithoutCancel(t.Context())
		if err := errors.Join(cluster.EnforcePoliciesOn(ctx, last, true), cluster.AwaitCanaries(ctx)); err != nil {
			t.Error(err)
		}
	})
	must(t, cluster.EnforcePoliciesOn(t.Context(), last, false))
	stage.Until(t, time.Minute, func(ctx context.Context) error {
		proof, err := isolation.Look(ctx, cluster.Kube)
		if err == nil && proof.State != v1alpha1.IsolationNotEnforced {
			err = fmt.Errorf("isolation is %s: %s", proof.State, proof.Message)
		}
		return err
	})
	restores, err := cluster.Kymaros.VeleroV1().Restores(stage.VeleroNamespace).List(t.Context(), metav1.ListOptions{})
	must(t, err)
	rt, report := cluster.AwaitEnd(t, cluster.Start(t, cluster.RestoreTest("unfenced", web.backup, web.namespace), answers("web")))
	tell(t, report)
	stage.Verdict(t, report, v1alpha1.ResultInconclusive, v1alpha1.ReasonIsolationNotEnforced)
	says(t, report, "on node "+third)
	changes, err := cluster.Kymaros.VeleroV1().Restores(stage.VeleroNamespace).Watch(t.Context(), metav1.ListOptions{
		ResourceVersion: restores.ResourceVersion, LabelSelector: v1alpha1.LabelTest + "=" + rt.Name, TimeoutSeconds: new(int64(2)),
	})
	must(t, err)
	for event := range changes.ResultChan() {
		t.Errorf("a Restore was %s: %v", event.Type, event.Object)
	}
}
