package probe

import (
	"context"
	"fmt"
	"slices"
	"strings"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/kymaros/kymaros/pkg/apis/restore/v1alpha1"
)

var kinds = map[string]schema.GroupVersionResource{
	"Secret":                corev1.SchemeGroupVersion.WithResource("secrets"),
	"ConfigMap":             corev1.SchemeGroupVersion.WithResource("configmaps"),
	"Service":               corev1.SchemeGroupVersion.WithResource("services"),
	"PersistentVolumeClaim": corev1.SchemeGroupVersion.WithResource("persistentvolumeclaims"),
	"Pod":                   corev1.SchemeGroupVersion.WithResource("pods"),
	"Deployment":            appsv1.SchemeGroupVersion.WithResource("deployments"),
	"StatefulSet":           appsv1.SchemeGroupVersion.WithResource("statefulsets"),
}

// resourceExists passes when the objects exist. It asks for metadata only: no value of a Secret is ever read.
//
// Among several sandboxes one must have them all, and none may lack one that its source namespace has: that one would have
// come back elsewhere only.
func (p *Prober) resourceExists(ctx context.Context, among []v1alpha1.SandboxNamespace, check *v1alpha1.ResourceExistsCheck) (string, error) {
	var closest v1alpha1.SandboxNamespace
	var fewest, have, lost []string
	for i, sandbox := range among {
		if err := p.guard(ctx, sandbox); err != nil {
			return "", err
		}
		missing, err := p.missing(ctx, sandbox.Name, check.Resources)
		if err != nil {
			return "", err
		}
		if len(missing) == 0 {
			have = append(have, where(sandbox))
		}
		if i == 0 || len(missing) < len(fewest) {
			closest, fewest = sandbox, missing
		}
		if len(among) > 1 && len(missing) > 0 {
			those := slices.DeleteFunc(slices.Clone(check.Resources), func(r v1alpha1.ResourceReference) bool {
				return !slices.Contains(missing, r.Kind+"/"+r.Name)
			})
			gone, err := p.missing(ctx, sandbox.Source, those)
			if err != nil {
				return "", err
			}
			for _, name := range missing {
				if !slices.Contains(gone, name) {
					lost = append(lost, fmt.Sprintf("%s not found in %s", name, where(sandbox)))
				}
			}
		}
	}
	switch {
	case len(lost) > 0:
		return "", fmt.Errorf("%s, whose source has it; set namespace in the check to ask for one sandbox only", strings.Join(lost, ", "))
	case len(have) > 0 && len(among) > 1:
		return fmt.Sprintf("%d of %d objects exist in %s", len(check.Resources), len(check.Resources), strings.Join(have, ", ")), nil
	case len(have) > 0:
		return fmt.Sprintf("%d of %d objects exist", len(check.Resources), len(check.Resources)), nil
	case len(fewest) == len(check.Resources):
		return "", fmt.Errorf("%s not found in %s", strings.Join(fewest, ", "), places(among))
	}
	return "", fmt.Errorf("%s not found in %s", strings.Join(fewest, ", "), where(closest))
}

// missing returns those of the objects that do not exist, as kind/name in the order of the check.
func (p *Prober) missing(ctx context.Context, namespace string, resources []v1alpha1.ResourceReference) ([]string, error) {
	var missing []string
	for _, r := range resources {
		kind, ok := kinds[r.Kind]
		if !ok {
			return nil, finalf("kind %s is not known to resourceExists", r.Kind)
		}
		_, err := read(ctx, func(ctx context.Context) (*metav1.PartialObjectMetadata, error) {
			return p.metadata.Resource(kind).Namespace(namespace).Get(ctx, r.Name, metav1.GetOptions{})
		})
		switch {
		case apierrors.IsNotFound(err):
			missing = append(missing, r.Kind+"/"+r.Name)
		case apierrors.IsForbidden(err):
			return nil, untold{fmt.Errorf("Kymaros may not read %s in this cluster: leave %s/%s out of the check, or give it that right", kind.Resource, r.Kind, r.Name)} //nolint:staticcheck // a name
		case err != nil:
			return nil, fmt.Errorf("get %s/%s in %s: %w", r.Kind, r.Name, namespace, err)
		}
	}
	return missing, nil
}
