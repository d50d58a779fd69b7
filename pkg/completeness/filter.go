package completeness

import (
	"fmt"
	"regexp"
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

// Filter tells which objects of a source namespace the sandbox must hold, as far as the spec of the backup tells, and which
// objects of a sandbox came back.
type Filter struct {
	started   time.Time
	restore   string
	kinds     map[Kind]bool     // that the backup takes
	selectors []labels.Selector // any of them
	test      *v1alpha1.RestoreTestSpec
}

// NewFilter returns the filter for a backup that began at started and whose spec is backup, nil if it is not known. The
// test restores only what its spec says, by the Velero Restore of that name. It fails on a selector that cannot be read.
func NewFilter(started time.Time, backup *velerov1.BackupSpec, test *v1alpha1.RestoreTestSpec, restore string) (Filter, error) {
	f := Filter{started: started, restore: restore, kinds: map[Kind]bool{}, test: test}
	if backup == nil {
		backup = &velerov1.BackupSpec{}
	}
	for _, k := range append(slices.Clone(Kinds), Pod) {
		f.kinds[k] = Selected(k, backup.IncludedResources, backup.ExcludedResources) &&
			Selected(k, backup.IncludedNamespaceScopedResources, backup.ExcludedNamespaceScopedResources)
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

// Expectation is what a backup is to hold of an object of a source namespace.
type Expectation int

// Expectations.
const (
	// Ignored: it is younger than the backup, the cluster makes it by itself, or the test leaves it out.
	Ignored Expectation = iota
	// Expected: the backup must hold it, and a restore bring it back.
	Expected
	// LeftOut: it was there when the backup began, and the filters of the backup leave it out.
	LeftOut
)

// Expects tells what the backup is to hold of this object.
func (f Filter) Expects(kind Kind, o metav1.Object) Expectation {
	created := o.GetCreationTimestamp()
	set := labels.Set(o.GetLabels())
	switch {
	case f.test == nil: // the zero value, where nothing can be compared
		return Ignored
	case scope.LeavesOut(f.test, kind.GroupKind(), set):
		return Ignored
	// Times are whole seconds: what was made in the second in which the backup began may be in it or not.
	case !created.Time.Before(f.started) || o.GetDeletionTimestamp() != nil:
		return Ignored
	case kind == PersistentVolumeClaim && scope.Ephemeral(o):
		return Ignored
	case kind == ConfigMap && (scope.Everywhere(kind.GroupKind(), o.GetName()) || has(o, leaderAnnotation)):
		return Ignored
	case kind == Secret && has(o, tokenAnnotation):
		return Ignored
	case !f.kinds[kind] || set[velerov1.ExcludeFromBackupLabel] == "true":
		return LeftOut
	case len(f.selectors) == 0 || slices.ContainsFunc(f.selectors, func(s labels.Selector) bool { return s.Matches(set) }):
		return Expected
	}
	return LeftOut
}

// Listed tells what a sandbox is to hold of an object of which nothing is known but that the backup holds it: its namespace does not
// exist in this cluster. Labels are not known then, so there is no answer for a test that selects by them: see ByName.
func (f Filter) Listed(kind Kind, name string) Expectation {
	switch {
	case f.test == nil || scope.Excluded(f.test.Restore, kind.GroupKind()):
		return Ignored
	case kind == ConfigMap && scope.Everywhere(kind.GroupKind(), name):
		return Ignored
	case kind == Secret && tokenName.MatchString(name):
		return Ignored
	}
	return Expected
}

// tokenName is what the cluster once called the Secrets that it made with the token of a ServiceAccount.
var tokenName = regexp.MustCompile(`-token-[bcdfghjklmnpqrstvwxz2456789]{5}$`)

// ByName tells whether the name of an object is enough to tell that the test restores it.
func (f Filter) ByName() bool { return f.test != nil && len(f.test.BackupSource.LabelSelector) == 0 }

// Restored tells whether this object of a sandbox counts as come back. A claim must be of our Restore: a StatefulSet makes
// the claims that it misses anew, under the same names and empty.
func (f Filter) Restored(kind Kind, o metav1.Object) bool {
	return kind != PersistentVolumeClaim || o.GetLabels()[velerov1.RestoreNameLabel] == f.restore
}

func has(o metav1.Object, annotation string) bool {
	_, ok := o.GetAnnotations()[annotation]
	return ok
}

// Selected tells whether a backup with these lists of resources takes kind. Velero accepts whatever kubectl accepts.
func Selected(kind Kind, included, excluded []string) bool {
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
