// Package scope says which kinds are restored into a sandbox. It is an allow-list: a kind that nobody here has heard of
// stays out. It is pure.
package scope

import (
	"fmt"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/kymaros/kymaros/pkg/apis/restore/v1alpha1"
)

// kinds are restored unless a test leaves them out.
var kinds = []struct {
	resource string // plural, with its group
	kind     schema.GroupKind
}{
	{"pods", schema.GroupKind{Kind: "Pod"}}, // file-system backups are restored into them
	{"replicasets.apps", schema.GroupKind{Group: "apps", Kind: "ReplicaSet"}},
	{"controllerrevisions.apps", schema.GroupKind{Group: "apps", Kind: "ControllerRevision"}},
	{"deployments.apps", schema.GroupKind{Group: "apps", Kind: "Deployment"}},
	{"statefulsets.apps", schema.GroupKind{Group: "apps", Kind: "StatefulSet"}},
	{"services", schema.GroupKind{Kind: "Service"}},
	{"configmaps", schema.GroupKind{Kind: "ConfigMap"}},
	{"secrets", schema.GroupKind{Kind: "Secret"}},
	{"serviceaccounts", schema.GroupKind{Kind: "ServiceAccount"}},
	{"persistentvolumeclaims", schema.GroupKind{Kind: "PersistentVolumeClaim"}},
	{"cronjobs.batch", schema.GroupKind{Group: "batch", Kind: "CronJob"}}, // suspended by the modifiers; there to be counted
	{"volumesnapshots.snapshot.storage.k8s.io", schema.GroupKind{Group: "snapshot.storage.k8s.io", Kind: "VolumeSnapshot"}},
	{"volumesnapshotcontents.snapshot.storage.k8s.io", schema.GroupKind{Group: "snapshot.storage.k8s.io", Kind: "VolumeSnapshotContent"}},
}

// Resources returns what the Restore of a test includes, sorted, or the first of the test's wishes that is not permitted.
// permitted are the resources that the administrator lets tests ask for.
func Resources(test *v1alpha1.RestoreScope, permitted []string) ([]string, error) {
	var all []string
	for _, k := range kinds {
		all = append(all, k.resource)
	}
	if test != nil {
		for i, name := range test.IncludedResources {
			resource := string(name)
			if !slices.Contains(permitted, resource) && !slices.Contains(all, resource) {
				return nil, fmt.Errorf("spec.restore.includedResources[%d]: %s is not in the controller's flag --permitted-resources (%s); have it added there, or leave it out",
					i, resource, or(strings.Join(permitted, ","), "empty"))
			}
			all = append(all, resource)
		}
		all = slices.DeleteFunc(all, func(resource string) bool {
			return slices.Contains(test.ExcludedResources, v1alpha1.ResourceName(resource))
		})
	}
	slices.Sort(all)
	return slices.Compact(all), nil
}

// Unowned are labels of pods that would be restored without the controller they belong to, and run by themselves: those of
// Jobs, which do their work a second time, and those of DaemonSets. Nothing that carries one is restored.
var Unowned = []string{"batch.kubernetes.io/job-name", "job-name", "pod-template-generation"}

// Default tells whether objects of the kind are restored by a test that changes nothing.
func Default(kind schema.GroupKind) bool { return resourceOf(kind) != "" }

// Excluded tells whether the test leaves out a kind that is restored by default.
func Excluded(test *v1alpha1.RestoreScope, kind schema.GroupKind) bool {
	resource := resourceOf(kind)
	return test != nil && resource != "" && slices.Contains(test.ExcludedResources, v1alpha1.ResourceName(resource))
}

// Included tells whether the test asks for a kind that is not restored by default. The name of the resource is guessed from
// the kind, as kubectl's users would.
func Included(test *v1alpha1.RestoreScope, kind schema.GroupKind) bool {
	if test == nil {
		return false
	}
	plural, _ := meta.UnsafeGuessKindToResource(kind.WithVersion(""))
	return slices.Contains(test.IncludedResources, v1alpha1.ResourceName(plural.GroupResource().String()))
}

func resourceOf(kind schema.GroupKind) string {
	for _, k := range kinds {
		if k.kind == kind {
			return k.resource
		}
	}
	return ""
}

func or(s, otherwise string) string {
	if s == "" {
		return otherwise
	}
	return s
}
