package restore

import (
	"context"
	"fmt"

	storagev1 "k8s.io/api/storage/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/kymaros/kymaros/pkg/volumes"
)

// modifierSet names the ConfigMaps of one set of rules and the files that they are shipped in.
type modifierSet struct{ sandbox, sandboxFile, group, groupFile string }

var (
	defaultClass = modifierSet{ModifiersName, "manifests/20-modifiers.yaml", GroupModifiersName, "manifests/25-group-modifiers.yaml"}
	noClass      = modifierSet{SandboxNoClassName, "manifests/27-no-class-modifiers.yaml", GroupNoClassName, "manifests/27-no-class-modifiers.yaml"}
)

// chooseModifiers returns the rules for this cluster. A claim that stays without a storage class makes Velero 1.15 to 1.18 crash in
// the finalizer of the Restore, and again with each start. The fence refuses such claims, and a default class leaves none.
func (c *Controller) chooseModifiers(ctx context.Context) (modifierSet, error) {
	if c.options.RequireFence {
		return defaultClass, nil
	}
	classes, err := c.classes(ctx)
	if err != nil {
		return modifierSet{}, err
	}
	for i := range classes {
		if volumes.DefaultClass(&classes[i]) {
			return defaultClass, nil
		}
	}
	return noClass, nil
}

// classes returns the storage classes of the cluster, as the API server's cache has them.
func (c *Controller) classes(ctx context.Context) ([]storagev1.StorageClass, error) {
	list, err := c.kube.StorageV1().StorageClasses().List(ctx, metav1.ListOptions{ResourceVersion: "0"})
	if err != nil {
		return nil, fmt.Errorf("list StorageClasses: %w", err)
	}
	return list.Items, nil
}
