package sandbox

import (
	"context"
	"fmt"
	"net"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/kymaros/kymaros/pkg/apis/restore/v1alpha1"
	"github.com/kymaros/kymaros/pkg/names"
)

// newborn returns the annotations of a sandbox that the policy of manifests/newborn goes by. What is not known is left out, and that
// part of the policy does nothing then.
func (c *Controller) newborn(ctx context.Context, rt *v1alpha1.RestoreTest) (map[string]string, error) {
	all := map[string]string{}
	proof, err := c.isolation(ctx)
	if err != nil {
		return nil, err
	}
	if proof.Target != "" {
		all[v1alpha1.AnnotationGateTarget] = proof.Target
	}
	if rt.Status.Run.Spec.Sandbox.NetworkIsolation != v1alpha1.IsolationGroup {
		return all, nil
	}
	dns, err := c.kube.CoreV1().Services(c.system).Get(ctx, names.DNS, metav1.GetOptions{})
	switch {
	case apierrors.IsNotFound(err): // nothing is restored without it, and restore says so
	case err != nil:
		return nil, fmt.Errorf("get Service %s/%s: %w", c.system, names.DNS, err)
	case net.ParseIP(dns.Spec.ClusterIP) != nil:
		all[v1alpha1.AnnotationNameserver] = dns.Spec.ClusterIP
	}
	return all, nil
}
