package completeness

import (
	"fmt"
	"slices"
	"strings"
	"time"

	velerov1 "github.com/vmware-tanzu/velero/pkg/apis/velero/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"

	"github.com/kymaros/kymaros/pkg/apis/restore/v1alpha1"
	"github.com/kymaros/kymaros/pkg/scope"
)

const (
	// tokenAnnotation is on every Secret of type kubernetes.io/service-account-token. Metadata does not tell the type.
	tokenAnnotation = "kubernetes.io/service-account.name"
	// leaderAnnotation is on a ConfigMap that serves as a lock of a running process.
	leaderAnnotation = "control-plane.alpha.kubernetes.io/leader"
)

// published are ConfigMaps that the cluster puts into every namespace by itself.
var published = []string{"kube-root-ca.crt", "openshift-service-ca.crt"}

// Filter tells which objects of a source namespace the sandbox must hold, and which objects of a sandbox came back.
type Filter struct {
	started   time.Time
	restore   string
	kinds     map[Kind]bool
	selectors []labels.Selector // any of them
	test      labels.Selector
}

// NewFilter returns the filter for a backup that began at started and whose spec is backup, nil if it is not known. The
// test restores only what its spec says, by the Velero Restore of that name. It fails on a selector that cannot be read.
func NewFilter(started time.Time, backup *velerov1.BackupSpec, test *v1alpha1.RestoreTestSpec, restore string) (Filter, error) {
	f := Filter{started: started, restore: restore, kinds: map[Kind]bool{}, test: labels.SelectorFromSet(test.BackupSource.LabelSelector)}
	if backup == nil {
		backup = &velerov1.BackupSpec{}
	}
	for _, k := range append(slices.Clone(Kinds), Pod) {
		f.kinds[k] = selected(k, backup.IncludedResources, backup.ExcludedResources) &&
			selected(k, backup.IncludedNamespaceScopedResources, backup.ExcludedNamespaceScopedResources) &&
			!scope.Excluded(test.Restore, k.GroupKind())
	}
	selectors := slices.Clone(backup.OrLabelSelectors)
	if backup.LabelSelector != nil {
		selectors = append(selectors, backup.LabelSelector)
	}
	for _, s := range selectors {
		selector, err := metav1.LabelSelectorAsSelector(s)
		if err != nil {
			return Filter{}, fmt.Errorf("label selector of the backup: %w", err)
		}
		f.selectors = append(f.selectors, selector)
	}
	return f, nil
}

// Expects tells whether the backup must hold this object of a source namespace, and a restore of it bring it back.
func (f Filter) Expects(kind Kind, o metav1.Object) bool {
	created := o.GetCreationTimestamp()
	set := labels.Set(o.GetLabels())
	switch {
	case !f.kinds[kind] || !f.test.Matches(set):
		return false
	// Times are whole seconds: what was made in the second in which the backup began may be in it or not.
	case !created.Time.Before(f.started) || o.GetDeletionTimestamp() != nil:
		return false
	case set[velerov1.ExcludeFromBackupLabel] == "true":
		return false
	case slices.ContainsFunc(scope.Unowned, set.Has):
		return false // our own selector leaves it out
	case kind == PersistentVolumeClaim && metav1.GetControllerOf(o) != nil:
		return false // of an ephemeral volume: it goes and comes with its pod
	case kind == ConfigMap && (slices.Contains(published, o.GetName()) || has(o, leaderAnnotation)):
		return false
	case kind == Secret && has(o, tokenAnnotation):
		return false
	}
	return len(f.selectors) == 0 || slices.ContainsFunc(f.selectors, func(s labels.Selector) bool { return s.Matches(set) })
}

// Restored tells whether this object of a sandbox counts as come back. A claim must be of our Restore: a StatefulSet makes
// the claims that it misses anew, under the same names and empty.
func (f Filter) Restored(kind Kind, o metav1.Object) bool {
	return kind != PersistentVolumeClaim || o.GetLabels()[velerov1.RestoreNameLabel] == f.restore
}

func has(o metav1.Object, annotation string) bool {
	_, ok := o.GetAnnotations()[annotation]
	return ok
}

// selected tells whether a backup with these lists of resources takes kind. Velero accepts whatever kubectl accepts.
func selected(kind Kind, included, excluded []string) bool {
	names := func(item string) bool {
		resource, group, grouped := strings.Cut(strings.ToLower(item), ".")
		return item == "*" || slices.Contains(aliases[kind], resource) && (!grouped || group == kind.Resource().Group)
	}
	return (len(included) == 0 || slices.ContainsFunc(included, names)) && !slices.ContainsFunc(excluded, names)
}

var aliases = map[Kind][]string{
	Deployment:            {"deployments", "deployment", "deploy"},
	StatefulSet:           {"statefulsets", "statefulset", "sts"},
	Service:               {"services", "service", "svc"},
	Secret:                {"secrets", "secret"},
	ConfigMap:             {"configmaps", "configmap", "cm"},
	PersistentVolumeClaim: {"persistentvolumeclaims", "persistentvolumeclaim", "pvc"},
	Pod:                   {"pods", "pod", "po"},
}
