package sandbox

import (
	"context"
	"errors"
	"fmt"
	"slices"

	rbacv1 "k8s.io/api/rbac/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/tools/pager"

	"github.com/kymaros/kymaros/pkg/apis/restore/v1alpha1"
)

// errFound ends a list early.
var errFound = errors.New("found")

// entitled looks, once a run and before anything is made, whether a binding of the cluster gives rights to a sandbox whose
// name the test has chosen.
func (c *Controller) entitled(ctx context.Context, sources []v1alpha1.SourceNamespace) (*verdict, error) {
	if !slices.ContainsFunc(sources, named) {
		return nil, nil
	}
	rbac := c.kube.RbacV1()
	for _, kind := range []struct {
		resource string
		list     func(context.Context, metav1.ListOptions) (runtime.Object, error)
	}{
		{"clusterrolebindings", func(ctx context.Context, o metav1.ListOptions) (runtime.Object, error) {
			return rbac.ClusterRoleBindings().List(ctx, cached(o))
		}},
		{"rolebindings", func(ctx context.Context, o metav1.ListOptions) (runtime.Object, error) {
			return rbac.RoleBindings(metav1.NamespaceAll).List(ctx, cached(o))
		}},
	} {
		var found *verdict
		err := pager.New(kind.list).EachListItem(ctx, metav1.ListOptions{}, func(o runtime.Object) error {
			switch b := o.(type) {
			case *rbacv1.ClusterRoleBinding:
				found = entitled(sources, "ClusterRoleBinding "+b.Name, b.Subjects)
			case *rbacv1.RoleBinding:
				found = entitled(sources, "RoleBinding "+b.Namespace+"/"+b.Name, b.Subjects)
			}
			if found != nil {
				return errFound
			}
			return nil
		})
		switch {
		case found != nil:
			return found, nil
		case apierrors.IsForbidden(err):
			return &verdict{v1alpha1.ReasonRejected, fmt.Sprintf(
				"the controller may not list %s, and a binding may give rights to a namespace of a sandboxName: apply manifests/10-rbac.yaml", kind.resource)}, nil
		case err != nil:
			return nil, fmt.Errorf("list %s: %w", kind.resource, err)
		}
	}
	return nil, nil
}

// cached asks the API server's cache: clusters have thousands of bindings. Further pages are of the version of the first.
func cached(o metav1.ListOptions) metav1.ListOptions {
	if o.Continue == "" {
		o.ResourceVersion = "0"
	}
	return o
}
